-- Facts about this store, settings that both shells share, and the version that tells a running process to reread
-- its configuration. Times everywhere are milliseconds since 1970-01-01 UTC; money is integer nano-USD.

CREATE TABLE setting (
    name       TEXT    NOT NULL PRIMARY KEY,
    value      TEXT    NOT NULL CHECK (json_valid(value)),
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row. `version` grows with every change of configuration, by the triggers beside each table.
CREATE TABLE configuration (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO configuration (id, version) VALUES (1, 1);

CREATE TRIGGER setting_inserted AFTER INSERT ON setting BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER setting_updated  AFTER UPDATE ON setting BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER setting_deleted  AFTER DELETE ON setting BEGIN UPDATE configuration SET version = version + 1; END;
