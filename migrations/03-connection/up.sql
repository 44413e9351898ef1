-- One account at one provider. Secrets are in the vault, never here.
CREATE TABLE connection (
    -- never used again, because the ledger outlives its connection
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    connection_key          TEXT    NOT NULL UNIQUE
                            CHECK (length(connection_key) BETWEEN 1 AND 64 AND connection_key NOT GLOB '*[^a-z0-9_-]*'),
    provider_id             INTEGER NOT NULL REFERENCES provider (id) ON DELETE RESTRICT,
    name                    TEXT    NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 80),
    status                  TEXT    NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive', 'suspended')),
    priority                INTEGER NOT NULL DEFAULT 1 CHECK (priority >= 1),
    -- settings
    base_url                TEXT,
    default_model           TEXT,
    organization            TEXT,
    project                 TEXT,
    proxy                   TEXT,
    headers                 TEXT    NOT NULL DEFAULT '{}' CHECK (json_type(headers) = 'object'),
    -- limits: both forms of the same thing are accepted
    rate_limit_requests     INTEGER CHECK (rate_limit_requests > 0),
    rate_limit_period_s     INTEGER CHECK (rate_limit_period_s > 0),
    rate_limit_per_minute   INTEGER CHECK (rate_limit_per_minute > 0),
    rate_limit_per_day      INTEGER CHECK (rate_limit_per_day > 0),
    tokens_per_minute       INTEGER CHECK (tokens_per_minute > 0),
    max_concurrent_requests INTEGER CHECK (max_concurrent_requests > 0),
    max_retries             INTEGER NOT NULL DEFAULT 1 CHECK (max_retries BETWEEN 0 AND 10),
    connect_timeout_ms      INTEGER NOT NULL DEFAULT 5000 CHECK (connect_timeout_ms BETWEEN 1 AND 600000),
    first_byte_timeout_ms   INTEGER NOT NULL DEFAULT 60000 CHECK (first_byte_timeout_ms BETWEEN 1 AND 3600000),
    idle_timeout_ms         INTEGER NOT NULL DEFAULT 120000 CHECK (idle_timeout_ms BETWEEN 1 AND 3600000),
    total_timeout_ms        INTEGER NOT NULL DEFAULT 600000 CHECK (total_timeout_ms BETWEEN 1 AND 86400000),
    streaming_enabled       INTEGER NOT NULL DEFAULT 1 CHECK (streaming_enabled IN (0, 1)),
    -- an untested connection is left out of chains until a test passes or the user enables it
    tested                  INTEGER NOT NULL DEFAULT 0 CHECK (tested IN (0, 1)),
    created_at              INTEGER NOT NULL,
    updated_at              INTEGER NOT NULL,
    CHECK ((rate_limit_requests IS NULL) = (rate_limit_period_s IS NULL))
) STRICT;
CREATE INDEX connection_order ON connection (provider_id, priority, id);

-- A versioned secret of a connection. The vault holds the secret under (connection_id, version).
CREATE TABLE credential (
    id            INTEGER PRIMARY KEY,
    connection_id INTEGER NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
    version       INTEGER NOT NULL CHECK (version >= 1),
    state         TEXT    NOT NULL
                  CHECK (state IN ('staged', 'active', 'standby', 'retiring', 'revoked', 'purged')),
    tail          TEXT    NOT NULL DEFAULT '' CHECK (length(tail) <= 4),
    fingerprint   TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    activated_at  INTEGER,
    retired_at    INTEGER,
    expires_at    INTEGER,
    UNIQUE (connection_id, version)
) STRICT;
CREATE UNIQUE INDEX credential_one_active ON credential (connection_id) WHERE state = 'active';
CREATE INDEX credential_fingerprint ON credential (fingerprint);

-- What calls have taught us of a connection. Written with each usage row; no trigger, it is not configuration.
CREATE TABLE connection_state (
    connection_id      INTEGER NOT NULL PRIMARY KEY REFERENCES connection (id) ON DELETE CASCADE,
    success_count      INTEGER NOT NULL DEFAULT 0 CHECK (success_count >= 0),
    error_count        INTEGER NOT NULL DEFAULT 0 CHECK (error_count >= 0),
    consecutive_errors INTEGER NOT NULL DEFAULT 0 CHECK (consecutive_errors >= 0),
    last_used_at       INTEGER,
    last_error_at      INTEGER,
    last_error_class   TEXT,
    last_error_message TEXT,
    -- set by a refused key or an exhausted account; cleared by a success or by the user
    needs_attention    INTEGER NOT NULL DEFAULT 0 CHECK (needs_attention IN (0, 1)),
    breaker            TEXT    NOT NULL DEFAULT 'closed' CHECK (breaker IN ('closed', 'open', 'half_open')),
    breaker_until      INTEGER,
    breaker_cooldown_ms INTEGER CHECK (breaker_cooldown_ms > 0)
) STRICT;

-- A provider's own signal (429 with Retry-After and the like): this model rests on this connection.
CREATE TABLE cooldown (
    connection_id INTEGER NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
    model         TEXT    NOT NULL,
    until         INTEGER NOT NULL,
    reason        TEXT    NOT NULL,
    PRIMARY KEY (connection_id, model)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER connection_inserted AFTER INSERT ON connection BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER connection_updated  AFTER UPDATE ON connection BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER connection_deleted  AFTER DELETE ON connection BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER credential_inserted AFTER INSERT ON credential BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER credential_updated  AFTER UPDATE ON credential BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER credential_deleted  AFTER DELETE ON credential BEGIN UPDATE configuration SET version = version + 1; END;
