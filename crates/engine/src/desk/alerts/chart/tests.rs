use patchbay_core::alert::{Severity, Sign};
use patchbay_core::budget::OnLimit;
use patchbay_core::chart::ChartTheme;
use patchbay_core::code::Code;
use patchbay_core::id::{CallId, ConnectionId};
use patchbay_core::ledger::{Origin, Outcome, Position, Series, UsageRow, UsageType};
use patchbay_core::money::NanoUsd;
use patchbay_core::usage::{Cost, CostSource, TokenUsage};
use tempfile::TempDir;

use super::*;
use crate::VaultChoice;
use crate::desk::{alerts, apps, budgets};

fn engine() -> (TempDir, Arc<Engine>) {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = Engine::open(folder.path(), VaultChoice::Memory).expect("opens");
    (folder, engine)
}

fn row(at: Timestamp, app: &str, connection: &str, outcome: Outcome) -> UsageRow {
    let answered = outcome == Outcome::Answered;
    UsageRow {
        call: CallId(uuid::Uuid::now_v7()),
        attempt: 1,
        at,
        series: Series {
            connection_id: ConnectionId(1),
            connection_key: connection.to_owned(),
            connection_name: connection.to_owned(),
            provider: "openai".to_owned(),
            model: "gpt-5-mini".to_owned(),
            app: app.to_owned(),
            feature: String::new(),
            profile: String::new(),
            usage_type: UsageType::Chat,
            outcome,
            origin: Origin::Real,
        },
        position: Position::Final,
        signal: None,
        profile_version: None,
        requested_model: "gpt-5-mini".to_owned(),
        credential_version: None,
        usage: TokenUsage { input: Some(100), output: Some(20), ..TokenUsage::default() },
        cost: Cost { amount: Some(NanoUsd(250_000_000)), source: CostSource::Priced },
        total_ms: 640,
        first_token_ms: None,
        status: Some(if answered { 200 } else { 401 }),
        error: (!answered).then_some(Code::KeyRefused),
        message: None,
        finish_reason: None,
        streamed: false,
        upstream_id: None,
        detours: None,
    }
}

async fn enter(engine: &Arc<Engine>, rows: Vec<UsageRow>) {
    for row in rows {
        engine.ledger.append_later(row);
    }
    engine.settle().await.expect("entered");
}

/// Raises an alert, and answers its number.
async fn raise(engine: &Arc<Engine>, kind: AlertKind, subject: &str) -> u32 {
    let sign = Sign::raise(Severity::Bad, "Something is wrong".to_owned(), "");
    engine.watch.alerts().tell(kind, subject, sign);
    engine.settle().await.expect("settles");
    let all = alerts::list(engine).await.expect("a list");
    all.open.iter().find(|alert| alert.kind == kind).expect("it is open").id
}

async fn draw(engine: &Arc<Engine>, id: u32) -> Chart {
    let request = ChartRequest { width: 376, height: 132, theme: ChartTheme::Dark, hidden: Vec::new() };
    chart(engine, id, request, TimeZone::UTC).await.expect("a chart")
}

#[tokio::test]
async fn n3_attempts_around_an_alert_are_those_of_its_connection() {
    let (_folder, engine) = engine();
    let now = clock::now();
    let before = |ms: i64| now.plus_ms(-ms);
    let mut rows = vec![row(before(0), "bot", "other", Outcome::Failed)];
    rows.extend([0, 1_000, BUCKET_MS].map(|ms| row(before(ms), "bot", "main", Outcome::Failed)));
    rows.extend([BUCKET_MS, 2 * BUCKET_MS].map(|ms| row(before(ms), "bot", "main", Outcome::Answered)));
    rows.push(row(before(5 * 60 * 60_000), "bot", "main", Outcome::Failed));
    enter(&engine, rows).await;
    let id = raise(&engine, AlertKind::NeedsAttention, "main").await;
    let chart = draw(&engine, id).await;
    let totals: Vec<Option<&str>> = chart.series.iter().map(|series| series.total.as_deref()).collect();
    assert_eq!(totals, [Some("2"), Some("3")], "{}", chart.summary);
    assert_eq!(chart.slots.len(), 13, "three hours, and the quarter that runs");
    assert!(chart.summary.starts_with("Attempts by time, ") && chart.summary.contains("5 in all"));
    let detail = alerts::show(&engine, id).await.expect("a detail");
    assert_eq!(detail.chart.as_deref(), Some("Attempts, per quarter of an hour"));
}

