-- Whole days, weeks and months of the trader's zone, summed up once they are over: what reports over years read instead of
-- quarters of an hour. One row holds all combinations of labels, column by column; another one beside it the sums of all of them.
-- It is only ever a copy: a span that is not here is read from `rollup`, and whatever changes a bucket removes the spans that
-- hold it.
CREATE TABLE settled (
    id                   INTEGER PRIMARY KEY,
    kind                 TEXT    NOT NULL CHECK (kind IN ('day', 'week', 'month')),
    from_at              INTEGER NOT NULL CHECK (from_at % 900000 = 0),
    to_at                INTEGER NOT NULL CHECK (to_at % 900000 = 0 AND to_at > from_at),
    -- 1 = of all series together: of the first "series" all answered attempts, of the second all others
    of_all               INTEGER NOT NULL CHECK (of_all IN (0, 1)),
    -- 0 while it is being summed up: it holds nothing yet, and is gone if a bucket changes meanwhile
    is_whole             INTEGER NOT NULL CHECK (is_whole IN (0, 1)),
    -- numbers of any length: ids of series, each as its distance from the one before
    series               BLOB,
    -- one number for each series, in that order
    calls                BLOB,
    attempts             BLOB,
    cost_nano_usd        BLOB,
    saved_calls          BLOB,
    input_tokens         BLOB,
    output_tokens        BLOB,
    cached_tokens        BLOB,
    cache_write_tokens   BLOB,
    reasoning_tokens     BLOB,
    unpriced_attempts    BLOB,
    signals              BLOB,
    signal_cost_nano_usd BLOB,
    -- of days: for each series how many hours (quarters, where the zone is off by a part of an hour) had any attempt and which;
    -- then one number for each of those
    slots                BLOB,
    slot_calls           BLOB,
    slot_attempts        BLOB,
    slot_cost_nano_usd   BLOB,
    -- for each series the length of its histogram, and the histogram
    latency              BLOB,
    first_token          BLOB,
    sizes                BLOB
) STRICT;
CREATE INDEX settled_span ON settled (kind, from_at, to_at, of_all, is_whole);
CREATE INDEX settled_end ON settled (to_at);

-- The newest attempts lie after everything that is settled: then a look at the last end is all that this costs.
CREATE TRIGGER rollup_insert_reopens AFTER INSERT ON rollup WHEN NEW.bucket < (SELECT max(to_at) FROM settled)
BEGIN
    DELETE FROM settled WHERE kind = 'day' AND to_at > NEW.bucket
        AND from_at = (SELECT max(from_at) FROM settled WHERE kind = 'day' AND from_at <= NEW.bucket);
    DELETE FROM settled WHERE kind = 'week' AND to_at > NEW.bucket
        AND from_at = (SELECT max(from_at) FROM settled WHERE kind = 'week' AND from_at <= NEW.bucket);
    DELETE FROM settled WHERE kind = 'month' AND to_at > NEW.bucket
        AND from_at = (SELECT max(from_at) FROM settled WHERE kind = 'month' AND from_at <= NEW.bucket);
END;
CREATE TRIGGER rollup_update_reopens AFTER UPDATE ON rollup WHEN NEW.bucket < (SELECT max(to_at) FROM settled)
BEGIN
    DELETE FROM settled WHERE kind = 'day' AND to_at > NEW.bucket
        AND from_at = (SELECT max(from_at) FROM settled WHERE kind = 'day' AND from_at <= NEW.bucket);
    DELETE FROM settled WHERE kind = 'week' AND to_at > NEW.bucket
        AND from_at = (SELECT max(from_at) FROM settled WHERE kind = 'week' AND from_at <= NEW.bucket);
    DELETE FROM settled WHERE kind = 'month' AND to_at > NEW.bucket
        AND from_at = (SELECT max(from_at) FROM settled WHERE kind = 'month' AND from_at <= NEW.bucket);
END;
CREATE TRIGGER rollup_delete_reopens AFTER DELETE ON rollup WHEN OLD.bucket < (SELECT max(to_at) FROM settled)
BEGIN
    DELETE FROM settled WHERE kind = 'day' AND to_at > OLD.bucket
        AND from_at = (SELECT max(from_at) FROM settled WHERE kind = 'day' AND from_at <= OLD.bucket);
    DELETE FROM settled WHERE kind = 'week' AND to_at > OLD.bucket
        AND from_at = (SELECT max(from_at) FROM settled WHERE kind = 'week' AND from_at <= OLD.bucket);
    DELETE FROM settled WHERE kind = 'month' AND to_at > OLD.bucket
        AND from_at = (SELECT max(from_at) FROM settled WHERE kind = 'month' AND from_at <= OLD.bucket);
END;

-- A new one with every change of `series`, so that a process can tell whether what it remembers of it is so still.
CREATE TABLE series_version (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version BLOB    NOT NULL
) STRICT;
INSERT INTO series_version VALUES (1, randomblob(16));
CREATE TRIGGER series_insert_is_new AFTER INSERT ON series BEGIN UPDATE series_version SET version = randomblob(16); END;
CREATE TRIGGER series_update_is_new AFTER UPDATE ON series BEGIN UPDATE series_version SET version = randomblob(16); END;
CREATE TRIGGER series_delete_is_new AFTER DELETE ON series BEGIN UPDATE series_version SET version = randomblob(16); END;
