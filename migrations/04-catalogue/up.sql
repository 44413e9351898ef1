-- What can be called, at what price, and under which other names.
CREATE TABLE model (
    provider_id    INTEGER NOT NULL REFERENCES provider (id) ON DELETE CASCADE,
    model          TEXT    NOT NULL CHECK (length(model) BETWEEN 1 AND 200),
    state          TEXT    NOT NULL DEFAULT 'available' CHECK (state IN ('available', 'unavailable', 'deprecated')),
    context_window INTEGER CHECK (context_window > 0),
    max_output     INTEGER CHECK (max_output > 0),
    capabilities   TEXT    NOT NULL DEFAULT '[]' CHECK (json_type(capabilities) = 'array'),
    source         TEXT    NOT NULL CHECK (source IN ('bundled', 'synced', 'test', 'user')),
    first_seen_at  INTEGER NOT NULL,
    last_seen_at   INTEGER NOT NULL,
    PRIMARY KEY (provider_id, model)
) STRICT, WITHOUT ROWID;

-- Which connection can reach a model, as its own list said.
CREATE TABLE connection_model (
    connection_id INTEGER NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
    model         TEXT    NOT NULL CHECK (length(model) BETWEEN 1 AND 200),
    allowed       INTEGER NOT NULL DEFAULT 1 CHECK (allowed IN (0, 1)),
    seen_at       INTEGER NOT NULL,
    PRIMARY KEY (connection_id, model)
) STRICT, WITHOUT ROWID;
CREATE INDEX connection_model_by_model ON connection_model (model);

-- A price in nano-USD per million tokens, from a moment on. The bundled table is not here: these rows come before it.
CREATE TABLE price (
    id               INTEGER PRIMARY KEY,
    provider_slug    TEXT    NOT NULL,
    model            TEXT    NOT NULL,
    effective_from   INTEGER NOT NULL,
    input            INTEGER NOT NULL CHECK (input >= 0),
    output           INTEGER NOT NULL CHECK (output >= 0),
    cached_input     INTEGER CHECK (cached_input >= 0),
    cache_write      INTEGER CHECK (cache_write >= 0),
    above_tokens     INTEGER CHECK (above_tokens > 0),
    source           TEXT    NOT NULL CHECK (source IN ('user', 'provider')),
    created_at       INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX price_version ON price (provider_slug, model, source, effective_from, coalesce(above_tokens, 0));

-- A well-known id that stands for any target.
CREATE TABLE alias (
    alias  TEXT NOT NULL PRIMARY KEY CHECK (length(alias) BETWEEN 1 AND 200),
    target TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER connection_model_inserted AFTER INSERT ON connection_model BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER connection_model_updated  AFTER UPDATE OF allowed ON connection_model BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER connection_model_deleted  AFTER DELETE ON connection_model BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER price_inserted AFTER INSERT ON price BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER price_updated  AFTER UPDATE ON price BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER price_deleted  AFTER DELETE ON price BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER alias_inserted AFTER INSERT ON alias BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER alias_updated  AFTER UPDATE ON alias BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER alias_deleted  AFTER DELETE ON alias BEGIN UPDATE configuration SET version = version + 1; END;
