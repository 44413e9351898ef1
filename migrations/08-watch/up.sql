-- What happened to the desk: tests, alerts, and who changed what.

CREATE TABLE connection_check (
    id            INTEGER PRIMARY KEY,
    connection_id INTEGER NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
    at            INTEGER NOT NULL,
    took_ms       INTEGER NOT NULL CHECK (took_ms >= 0),
    verdict       TEXT    NOT NULL CHECK (verdict IN ('passed', 'failed', 'limited')),
    report        TEXT    NOT NULL CHECK (json_valid(report))
) STRICT;
CREATE INDEX connection_check_latest ON connection_check (connection_id, at);

CREATE TABLE alert (
    id            INTEGER PRIMARY KEY,
    kind          TEXT    NOT NULL,
    subject       TEXT    NOT NULL,
    level         TEXT    NOT NULL CHECK (level IN ('info', 'warn', 'bad')),
    state         TEXT    NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'acknowledged', 'snoozed', 'closed')),
    message       TEXT    NOT NULL,
    evidence      TEXT    NOT NULL DEFAULT '{}' CHECK (json_valid(evidence)),
    opened_at     INTEGER NOT NULL,
    snoozed_until INTEGER,
    closed_at     INTEGER
) STRICT;
CREATE UNIQUE INDEX alert_one_open ON alert (kind, subject) WHERE state <> 'closed';
CREATE INDEX alert_opened ON alert (opened_at);

-- Append-only and chained: `hash` covers the row and the hash before it.
CREATE TABLE audit (
    id        INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    actor     TEXT    NOT NULL CHECK (actor IN ('user', 'scheduler', 'router', 'import', 'app')),
    action    TEXT    NOT NULL,
    object    TEXT    NOT NULL,
    change    TEXT    NOT NULL DEFAULT '{}' CHECK (json_valid(change)),
    reason    TEXT    NOT NULL DEFAULT '',
    previous  BLOB    NOT NULL CHECK (length(previous) = 32),
    hash      BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX audit_at ON audit (at);
CREATE TRIGGER audit_is_append_only_update BEFORE UPDATE ON audit
BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
