//! Figures of traffic that a test made up: where a period is heading, what is compared with what, and what an average is of.

use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::budget::{Measure, OnLimit, Period, ScopeName};
use patchbay_core::chart::{ChartRequest, ChartTheme};
use patchbay_core::id::{CallId, ConnectionId};
use patchbay_core::ledger::{Origin, Outcome, Position, Series, UsageRow, UsageType};
use patchbay_core::money::NanoUsd;
use patchbay_core::report::{Condition, Field, GroupBy, Relation};
use patchbay_core::time::{HOUR_MS, Timestamp, zone};
use patchbay_core::usage::{Cost, CostSource, TokenUsage};
use patchbay_engine::desk::budgets::{self, Budget, BudgetDraft, BudgetKey};
use patchbay_engine::desk::charts::{self, ChartOf, ShownChart};
use patchbay_engine::desk::usage::{self, ChartKind, Days, UsageQuery};
use patchbay_engine::{Engine, VaultChoice, clock};
use patchbay_store::Store;
use tempfile::TempDir;

const DAY_MS: i64 = 24 * HOUR_MS;
const CHAT: (&str, &str, UsageType) = ("anthropic", "claude-sonnet-4-5", UsageType::Chat);
const VECTORS: (&str, &str, UsageType) = ("openai", "text-embedding-3-small", UsageType::Embedding);

/// A call that was answered at once.
fn row(
    at: Timestamp,
    (provider, model, usage_type): (&str, &str, UsageType),
    usage: TokenUsage,
    cents: i64,
) -> UsageRow {
    UsageRow {
        call: CallId(uuid::Uuid::new_v4()),
        attempt: 1,
        at,
        series: Series {
            connection_id: ConnectionId(1),
            connection_key: "main".to_owned(),
            connection_name: "Main".to_owned(),
            provider: provider.to_owned(),
            model: model.to_owned(),
            app: "bot".to_owned(),
            feature: String::new(),
            profile: String::new(),
            usage_type,
            outcome: Outcome::Answered,
            origin: Origin::Real,
        },
        position: Position::Final,
        signal: None,
        profile_version: None,
        requested_model: model.to_owned(),
        credential_version: Some(1),
        usage,
        cost: Cost { amount: Some(NanoUsd(cents * 10_000_000)), source: CostSource::Priced },
        total_ms: 900,
        first_token_ms: None,
        status: Some(200),
        error: None,
        message: None,
        finish_reason: Some("stop".to_owned()),
        streamed: false,
        upstream_id: None,
        detours: None,
    }
}

fn tokens(input: u64, output: u64) -> TokenUsage {
    TokenUsage { input: Some(input), output: Some(output), ..TokenUsage::default() }
}

fn engine_with(rows: Vec<UsageRow>) -> (TempDir, Arc<Engine>) {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(folder.path(), VaultChoice::Memory).unwrap();
    let store = Store::open(folder.path()).unwrap();
    for row in rows {
        store.write(move |db| patchbay_store::usage::append(db, &row)).unwrap();
    }
    (folder, engine)
}

fn last_month(conditions: Vec<Condition>) -> UsageQuery {
    UsageQuery { days: Days::Last { days: 30 }, conditions, by: GroupBy::Model }
}

/// A zone in which it is about noon now.
fn at_noon(now: Timestamp) -> TimeZone {
    let behind = now.0.div_euclid(HOUR_MS).rem_euclid(24) - 12;
    let name = format!("Etc/GMT{}{}", if behind < 0 { "-" } else { "+" }, behind.abs());
    zone(&name).unwrap()
}

async fn daily_budget(engine: &Arc<Engine>, measure: Measure, cap: &str) -> Budget {
    let key = BudgetKey { scope: ScopeName::ALL, period: Period::Day, measure };
    let draft = BudgetDraft { key, cap: cap.into(), on_limit: OnLimit::Warn, degrade_to: None, levels: None };
    budgets::set(engine, draft).await.unwrap();
    let all = budgets::list(engine).await.unwrap();
    all.into_iter().find(|budget| budget.key.measure == measure).unwrap()
}

#[tokio::test]
async fn n1_a_budget_looks_ahead_as_its_hours_usually_go() {
    let now = clock::now();
    let hour = Timestamp((now.0.div_euclid(HOUR_MS) + 2) * HOUR_MS);
    let before =
        (1..=21).map(|days| row(hour.plus_ms(HOUR_MS / 2 - days * DAY_MS), CHAT, tokens(100, 10), 100));
    let today = row(now.plus_ms(-HOUR_MS), CHAT, tokens(100, 10), 50);
    let (_folder, engine) = engine_with(before.chain([today]).collect());
    let zone = at_noon(now);
    budgets::set_zone(&engine, zone.iana_name().unwrap().to_owned()).await.unwrap();

    let money = daily_budget(&engine, Measure::Money, "1").await;
    assert_eq!((money.spent.as_str(), money.on_pace_for.as_deref()), ("0.5", Some("1.5")));
    assert_eq!(money.reaches_cap_at, Some(hour.plus_ms(HOUR_MS / 2)), "half of what that hour brings");
    let requests = daily_budget(&engine, Measure::Requests, "9").await;
    assert_eq!((requests.on_pace_for.as_deref(), requests.reaches_cap_at), (Some("2"), None));
    let overview = patchbay_engine::desk::overview::overview(&engine, zone).await.unwrap();
    assert_eq!(overview.pace.map(|pace| pace.0), money.on_pace_for, "the first screen says the same");
}

