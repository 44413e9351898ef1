//! What the ledger says agrees with itself and with what the bots saw.

use futures_util::future::join_all;
use jiff::tz::TimeZone;
use patchbay_core::diagnose::{Spend, Verdict};
use patchbay_core::money::NanoUsd;
use patchbay_core::report::{Filter, GroupBy};
use patchbay_engine::demo::DemoFault;
use patchbay_engine::desk::usage::Figures;
use patchbay_engine::desk::{connections, overview, usage};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::world::{World, demo, events, refusal};

/// What a bot saw of one call.
struct Seen {
    input: u64,
    output: u64,
}

async fn call(world: &World, number: usize) -> Seen {
    let model = ["demo-fast", "demo-deep", "spare/demo-fast"][number % 3];
    let streamed = number.is_multiple_of(2);
    let extra = json!({
        "stream": streamed, "max_tokens": 5 + number, "metadata": { "feature": format!("f{}", number % 4) },
        "stream_options": if streamed { json!({ "include_usage": true }) } else { Value::Null },
        "messages": [{ "role": "user", "content": "x".repeat(number * 7) + "?" }],
    });
    let text = world.ask(model, &extra).await.text().await.unwrap();
    let body = if streamed {
        assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
        events(&text)
            .into_iter()
            .filter_map(|data| serde_json::from_str::<Value>(data).ok())
            .find(|chunk| chunk["usage"].is_object())
            .expect("usage")
    } else {
        serde_json::from_str(&text).unwrap()
    };
    let tokens = |name: &str| body["usage"][name].as_u64().unwrap_or_else(|| panic!("{text}"));
    Seen { input: tokens("prompt_tokens"), output: tokens("completion_tokens") }
}

