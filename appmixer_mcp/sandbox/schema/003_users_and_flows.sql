-- Forgotten passwords, flows that others may see, what flows were before they were changed, and
-- work whose progress can be asked for.

ALTER TABLE user ADD COLUMN vendor_json TEXT NOT NULL DEFAULT '[]';  -- whose components they publish

CREATE TABLE password_reset (
    user_id    TEXT PRIMARY KEY,               -- a new code replaces the one before
    code_hash  TEXT NOT NULL UNIQUE,
    created_ms INTEGER NOT NULL
);

CREATE TABLE flow_share (
    flow_id          TEXT NOT NULL,
    position         INTEGER NOT NULL,         -- in `sharedWith`
    kind             TEXT NOT NULL CHECK (kind IN ('email', 'domain', 'scope')),
    recipient        TEXT NOT NULL COLLATE NOCASE,
    permissions_json TEXT NOT NULL,            -- ["read", "start", "stop"]
    PRIMARY KEY (flow_id, position)
) WITHOUT ROWID;
CREATE INDEX flow_share_by_recipient ON flow_share (kind, recipient);

-- The first version kept `sharedWith` as it was sent, and shared nothing by it.
UPDATE flow SET extra_json = json_remove(extra_json, '$.sharedWith');

-- The instances of a template.
CREATE INDEX flow_by_template ON flow (json_extract(extra_json, '$.templateId'))
    WHERE json_extract(extra_json, '$.templateId') IS NOT NULL;

CREATE TABLE flow_version (
    version_id      TEXT PRIMARY KEY,          -- 24 hex characters
    flow_id         TEXT NOT NULL,
    number          INTEGER NOT NULL,          -- rising within a flow
    type            TEXT NOT NULL CHECK (type IN ('manual', 'autosave')),
    label           TEXT NOT NULL DEFAULT '',
    descriptor_json TEXT NOT NULL,
    created_ms      INTEGER NOT NULL,
    UNIQUE (flow_id, number)
);

-- Work that was done and can be asked after by a ticket. `user_id` is who had it done.
CREATE TABLE job (
    ticket     TEXT PRIMARY KEY,               -- UUID
    user_id    TEXT NOT NULL,
    subject    TEXT NOT NULL,                  -- the id of the user or the flow it was about
    steps      INTEGER NOT NULL,
    steps_done INTEGER NOT NULL,               -- without those that failed
    error      TEXT NOT NULL,                  -- empty unless some failed
    created_ms INTEGER NOT NULL
);
CREATE INDEX job_by_age ON job (created_ms);
