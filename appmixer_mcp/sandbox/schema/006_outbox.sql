-- Mails that flows and the tenant itself have written; nothing sends them.
CREATE TABLE outbox (
    mail_id     TEXT PRIMARY KEY,              -- 24 hex characters
    user_id     TEXT NOT NULL,                 -- whose flow wrote it
    sender      TEXT NOT NULL DEFAULT '',
    to_json     TEXT NOT NULL,                 -- ["ann@example.com"]
    subject     TEXT NOT NULL,
    text        TEXT NOT NULL DEFAULT '',
    html        TEXT NOT NULL DEFAULT '',
    attachments_json TEXT NOT NULL DEFAULT '[]', -- file ids
    flow_id     TEXT NOT NULL DEFAULT '',
    component_id TEXT NOT NULL DEFAULT '',
    created_ms  INTEGER NOT NULL
);
CREATE INDEX outbox_by_user ON outbox (user_id, created_ms);
