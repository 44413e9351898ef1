-- Raw rows that were moved to files: one file a month, real rows and sample data apart. No earlier program wrote this table.
DROP TABLE archive;
CREATE TABLE archive (
    id         INTEGER PRIMARY KEY,
    -- 2026-08, UTC
    month      TEXT    NOT NULL CHECK (month GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]'),
    sample     INTEGER NOT NULL CHECK (sample IN (0, 1)),
    -- in the folder of archives; each writing of a month has a name of its own
    file       TEXT    NOT NULL UNIQUE,
    version    INTEGER NOT NULL CHECK (version >= 1),
    from_at    INTEGER NOT NULL,
    to_at      INTEGER NOT NULL CHECK (to_at > from_at),
    rows       INTEGER NOT NULL CHECK (rows > 0),
    bytes      INTEGER NOT NULL CHECK (bytes > 0),
    sha256     BLOB    NOT NULL CHECK (length(sha256) = 32),
    created_at INTEGER NOT NULL,
    -- rows after this one are not in the file, whenever they began
    upto_id    INTEGER NOT NULL,
    -- 1 while rows of the file are in the ledger too, where they count until they are deleted
    moving     INTEGER NOT NULL CHECK (moving IN (0, 1)),
    UNIQUE (month, sample)
) STRICT;

-- Signals whose first row is archived while later ones are not: each signal is counted once.
CREATE TABLE archived_signal (
    signal TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
