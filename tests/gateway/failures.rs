//! A provider that fails: what the bot is told, and what the ledger keeps.

use patchbay_engine::demo::{DemoFault, DemoServer, Pace};
use patchbay_engine::desk::connections::NewSettings;
use serde_json::{Value, json};

use crate::upstream::{Step, Upstream, stream_head, token};
use crate::world::{World, demo, draft, events, header, question, refusal};

#[tokio::test]
async fn a_refused_key_is_told_as_such_and_costs_nothing() {
    let (world, demo) = World::with_demo().await;
    demo.set_fault(DemoFault::Unauthorized);
    for stream in [false, true] {
        // By its key: in a chain it would not be asked a second time.
        let response = world.ask("main/demo-fast", &json!({ "stream": stream })).await;
        assert_eq!(header(&response, "x-patchbay-connection"), "main");
        let message = refusal(response, 401, "patchbay_key_refused").await;
        assert!(message.contains("Incorrect API key") && message.contains("Replace the key"), "{message}");
        let row = world.last().await;
        assert_eq!(
            (row.outcome.as_str(), row.status, row.error_class.as_deref()),
            ("failed", Some(401), Some("key_refused"))
        );
        assert_eq!(row.cost_nano_usd, Some(0));
    }
    assert_eq!(demo.requests(), 2, "a refused key is not tried again");
}

#[tokio::test]
async fn r5_the_providers_wish_to_wait_is_passed_on() {
    let (world, demo) = World::with_demo().await;
    demo.set_fault(DemoFault::RateLimited);
    for stream in [false, true] {
        let response = world.ask("demo-fast", &json!({ "stream": stream })).await;
        assert_eq!(header(&response, "retry-after"), "20");
        refusal(response, 429, "rate_limit_exceeded").await;
        let row = world.last().await;
        assert_eq!((row.outcome.as_str(), row.status, row.cost_nano_usd), ("limited", Some(429), Some(0)));
        world.clock.advance(20_001);
    }
    assert_eq!(demo.requests(), 2);
}

#[tokio::test]
async fn r5_a_short_wait_is_waited_here() {
    let world = World::open().await;
    let limited = "{\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"slow down\"}}";
    let answer = crate::upstream::whole(429, &[("retry-after-ms", "5")], limited);
    let upstream = Upstream::answering(vec![Step::text(answer)]).await;
    world.connect("main", &upstream.base_url).await;
    let response = world.ask("demo-fast", &json!({})).await;
    assert_eq!(header(&response, "x-patchbay-attempts"), "2");
    refusal(response, 429, "rate_limit_exceeded").await;
    assert_eq!(upstream.seen().len(), 2, "once more, and not again");
}

#[tokio::test]
async fn f2_a_server_error_is_tried_again_as_often_as_the_connection_says() {
    let world = World::open().await;
    let demo = demo();
    demo.set_fault(DemoFault::ServerError);
    let mut patient = draft("main", demo.base_url());
    patient.settings = NewSettings { max_retries: Some(2), ..NewSettings::default() };
    world.add(patient).await;
    let response = world.ask("demo-fast", &json!({})).await;
    assert_eq!(header(&response, "x-patchbay-attempts"), "3");
    let message = refusal(response, 502, "upstream_failed").await;
    assert!(message.contains("plays a server error"), "{message}");
    assert_eq!(demo.requests(), 3);
    let attempts: Vec<u32> = world.log().await.iter().map(|row| row.attempt).collect();
    assert_eq!(attempts, [1, 2, 3]);
    let totals = world.usage().await.totals;
    assert_eq!((totals.calls, totals.attempts, totals.failed), (1, 3, 1));
}

#[tokio::test]
async fn f6_a_cut_stream_ends_with_an_error_and_costs_an_estimate() {
    let (world, demo) = World::with_demo().await;
    demo.set_fault(DemoFault::CutStream);
    let response = world.ask("demo-fast", &json!({ "stream": true })).await;
    assert_eq!(response.status(), 200);
    let stream = response.text().await.unwrap();
    let events = events(&stream);
    let last: Value = serde_json::from_str(events.last().unwrap()).unwrap();
    assert_eq!(last["error"]["code"], "stream_cut", "{stream}");
    assert!(!stream.contains("[DONE]"));
    let row = world.last().await;
    assert_eq!(
        (row.outcome.as_str(), row.error_class.as_deref(), row.cost_source.as_str()),
        ("cut", Some("stream_cut"), "estimated")
    );
    assert!(row.cost_nano_usd > Some(0) && row.input_tokens > Some(0) && row.output_tokens > Some(0));
    let totals = world.usage().await.totals;
    assert_eq!((totals.succeeded, totals.failed), (0, 1));
}

