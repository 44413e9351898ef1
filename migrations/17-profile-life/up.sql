-- Versions of profiles hold everything that a person can set, and name connections and providers instead of pointing at them:
-- a version outlives what it names, so that nothing has to be kept for the sake of a version that is no longer in use. No
-- earlier program wrote these tables.
DROP TABLE profile_target;
DROP TABLE profile_version;

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
    response_format         TEXT    CHECK (json_type(response_format) = 'object'),
    tool_configurations     TEXT    NOT NULL DEFAULT '[]' CHECK (json_type(tool_configurations) = 'array'),
    tool_choice             TEXT    CHECK (json_valid(tool_choice)),
    system_prompt           TEXT,
    -- NULL = as each connection says
    streaming_enabled       INTEGER CHECK (streaming_enabled IN (0, 1)),
    max_concurrent_requests INTEGER CHECK (max_concurrent_requests > 0),
    rate_limit_requests     INTEGER CHECK (rate_limit_requests > 0),
    rate_limit_period_s     INTEGER CHECK (rate_limit_period_s > 0),
    rate_limit_per_minute   INTEGER CHECK (rate_limit_per_minute > 0),
    rate_limit_per_day      INTEGER CHECK (rate_limit_per_day > 0),
    tokens_per_minute       INTEGER CHECK (tokens_per_minute > 0),
    timeout_s               INTEGER CHECK (timeout_s BETWEEN 1 AND 3600),
    max_attempts            INTEGER CHECK (max_attempts BETWEEN 1 AND 20),
    when_full               TEXT    CHECK (when_full IN ('rotate', 'wait', 'fail')),
    wait_s                  INTEGER CHECK (wait_s BETWEEN 0 AND 600),
    when_untaken            TEXT    NOT NULL DEFAULT 'drop' CHECK (when_untaken IN ('drop', 'refuse')),
    note                    TEXT    NOT NULL DEFAULT '',
    created_at              INTEGER NOT NULL,
    PRIMARY KEY (profile_id, version),
    CHECK ((rate_limit_requests IS NULL) = (rate_limit_period_s IS NULL))
) STRICT, WITHOUT ROWID;
CREATE TRIGGER profile_version_is_immutable BEFORE UPDATE ON profile_version
BEGIN SELECT raise(ABORT, 'a profile version never changes: add a new one'); END;

-- The chain: where a profile's call may go, in order, each step with its own model.
CREATE TABLE profile_target (
    profile_id     INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    position       INTEGER NOT NULL CHECK (position >= 1),
    connection_key TEXT,
    provider_slug  TEXT,
    model          TEXT    NOT NULL,
    PRIMARY KEY (profile_id, version, position),
    FOREIGN KEY (profile_id, version) REFERENCES profile_version (profile_id, version) ON DELETE CASCADE,
    CHECK ((connection_key IS NULL) <> (provider_slug IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX profile_target_connection ON profile_target (connection_key);
CREATE INDEX profile_target_provider ON profile_target (provider_slug);
CREATE TRIGGER profile_target_is_immutable BEFORE UPDATE ON profile_target
BEGIN SELECT raise(ABORT, 'a profile version never changes: add a new one'); END;