#[tokio::test]
async fn n2_a_budget_fills_up_beside_its_levels_and_counts_what_it_counts() {
    let (_folder, engine) = engine();
    apps::add(&engine, "bot".to_owned(), None).await.expect("added");
    let key = "app:bot, money per day";
    let draft = budgets::BudgetDraft {
        key: budgets::BudgetKey {
            scope: ScopeName::parse("app:bot").expect("a scope"),
            period: Period::Day,
            measure: Measure::Money,
        },
        cap: "2".to_owned(),
        on_limit: OnLimit::Warn,
        degrade_to: None,
        levels: Some(vec![50, 100]),
    };
    budgets::set(&engine, draft).await.expect("set");
    let now = clock::now();
    let sample = {
        let mut sample = row(now, "bot", "main", Outcome::Answered);
        sample.series.origin = Origin::Sample;
        sample
    };
    let others = row(now, "other", "main", Outcome::Answered);
    let yesterday = row(now.plus_ms(-24 * 4 * BUCKET_MS), "bot", "main", Outcome::Answered);
    let counted = (0..5).map(|_| row(now, "bot", "main", Outcome::Answered));
    enter(&engine, counted.chain([sample, others, yesterday]).collect()).await;
    let id = raise(&engine, AlertKind::Budget, key).await;
    let chart = draw(&engine, id).await;
    let names: Vec<&str> = chart.series.iter().map(|series| series.name.as_str()).collect();
    assert_eq!(names, ["Used", "50%", "Cap"]);
    assert_eq!((chart.slots.len(), chart.unit), (24, Unit::Usd));
    let used: Vec<&str> = chart.rows.iter().filter_map(|row| row[0].as_deref()).collect();
    assert_eq!(used.last(), Some(&"1.25"), "five times a quarter of a dollar");
    assert!(chart.rows.iter().all(|row| row[1].as_deref() == Some("1") && row[2].as_deref() == Some("2")));
    assert!(chart.summary.contains("Used $1.25, 50% $1.00, Cap $2.00"), "{}", chart.summary);
}

#[tokio::test]
async fn n3_an_alert_without_a_series_has_no_chart() {
    let (_folder, engine) = engine();
    let id = raise(&engine, AlertKind::GatewayDown, "").await;
    assert_eq!(alerts::show(&engine, id).await.expect("a detail").chart, None);
    let request = ChartRequest { width: 376, height: 132, theme: ChartTheme::Dark, hidden: Vec::new() };
    let refused = chart(&engine, id, request, TimeZone::UTC).await.expect_err("refused");
    assert_eq!(refused.code, Code::InvalidInput);
}

#[test]
fn every_kind_says_what_it_is_about() {
    let with = |kind: AlertKind, subject: &str| {
        Evidence::of(kind, subject).map(|evidence| match evidence {
            Evidence::Attempts(conditions) | Evidence::Spend(conditions) => conditions
                .iter()
                .map(|one| format!("{}={}", one.field.as_str(), one.values.join(",")))
                .collect::<Vec<_>>()
                .join(" "),
            Evidence::Budget(key) => key.to_string(),
        })
    };
    for (kind, subject, expected) in [
        (AlertKind::BreakerOpen, "main", Some("connection=main")),
        (AlertKind::StandbyTookOver, "main v3", Some("connection=main")),
        (AlertKind::ModelGone, "main/qwen/qwen3", Some("connection=main model=qwen/qwen3")),
        (AlertKind::UnknownPrice, "openrouter/qwen/qwen3", Some("provider=openrouter model=qwen/qwen3")),
        (AlertKind::Loop, "bot", Some("app=bot")),
        (AlertKind::LowBalance, "main", Some("connection=main")),
        (AlertKind::IdleSpend, "", Some("")),
        (AlertKind::Offline, "", Some("")),
        (AlertKind::Budget, "feature:a, b, tokens per month", Some("feature:a, b, tokens per month")),
        (AlertKind::Budget, "test", None),
        (AlertKind::NoCandidate, "gpt-9", None),
        (AlertKind::LedgerFailing, "", None),
    ] {
        assert_eq!(with(kind, subject).as_deref(), expected, "{kind:?} {subject}");
    }
}
