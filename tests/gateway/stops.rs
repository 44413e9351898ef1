//! Calls that end before their answer does: the bot leaves, or the trader pulls the switch.

use std::sync::Arc;

use patchbay_engine::desk::status;
use serde_json::json;

use crate::upstream::{Step, Upstream, stream_head, token};
use crate::world::{World, events, header, refusal, until};

async fn endless(world: &World) -> Upstream {
    let steps = vec![Step::text(stream_head() + &token("Hold ")), Step::Hold];
    let upstream = Upstream::answering(steps).await;
    world.connect("main", &upstream.base_url).await;
    upstream
}

#[tokio::test]
async fn a_bot_that_leaves_a_stream_cancels_the_provider() {
    let world = World::open().await;
    let upstream = endless(&world).await;
    let mut response = world.ask("demo-fast", &json!({ "stream": true })).await;
    response.chunk().await.unwrap().expect("the first event");
    drop(response);
    upstream.was_left().await;
    let row = world.log_of(1).await.remove(0);
    assert_eq!((row.outcome.as_str(), row.error_class.as_deref()), ("cancelled", Some("cancelled")));
    assert_eq!(row.cost_source, "estimated", "what had arrived was produced");
    assert!(row.output_tokens > Some(0));
    assert!(world.connection("main").await.last_error.is_none(), "the connection is not to blame");
    idle(&world).await;
}

#[tokio::test]
async fn a_bot_that_leaves_before_the_answer_cancels_the_provider() {
    let world = World::open().await;
    let upstream = Upstream::answering(vec![Step::Hold]).await;
    world.connect("main", &upstream.base_url).await;
    for stream in [false, true] {
        let extra = json!({ "stream": stream });
        let asking = world.ask("demo-fast", &extra);
        let asked = upstream.seen().len();
        tokio::select! {
            _ = asking => panic!("nobody answers"),
            () = until("the provider was asked", async || (upstream.seen().len() > asked).then_some(())) => {}
        }
        upstream.was_left().await;
        let row = world.log_of(asked + 1).await.remove(asked);
        assert_eq!(
            (row.outcome.as_str(), row.cost_source.as_str(), row.cost_nano_usd),
            ("cancelled", "unknown", None),
            "it was sent, so it may be billed"
        );
    }
    idle(&world).await;
}

#[tokio::test]
async fn n4_the_switch_cuts_what_flows_and_refuses_what_comes() {
    let world = World::open().await;
    let upstream = endless(&world).await;
    let mut response = world.ask("demo-fast", &json!({ "stream": true })).await;
    response.chunk().await.unwrap().expect("the first event");
    status::stop(&world.engine, "the test").await.unwrap();
    upstream.was_left().await;
    let rest = response.text().await.unwrap();
    let last = events(&rest).pop().expect("an event");
    assert!(last.contains("patchbay_stopped") && !rest.contains("[DONE]"), "{rest}");
    assert_eq!(world.last().await.outcome, "cancelled");

    for stream in [false, true] {
        let response = world.ask("demo-fast", &json!({ "stream": stream })).await;
        assert_eq!(header(&response, "x-should-retry"), "false");
        let message = refusal(response, 403, "patchbay_stopped").await;
        assert!(message.contains("the test") && message.contains("patchbay resume"), "{message}");
    }
    assert_eq!(upstream.seen().len(), 1);
    assert_eq!(world.log().await.len(), 1, "a refused call is no attempt");

    status::resume(&world.engine).await.unwrap();
    let mut response = world.ask("demo-fast", &json!({ "stream": true })).await;
    assert!(response.chunk().await.unwrap().is_some());
    assert_eq!(upstream.seen().len(), 2);
}

#[tokio::test]
async fn n4_the_switch_cuts_a_call_that_waits_for_its_first_byte() {
    let world = World::open().await;
    let upstream = Upstream::answering(vec![Step::Hold]).await;
    world.connect("main", &upstream.base_url).await;
    let engine = Arc::clone(&world.engine);
    let stopping = async {
        until("the provider was asked", async || (!upstream.seen().is_empty()).then_some(())).await;
        status::stop(&engine, "the test").await.unwrap();
    };
    let extra = json!({});
    let (response, ()) = tokio::join!(world.ask("demo-fast", &extra), stopping);
    assert_eq!(header(&response, "x-should-retry"), "false");
    refusal(response, 403, "patchbay_stopped").await;
    upstream.was_left().await;
    assert_eq!(world.last().await.outcome, "cancelled");
}

/// Every call has ended here too.
async fn idle(world: &World) {
    until("no call is on its way", async || {
        let status = status::status(&world.engine, jiff::tz::TimeZone::UTC).await;
        (status.unwrap().in_flight == 0).then_some(())
    })
    .await;
}
