//! What reports cost, beside the plain SQL over the raw rows that they replace. `PATCHBAY_BENCH_ATTEMPTS` says how many
//! attempts the ledger has (200,000 where nobody says), spread over three years, 40 connections, 120 models and 15 apps.
//! `PATCHBAY_BENCH_FOLDER` says where the ledger is left, for `bench/report.py` to ask DuckDB the same; it is used again there.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may stop where something is wrong, and tells"
)]

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::tz::TimeZone;
use patchbay_core::report::{Column, Columns, Detail, Field, Filter, GroupBy};
use patchbay_core::time::{HOUR_MS, Range, Timestamp, zone};
use patchbay_store::rollup::settle;
use patchbay_store::{Db, Store, rollup};

const NOW: Timestamp = Timestamp(1_795_189_320_000);
const DAY_MS: i64 = 24 * HOUR_MS;
const YEARS_MS: i64 = 3 * 365 * DAY_MS;

fn attempts() -> i64 {
    std::env::var("PATCHBAY_BENCH_ATTEMPTS").ok().and_then(|count| count.parse().ok()).unwrap_or(200_000)
}

/// Each app uses a few models at a few connections, and these change with the years: of 1,200 combinations 300 are in use at a
/// time. Nine of ten attempts are answered.
fn fill(db: &Db, count: i64) {
    let begin = NOW.0 - YEARS_MS;
    db.execute_batch(&format!(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1199)
         INSERT INTO series (connection_id, connection_key, connection_name, provider, model, app, feature, usage_type,
             outcome, error_class, route)
         SELECT i % 40, 'c' || (i % 40), 'C' || (i % 40), 'p' || (i % 8), 'm' || (i / 10), 'a' || (i % 15), 'f' || (i % 7),
             'chat', iif(i % 10 = 9, 'failed', 'answered'), iif(i % 10 = 9, 'timed_out', ''), 'direct' FROM n;
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {count} - 1)
         INSERT INTO usage (call, attempt, at, series_id, final, requested_model, input_tokens, output_tokens,
             cost_nano_usd, cost_source, total_ms, streamed)
         SELECT randomblob(16), 1, {begin} + i * {YEARS_MS} / {count},
             1 + ((i * 7919 + i / 90 * 31) % 300) * 4 + i * 4 / {count}, 1, 'm',
             1000 + i % 900, 200 + i % 90, 1000000 + i % 77777, 'priced', 300 + i * 37 % 4000, 0 FROM n;"
    ))
    .unwrap();
    rollup::rebuild(db).unwrap();
}

fn filled(count: i64, zone: &TimeZone) -> (Option<tempfile::TempDir>, Store) {
    let named: Option<PathBuf> = std::env::var_os("PATCHBAY_BENCH_FOLDER").map(Into::into);
    let scratch = if named.is_none() { Some(tempfile::tempdir().unwrap()) } else { None };
    let folder = named.unwrap_or_else(|| scratch.as_ref().unwrap().path().to_owned());
    let store = Store::open(&folder).unwrap();
    if store.read(|db| rollup::totals(db, &Filter::default())).unwrap().attempts == 0 {
        let began = Instant::now();
        store
            .write(move |db| {
                fill(db, count);
                Ok(())
            })
            .unwrap();
        println!("filled in {:.1} s", began.elapsed().as_secs_f64());
        let before = pages(&store);
        let began = Instant::now();
        let spans = settle::run(&store, zone, NOW).unwrap();
        let (seconds, bytes) = (began.elapsed().as_secs_f64(), pages(&store) - before);
        let million = f64::from(u32::try_from(count).unwrap()) / 1e6;
        println!(
            "{spans} days and months settled in {seconds:.2} s, {:.0} attempts/s; {:.2} MB per million attempts",
            million * 1e6 / seconds,
            f64::from(u32::try_from(bytes).unwrap()) / 1e6 / million
        );
    }
    (scratch, store)
}

/// Bytes in use.
fn pages(store: &Store) -> i64 {
    let sql = "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
    store.read(|db| Ok(db.query_row(sql, [], |row| row.get(0))?)).unwrap()
}

/// The same question to the raw rows.
fn raw(db: &Db, by: &str, condition: &str, days: i64) -> usize {
    let sql = format!(
        "SELECT {by} AS key, count(*), sum(final), sum(input_tokens), sum(output_tokens), sum(cost_nano_usd)
         FROM usage u JOIN series s ON s.id = u.series_id WHERE u.at >= ?1 AND {condition} GROUP BY key"
    );
    let mut statement = db.prepare_cached(&sql).unwrap();
    let rows = statement.query_map([NOW.0 - days * DAY_MS], |row| row.get::<_, i64>(5)).unwrap();
    rows.map(Result::unwrap).count()
}

fn last(days: i64) -> Filter {
    Filter::during(Range { from: NOW.plus_ms(-days * DAY_MS), to: NOW.plus_ms(1) })
}

/// What each question is called, what it asks, and what raw rows are asked with.
fn questions(days: i64) -> Vec<(&'static str, Filter, GroupBy, &'static str, &'static str)> {
    let day = "date(u.at / 1000, 'unixepoch')";
    let one_app = last(days).only(Field::App, "a3");
    let answered = last(days).only(Field::Outcome, "answered");
    vec![
        ("by provider", last(days), GroupBy::Provider, "s.provider", "1"),
        ("by day", last(days), GroupBy::Day, day, "1"),
        ("one app by model", one_app, GroupBy::Model, "s.model", "s.app = 'a3'"),
        ("answers by model", answered, GroupBy::Model, "s.model", "s.outcome = 'answered'"),
    ]
}

fn reports(criterion: &mut Criterion) {
    let zone: TimeZone = zone("America/New_York").unwrap();
    let count = attempts();
    let (_folder, store) = filled(count, &zone);
    let mut group = criterion.benchmark_group(format!("{count} attempts"));
    group.sample_size(10);
    for days in [30, 1_095] {
        for (name, filter, by, column, condition) in questions(days) {
            group.bench_function(format!("{name}, {days} days"), |bench| {
                bench.iter(|| {
                    store.read(|db| rollup::groups(db, black_box(&filter), by, &zone)).unwrap().len()
                });
            });
            group.bench_function(format!("{name}, {days} days, raw rows"), |bench| {
                bench.iter(|| store.read(|db| Ok(raw(db, column, condition, days))).unwrap());
            });
        }
        group.bench_function(format!("calls of each hour, {days} days"), |bench| {
            let hour = |span: Range| span.to.0 - span.from.0 <= HOUR_MS;
            let detail = Detail::spans(Columns::of(&[Column::Calls]), &hour);
            bench.iter(|| {
                let mut calls = 0;
                store
                    .read(|db| rollup::scan(db, &last(days), &detail, |bucket| calls += bucket.counts.calls))
                    .unwrap();
                calls
            });
        });
    }
    group.finish();
}

criterion_group!(benches, reports);
criterion_main!(benches);
