//! How long the window's Overview and Usage take over three years of a desk's attempts, figures and charts together.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may stop where something is wrong, and tells"
)]

mod ledger;

use ledger::{DAYS, Ledger, median};
use patchbay_core::chart::{ChartRequest, ChartTheme};
use patchbay_core::report::{Condition, Field, GroupBy, Relation};
use patchbay_engine::desk;
use patchbay_engine::desk::usage::{self, ChartKind, Days, UsageQuery};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let ledger = Ledger::open().await;
    let look = async || drop(desk::overview::overview(&ledger.engine, ledger.zone.clone()).await.unwrap());
    println!("overview: {:.1} ms", median(look).await);
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

/// The Usage screen: figures, and six charts as large as they are there.
async fn screen(Ledger { engine, zone, .. }: &Ledger, query: &UsageQuery) {
    let request = ChartRequest { width: 900, height: 260, theme: ChartTheme::Dark, hidden: Vec::new() };
    let mut parts = Vec::new();
    let view = median(async || drop(usage::view(engine, query.clone(), zone.clone()).await.unwrap())).await;
    parts.push(format!("view {view:.1}"));
    let mut all = view;
    for kind in ChartKind::ALL {
        let draw = async || {
            drop(usage::chart(engine, kind, query.clone(), request.clone(), zone.clone()).await.unwrap());
        };
        let ms = median(draw).await;
        parts.push(format!("{} {ms:.1}", kind.as_str()));
        all += ms;
    }
    let conditions: Vec<String> =
        query.conditions.iter().map(|c| format!("{:?} {:?} {:?}", c.field, c.relation, c.values)).collect();
    println!("{all:.1} ms: {:?} by {:?} {conditions:?}: {}", query.days, query.by, parts.join(", "));
}
