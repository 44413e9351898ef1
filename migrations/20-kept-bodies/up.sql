-- How many seconds an app's requests and answers are kept; NULL: not at all, unless somebody turns it on.
ALTER TABLE app ADD COLUMN keep_bodies_s INTEGER CHECK (keep_bodies_s BETWEEN 3600 AND 2592000);

-- What an app sent and got, sealed by a key that lies in the vault.
CREATE TABLE kept_body (
    call     BLOB    NOT NULL CHECK (length(call) = 16),
    part     TEXT    NOT NULL CHECK (part IN ('request', 'answer')),
    app_id   INTEGER NOT NULL REFERENCES app (id) ON DELETE CASCADE,
    sealed   BLOB    NOT NULL,
    -- 1 = only its beginning is kept
    is_cut   INTEGER NOT NULL CHECK (is_cut IN (0, 1)),
    erase_at INTEGER NOT NULL,
    PRIMARY KEY (call, part)
) STRICT, WITHOUT ROWID;
CREATE INDEX kept_body_erase_at ON kept_body (erase_at);
CREATE INDEX kept_body_app ON kept_body (app_id);
