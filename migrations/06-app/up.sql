-- A local program with its own gateway token. Only the SHA-256 of the token is kept: it has 256 bits of its own.
CREATE TABLE app (
    id                      INTEGER PRIMARY KEY,
    name                    TEXT    NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 64),
    state                   TEXT    NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'revoked')),
    feature                 TEXT    CHECK (length(feature) BETWEEN 1 AND 64),
    allowed_models          TEXT    CHECK (allowed_models IS NULL OR json_type(allowed_models) = 'array'),
    rate_limit_per_minute   INTEGER CHECK (rate_limit_per_minute > 0),
    max_concurrent_requests INTEGER CHECK (max_concurrent_requests > 0),
    max_output_tokens       INTEGER CHECK (max_output_tokens > 0),
    created_at              INTEGER NOT NULL,
    updated_at              INTEGER NOT NULL
) STRICT;

-- A rotated token stays valid until `expires_at`.
CREATE TABLE app_token (
    id         INTEGER PRIMARY KEY,
    app_id     INTEGER NOT NULL REFERENCES app (id) ON DELETE CASCADE,
    hash       BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    tail       TEXT    NOT NULL CHECK (length(tail) = 4),
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;
CREATE INDEX app_token_app ON app_token (app_id);

-- A cap on money, requests or tokens. `scope_name` is the slug, key or name of what it caps, null for everything.
CREATE TABLE budget (
    id         INTEGER PRIMARY KEY,
    scope      TEXT    NOT NULL CHECK (scope IN ('all', 'provider', 'connection', 'profile', 'app', 'feature')),
    scope_name TEXT,
    period     TEXT    NOT NULL CHECK (period IN ('day', 'month')),
    measure    TEXT    NOT NULL DEFAULT 'money' CHECK (measure IN ('money', 'requests', 'tokens')),
    cap        INTEGER NOT NULL CHECK (cap >= 0),
    on_limit   TEXT    NOT NULL DEFAULT 'stop' CHECK (on_limit IN ('warn', 'degrade', 'stop')),
    levels     TEXT    NOT NULL DEFAULT '[50,80,95,100]' CHECK (json_type(levels) = 'array'),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CHECK ((scope = 'all') = (scope_name IS NULL))
) STRICT;
CREATE UNIQUE INDEX budget_one_each ON budget (scope, coalesce(scope_name, ''), period, measure);

CREATE TRIGGER app_inserted AFTER INSERT ON app BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER app_updated  AFTER UPDATE ON app BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER app_deleted  AFTER DELETE ON app BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER app_token_inserted AFTER INSERT ON app_token BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER app_token_updated  AFTER UPDATE ON app_token BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER app_token_deleted  AFTER DELETE ON app_token BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER budget_inserted AFTER INSERT ON budget BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER budget_updated  AFTER UPDATE ON budget BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER budget_deleted  AFTER DELETE ON budget BEGIN UPDATE configuration SET version = version + 1; END;
