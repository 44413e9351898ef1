//! What a page of the log costs: the newest, one far back, and those of a rare label. `PATCHBAY_BENCH_ATTEMPTS` says how many
//! attempts the ledger has (1,000,000 where nobody says).
#![expect(clippy::unwrap_used, reason = "a benchmark may stop where something is wrong")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use patchbay_core::report::{Field, Filter};
use patchbay_core::time::{HOUR_MS, Range, Timestamp};
use patchbay_store::usage::{self, Counted, Place, Sheet};
use patchbay_store::{Db, Store, rollup};

const NOW: Timestamp = Timestamp(1_795_189_320_000);
const SPAN_MS: i64 = 90 * 24 * HOUR_MS;
const PAGE: usize = 100;

fn attempts() -> i64 {
    std::env::var("PATCHBAY_BENCH_ATTEMPTS").ok().and_then(|count| count.parse().ok()).unwrap_or(1_000_000)
}

/// 1,200 combinations of labels; one app called in the first hour only.
fn fill(db: &Db, count: i64) {
    let begin = NOW.0 - SPAN_MS;
    db.execute_batch(&format!(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
         INSERT INTO series (connection_id, connection_key, connection_name, provider, model, app, feature, usage_type,
             outcome, error_class, route)
         SELECT i % 40, 'c' || (i % 40), 'C' || (i % 40), 'p' || (i % 8), 'm' || (i / 10), iif(i = 1200, 'rare', 'a' || (i % 15)),
             'f' || (i % 7), 'chat', iif(i % 10 = 9, 'failed', 'answered'), iif(i % 10 = 9, 'timed_out', ''), 'direct' FROM n;
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {count} - 1)
         INSERT INTO usage (call, attempt, at, series_id, final, requested_model, input_tokens, output_tokens,
             cost_nano_usd, cost_source, total_ms, streamed)
         SELECT randomblob(16), 1, {begin} + i * {SPAN_MS} / {count},
             iif(i < 400 AND i % 4 = 0, 1201, 1 + (i * 7919 + i / 90 * 31) % 1200), i % 20 > 0, 'm',
             1000 + i % 900, 200 + i % 90, 1000000 + i % 77777, 'priced', 300 + i * 37 % 4000, 0 FROM n;"
    ))
    .unwrap();
    rollup::rebuild(db).unwrap();
}

fn pages(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let count = attempts();
    store
        .write(move |db| {
            fill(db, count);
            Ok(())
        })
        .unwrap();
    let any = Filter::default();
    let middle = NOW.plus_ms(-SPAN_MS / 2);
    let jump = Filter::during(Range { from: Timestamp(0), to: middle });
    let deep = Some(Place { at: middle, id: count / 2 });
    let mut group = criterion.benchmark_group(format!("{count} attempts"));
    group.sample_size(30);
    for (name, filter, below) in [
        ("first page", any.clone(), None),
        ("jump to the middle", jump, None),
        ("page after a million scrolled by", any.clone(), deep),
        ("first page of one app", any.clone().only(Field::App, "a3"), None),
        ("first page of failures", any.clone().only(Field::Outcome, "failed"), None),
        ("first page of an app that is long gone", any.only(Field::App, "rare"), None),
    ] {
        let wanted = Sheet { counted: Counted::Calls, below, limit: PAGE };
        let lines = store.read(|db| usage::sheet(db, &filter, &wanted)).unwrap().len();
        assert_eq!(lines, PAGE.min(lines), "{name}");
        assert!(lines > 90, "{name}: {lines}");
        group.bench_function(name, |bench| {
            bench.iter(|| store.read(|db| usage::sheet(db, black_box(&filter), &wanted)).unwrap().len());
        });
    }
    for (name, span_ms, step_ms) in
        [("bars of an hour", HOUR_MS, 30_000), ("bars of 90 days", SPAN_MS, 24 * HOUR_MS)]
    {
        let range = Range { from: NOW.plus_ms(-span_ms).bucket(), to: NOW.bucket() };
        group.bench_function(name, |bench| {
            bench.iter(|| {
                store
                    .read(|db| usage::tempo(db, &Filter::default(), Counted::Calls, range, step_ms))
                    .unwrap()
                    .len()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, pages);
criterion_main!(benches);
