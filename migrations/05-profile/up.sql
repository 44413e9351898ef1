-- A named model configuration. Every edit makes an immutable version; `version` points at the one in use.
CREATE TABLE profile (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 80),
    version    INTEGER NOT NULL CHECK (version >= 1),
    archived   INTEGER NOT NULL DEFAULT 0 CHECK (archived IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE profile_version (
    profile_id              INTEGER NOT NULL REFERENCES profile (id) ON DELETE CASCADE,
    version                 INTEGER NOT NULL CHECK (version >= 1),
    model_name              TEXT    NOT NULL,
    temperature             REAL    CHECK (temperature BETWEEN 0 AND 2),
    top_p                   REAL    CHECK (top_p BETWEEN 0 AND 1),
    max_tokens              INTEGER CHECK (max_tokens > 0),
    presence_penalty        REAL    CHECK (presence_penalty BETWEEN -2 AND 2),
    frequency_penalty       REAL    CHECK (frequency_penalty BETWEEN -2 AND 2),
    seed                    INTEGER,
    stop_sequences          TEXT    NOT NULL DEFAULT '[]' CHECK (json_type(stop_sequences) = 'array'),
    max_concurrent_requests INTEGER CHECK (max_concurrent_requests > 0),
    timeout_ms              INTEGER CHECK (timeout_ms > 0),
    streaming_enabled       INTEGER NOT NULL DEFAULT 1 CHECK (streaming_enabled IN (0, 1)),
    response_format         TEXT    CHECK (response_format IS NULL OR json_valid(response_format)),
    tool_configurations     TEXT    CHECK (tool_configurations IS NULL OR json_valid(tool_configurations)),
    system_prompt           TEXT,
    note                    TEXT    NOT NULL DEFAULT '',
    created_at              INTEGER NOT NULL,
    PRIMARY KEY (profile_id, version)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER profile_version_is_immutable BEFORE UPDATE ON profile_version
BEGIN SELECT raise(ABORT, 'a profile version never changes: add a new one'); END;

-- The chain: where a profile's call may go, in order, each step with its own model.
CREATE TABLE profile_target (
    profile_id    INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    position      INTEGER NOT NULL CHECK (position >= 1),
    connection_id INTEGER REFERENCES connection (id) ON DELETE RESTRICT,
    provider_id   INTEGER REFERENCES provider (id) ON DELETE RESTRICT,
    model         TEXT    NOT NULL,
    PRIMARY KEY (profile_id, version, position),
    FOREIGN KEY (profile_id, version) REFERENCES profile_version (profile_id, version) ON DELETE CASCADE,
    CHECK ((connection_id IS NULL) <> (provider_id IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX profile_target_connection ON profile_target (connection_id);
CREATE INDEX profile_target_provider ON profile_target (provider_id);

CREATE TRIGGER profile_inserted AFTER INSERT ON profile BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER profile_updated  AFTER UPDATE ON profile BEGIN UPDATE configuration SET version = version + 1; END;
CREATE TRIGGER profile_deleted  AFTER DELETE ON profile BEGIN UPDATE configuration SET version = version + 1; END;
