//! What reports cost, beside the plain SQL over the raw rows that they replace. `PATCHBAY_BENCH_ATTEMPTS` says how many
//! attempts the ledger has (200,000 where nobody says), spread over three years, 40 connections, 120 models and 15 apps.
#![expect(clippy::unwrap_used, reason = "a benchmark may stop where something is wrong")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::tz::TimeZone;
use patchbay_core::report::{Field, Filter, GroupBy};
use patchbay_core::time::{HOUR_MS, Range, Timestamp, zone};
use patchbay_store::{Db, Store, rollup};

const NOW: Timestamp = Timestamp(1_795_189_320_000);
const DAY_MS: i64 = 24 * HOUR_MS;
const YEARS_MS: i64 = 3 * 365 * DAY_MS;

fn attempts() -> i64 {
    std::env::var("PATCHBAY_BENCH_ATTEMPTS").ok().and_then(|count| count.parse().ok()).unwrap_or(200_000)
}

/// Each app uses a few models at a few connections; nine of ten attempts are answered.
fn fill(db: &Db, count: i64) {
    let begin = NOW.0 - YEARS_MS;
    db.execute_batch(&format!(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1199)
         INSERT INTO series (connection_id, connection_key, connection_name, provider, model, app, feature, usage_type,
             outcome, error_class, route)
         SELECT i % 40, 'c' || i % 40, 'C' || i % 40, 'p' || i % 8, 'm' || i / 10, 'a' || i % 15, 'f' || i % 7, 'chat',
             iif(i % 10 = 9, 'failed', 'answered'), iif(i % 10 = 9, 'timed_out', ''), 'direct' FROM n;
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {count} - 1)
         INSERT INTO usage (call, attempt, at, series_id, final, requested_model, input_tokens, output_tokens,
             cost_nano_usd, cost_source, total_ms, streamed)
         SELECT randomblob(16), 1, {begin} + i * {YEARS_MS} / {count}, 1 + (i * 7919 + i / 90 * 31) % 1200, 1, 'm',
             1000 + i % 900, 200 + i % 90, 1000000 + i % 77777, 'priced', 300 + i * 37 % 4000, 0 FROM n;"
    ))
    .unwrap();
    rollup::rebuild(db).unwrap();
    db.execute_batch("ANALYZE").unwrap();
}

fn raw(db: &Db, by: &str, days: i64) -> i64 {
    let sql = format!(
        "SELECT {by} AS key, count(*), sum(final), sum(input_tokens), sum(output_tokens), sum(cost_nano_usd)
         FROM usage u JOIN series s ON s.id = u.series_id WHERE u.at >= ?1 GROUP BY key"
    );
    let mut statement = db.prepare_cached(&sql).unwrap();
    let mut rows = statement.query([NOW.0 - days * DAY_MS]).unwrap();
    let mut sum = 0;
    while let Some(row) = rows.next().unwrap() {
        sum += row.get::<_, i64>(5).unwrap();
    }
    sum
}

fn last(days: i64) -> Filter {
    Filter::during(Range { from: NOW.plus_ms(-days * DAY_MS), to: NOW.plus_ms(1) })
}

fn reports(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let count = attempts();
    store
        .write(move |db| {
            fill(db, count);
            Ok(())
        })
        .unwrap();
    let zone: TimeZone = zone("America/New_York").unwrap();
    let mut group = criterion.benchmark_group(format!("{count} attempts"));
    group.sample_size(20);
    for days in [30, 1_095] {
        group.bench_function(format!("totals, {days} days"), |bench| {
            bench.iter(|| store.read(|db| rollup::totals(db, black_box(&last(days)))).unwrap().attempts);
        });
        group.bench_function(format!("by provider, {days} days"), |bench| {
            bench.iter(|| {
                store.read(|db| rollup::groups(db, &last(days), GroupBy::Provider, &zone)).unwrap().len()
            });
        });
        group.bench_function(format!("by provider over raw rows, {days} days"), |bench| {
            bench.iter(|| store.read(|db| Ok(raw(db, "s.provider", days))).unwrap());
        });
        group.bench_function(format!("one app by model, {days} days"), |bench| {
            let filter = last(days).only(Field::App, "a3");
            bench.iter(|| store.read(|db| rollup::groups(db, &filter, GroupBy::Model, &zone)).unwrap().len());
        });
        group.bench_function(format!("by day, {days} days"), |bench| {
            bench.iter(|| {
                store.read(|db| rollup::groups(db, &last(days), GroupBy::Day, &zone)).unwrap().len()
            });
        });
        group.bench_function(format!("by day over raw rows, {days} days"), |bench| {
            bench.iter(|| store.read(|db| Ok(raw(db, "date(u.at / 1000, 'unixepoch')", days))).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, reports);
criterion_main!(benches);
