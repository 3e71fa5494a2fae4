-- The tables of the first version. Instants are epoch milliseconds (`_ms`), JSON columns end in
-- `_json`. A released file of this folder never changes; a change is a file with the next number.
-- Ids are the API's ids. Deleting a flow or a user is done by the code that owns it, in one transaction.

CREATE TABLE user (
    user_id       TEXT PRIMARY KEY,            -- 24 hex characters
    username      TEXT NOT NULL UNIQUE COLLATE NOCASE,
    email         TEXT NOT NULL,
    password_hash TEXT NOT NULL,               -- empty: no password signs this user in
    scope_json    TEXT NOT NULL,               -- ["user"]
    plan          TEXT NOT NULL DEFAULT 'free',
    is_active     INTEGER NOT NULL DEFAULT 1,
    metadata_json TEXT NOT NULL DEFAULT '{}',
    created_ms    INTEGER NOT NULL
);

CREATE TABLE flow (
    flow_id         TEXT PRIMARY KEY,          -- UUID
    user_id         TEXT NOT NULL,
    name            TEXT NOT NULL,
    descriptor_json TEXT NOT NULL,             -- the flow descriptor, as it was sent
    stage           TEXT NOT NULL CHECK (stage IN ('stopped', 'running')),
    run_id          INTEGER NOT NULL DEFAULT 0,-- flowRunId: epoch ms of the latest start, rising
    extra_json      TEXT NOT NULL DEFAULT '{}',-- description, customFields, thumbnail, wizard, sharedWith, type, …
    btime_ms        INTEGER NOT NULL,
    mtime_ms        INTEGER NOT NULL,
    started_ms      INTEGER,
    stopped_ms      INTEGER
);
CREATE INDEX flow_by_user ON flow (user_id, mtime_ms);

-- What is still to be done: messages on their way to an in port, webhook calls, timeouts, ticks and
-- events (what was published to a topic that the component listens to).
-- A row is deleted in the transaction that stores everything its handling brought about.
CREATE TABLE message (
    seq            INTEGER PRIMARY KEY,
    message_id     TEXT NOT NULL UNIQUE,       -- UUID
    flow_id        TEXT NOT NULL,
    run_id         INTEGER NOT NULL,           -- dropped when the flow was started anew since
    component_id   TEXT NOT NULL,              -- who handles it
    kind           TEXT NOT NULL CHECK (kind IN ('message', 'webhook', 'timeout', 'tick', 'event')),
    in_port        TEXT NOT NULL DEFAULT '',   -- empty unless kind is message
    sender_id      TEXT NOT NULL DEFAULT '',
    sender_type    TEXT NOT NULL DEFAULT '',
    sender_port    TEXT NOT NULL DEFAULT '',
    correlation_id TEXT NOT NULL,
    content_json   TEXT NOT NULL,              -- as it was sent, before the transform
    scope_json     TEXT NOT NULL DEFAULT '{}', -- componentId -> outPort -> content
    attempt        INTEGER NOT NULL DEFAULT 0, -- how often it has failed
    due_ms         INTEGER NOT NULL,
    created_ms     INTEGER NOT NULL
);
CREATE INDEX message_due ON message (due_ms, seq);
CREATE INDEX message_by_flow ON message (flow_id, due_ms, seq);

CREATE TABLE unprocessed (
    message_id     TEXT PRIMARY KEY,           -- of the message that failed
    user_id        TEXT NOT NULL,
    flow_id        TEXT NOT NULL,
    run_id         INTEGER NOT NULL,
    component_id   TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    message_json   TEXT NOT NULL,              -- the row of `message`, to put it back
    messages_json  TEXT NOT NULL,              -- inPort -> [engine message], as the API shows it
    error_json     TEXT NOT NULL,              -- {"message", "code", "name"}
    created_ms     INTEGER NOT NULL
);
CREATE INDEX unprocessed_by_flow ON unprocessed (flow_id, created_ms);
CREATE INDEX unprocessed_by_user ON unprocessed (user_id, created_ms);

CREATE TABLE state (
    flow_id      TEXT NOT NULL,
    component_id TEXT NOT NULL,
    key          TEXT NOT NULL,
    value_json   TEXT NOT NULL,
    PRIMARY KEY (flow_id, component_id, key)
) WITHOUT ROWID;