#[tokio::test]
async fn c2_chat_is_compared_with_what_can_chat() {
    let at = clock::now().plus_ms(-DAY_MS);
    let chats = (0..3).map(|n| row(at.plus_ms(n), CHAT, tokens(1_000_000, 100_000), 450));
    let vectors = (0..40).map(|n| row(at.plus_ms(n), VECTORS, tokens(500_000, 0), 1));
    let (_folder, engine) = engine_with(chats.chain(vectors).collect());
    let ask = async |conditions| {
        usage::what_if(&engine, last_month(conditions), Vec::new(), None, TimeZone::UTC).await.unwrap()
    };
    let chat = ask(Vec::new()).await;
    let ids = |rows: &[usage::WhatIfRow]| rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&chat.rows), ["anthropic/claude-sonnet-4-5"]);
    assert_eq!((chat.attempts, chat.other_attempts, chat.actual.0.as_str()), (3, 40, "13.5"));
    assert_eq!(chat.rows[0].change_bp, Some(0), "the same model costs the same");

    let only =
        |kind: &str| Condition { field: Field::Type, relation: Relation::Is, values: vec![kind.to_owned()] };
    let vectors = ask(vec![only("embedding")]).await;
    assert_eq!(ids(&vectors.rows), ["openai/text-embedding-3-small"]);
    assert_eq!((vectors.attempts, vectors.other_attempts), (40, 0));
}

#[tokio::test]
async fn c5_what_a_cache_saves_is_told_without_what_it_costs_to_fill() {
    let at = clock::now().plus_ms(-DAY_MS);
    let read = TokenUsage { cached: Some(1_000_000), ..tokens(1_000_000, 0) };
    let written = TokenUsage { cache_write: Some(1_000_000), ..tokens(1_000_000, 0) };
    let (_folder, engine) = engine_with(vec![row(at, CHAT, read, 30), row(at, CHAT, written, 375)]);
    let view = usage::view(&engine, last_month(Vec::new()), TimeZone::UTC).await.unwrap();
    assert_eq!(view.cache_saving.0, "1.95", "2.70 saved by reading, 0.75 for writing");
}

#[tokio::test]
async fn c5_the_average_of_an_hour_is_of_the_hours_since_the_first_request() {
    let at = clock::now().plus_ms(-2 * DAY_MS);
    let (_folder, engine) = engine_with(vec![row(at, CHAT, tokens(10, 1), 10)]);
    let request = ChartRequest { width: 900, height: 260, theme: ChartTheme::Dark, hidden: Vec::new() };
    let query = last_month(Vec::new());
    let chart = usage::chart(&engine, ChartKind::Hours, query, request, TimeZone::UTC).await.unwrap();
    let told: Vec<&str> = chart.rows.iter().flatten().flatten().map(String::as_str).collect();
    assert!(told.contains(&"1") && told.iter().all(|value| ["0", "1"].contains(value)), "{told:?}");
    assert!(told.len() < 60, "hours that have not come since tell nothing: {}", told.len());
}

#[tokio::test]
async fn c5_a_calendar_says_which_days_it_shows() {
    let (folder, engine) = engine_with(vec![row(clock::now(), CHAT, tokens(10, 1), 10)]);
    let days = Days::Between { from: "2026-11-01".to_owned(), to: "2026-11-30".to_owned() };
    let request = ChartRequest { width: 900, height: 260, theme: ChartTheme::Dark, hidden: Vec::new() };
    for (kind, told) in
        [(ChartKind::Calendar, "8 Jun 2026 to 30 Nov 2026"), (ChartKind::Spend, "1 Nov 2026 to 30 Nov 2026")]
    {
        let path = folder.path().join("chart.svg");
        let query = UsageQuery { days: days.clone(), conditions: Vec::new(), by: GroupBy::Model };
        let chart = ShownChart { of: ChartOf::Usage { kind, query }, request: request.clone() };
        charts::to_file(&engine, chart, TimeZone::UTC, path.clone()).await.unwrap();
        let svg = std::fs::read_to_string(path).unwrap();
        assert!(svg.contains(told), "{kind:?}: {svg}");
    }
}
