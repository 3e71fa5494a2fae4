-- Connecting accounts, published components, and what the plugins keep.

-- A session in which somebody connects an account with a browser.
CREATE TABLE auth_ticket (
    ticket         TEXT PRIMARY KEY,           -- user id:UUID
    user_id        TEXT NOT NULL,
    component_type TEXT NOT NULL DEFAULT '',   -- or a service id; empty until its URL was asked for
    component_id   TEXT NOT NULL DEFAULT '',   -- gets the account; empty for none
    state          TEXT UNIQUE,                -- the secret of the URL; null again once it was used
    account_id     TEXT,                       -- null until one was made
    error          TEXT NOT NULL DEFAULT '',
    finished       INTEGER NOT NULL DEFAULT 0,
    updated_ms     INTEGER NOT NULL
);

-- The descriptions in the archives that users have published; for all users of the tenant.
CREATE TABLE custom_manifest (
    selector   TEXT NOT NULL,                  -- vendor.service[.module[.Component]]
    kind       TEXT NOT NULL CHECK (kind IN ('component', 'module', 'service', 'bundle')),
    user_id    TEXT NOT NULL,                  -- who published it, and may replace and delete it
    body_json  TEXT NOT NULL,                  -- the file as it was sent
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (selector, kind)
) WITHOUT ROWID;

CREATE TABLE component_upload (
    ticket      TEXT PRIMARY KEY,              -- UUID
    user_id     TEXT NOT NULL,
    err         TEXT NOT NULL DEFAULT '',      -- empty when the archive was published
    data_json   TEXT NOT NULL DEFAULT '[]',    -- what is wrong with its files
    finished_ms INTEGER NOT NULL
);

-- Components that somebody has subscribed to an app event from outside.
CREATE TABLE event_trigger (
    user_id      TEXT NOT NULL,
    event        TEXT NOT NULL,
    flow_id      TEXT NOT NULL,
    component_id TEXT NOT NULL,
    created_ms   INTEGER NOT NULL,
    PRIMARY KEY (user_id, event, flow_id, component_id)
) WITHOUT ROWID;

-- What a callable flow takes and gives, where somebody has said so from outside.
CREATE TABLE subflow_fields (
    flow_id      TEXT NOT NULL,
    component_id TEXT NOT NULL,
    side         TEXT NOT NULL CHECK (side IN ('input', 'output')),
    user_id      TEXT NOT NULL,
    fields_json  TEXT NOT NULL,                -- [{"name", "type", "value"}]
    PRIMARY KEY (flow_id, component_id, side)
) WITHOUT ROWID;

CREATE TABLE chat_agent (
    seq          INTEGER PRIMARY KEY,
    user_id      TEXT NOT NULL,
    id           TEXT NOT NULL,
    name         TEXT NOT NULL DEFAULT '',
    message      TEXT NOT NULL DEFAULT '',     -- what it says first
    avatar       TEXT NOT NULL DEFAULT '',
    flow_id      TEXT NOT NULL DEFAULT '',
    component_id TEXT NOT NULL DEFAULT '',
    created_ms   INTEGER NOT NULL,
    UNIQUE (user_id, id)
);

CREATE TABLE chat_session (
    seq          INTEGER PRIMARY KEY,
    user_id      TEXT NOT NULL,
    id           TEXT NOT NULL,
    flow_id      TEXT NOT NULL DEFAULT '',
    component_id TEXT NOT NULL DEFAULT '',
    created_ms   INTEGER NOT NULL,
    UNIQUE (user_id, id)
);

CREATE TABLE chat_thread (
    seq        INTEGER PRIMARY KEY,
    user_id    TEXT NOT NULL,
    id         TEXT NOT NULL,
    agent_id   TEXT NOT NULL DEFAULT '',
    session_id TEXT NOT NULL DEFAULT '',
    theme      TEXT NOT NULL DEFAULT '',
    created_ms INTEGER NOT NULL,
    UNIQUE (user_id, id)
);
CREATE INDEX chat_thread_by_session ON chat_thread (user_id, session_id);

CREATE TABLE chat_message (
    seq            INTEGER PRIMARY KEY,        -- the order of a thread
    user_id        TEXT NOT NULL,
    id             TEXT NOT NULL UNIQUE,       -- UUID version 6, which rises with time
    thread_id      TEXT NOT NULL,
    content        TEXT NOT NULL DEFAULT '',
    role           TEXT NOT NULL CHECK (role IN ('user', 'agent')),
    correlation_id TEXT NOT NULL DEFAULT '',
    flow_id        TEXT NOT NULL DEFAULT '',
    component_id   TEXT NOT NULL DEFAULT '',
    created_ms     INTEGER NOT NULL
);
CREATE INDEX chat_message_by_thread ON chat_message (user_id, thread_id, seq);

-- MCP gateways that somebody has announced.
CREATE TABLE gateway (
    seq        INTEGER PRIMARY KEY,
    user_id    TEXT NOT NULL,
    gateway_id TEXT NOT NULL,
    body_json  TEXT NOT NULL,                  -- {"flowId", "componentId", "webhook", "tools"}
    UNIQUE (user_id, gateway_id)
);
