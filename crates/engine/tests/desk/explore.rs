//! Explore tells the same sums as the Usage screen (C5), whatever the number, the groups and the filter: in its rows, in what
//! is inside them, in the days before, and over time.

use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::chart::{Chart, ChartRequest, ChartTheme, Unit};
use patchbay_core::code::Code;
use patchbay_core::report::{Filter, GroupBy, Metric};
use patchbay_core::time::zone;
use patchbay_engine::Engine;
use patchbay_engine::desk::log;
use patchbay_engine::desk::usage::{
    self, Days, ExploreQuery, ExploreRow, ExploreView, Totals, UsageQuery, UsageView,
};

use crate::usage::{LABELS, ZONES, engine, nano, random_query};

const OTHER: &str = "+other";

#[tokio::test]
async fn c5_explored_rows_sum_to_the_cards_under_random_filters() {
    let (_folder, engine) = engine(3_000).await;
    let rows = log::newest(&engine, Filter::default(), 10_000).await.unwrap();
    let mut rng = fastrand::Rng::with_seed(20_261_201);
    let (mut with_any, mut with_other) = (0, 0);
    for round in 0..64 {
        let zone = zone(ZONES[round % ZONES.len()]).unwrap();
        let asked = random_query(&mut rng, &rows, &zone, 40);
        let mut query = ExploreQuery {
            days: asked.days.clone(),
            conditions: asked.conditions.clone(),
            metric: Metric::ALL[round % Metric::ALL.len()],
            by: asked.by,
            then: rng.bool().then(|| LABELS[rng.usize(0..LABELS.len())]),
            top: rng.u32(1..6),
        };
        let mut asked = asked;
        if query.metric == Metric::CostPerSignal {
            let refused = usage::explore(&engine, query.clone(), zone.clone()).await;
            let is_told = query.by == GroupBy::App && query.then.is_none() && query.conditions.is_empty();
            assert_eq!(refused.is_ok(), is_told, "{query:?}");
            query = ExploreQuery { by: GroupBy::App, then: None, conditions: Vec::new(), ..query };
            asked = UsageQuery { by: GroupBy::App, conditions: Vec::new(), ..asked };
        }
        let view = check(&engine, &query, &asked, &zone).await;
        with_any += usize::from(view.whole.attempts > 0);
        with_other += usize::from(view.groups.iter().any(|group| group.row.key == OTHER));
    }
    assert!(with_any > 30 && with_other > 10, "{with_any} found anything, {with_other} had others");
}

async fn check(
    engine: &Arc<Engine>,
    query: &ExploreQuery,
    asked: &UsageQuery,
    zone: &TimeZone,
) -> ExploreView {
    let view = usage::explore(engine, query.clone(), zone.clone()).await.unwrap();
    let cards = usage::view(engine, asked.clone(), zone.clone()).await.unwrap();
    if !matches!(query.metric, Metric::FirstTokenP50 | Metric::FirstTokenP95) {
        assert_eq!(view.whole.value, of_card(query.metric, &cards.totals), "{query:?}");
        assert_eq!(view.whole.before, of_card(query.metric, &cards.prior), "before: {query:?}");
    }
    assert_eq!((view.whole.calls, view.whole.attempts), (cards.totals.calls, cards.totals.attempts));
    check_groups(query, &view, &cards);
    check_chart(engine, query, &view, zone).await;
    view
}

/// The same number as the Usage screen tells it; times to the first token are on no card.
fn of_card(metric: Metric, totals: &Totals) -> Option<String> {
    let ms = |ms: Option<u32>| ms.map(|ms| ms.to_string());
    match metric {
        Metric::Spend => Some(totals.cost.0.clone()),
        Metric::Requests => Some(totals.calls.to_string()),
        Metric::Attempts => Some(totals.attempts.to_string()),
        Metric::FailedAttempts => Some(totals.failed_attempts.to_string()),
        Metric::FailedShare => {
            let (failed, all) = (u64::from(totals.failed_attempts), u64::from(totals.attempts));
            (failed * 10_000 + all / 2).checked_div(all).map(|share| share.to_string())
        }
        Metric::InputTokens => Some(totals.input_tokens.to_string()),
        Metric::OutputTokens => Some(totals.output_tokens.to_string()),
        Metric::CachedTokens => Some(totals.cached_tokens.to_string()),
        Metric::CostPerRequest => totals.per_call.as_ref().map(|cost| cost.0.clone()),
        Metric::CostPerThousand => totals.per_thousand.as_ref().map(|cost| cost.0.clone()),
        Metric::CostPerSignal => totals.per_signal.as_ref().map(|cost| cost.0.clone()),
        Metric::LatencyP50 => ms(totals.p50_ms),
        Metric::LatencyP95 => ms(totals.p95_ms),
        Metric::LatencyP99 => ms(totals.p99_ms),
        Metric::FirstTokenP50 | Metric::FirstTokenP95 => None,
    }
}

