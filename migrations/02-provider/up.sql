-- A service that answers calls. Rows with `built_in` come from the catalogue and are refreshed from it.
CREATE TABLE provider (
    id                      INTEGER PRIMARY KEY,
    slug                    TEXT    NOT NULL UNIQUE CHECK (slug GLOB '[a-z0-9]*' AND slug NOT GLOB '*[^a-z0-9_-]*'),
    name                    TEXT    NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 80),
    protocol                TEXT    NOT NULL CHECK (protocol IN ('openai', 'responses', 'anthropic', 'gemini')),
    api_base_url            TEXT    NOT NULL,
    status                  TEXT    NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'maintenance', 'deprecated')),
    supported_models        TEXT    NOT NULL DEFAULT '[]' CHECK (json_type(supported_models) = 'array'),
    max_concurrent_requests INTEGER CHECK (max_concurrent_requests > 0),
    default_timeout_s       INTEGER NOT NULL DEFAULT 60 CHECK (default_timeout_s BETWEEN 1 AND 3600),
    supports_streaming      INTEGER NOT NULL DEFAULT 1 CHECK (supports_streaming IN (0, 1)),
    default_connection_id   INTEGER REFERENCES connection (id) ON DELETE SET NULL,
    built_in                INTEGER NOT NULL DEFAULT 0 CHECK (built_in IN (0, 1)),
    created_at              INTEGER NOT NULL,
    updated_at              INTEGER NOT NULL
) STRICT;
CREATE INDEX provider_default_connection ON provider (default_connection_id);

CREATE TRIGGER provider_inserted AFTER INSERT ON provider BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER provider_updated  AFTER UPDATE ON provider BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER provider_deleted  AFTER DELETE ON provider BEGIN UPDATE configuration SET version = version + 1; END;
