-- The ledger: one row per attempt, and its rollup, written in one transaction. It outlives what it names, so it holds
-- names as they were and no foreign keys into configuration.

-- Every combination of labels that ever occurred, once. Rows and rollups point here, so both speak of the same groups.
CREATE TABLE series (
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
    -- 1 = made by the sample data, which can be removed again
    sample          INTEGER NOT NULL DEFAULT 0 CHECK (sample IN (0, 1)),
    UNIQUE (connection_id, connection_key, connection_name, provider, model, app, feature, profile, usage_type, outcome, sample)
) STRICT;

CREATE TABLE usage (
    id                 INTEGER PRIMARY KEY,
    call               BLOB    NOT NULL CHECK (length(call) = 16),
    attempt            INTEGER NOT NULL CHECK (attempt >= 1),
    at                 INTEGER NOT NULL,
    series_id          INTEGER NOT NULL REFERENCES series (id),
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
    UNIQUE (call, attempt),
    CHECK ((cost_nano_usd IS NULL) = (cost_source = 'unknown'))
) STRICT;
CREATE INDEX usage_at ON usage (at);
CREATE INDEX usage_series_at ON usage (series_id, at);
CREATE INDEX usage_signal ON usage (signal) WHERE signal IS NOT NULL;

-- Sums of a quarter of an hour (UTC). `latency` and `first_token` are mergeable histograms of milliseconds (HDR, V2).
CREATE TABLE rollup (
    bucket             INTEGER NOT NULL CHECK (bucket % 900000 = 0),
    series_id          INTEGER NOT NULL REFERENCES series (id),
    attempts           INTEGER NOT NULL,
    calls              INTEGER NOT NULL,
    -- calls answered by a later attempt than their first
    saved_calls        INTEGER NOT NULL,
    input_tokens       INTEGER NOT NULL,
    output_tokens      INTEGER NOT NULL,
    cached_tokens      INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    reasoning_tokens   INTEGER NOT NULL,
    cost_nano_usd      INTEGER NOT NULL,
    unpriced_attempts  INTEGER NOT NULL,
    latency            BLOB    NOT NULL,
    first_token        BLOB,
    PRIMARY KEY (bucket, series_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX rollup_series ON rollup (series_id, bucket);

-- Attempts on their way. A row here at the start of a process whose `owner` is gone was cut by a crash.
CREATE TABLE open_attempt (
    call            BLOB    NOT NULL CHECK (length(call) = 16),
    attempt         INTEGER NOT NULL CHECK (attempt >= 1),
    owner           TEXT    NOT NULL,
    record          TEXT    NOT NULL CHECK (json_valid(record)),
    PRIMARY KEY (call, attempt)
) STRICT, WITHOUT ROWID;

-- Raw rows that were moved to a file.
CREATE TABLE archive (
    id         INTEGER PRIMARY KEY,
    file       TEXT    NOT NULL UNIQUE,
    from_at    INTEGER NOT NULL,
    to_at      INTEGER NOT NULL CHECK (to_at > from_at),
    rows       INTEGER NOT NULL CHECK (rows >= 0),
    bytes      INTEGER NOT NULL CHECK (bytes >= 0),
    sha256     BLOB    NOT NULL CHECK (length(sha256) = 32),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TRIGGER usage_is_append_only BEFORE UPDATE ON usage
BEGIN SELECT raise(ABORT, 'the ledger is append-only'); END;
