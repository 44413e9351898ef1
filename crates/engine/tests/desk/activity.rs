//! The Activity screen on sample data: its pages, its news, its bars and the way of a call.

use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::budget::{Measure, OnLimit, Period, ScopeName};
use patchbay_core::chart::{ChartRequest, ChartTheme};
use patchbay_core::ledger::Outcome;
use patchbay_core::money::NanoUsd;
use patchbay_core::report::{Condition, Field, Filter, GroupBy, Relation};
use patchbay_core::time::{HOUR_MS, Timestamp, zone};
use patchbay_engine::call::Caller;
use patchbay_engine::demo::sample::SampleOptions;
use patchbay_engine::desk::activity::{
    self, ActivityLine, ActivityLines, ActivityPlace, ActivityQuery, ActivitySpan, CallStopKind,
};
use patchbay_engine::desk::budgets::{self, BudgetDraft, BudgetKey};
use patchbay_engine::desk::playground::{self, PlaygroundRequest};
use patchbay_engine::desk::usage::{self, ChartKind, Days, ExportFormat, UsageQuery};
use patchbay_engine::desk::{apps, demo, log};
use patchbay_engine::{Engine, VaultChoice};
use tempfile::TempDir;
use tokio::sync::mpsc;

async fn engine(attempts: u32) -> (TempDir, Arc<Engine>) {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(folder.path(), VaultChoice::Memory).unwrap();
    let options = SampleOptions { attempts, days: 30, seed: 11 };
    demo::load(&engine, options, TimeZone::UTC).await.unwrap();
    (folder, engine)
}

fn failures() -> Vec<Condition> {
    vec![Condition { field: Field::Outcome, relation: Relation::IsNot, values: vec!["answered".to_owned()] }]
}

fn all(lines: ActivityLines) -> ActivityQuery {
    ActivityQuery { span: ActivitySpan::Any, conditions: Vec::new(), lines }
}

async fn read(engine: &Arc<Engine>, query: &ActivityQuery) -> Vec<ActivityLine> {
    let mut lines: Vec<ActivityLine> = Vec::new();
    loop {
        let below = lines.last().map(|line| ActivityPlace { at: line.at, id: line.id });
        let page = activity::page(engine, query.clone(), below, 70, TimeZone::UTC).await.unwrap();
        lines.extend(page.lines);
        if !page.more {
            return lines;
        }
    }
}

#[tokio::test]
async fn c5_the_log_has_as_many_lines_as_the_usage_screen_counts() {
    let (_folder, engine) = engine(3_000).await;
    for conditions in [Vec::new(), failures()] {
        let days = Days::Last { days: 25 };
        let query = UsageQuery { days: days.clone(), conditions: conditions.clone(), by: GroupBy::App };
        let view = usage::view(&engine, query, TimeZone::UTC).await.unwrap();
        let asked = |lines| ActivityQuery {
            span: ActivitySpan::Days { days: days.clone() },
            conditions: conditions.clone(),
            lines,
        };
        let attempts = read(&engine, &asked(ActivityLines::Attempts)).await;
        let calls = read(&engine, &asked(ActivityLines::Calls)).await;
        assert_eq!(
            (attempts.len(), calls.len()),
            (view.totals.attempts as usize, view.totals.calls as usize)
        );
        assert!(attempts.len() > 5);
        let request = ChartRequest { width: 640, height: 44, theme: ChartTheme::Dark, hidden: Vec::new() };
        let bars =
            activity::tempo(&engine, asked(ActivityLines::Calls), request, TimeZone::UTC).await.unwrap();
        let sum: usize = bars.totals.iter().flatten().map(|count| count.parse::<usize>().unwrap()).sum();
        assert_eq!(sum, calls.len());
    }
}

#[tokio::test]
async fn t1_a_cell_of_the_week_opens_to_its_last_hour_with_requests() {
    let (_folder, engine) = engine(600).await;
    for name in ["Asia/Kathmandu", "America/New_York"] {
        let zone = zone(name).unwrap();
        let query =
            UsageQuery { days: Days::Last { days: 20 }, conditions: Vec::new(), by: GroupBy::Provider };
        let request = ChartRequest { width: 640, height: 240, theme: ChartTheme::Dark, hidden: Vec::new() };
        let chart = usage::chart(&engine, ChartKind::Hours, query, request, zone.clone()).await.unwrap();
        let mut opened = 0;
        for (slot, total) in chart.slots.iter().zip(&chart.totals) {
            if slot.from.is_empty() {
                assert_eq!(total.as_deref(), Some("0"), "{}", slot.label);
                continue;
            }
            let (from, to) = (Timestamp(slot.from.parse().unwrap()), Timestamp(slot.to.parse().unwrap()));
            assert_eq!(to.0 - from.0, HOUR_MS);
            assert!(from.in_words(&zone).ends_with(&slot.label[4..]), "{} {name}", slot.label);
            let span = ActivitySpan::Moments { from: Some(from), to };
            let asked = ActivityQuery { span, ..all(ActivityLines::Calls) };
            let page = activity::page(&engine, asked, None, 10, zone.clone()).await.unwrap();
            assert!(!page.lines.is_empty(), "{} {name}", slot.label);
            opened += 1;
        }
        assert!(opened > 20);
    }
}

