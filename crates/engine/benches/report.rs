//! What reports cost, beside the plain SQL over the raw rows that they replace: over today, 30 days and three years, as the window's
//! days are cut. `bench/report.py` asks DuckDB the same.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may stop where something is wrong, and tells"
)]

mod ledger;

use ledger::{DAYS, Ledger, median};
use patchbay_core::report::{Field, Filter, GroupBy};
use patchbay_core::time::Range;
use patchbay_engine::desk::usage::Days;
use patchbay_store::{Db, rollup};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let ledger = Ledger::open().await;
    for days in [1, 30, DAYS] {
        let range = Days::Last { days }.spans(ledger.now, &ledger.zone).unwrap().range;
        println!("{days} days begin at {}", range.from.0);
        for question in questions(range) {
            ask(&ledger, &question, days).await;
        }
    }
}

/// What is asked, and how raw rows are asked the same.
struct Question {
    name: &'static str,
    filter: Filter,
    by: GroupBy,
    key: &'static str,
    condition: &'static str,
}

fn questions(range: Range) -> [Question; 4] {
    let question = |name, by, key| Question { name, filter: Filter::during(range), by, key, condition: "1" };
    let of_one_app = question("one app by model", GroupBy::Model, "s.model");
    let of_answers = question("answers by model", GroupBy::Model, "s.model");
    [
        question("by provider", GroupBy::Provider, "s.provider"),
        question("by day", GroupBy::Day, "date(u.at / 1000, 'unixepoch')"),
        Question {
            filter: of_one_app.filter.clone().only(Field::App, "risk-guard"),
            condition: "s.app = 'risk-guard'",
            ..of_one_app
        },
        Question {
            filter: of_answers.filter.clone().only(Field::Outcome, "answered"),
            condition: "s.outcome = 'answered'",
            ..of_answers
        },
    ]
}

async fn ask(ledger: &Ledger, question: &Question, days: u32) {
    let Question { name, filter, by, .. } = question;
    let report = || ledger.store.read(|db| rollup::groups(db, filter, *by, &ledger.zone)).unwrap();
    let raw = || ledger.store.read(|db| Ok(raw(db, question))).unwrap();
    let attempts: u64 = report().iter().map(|group| group.totals.attempts).sum();
    assert_eq!(
        attempts,
        raw().iter().sum::<u64>(),
        "{name}, {days} days: reports and rows tell of the same attempts"
    );
    let own = median(async || drop(report())).await;
    let sqlite = median(async || drop(raw())).await;
    println!("{name}, {days} days: {own:.2} ms, raw rows {sqlite:.2} ms, {attempts} attempts");
}

/// The attempts of each group.
fn raw(db: &Db, Question { filter, key, condition, .. }: &Question) -> Vec<u64> {
    let sql = format!(
        "SELECT {key} AS key, count(*) AS attempts, sum(final), sum(input_tokens), sum(output_tokens), sum(cost_nano_usd)
         FROM usage u JOIN series s ON s.id = u.series_id WHERE u.at >= ?1 AND {condition} GROUP BY key"
    );
    let mut statement = db.prepare_cached(&sql).unwrap();
    let rows = statement.query_map([filter.range.unwrap().from.0], |row| row.get("attempts"));
    rows.unwrap().map(Result::unwrap).collect()
}
