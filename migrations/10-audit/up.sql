-- The audit log in full. Nothing has written the earlier table, so it makes way.
DROP TRIGGER audit_is_append_only_update;
DROP TABLE audit;

-- Append-only and chained: `hash` covers the row and the hash before it. `id` is the entry's number, without gaps.
CREATE TABLE audit (
    id       INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    actor    TEXT    NOT NULL CHECK (actor IN ('user', 'scheduler', 'router', 'import', 'app')),
    action   TEXT    NOT NULL CHECK (length(action) BETWEEN 1 AND 40),
    kind     TEXT    NOT NULL CHECK (length(kind) BETWEEN 1 AND 40),
    name     TEXT    NOT NULL,
    -- {"field": {"before": …, "after": …}}
    change   TEXT    NOT NULL DEFAULT '{}' CHECK (json_type(change) = 'object'),
    reason   TEXT    NOT NULL DEFAULT '',
    previous BLOB    NOT NULL CHECK (length(previous) = 32),
    hash     BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_object ON audit (kind, name, id);

-- One row: where the chain begins (the last entry that its retention let go) and where it ends, so that entries which
-- are missing at either end are noticed too.
CREATE TABLE audit_chain (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    first_id   INTEGER NOT NULL,
    first_hash BLOB    NOT NULL CHECK (length(first_hash) = 32),
    last_id    INTEGER NOT NULL CHECK (last_id >= first_id),
    last_hash  BLOB    NOT NULL CHECK (length(last_hash) = 32)
) STRICT;
INSERT INTO audit_chain VALUES (1, 0, zeroblob(32), 0, zeroblob(32));

CREATE TRIGGER audit_is_append_only_insert BEFORE INSERT ON audit
WHEN NEW.id <> (SELECT last_id + 1 FROM audit_chain)
BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_append_only_update BEFORE UPDATE ON audit
BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_append_only_delete BEFORE DELETE ON audit
WHEN OLD.id > (SELECT first_id FROM audit_chain)
BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