#[tokio::test]
async fn a_request_tells_whom_it_tried_before_and_what_all_of_it_cost() {
    let (_folder, engine) = engine(3_000).await;
    let lines = read(&engine, &all(ActivityLines::Calls)).await;
    let moved: Vec<&ActivityLine> = lines.iter().filter(|line| line.attempt > 1).collect();
    assert!(!moved.is_empty(), "the sample has calls that moved on");
    for line in moved {
        let rows = log::of_call(&engine, line.call.parse().unwrap()).await.unwrap();
        let last = rows.last().unwrap();
        assert_eq!((rows.len(), &last.connection), (line.attempt as usize, &line.connection));
        for via in &line.via {
            assert!(rows.iter().any(|row| row.connection_name == via.name && row.attempt < line.attempt));
        }
        let known: Option<i64> = rows.iter().map(|row| row.cost_nano_usd).sum();
        assert_eq!(
            line.cost.as_ref().map(|cost| cost.0.clone()),
            known.map(|nano| NanoUsd(nano).to_string())
        );
        assert!(u64::from(line.took_ms) >= last.total_ms);
    }
}

#[tokio::test]
async fn f1_a_call_is_told_stop_by_stop_with_tokens_price_and_settings() {
    let (_folder, engine) = engine(3_000).await;
    let lines = read(&engine, &all(ActivityLines::Calls)).await;
    let mut priced = 0;
    for line in lines.iter().filter(|line| line.attempt > 1).take(20) {
        let detail = activity::call(&engine, line.call.parse().unwrap()).await.unwrap().unwrap();
        let attempts: Vec<_> =
            detail.stops.iter().filter(|stop| stop.kind == CallStopKind::Attempt).collect();
        assert_eq!(attempts.len(), line.attempt as usize);
        assert_eq!((detail.attempts, detail.took_ms), (line.attempt, line.took_ms));
        assert_eq!(detail.cost, line.cost);
        assert!(detail.summary.contains(&line.connection_name), "{}", detail.summary);
        let first = attempts[0];
        assert!(first.outcome != Outcome::Answered.as_str() && !first.reason.is_empty());
        assert!(attempts.windows(2).all(|pair| pair[0].begins_ms <= pair[1].begins_ms));
        assert_eq!(detail.json.lines().count(), attempts.len());
        let last = attempts[attempts.len() - 1];
        let usage = last.usage.as_ref().unwrap();
        priced += usize::from(last.price.is_some());
        assert_eq!(last.price.is_some(), usage.cost_source == "priced" || usage.cost_source == "estimated");
    }
    assert!(priced > 0);
    let nobody =
        activity::call(&engine, "00000000-0000-7000-8000-000000000000".parse().unwrap()).await.unwrap();
    assert!(nobody.is_none());
}

#[tokio::test]
async fn news_begin_where_the_page_ended_and_are_all_there() {
    let (_folder, engine) = engine(200).await;
    let query = all(ActivityLines::Attempts);
    let top = activity::page(&engine, query.clone(), None, 10, TimeZone::UTC).await.unwrap();
    let none = activity::news(&engine, query.clone(), top.newest, TimeZone::UTC).await.unwrap();
    assert!(none.lines.is_empty() && !none.more && none.newest == top.newest);
    let before = log::newest(&engine, Filter::default(), 1_000).await.unwrap();
    let (mut seen, mut ids) = (0, Vec::new());
    loop {
        let page = activity::news(&engine, query.clone(), seen, TimeZone::UTC).await.unwrap();
        seen = page.newest;
        ids.extend(page.lines.iter().map(|line| line.id));
        if !page.more {
            break;
        }
    }
    assert_eq!(ids.len(), before.len());
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
}

