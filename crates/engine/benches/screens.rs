//! How long the window's Overview and Usage take over three years of a desk's attempts, figures and charts together, and how fast
//! such a ledger is made. `PATCHBAY_BENCH_ATTEMPTS` says how many attempts (100,000 where nobody says), `PATCHBAY_BENCH_FOLDER` where
//! the ledger is left to be used again.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may stop where something is wrong, and tells"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use jiff::tz::TimeZone;
use patchbay_core::chart::{ChartRequest, ChartTheme};
use patchbay_core::report::{Condition, Field, Filter, GroupBy, Relation};
use patchbay_engine::demo::sample::SampleOptions;
use patchbay_engine::desk::usage::{self, ChartKind, Days, UsageQuery};
use patchbay_engine::{Engine, VaultChoice, desk};

const DAYS: u32 = 1_095;
const TURNS: usize = 9;

fn attempts() -> u32 {
    std::env::var("PATCHBAY_BENCH_ATTEMPTS").ok().and_then(|count| count.parse().ok()).unwrap_or(100_000)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let named: Option<PathBuf> = std::env::var_os("PATCHBAY_BENCH_FOLDER").map(Into::into);
    let scratch = tempfile::tempdir().unwrap();
    let engine = Engine::open(named.as_deref().unwrap_or(scratch.path()), VaultChoice::Memory).unwrap();
    let zone = TimeZone::system();
    fill(&engine, &zone).await;
    let overview =
        fastest(async || drop(desk::overview::overview(&engine, zone.clone()).await.unwrap())).await;
    println!("overview: {overview:.1} ms");
    for conditions in filters() {
        for (days, by) in
            [(1, GroupBy::Provider), (30, GroupBy::App), (DAYS, GroupBy::Provider), (DAYS, GroupBy::Model)]
        {
            let query = UsageQuery { days: Days::Last { days }, conditions: conditions.clone(), by };
            screen(&engine, &query, &zone).await;
        }
    }
}

async fn fill(engine: &Arc<Engine>, zone: &TimeZone) {
    let report = usage::report(engine, Filter::default(), None, zone.clone()).await.unwrap();
    if report.totals.attempts > 0 {
        usage::settle(engine).await.unwrap();
        return;
    }
    let began = Instant::now();
    let options = SampleOptions { attempts: attempts(), days: DAYS, seed: 1 };
    let rows = desk::demo::load(engine, options, zone.clone()).await.unwrap();
    let seconds = began.elapsed().as_secs_f64();
    println!("{rows} attempts made and settled in {seconds:.1} s: {:.0}/s", f64::from(rows) / seconds);
}

fn filters() -> Vec<Vec<Condition>> {
    let is = |field, values: &[&str]| Condition {
        field,
        relation: Relation::Is,
        values: values.iter().map(ToString::to_string).collect(),
    };
    let is_not = |field, value: &str| Condition { relation: Relation::IsNot, ..is(field, &[value]) };
    vec![
        vec![],
        vec![is(Field::App, &["risk-guard"])],
        vec![is(Field::Outcome, &["answered"])],
        vec![is(Field::Provider, &["openai", "anthropic"]), is_not(Field::App, "fx-scout")],
        vec![is(Field::Outcome, &["failed"])],
    ]
}

/// The Usage screen: figures, and six charts as large as they are there.
async fn screen(engine: &Arc<Engine>, query: &UsageQuery, zone: &TimeZone) {
    let request = ChartRequest { width: 900, height: 260, theme: ChartTheme::Dark, hidden: Vec::new() };
    let mut parts = Vec::new();
    let view = fastest(async || drop(usage::view(engine, query.clone(), zone.clone()).await.unwrap())).await;
    parts.push(format!("view {view:.1}"));
    let mut all = view;
    for kind in ChartKind::ALL {
        let draw = async || {
            drop(usage::chart(engine, kind, query.clone(), request.clone(), zone.clone()).await.unwrap());
        };
        let ms = fastest(draw).await;
        parts.push(format!("{} {ms:.1}", kind.as_str()));
        all += ms;
    }
    let conditions: Vec<String> =
        query.conditions.iter().map(|c| format!("{:?} {:?} {:?}", c.field, c.relation, c.values)).collect();
    println!("{all:.1} ms: {:?} by {:?} {conditions:?}: {}", query.days, query.by, parts.join(", "));
}

/// Milliseconds: the fastest of some turns, which other work on the machine disturbed the least.
async fn fastest(work: impl AsyncFn()) -> f64 {
    work().await;
    let mut turns = Vec::new();
    for _ in 0..TURNS {
        let began = Instant::now();
        work().await;
        turns.push(began.elapsed().as_secs_f64() * 1e3);
    }
    turns.sort_by(f64::total_cmp);
    turns[0]
}
