-- A connection that was deleted a moment ago, with every row that went along, so that the deletion can be taken back. Its secrets
-- stay in the vault for as long, noted as loose by the same owner: where that process is gone, the next start erases both.
CREATE TABLE deleted_connection (
    connection_id  INTEGER NOT NULL PRIMARY KEY,
    connection_key TEXT    NOT NULL,
    -- the process that may take it back
    owner          TEXT    NOT NULL,
    -- 1 = it was its provider's default
    was_default    INTEGER NOT NULL CHECK (was_default IN (0, 1)),
    -- rows by table
    content        TEXT    NOT NULL CHECK (json_type(content) = 'object')
) STRICT;
