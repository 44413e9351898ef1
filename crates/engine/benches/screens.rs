//! How long the window's Overview and Usage take over three years of a desk's attempts, figures and charts together, beside the same
//! asked plainly of the raw rows (`bench/screens.sql`). `bench/report.py` asks DuckDB that, too.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may stop where something is wrong, and tells"
)]

mod ledger;

use std::sync::Arc;

use jiff::tz::TimeZone;
use ledger::{DAYS, Ledger, median};
use patchbay_core::chart::{Chart, ChartRequest, ChartTheme};
use patchbay_core::report::{Condition, Field, GroupBy, Relation};
use patchbay_engine::desk::usage::{self, ChartKind, Days, Spans, UsageQuery};
use patchbay_engine::{Engine, clock, desk};
use patchbay_store::Db;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let ledger = Ledger::open().await;
    let today = Days::Last { days: 1 }.spans(clock::now(), &ledger.zone).unwrap();
    let own = first_screen(&ledger).await;
    compare(&ledger, "overview", [&today, &today], own).await;
    for days in [1, 30, DAYS] {
        let query = UsageQuery { days: Days::Last { days }, conditions: vec![], by: GroupBy::Provider };
        let spans = query.days.spans(clock::now(), &ledger.zone).unwrap();
        let own = screen(&ledger, &query).await;
        compare(&ledger, "usage", [&today, &spans], own).await;
    }
    for conditions in filters() {
        for (days, by) in
            [(1, GroupBy::Provider), (30, GroupBy::App), (DAYS, GroupBy::Provider), (DAYS, GroupBy::Model)]
        {
            let query = UsageQuery { days: Days::Last { days }, conditions: conditions.clone(), by };
            screen(&ledger, &query).await;
        }
    }
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

/// The Overview: figures, connections, and the chart of spend.
async fn first_screen(Ledger { engine, zone, .. }: &Ledger) -> f64 {
    let figures = async || drop(desk::overview::overview(engine, zone.clone()).await.unwrap());
    let connections = async || drop(desk::connections::list(engine, zone.clone()).await.unwrap());
    let query = UsageQuery { days: Days::Last { days: 30 }, conditions: vec![], by: GroupBy::Provider };
    let chart = async || drop(draw(engine, zone, ChartKind::Spend, &query).await);
    let parts = [median(figures).await, median(connections).await, median(chart).await];
    println!("overview: figures {:.1}, connections {:.1}, spend {:.1}", parts[0], parts[1], parts[2]);
    parts.iter().sum()
}

/// A chart as large as it is on its screen.
async fn draw(engine: &Arc<Engine>, zone: &TimeZone, kind: ChartKind, query: &UsageQuery) -> Chart {
    let request = ChartRequest { width: 900, height: 260, theme: ChartTheme::Dark, hidden: Vec::new() };
    usage::chart(engine, kind, query.clone(), request, zone.clone()).await.unwrap()
}

/// The Usage screen: figures, and six charts.
async fn screen(Ledger { engine, zone, .. }: &Ledger, query: &UsageQuery) -> f64 {
    let mut parts = Vec::new();
    let view = median(async || drop(usage::view(engine, query.clone(), zone.clone()).await.unwrap())).await;
    parts.push(format!("view {view:.1}"));
    let mut all = view;
    for kind in ChartKind::ALL {
        let ms = median(async || drop(draw(engine, zone, kind, query).await)).await;
        parts.push(format!("{} {ms:.1}", kind.as_str()));
        all += ms;
    }
    let conditions: Vec<String> =
        query.conditions.iter().map(|c| format!("{:?} {:?} {:?}", c.field, c.relation, c.values)).collect();
    println!("{all:.1} ms: {:?} by {:?} {conditions:?}: {}", query.days, query.by, parts.join(", "));
    all
}

/// Asks the raw rows what a screen shows.
async fn compare(ledger: &Ledger, name: &str, [today, shown]: [&Spans; 2], own: f64) {
    let (today, from, prior) = (today.range.from.0, shown.range.from.0, shown.prior.from.0);
    let questions = questions(name, today, from, prior);
    let ask = async || {
        ledger.store.read(|db| Ok(questions.iter().map(|sql| rows_of(db, sql)).sum::<usize>())).unwrap();
    };
    let raw = median(ask).await;
    println!("screen {name}, today {today}, from {from}, prior {prior}: {own:.2} ms, raw rows {raw:.1} ms");
}

/// The questions of a screen in the file of both.
fn questions(name: &str, today: i64, from: i64, prior: i64) -> Vec<String> {
    let all = include_str!("../../../bench/screens.sql");
    let (_, rest) = all.split_once(&format!("-- {name}\n")).unwrap();
    let own = rest.split_once("\n-- ").map_or(rest, |(own, _)| own);
    let own = [(":today", today), (":from", from), (":prior", prior)]
        .iter()
        .fold(own.to_owned(), |sql, (mark, at)| sql.replace(mark, &at.to_string()));
    own.split(';').map(str::trim).filter(|sql| !sql.is_empty()).map(ToOwned::to_owned).collect()
}

fn rows_of(db: &Db, sql: &str) -> usize {
    let mut statement = db.prepare_cached(sql).unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut count = 0;
    while rows.next().unwrap().is_some() {
        count += 1;
    }
    count
}