#[tokio::test]
async fn a_plain_answer_that_is_cut_is_no_answer() {
    let (world, demo) = World::with_demo().await;
    demo.set_fault(DemoFault::CutStream);
    refusal(world.ask("demo-fast", &json!({})).await, 502, "stream_cut").await;
    let row = world.last().await;
    assert_eq!(
        (row.outcome.as_str(), row.cost_source.as_str(), row.cost_nano_usd),
        ("failed", "unknown", None),
        "it was sent, so it may be billed"
    );
}

#[tokio::test]
async fn c3_a_slow_first_byte_ends_at_the_timeout_and_may_be_billed() {
    let world = World::open().await;
    let demo = demo();
    demo.set_fault(DemoFault::SlowFirstByte);
    let mut hasty = draft("main", demo.base_url());
    hasty.settings.timeout_s = Some(1);
    world.add(hasty).await;
    for stream in [false, true] {
        let response = world.ask("demo-fast", &json!({ "stream": stream })).await;
        let message = refusal(response, 504, "timed_out").await;
        assert!(message.contains("within 1 s"), "{message}");
        let row = world.last().await;
        assert_eq!((row.cost_nano_usd, row.cost_source.as_str()), (None, "unknown"));
    }
    assert_eq!(world.usage().await.totals.unpriced_attempts, 2);
}

#[tokio::test]
async fn f6_keep_alives_are_no_first_token() {
    let world = World::open().await;
    let comments = ": OPENROUTER PROCESSING\n\n".repeat(3);
    let steps = vec![Step::text(stream_head() + &comments), Step::Hold];
    let upstream = Upstream::answering(steps).await;
    let mut hasty = draft("main", &upstream.base_url);
    hasty.settings.timeout_s = Some(1);
    world.add(hasty).await;
    let response = world.ask("demo-fast", &json!({ "stream": true })).await;
    refusal(response, 504, "timed_out").await;
    upstream.was_left().await;
}

#[tokio::test]
async fn a_dead_port_is_told_and_costs_nothing() {
    let world = World::open().await;
    let gone =
        DemoServer::start(patchbay_engine::demo::DemoOptions { pace: Pace::Instant, require_key: None })
            .unwrap();
    world.connect("main", gone.base_url()).await;
    drop(gone);
    let (answer, row) = crate::world::until("the port is closed", async || {
        let response = world.ask("demo-fast", &json!({})).await;
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        text.contains("nothing listens there").then_some((status, world.last().await))
    })
    .await;
    assert_eq!(answer, 502);
    assert_eq!(
        (row.error_class.as_deref(), row.status, row.cost_nano_usd),
        (Some("network_failed"), None, Some(0))
    );
}

#[tokio::test]
async fn trap_5_a_bad_prompt_does_not_hurt_the_connection() {
    let (world, demo) = World::with_demo().await;
    world.ask("demo-fast", &json!({})).await;
    let before = world.connection("main").await;
    for extra in [json!({ "messages": [] }), json!({ "stop": 7 })] {
        let response = world.ask("demo-fast", &extra).await;
        refusal(response, 400, "bad_request").await;
    }
    let upstream = Upstream::saying(
        400,
        "application/json",
        r#"{"error":{"message":"too long","code":"context_length_exceeded"}}"#,
    )
    .await;
    world.connect("other", &upstream.base_url).await;
    let response = world.ask("other", &json!({})).await;
    refusal(response, 400, "context_length_exceeded").await;
    let after = world.connection("main").await;
    assert_eq!((after.health, after.success_bp), (before.health, before.success_bp));
    assert!(after.last_error.is_none());
    assert!(world.connection("other").await.last_error.is_none());
    assert_eq!(demo.requests(), 3);
}

#[tokio::test]
async fn f6_a_stream_that_dies_after_its_first_token_is_not_started_anew() {
    let world = World::open().await;
    let dying = Upstream::streaming(&token("I would ")).await;
    let spare = demo();
    world.connect("first", &dying.base_url).await;
    world.connect("second", spare.base_url()).await;
    let asked = world.chat(question("demo-fast", &json!({ "stream": true })));
    let stream = asked.send().await.unwrap().text().await.unwrap();
    assert!(stream.contains("I would ") && stream.contains("stream_cut"), "{stream}");
    assert_eq!(spare.requests(), 0);
}
