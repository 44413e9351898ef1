-- What an attempt failed of, and whether it was its call's first, become labels: reports by cause and by route need no rows.
-- Rollups also keep how large attempts were and what signals cost. SQLite cannot change a UNIQUE, so these tables are made
-- anew; the rollup is filled from the rows when the store is opened.

CREATE TABLE new_series (
    id              INTEGER PRIMARY KEY,
    connection_id   INTEGER NOT NULL,
    connection_key  TEXT    NOT NULL,
    connection_name TEXT    NOT NULL,
    provider        TEXT    NOT NULL,
    model           TEXT    NOT NULL,
    app             TEXT    NOT NULL,
    feature         TEXT    NOT NULL,
    profile         TEXT    NOT NULL DEFAULT '',
    usage_type      TEXT    NOT NULL CHECK (usage_type IN ('chat', 'embedding', 'test', 'count')),
    outcome         TEXT    NOT NULL CHECK (outcome IN ('answered', 'failed', 'limited', 'cancelled', 'cut', 'interrupted')),
    -- '' where there was none
    error_class     TEXT    NOT NULL DEFAULT '',
    -- a call's first attempt, or a later one
    route           TEXT    NOT NULL CHECK (route IN ('direct', 'failover')),
    -- 1 = made by the sample data, which can be removed again
    sample          INTEGER NOT NULL DEFAULT 0 CHECK (sample IN (0, 1)),
    UNIQUE (connection_id, connection_key, connection_name, provider, model, app, feature, profile, usage_type, outcome,
        error_class, route, sample)
) STRICT;

INSERT INTO new_series (connection_id, connection_key, connection_name, provider, model, app, feature, profile, usage_type,
    outcome, error_class, route, sample)
SELECT DISTINCT s.connection_id, s.connection_key, s.connection_name, s.provider, s.model, s.app, s.feature, s.profile,
    s.usage_type, s.outcome, coalesce(u.error_class, ''), iif(u.attempt > 1, 'failover', 'direct'), s.sample
FROM usage u JOIN series s ON s.id = u.series_id;

CREATE TABLE new_usage (
    id                 INTEGER PRIMARY KEY,
    call               BLOB    NOT NULL CHECK (length(call) = 16),
    attempt            INTEGER NOT NULL CHECK (attempt >= 1),
    at                 INTEGER NOT NULL,
    series_id          INTEGER NOT NULL REFERENCES new_series (id),
    -- 1 on the attempt that ended its call: counts of calls are sums of this column
    final              INTEGER NOT NULL CHECK (final IN (0, 1)),
    signal             TEXT,
    profile_version    INTEGER,
    requested_model    TEXT    NOT NULL,
    credential_version INTEGER,
    input_tokens       INTEGER CHECK (input_tokens >= 0),
    output_tokens      INTEGER CHECK (output_tokens >= 0),
    cached_tokens      INTEGER CHECK (cached_tokens >= 0),
    cache_write_tokens INTEGER CHECK (cache_write_tokens >= 0),
    reasoning_tokens   INTEGER CHECK (reasoning_tokens >= 0),
    cost_nano_usd      INTEGER CHECK (cost_nano_usd >= 0),
    cost_source        TEXT    NOT NULL CHECK (cost_source IN ('reported', 'priced', 'estimated', 'unknown')),
    total_ms           INTEGER NOT NULL CHECK (total_ms >= 0),
    first_token_ms     INTEGER CHECK (first_token_ms >= 0),
    status             INTEGER CHECK (status BETWEEN 100 AND 599),
    error_class        TEXT,
    message            TEXT,
    finish_reason      TEXT,
    streamed           INTEGER NOT NULL CHECK (streamed IN (0, 1)),
    upstream_id        TEXT,
    -- who was passed by on the way to an attempt, and how long it waited; NULL where it came straight
    detours            TEXT    CHECK (json_type(detours) = 'object'),
    UNIQUE (call, attempt),
    CHECK ((cost_nano_usd IS NULL) = (cost_source = 'unknown'))
) STRICT;

INSERT INTO new_usage (id, call, attempt, at, series_id, final, signal, profile_version, requested_model, credential_version,
    input_tokens, output_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, cost_nano_usd, cost_source, total_ms,
    first_token_ms, status, error_class, message, finish_reason, streamed, upstream_id, detours)
SELECT u.id, u.call, u.attempt, u.at, n.id, u.final, u.signal, u.profile_version, u.requested_model, u.credential_version,
    u.input_tokens, u.output_tokens, u.cached_tokens, u.cache_write_tokens, u.reasoning_tokens, u.cost_nano_usd,
    u.cost_source, u.total_ms, u.first_token_ms, u.status, u.error_class, u.message, u.finish_reason, u.streamed,
    u.upstream_id, u.detours
FROM usage u JOIN series s ON s.id = u.series_id
JOIN new_series n ON n.connection_id = s.connection_id AND n.connection_key = s.connection_key
    AND n.connection_name = s.connection_name AND n.provider = s.provider AND n.model = s.model AND n.app = s.app
    AND n.feature = s.feature AND n.profile = s.profile AND n.usage_type = s.usage_type AND n.outcome = s.outcome
    AND n.error_class = coalesce(u.error_class, '') AND n.route = iif(u.attempt > 1, 'failover', 'direct')
    AND n.sample = s.sample;

DROP TABLE rollup;
DROP TABLE usage;
DROP TABLE series;
ALTER TABLE new_series RENAME TO series;
ALTER TABLE new_usage RENAME TO usage;

CREATE INDEX usage_at ON usage (at);
CREATE INDEX usage_series_at ON usage (series_id, at);
CREATE INDEX usage_signal ON usage (signal) WHERE signal IS NOT NULL;
CREATE TRIGGER usage_is_append_only BEFORE UPDATE ON usage
BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;

-- Sums of a quarter of an hour (UTC). `latency`, `first_token` (milliseconds) and `sizes` (tokens in and out of an attempt)
-- are mergeable histograms (HDR, V2); empty where nothing was counted.
CREATE TABLE rollup (
    bucket               INTEGER NOT NULL CHECK (bucket % 900000 = 0),
    series_id            INTEGER NOT NULL REFERENCES series (id),
    attempts             INTEGER NOT NULL,
    calls                INTEGER NOT NULL,
    -- calls answered by a later attempt than their first
    saved_calls          INTEGER NOT NULL,
    input_tokens         INTEGER NOT NULL,
    output_tokens        INTEGER NOT NULL,
    cached_tokens        INTEGER NOT NULL,
    cache_write_tokens   INTEGER NOT NULL,
    reasoning_tokens     INTEGER NOT NULL,
    cost_nano_usd        INTEGER NOT NULL,
    unpriced_attempts    INTEGER NOT NULL,
    -- signals whose first attempt is here, and what attempts that name a signal cost
    signals              INTEGER NOT NULL,
    signal_cost_nano_usd INTEGER NOT NULL,
    latency              BLOB    NOT NULL,
    first_token          BLOB    NOT NULL,
    sizes                BLOB    NOT NULL,
    PRIMARY KEY (bucket, series_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX rollup_series ON rollup (series_id, bucket);
