-- Log records that are found quickly among a million: numbered by their instant, and indexed, that
-- is, counted by day and with the words that they hold.

-- `seq` is the instant in epoch milliseconds times 2^20, plus the record's place within it: so every
-- index is in the order of time, and a window of time is a range of `seq`.
CREATE TABLE timed_log (
    seq            INTEGER PRIMARY KEY,        -- `_id` is its 16 hex digits
    at_ms          INTEGER GENERATED ALWAYS AS (seq >> 20) VIRTUAL, -- gridTimestamp and @timestamp
    user_id        TEXT NOT NULL,              -- the flow's owner
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
    msg            TEXT NOT NULL DEFAULT '',   -- JSON text of the data, or a plain sentence
    err            TEXT NOT NULL DEFAULT '',   -- JSON text of the error
    input_messages TEXT NOT NULL DEFAULT ''    -- JSON text
);

CREATE TEMP TABLE renumbered AS
    SELECT seq AS before,
        at_ms * 1048576 + row_number() OVER (PARTITION BY at_ms ORDER BY seq) - 1 AS seq
    FROM log;
CREATE INDEX temp.renumbered_before ON renumbered (before);
-- Up to which record `controls.OnError` has told.
UPDATE state SET value_json =
    (SELECT max(seq) FROM renumbered WHERE before <= CAST(state.value_json AS INTEGER))
    WHERE key = 'cursor'
    AND EXISTS (SELECT 1 FROM renumbered WHERE before <= CAST(state.value_json AS INTEGER));
INSERT INTO timed_log (seq, user_id, flow_id, component_id, component_type, severity, port,
        port_type, correlation_id, sender_id, sender_type, sender_port, msg, err, input_messages)
    SELECT renumbered.seq, user_id, flow_id, component_id, component_type, severity, port,
        port_type, correlation_id, sender_id, sender_type, sender_port, msg, err, input_messages
    FROM log JOIN renumbered ON before = log.seq ORDER BY renumbered.seq;
DROP TABLE temp.renumbered;
DROP TABLE log;
ALTER TABLE timed_log RENAME TO log;

-- What follows `seq` is there so that a window of time is counted from the index alone.
CREATE INDEX log_by_flow ON log (flow_id, seq, user_id, severity);
CREATE INDEX log_by_user ON log (user_id, seq, severity);
CREATE INDEX log_by_component ON log (component_id);
CREATE INDEX log_by_severity ON log (user_id, severity);
CREATE INDEX log_by_correlation ON log (correlation_id);

-- How many of the indexed records there are of each kind and day (UTC).
CREATE TABLE log_day (
    user_id        TEXT NOT NULL,
    flow_id        TEXT NOT NULL,
    day            INTEGER NOT NULL,           -- days since 1970
    component_id   TEXT NOT NULL,
    component_type TEXT NOT NULL,
    severity       TEXT NOT NULL,
    port_type      TEXT NOT NULL,
    port           TEXT NOT NULL,
    count          INTEGER NOT NULL,           -- above 0
    PRIMARY KEY (
        user_id, flow_id, day, component_id, component_type, severity, port_type, port
    )
) WITHOUT ROWID;

-- The words of each indexed record, but not the texts themselves. `scope` holds one word each for
-- user, flow, component and severity, so that a search within them needs no other table.
CREATE VIRTUAL TABLE log_words USING fts5 (
    scope, msg_words, err_words, input_words,
    content = '', columnsize = 0, tokenize = "unicode61 remove_diacritics 0 tokenchars '_'"
);

-- Records that are not indexed yet: that is done in batches, behind the messages.
CREATE TABLE log_new (
    seq INTEGER PRIMARY KEY
);
INSERT INTO log_new SELECT seq FROM log;
CREATE TRIGGER log_written AFTER INSERT ON log BEGIN
    INSERT INTO log_new VALUES (new.seq);
END;
CREATE TRIGGER log_removed AFTER DELETE ON log BEGIN
    DELETE FROM log_new WHERE seq = old.seq;
END;

-- Deleted flows whose records are still being removed; no search shows them.
CREATE TABLE log_gone (
    flow_id  TEXT PRIMARY KEY,
    last_seq INTEGER NOT NULL                  -- what is written later is another flow with this id
) WITHOUT ROWID;

-- What the planner takes the indexes for: a full tenant with one main user and many flows.
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 VALUES
    ('log', 'log_by_flow', '1000000 20000 1 1 1'),
    ('log', 'log_by_user', '1000000 900000 1 1'),
    ('log', 'log_by_component', '1000000 3000'),
    ('log', 'log_by_severity', '1000000 900000 300000'),
    ('log', 'log_by_correlation', '1000000 6');
