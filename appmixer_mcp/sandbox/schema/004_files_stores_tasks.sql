-- Files of users, and who is told of a task's outcome.

CREATE TABLE file (
    file_id      TEXT PRIMARY KEY,             -- UUID
    user_id      TEXT NOT NULL,                -- empty: a public file of the tenant
    filename     TEXT NOT NULL,
    content_type TEXT NOT NULL,
    content_id   TEXT NOT NULL,                -- whose chunks; another one when it is replaced
    length_bytes INTEGER NOT NULL,             -- chunks from here on are of a part under way
    md5          TEXT NOT NULL,                -- empty until every part is there
    parts_done   INTEGER NOT NULL,             -- 0: nothing is there yet, and nobody sees the file
    parts_total  INTEGER NOT NULL,
    upload_id    TEXT NOT NULL DEFAULT '',     -- of the latest part; an older one gives way
    uploaded_ms  INTEGER NOT NULL
);
CREATE INDEX file_by_user ON file (user_id, uploaded_ms);

CREATE TABLE file_chunk (
    content_id TEXT NOT NULL,
    start_byte INTEGER NOT NULL,
    content    BLOB NOT NULL,                  -- at most 261,120 bytes
    PRIMARY KEY (content_id, start_byte)
);
-- Whoever deletes a file, with its user perhaps, takes its content along.
CREATE TRIGGER file_chunk_goes AFTER DELETE ON file BEGIN
    DELETE FROM file_chunk WHERE content_id = old.content_id;
END;

CREATE TABLE task_webhook (
    webhook_id TEXT PRIMARY KEY,               -- 24 hex characters
    user_id    TEXT NOT NULL,                  -- who registered it
    task_id    TEXT NOT NULL,
    url        TEXT NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('pending', 'sent', 'fail')),
    error      TEXT NOT NULL DEFAULT '',
    attempts   INTEGER NOT NULL DEFAULT 0,
    due_ms     INTEGER,                        -- when it is called; null: not (any more)
    created_ms INTEGER NOT NULL,
    mtime_ms   INTEGER NOT NULL
);
CREATE TRIGGER task_webhook_goes AFTER DELETE ON task BEGIN
    DELETE FROM task_webhook WHERE task_id = old.task_id;
END;
CREATE INDEX task_webhook_by_task ON task_webhook (task_id);
CREATE INDEX task_webhook_due ON task_webhook (due_ms) WHERE due_ms IS NOT NULL;