fn check_groups(query: &ExploreQuery, view: &ExploreView, cards: &UsageView) {
    let rows: Vec<&ExploreRow> = view.groups.iter().map(|group| &group.row).collect();
    let others = rows.iter().filter(|row| row.key == OTHER).count();
    assert!(rows.len() <= query.top as usize + others && others <= 1, "{query:?}");
    check_sum(query, &rows, &view.whole);
    assert_eq!(rows.iter().map(|row| row.groups).sum::<u32>(), view.whole.groups);
    // Those that were there only before are groups too.
    assert!(view.whole.groups as usize >= cards.groups.len(), "{query:?}");
    for group in &view.groups {
        let inside: Vec<&ExploreRow> = group.inside.iter().collect();
        let is_split = query.then.is_some_and(|then| then != query.by) && group.row.key != OTHER;
        assert_eq!(is_split, !inside.is_empty(), "{query:?}");
        if is_split {
            check_sum(query, &inside, &group.row);
        }
    }
}

fn check_sum(query: &ExploreQuery, rows: &[&ExploreRow], whole: &ExploreRow) {
    let sum = |part: fn(&ExploreRow) -> u32| rows.iter().map(|row| part(row)).sum::<u32>();
    assert_eq!(sum(|row| row.calls), whole.calls, "{query:?}");
    assert_eq!(sum(|row| row.attempts), whole.attempts, "{query:?}");
    if !query.metric.adds_up() {
        assert!(rows.iter().all(|row| row.share_bp.is_none()));
        return;
    }
    for of in [(|row| &row.value) as fn(&ExploreRow) -> &Option<String>, |row| &row.before] {
        let number = |row: &ExploreRow| of(row).as_deref().map_or(0, nano);
        assert_eq!(rows.iter().map(|row| number(row)).sum::<i64>(), number(whole), "{query:?}");
    }
}

async fn check_chart(engine: &Arc<Engine>, query: &ExploreQuery, view: &ExploreView, zone: &TimeZone) {
    let request = ChartRequest { width: 600, height: 200, theme: ChartTheme::Dark, hidden: Vec::new() };
    let drawn = usage::explore_chart(engine, query.clone(), request, zone.clone()).await.unwrap();
    assert_eq!(drawn.unit, view.unit);
    assert!(drawn.series.len() <= query.top.min(5) as usize + 1, "{query:?}");
    let total = |chart: &Chart| chart.totals.iter().flatten().map(String::as_str).map(nano).sum::<i64>();
    if query.metric.adds_up() {
        assert_eq!(total(&drawn), view.whole.value.as_deref().map_or(0, nano), "over time: {query:?}");
    } else {
        assert!(drawn.totals.iter().all(Option::is_none));
        assert_eq!(drawn.empty, view.whole.value.is_none(), "over time: {query:?}");
    }
}

fn query(metric: Metric, by: GroupBy, then: Option<GroupBy>, top: u32) -> ExploreQuery {
    ExploreQuery { days: Days::Last { days: 45 }, conditions: Vec::new(), metric, by, then, top }
}

#[tokio::test]
async fn c5_the_first_groups_are_the_highest_and_one_slow_answer_is_no_group_that_matters() {
    let (_folder, engine) = engine(2_000).await;
    let ask = async |query| usage::explore(&engine, query, TimeZone::UTC).await.unwrap();
    let spend = ask(query(Metric::Spend, GroupBy::Model, None, 3)).await;
    let all = ask(query(Metric::Spend, GroupBy::Model, None, 100)).await;
    let keys = |view: &ExploreView| view.groups.iter().map(|group| group.row.key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(&spend)[..3], keys(&all)[..3]);
    assert_eq!((keys(&spend)[3].as_str(), spend.groups.len()), (OTHER, 4));
    let costs: Vec<i64> = all.groups.iter().map(|group| nano(group.row.value.as_deref().unwrap())).collect();
    assert!(costs.is_sorted_by(|a, b| a >= b), "{costs:?}");

    let slow = ask(query(Metric::LatencyP95, GroupBy::Model, None, 3)).await;
    let busiest = ask(query(Metric::Attempts, GroupBy::Model, None, 3)).await;
    let sorted = |view: &ExploreView| {
        let mut keys = keys(view);
        keys.sort();
        keys
    };
    assert_eq!(sorted(&slow), sorted(&busiest), "times are shown of those with the most attempts");
    assert_eq!(slow.unit, Unit::Ms);
}

#[tokio::test]
async fn what_cannot_be_explored_is_refused_in_words() {
    let (_folder, engine) = engine(50).await;
    for (asked, told) in [
        (query(Metric::Spend, GroupBy::Day, None, 5), "labelled"),
        (query(Metric::Spend, GroupBy::App, Some(GroupBy::Month), 5), "labelled"),
        (query(Metric::Spend, GroupBy::App, None, 0), "0 groups"),
        (query(Metric::Spend, GroupBy::App, None, 101), "101 groups"),
    ] {
        let error = usage::explore(&engine, asked, TimeZone::UTC).await.unwrap_err();
        assert!(error.code == Code::InvalidInput && error.message.contains(told), "{error}");
    }
}