-- Which components of running flows listen to something outside: an app event, a task's decision.
CREATE TABLE listener (
    flow_id      TEXT NOT NULL,
    component_id TEXT NOT NULL,
    user_id      TEXT NOT NULL,
    topic        TEXT NOT NULL,                -- event:<name> or task:<task id>
    correlation_id TEXT NOT NULL DEFAULT '',
    scope_json   TEXT NOT NULL DEFAULT '{}',   -- kept for what is emitted when it happens
    created_ms   INTEGER NOT NULL,
    PRIMARY KEY (topic, flow_id, component_id)
) WITHOUT ROWID;
CREATE INDEX listener_by_flow ON listener (flow_id);

CREATE TABLE log (
    seq            INTEGER PRIMARY KEY,        -- rises with time; breaks ties between equal instants
    log_id         TEXT NOT NULL UNIQUE,       -- `_id`
    user_id        TEXT NOT NULL,
    flow_id        TEXT NOT NULL,
    component_id   TEXT NOT NULL DEFAULT '',
    component_type TEXT NOT NULL DEFAULT '',
    severity       TEXT NOT NULL,              -- info, warning, error, trace
    port           TEXT NOT NULL DEFAULT '',
    port_type      TEXT NOT NULL DEFAULT '',   -- in, out, or empty
    correlation_id TEXT NOT NULL DEFAULT '',
    sender_id      TEXT NOT NULL DEFAULT '',
    sender_type    TEXT NOT NULL DEFAULT '',
    sender_port    TEXT NOT NULL DEFAULT '',
    at_ms          INTEGER NOT NULL,           -- gridTimestamp and @timestamp
    msg            TEXT NOT NULL DEFAULT '',   -- JSON text of the data, or a plain sentence
    err            TEXT NOT NULL DEFAULT '',   -- JSON text of the error
    input_messages TEXT NOT NULL DEFAULT ''    -- JSON text
);
-- The histogram by day of a search is counted from the first two alone.
CREATE INDEX log_by_flow ON log (flow_id, at_ms, seq, user_id, severity);
CREATE INDEX log_by_user ON log (user_id, at_ms, seq, severity);
CREATE INDEX log_by_severity ON log (user_id, severity, at_ms, seq);
CREATE INDEX log_by_correlation ON log (correlation_id, at_ms, seq);

CREATE TABLE store (
    store_id   TEXT PRIMARY KEY,               -- 24 hex characters
    user_id    TEXT NOT NULL,
    name       TEXT NOT NULL,
    created_ms INTEGER NOT NULL
);
CREATE INDEX store_by_user ON store (user_id);

CREATE TABLE record (
    store_id   TEXT NOT NULL,
    key        TEXT NOT NULL,
    value_json TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (store_id, key)
) WITHOUT ROWID;

CREATE TABLE task (
    task_id     TEXT PRIMARY KEY,              -- 24 hex characters
    user_id     TEXT NOT NULL,                 -- whose flow or call made it
    flow_id     TEXT NOT NULL DEFAULT '',
    title       TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    status      TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'rejected', 'due')),
    approver    TEXT NOT NULL COLLATE NOCASE,  -- e-mail
    requester   TEXT NOT NULL COLLATE NOCASE,  -- e-mail
    decision_by_ms   INTEGER,
    decision_made_ms INTEGER,
    created_ms  INTEGER NOT NULL,
    mtime_ms    INTEGER NOT NULL
);
CREATE INDEX task_by_approver ON task (approver, created_ms);
CREATE INDEX task_by_requester ON task (requester, created_ms);

CREATE TABLE account (
    account_id   TEXT PRIMARY KEY,             -- 24 hex characters
    user_id      TEXT NOT NULL,
    service      TEXT NOT NULL,                -- vendor:service
    name         TEXT NOT NULL,
    display_name TEXT,
    profile_json TEXT NOT NULL DEFAULT '{}',
    secret_json  TEXT NOT NULL DEFAULT '{}',   -- never returned
    created_ms   INTEGER NOT NULL,
    UNIQUE (user_id, service, name)
);

CREATE TABLE account_binding (
    user_id      TEXT NOT NULL,                -- an imported flow may repeat another user's ids
    component_id TEXT NOT NULL,                -- component ids are looked up without the flow's id
    account_id   TEXT NOT NULL,
    PRIMARY KEY (user_id, component_id)
) WITHOUT ROWID;

CREATE TABLE chart (
    chart_id   TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL,
    body_json  TEXT NOT NULL,                  -- name, index, type, options, query, traces
    mtime_ms   INTEGER NOT NULL
);
CREATE INDEX chart_by_user ON chart (user_id);