fn sums(figures: &Figures) -> (u64, u64, u64, u64, i64) {
    (figures.calls, figures.attempts, figures.input_tokens, figures.output_tokens, figures.cost_nano_usd)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c5_log_groups_totals_and_the_bots_agree_token_for_token() {
    let (world, _first) = World::with_demo().await;
    let second = demo();
    world.connect("spare", second.base_url()).await;
    let seen = join_all((0..60).map(|number| call(&world, number))).await;
    // Right after the last byte: every row was committed before its bot saw the end (C4).
    let log = world.log().await;
    let totals = world.usage().await.totals;
    assert_eq!(log.len(), 60);
    let input: u64 = seen.iter().map(|call| call.input).sum();
    let output: u64 = seen.iter().map(|call| call.output).sum();
    let of_log = |pick: fn(&patchbay_engine::desk::log::Line) -> u64| log.iter().map(pick).sum::<u64>();
    assert_eq!(of_log(|row| row.input_tokens.unwrap()), input);
    assert_eq!(of_log(|row| row.output_tokens.unwrap()), output);
    let cost: i64 = log.iter().map(|row| row.cost_nano_usd.unwrap()).sum();
    assert_eq!(sums(&totals), (60, 60, input, output, cost));

    for by in [
        GroupBy::Connection,
        GroupBy::Provider,
        GroupBy::Model,
        GroupBy::Feature,
        GroupBy::App,
        GroupBy::Day,
        GroupBy::Hour,
    ] {
        let groups =
            usage::report(&world.engine, Filter::default(), Some(by), TimeZone::UTC).await.unwrap().groups;
        let total = groups.iter().fold((0, 0, 0, 0, 0), |all, group| {
            let of = sums(&group.figures);
            (all.0 + of.0, all.1 + of.1, all.2 + of.2, all.3 + of.3, all.4 + of.4)
        });
        assert_eq!(total, sums(&totals), "{by:?}");
    }
    let today = overview::overview(&world.engine, TimeZone::UTC).await.unwrap().today;
    assert_eq!((today.calls, today.input_tokens, today.output_tokens), (60, input, output));
    assert_eq!(NanoUsd::from_decimal(&today.cost.0), Some(NanoUsd(cost)));
}

#[tokio::test]
async fn c5_every_filter_finds_the_rows_that_the_log_shows() {
    let (world, demo) = World::with_demo().await;
    for number in [0, 1, 4, 7] {
        call(&world, number).await;
    }
    demo.set_fault(DemoFault::ServerError);
    world.ask("demo-fast", &json!({})).await;
    let log = world.log().await;
    for (name, value) in [
        ("connection", "main"),
        ("provider", "demo"),
        ("model", "demo-deep"),
        ("feature", "f0"),
        ("app", "bot"),
        ("outcome", "failed"),
        ("outcome", "answered"),
        ("app", "nobody"),
    ] {
        let mut filter = Filter::default();
        assert!(filter.set(name, value));
        let rows =
            log.iter().filter(|row| json!(row)[name] == value).map(|row| row.input_tokens.unwrap_or(0));
        let expected = (rows.clone().count() as u64, rows.sum::<u64>());
        let found = usage::report(&world.engine, filter, None, TimeZone::UTC).await.unwrap().totals;
        assert_eq!((found.attempts, found.input_tokens), expected, "{name}={value}");
    }
}

#[tokio::test]
async fn c5_failures_do_not_count_among_the_latencies() {
    let (world, demo) = World::with_demo().await;
    demo.set_fault(DemoFault::ServerError);
    world.ask("demo-fast", &json!({})).await;
    let totals = world.usage().await.totals;
    assert_eq!((totals.p50_ms, totals.p99_ms), (None, None));
    demo.set_fault(DemoFault::None);
    world.ask("demo-fast", &json!({})).await;
    assert!(world.usage().await.totals.p50_ms.is_some());
}

#[tokio::test]
async fn trap_11_a_test_is_in_the_usage_and_costs_what_it_costs() {
    let (world, _demo) = World::with_demo().await;
    let (stages, mut told) = mpsc::channel(64);
    let report = connections::test(&world.engine, "main", Spend::Allowed, stages).await.unwrap();
    assert_eq!(report.verdict, Verdict::Passed, "{report:?}");
    assert!(told.recv().await.is_some());
    let rows = world.log().await;
    assert_eq!(
        rows.iter().map(|row| row.streamed).collect::<Vec<_>>(),
        [false, true],
        "whole, and as a stream"
    );
    assert!(rows.iter().all(|row| (row.app.as_str(), row.feature.as_str()) == ("test", "connection_test")));
    assert!(rows.iter().all(|row| row.cost_nano_usd > Some(0)));
    let spent = rows.iter().filter_map(|row| row.cost_nano_usd).sum::<i64>();
    assert_eq!(world.usage().await.totals.cost_nano_usd, spent);
    let told = patchbay_core::money::DecimalUsd::from(patchbay_core::money::NanoUsd(spent));
    assert_eq!(report.cost, Some(told), "the report tells what the ledger tells");
    // A test that may not spend asks for no completion.
    let (stages, _told) = mpsc::channel(64);
    connections::test(&world.engine, "main", Spend::FreeOnly, stages).await.unwrap();
    assert_eq!(world.log().await.len(), 2);
}

#[tokio::test]
async fn trap_3_a_paused_connection_stays_paused_after_a_good_test() {
    let (world, demo) = World::with_demo().await;
    connections::pause(&world.engine, "main", TimeZone::UTC).await.unwrap();
    let (stages, _told) = mpsc::channel(64);
    let report = connections::test(&world.engine, "main", Spend::Allowed, stages).await.unwrap();
    assert_eq!(report.verdict, Verdict::Passed);
    refusal(world.ask("main", &json!({})).await, 503, "no_candidate").await;
    assert_eq!(demo.requests(), 2, "the test's own");
}

#[tokio::test]
async fn trap_7_a_deleted_connection_keeps_its_history() {
    let (world, _demo) = World::with_demo().await;
    call(&world, 0).await;
    let before = sums(&world.usage().await.totals);
    connections::remove(&world.engine, "main").await.unwrap();
    assert_eq!(sums(&world.usage().await.totals), before);
    assert_eq!(world.last().await.connection, "main");
    refusal(world.ask("main", &json!({})).await, 404, "model_not_found").await;
}

#[tokio::test]
async fn trap_6_an_edit_leaves_what_it_does_not_name() {
    let (world, _demo) = World::with_demo().await;
    let before = world.connection("main").await;
    let renamed = connections::ConnectionEdit::Name("Desk".into());
    connections::edit(&world.engine, "main", renamed, TimeZone::UTC).await.unwrap();
    let after = world.connection("main").await;
    assert_eq!(after.name, "Desk");
    let rest = |connection: &connections::Connection| {
        let mut fields = json!(connection);
        fields["name"] = Value::Null;
        fields
    };
    assert_eq!(rest(&after), rest(&before));
}
