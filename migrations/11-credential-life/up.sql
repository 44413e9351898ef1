-- What a version lives through between its first day and its last.
ALTER TABLE credential ADD COLUMN tested_at INTEGER;
ALTER TABLE credential ADD COLUMN test_verdict TEXT CHECK (test_verdict IN ('passed', 'limited', 'failed'));
-- When the secret of a version that is not needed any more is erased by itself.
ALTER TABLE credential ADD COLUMN erase_at INTEGER;
ALTER TABLE credential ADD COLUMN purged_at INTEGER;

-- How the keys of a connection are looked after. A connection without a row keeps the defaults.
CREATE TABLE credential_policy (
    connection_id INTEGER NOT NULL PRIMARY KEY REFERENCES connection (id) ON DELETE CASCADE,
    -- null = no reminder
    remind_days   INTEGER CHECK (remind_days BETWEEN 1 AND 3650),
    use_standby   INTEGER NOT NULL CHECK (use_standby IN (0, 1)),
    erase_days    INTEGER NOT NULL CHECK (erase_days BETWEEN 0 AND 365)
) STRICT;
CREATE TRIGGER credential_policy_inserted AFTER INSERT ON credential_policy BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER credential_policy_updated  AFTER UPDATE ON credential_policy BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER credential_policy_deleted  AFTER DELETE ON credential_policy BEGIN UPDATE configuration SET version = version + 1; END;

-- Places in a vault that may hold a secret which no credential needs: noted before the vault is touched, crossed out once
-- it agrees. What a crash leaves here is erased from the vault later. It outlives connections, so it refers to none.
CREATE TABLE loose_secret (
    vault         TEXT    NOT NULL CHECK (vault IN ('keychain', 'file', 'memory')),
    store         TEXT    NOT NULL,
    connection_id INTEGER NOT NULL,
    version       INTEGER NOT NULL CHECK (version >= 1),
    -- the process that works on it: as long as that runs, nobody else does
    owner         TEXT    NOT NULL,
    PRIMARY KEY (vault, store, connection_id, version)
) STRICT, WITHOUT ROWID;
