//! What a page of the log costs, as the window asks for it: the newest, one far back, and those of few attempts among many.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may stop where something is wrong, and tells"
)]

mod ledger;

use ledger::{DAYS, Ledger, median};
use patchbay_core::chart::{ChartRequest, ChartTheme};
use patchbay_core::report::{Condition, Field, Relation};
use patchbay_core::time::{HOUR_MS, Timestamp};
use patchbay_engine::desk::activity::{self, ActivityLines, ActivityPlace, ActivityQuery, ActivitySpan};

const PAGE: u32 = 100;
const DAY_MS: i64 = 24 * HOUR_MS;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let ledger = Ledger::open().await;
    pages(&ledger).await;
    bars(&ledger).await;
}

async fn pages(ledger: &Ledger) {
    let middle = ledger.now.plus_ms(-i64::from(DAYS) * DAY_MS / 2);
    let deep = Some(place(ledger, ledger.attempts * 9 / 10));
    let jump = ActivitySpan::Moments { from: None, to: middle };
    page(ledger, "newest", ActivitySpan::Any, None, vec![]).await;
    page(ledger, "the middle of three years", jump.clone(), None, vec![]).await;
    page(ledger, "after nine in ten were scrolled by", ActivitySpan::Any, deep, vec![]).await;
    for (name, conditions) in filters() {
        page(ledger, name, ActivitySpan::Any, None, conditions.clone()).await;
        page(ledger, &format!("{name}, the middle"), jump.clone(), None, conditions.clone()).await;
        page(ledger, &format!("{name}, after nine in ten"), ActivitySpan::Any, deep, conditions).await;
    }
}

fn filters() -> Vec<(&'static str, Vec<Condition>)> {
    let condition = |field, relation, values: &[&str]| Condition {
        field,
        relation,
        values: values.iter().map(ToString::to_string).collect(),
    };
    let is = |field, values: &[&str]| condition(field, Relation::Is, values);
    let is_not = |field, values: &[&str]| condition(field, Relation::IsNot, values);
    vec![
        ("one app", vec![is(Field::App, &["risk-guard"])]),
        ("all but one app", vec![is_not(Field::App, &["risk-guard"])]),
        ("answers", vec![is(Field::Outcome, &["answered"])]),
        ("failures", vec![is(Field::Outcome, &["failed"])]),
        ("what was rate limited, which later attempts answered", vec![is(Field::Error, &["rate_limited"])]),
        (
            "failures of two providers without an app",
            vec![
                is(Field::Outcome, &["failed"]),
                is(Field::Provider, &["openai", "anthropic"]),
                is_not(Field::App, &["fx-scout"]),
            ],
        ),
        ("one cause in one app", vec![is(Field::Error, &["timed_out"]), is(Field::App, &["order-reviewer"])]),
        ("an app that nobody has", vec![is(Field::App, &["nobody"])]),
    ]
}

/// Where the attempt stands that has so many above it.
fn place(ledger: &Ledger, above: u64) -> ActivityPlace {
    let sql = "SELECT at, id FROM usage ORDER BY at DESC, id DESC LIMIT 1 OFFSET ?1";
    let read = ledger.store.read(|db| {
        Ok(db.query_row(sql, [above], |row| {
            Ok(ActivityPlace { at: Timestamp(row.get("at")?), id: row.get("id")? })
        })?)
    });
    read.unwrap()
}

async fn page(
    ledger: &Ledger,
    name: &str,
    span: ActivitySpan,
    below: Option<ActivityPlace>,
    conditions: Vec<Condition>,
) {
    for (lines, of) in [(ActivityLines::Calls, "requests"), (ActivityLines::Attempts, "attempts")] {
        let query = ActivityQuery { span: span.clone(), conditions: conditions.clone(), lines };
        let ask = async || {
            activity::page(&ledger.engine, query.clone(), below, PAGE, ledger.zone.clone()).await.unwrap()
        };
        let found = ask().await.lines.len();
        let ms = median(async || drop(ask().await)).await;
        println!("{ms:.1} ms: {name}: {found} {of}");
    }
}

/// The bars above the log.
async fn bars(ledger: &Ledger) {
    for (name, span_ms) in
        [("an hour", HOUR_MS), ("a day", DAY_MS), ("three years", i64::from(DAYS) * DAY_MS)]
    {
        let span = ActivitySpan::Moments { from: Some(ledger.now.plus_ms(-span_ms)), to: ledger.now };
        let query = ActivityQuery { span, conditions: vec![], lines: ActivityLines::Calls };
        let request = ChartRequest { width: 900, height: 64, theme: ChartTheme::Dark, hidden: Vec::new() };
        let draw = async || {
            let drawn = activity::tempo(&ledger.engine, query.clone(), request.clone(), ledger.zone.clone());
            drop(drawn.await.unwrap());
        };
        println!("{:.1} ms: bars of {name}", median(draw).await);
    }
}