#[tokio::test]
async fn n1_a_request_tells_what_is_left_of_the_budgets_that_it_counts_against() {
    let desk = crate::common::Desk::open().await;
    for app in ["bot", "other"] {
        apps::add(&desk.engine, app.to_owned(), None).await.unwrap();
    }
    let caller = Caller { app: "bot".into(), feature: "news".into(), ..Caller::default() };
    for (scope, measure, cap) in [
        ("all", Measure::Money, "5"),
        ("app:bot", Measure::Requests, "10"),
        ("connection:main", Measure::Tokens, "100000"),
        ("feature:news", Measure::Requests, "4"),
        ("feature:other", Measure::Requests, "4"),
        ("app:other", Measure::Money, "1"),
    ] {
        let key = BudgetKey { scope: ScopeName::parse(scope).unwrap(), period: Period::Day, measure };
        let draft =
            BudgetDraft { key, cap: cap.into(), on_limit: OnLimit::Warn, degrade_to: None, levels: None };
        budgets::set(&desk.engine, draft).await.unwrap();
    }
    crate::common::rotate(&desk.engine, crate::common::NEW).await.unwrap();
    let request = PlaygroundRequest {
        model: "main/demo-fast".into(),
        prompt: "Is EURUSD a buy?".into(),
        ..PlaygroundRequest::default()
    };
    playground::run(&desk.engine, "run", caller, request, mpsc::channel(1_000).0).await.unwrap();
    let lines = read(&desk.engine, &all(ActivityLines::Calls)).await;
    let line = lines.iter().find(|line| line.app == "bot").unwrap();
    let detail = activity::call(&desk.engine, line.call.parse().unwrap()).await.unwrap().unwrap();
    let left: Vec<(String, &str)> =
        detail.budgets.iter().map(|budget| (budget.key.scope.to_string(), budget.left.as_str())).collect();
    assert_eq!(left.len(), 4, "{left:?}");
    assert!(
        left.contains(&("app:bot".into(), "9")) && left.contains(&("feature:news".into(), "3")),
        "{left:?}"
    );
    let used = line.input_tokens.unwrap() + line.output_tokens.unwrap();
    assert!(left.contains(&("connection:main".into(), (100_000 - used).to_string().as_str())), "{left:?}");
}

#[tokio::test]
async fn n1_sample_data_counts_against_no_budget() {
    let (_folder, engine) = engine(50).await;
    let key = BudgetKey { scope: ScopeName::ALL, period: Period::Day, measure: Measure::Money };
    let draft = BudgetDraft { key, cap: "5".into(), on_limit: OnLimit::Warn, degrade_to: None, levels: None };
    budgets::set(&engine, draft).await.unwrap();
    let line = read(&engine, &all(ActivityLines::Calls)).await.remove(0);
    let detail = activity::call(&engine, line.call.parse().unwrap()).await.unwrap().unwrap();
    assert!(detail.budgets.is_empty());
}

#[tokio::test]
async fn c5_an_export_has_the_attempts_of_the_quarters_that_the_log_shows() {
    let (_folder, engine) = engine(2_000).await;
    let newest = read(&engine, &all(ActivityLines::Attempts)).await[0].at;
    let quarter = |at: Timestamp| at.bucket().0;
    let spans = [
        (ActivitySpan::Any, i64::MIN, i64::MAX),
        (
            ActivitySpan::Moments { from: None, to: newest },
            i64::MIN,
            quarter(newest.plus_ms(15 * 60_000 - 1)),
        ),
        (
            ActivitySpan::Moments { from: Some(newest.plus_ms(-5 * HOUR_MS)), to: newest },
            quarter(newest.plus_ms(-5 * HOUR_MS)),
            quarter(newest.plus_ms(15 * 60_000 - 1)),
        ),
    ];
    for (span, from, to) in spans {
        for conditions in [Vec::new(), failures()] {
            let all = ActivityQuery { conditions: conditions.clone(), ..all(ActivityLines::Attempts) };
            let shown = read(&engine, &all).await;
            let expected = shown.iter().filter(|line| from <= line.at.0 && line.at.0 < to).count();
            let query = ActivityQuery { span: span.clone(), conditions, lines: ActivityLines::Calls };
            for format in [ExportFormat::Csv, ExportFormat::Json, ExportFormat::Parquet, ExportFormat::Xlsx] {
                let written =
                    activity::to_folder(&engine, query.clone(), format, TimeZone::UTC).await.unwrap();
                assert_eq!(written.entries as usize, expected, "{span:?} {format:?}");
                assert!(written.path.contains("/activity-"), "{}", written.path);
            }
        }
    }
}
