//! More than one connection for a call.

use jiff::tz::TimeZone;
use patchbay_engine::demo::{DemoFault, DemoServer};
use patchbay_engine::desk::{connections, overview};
use serde_json::json;

use crate::upstream::{Upstream, ending, token};
use crate::world::{World, demo, header, json_of, refusal, text_of};

/// Two connections that have the same models, the first tried first.
async fn pair() -> (World, DemoServer, DemoServer) {
    let (world, first) = World::with_demo().await;
    let second = demo();
    world.connect("spare", second.base_url()).await;
    (world, first, second)
}

#[tokio::test]
async fn f2_a_server_error_moves_on_and_the_call_is_saved() {
    for stream in [false, true] {
        let (world, first, second) = pair().await;
        first.set_fault(DemoFault::ServerError);
        let response = world.ask("demo-fast", &json!({ "stream": stream })).await;
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "x-patchbay-attempts"), "2");
        assert_eq!(header(&response, "x-patchbay-connection"), "spare");
        response.bytes().await.unwrap();
        assert_eq!((first.requests(), second.requests()), (1, 1));

        let log = world.log().await;
        assert_eq!(log[0].call, log[1].call);
        let rows: Vec<_> =
            log.iter().map(|row| (row.attempt, row.connection.as_str(), row.outcome.as_str())).collect();
        assert_eq!(rows, [(1, "main", "failed"), (2, "spare", "answered")]);
        let totals = world.usage().await.totals;
        assert_eq!((totals.calls, totals.attempts, totals.succeeded, totals.failed), (1, 2, 1, 0));
        let today = overview::overview(&world.engine, TimeZone::UTC).await.unwrap().today;
        assert_eq!((today.saved_by_failover, today.calls, today.answered_calls), (1, 1, 1));
    }
}

#[tokio::test]
async fn f3_a_refused_key_a_limit_and_a_missing_model_move_on() {
    for fault in [DemoFault::Unauthorized, DemoFault::RateLimited, DemoFault::CutStream] {
        let (world, first, second) = pair().await;
        first.set_fault(fault);
        let answer = json_of(world.ask("demo-fast", &json!({})).await).await;
        assert!(answer["choices"][0]["message"]["content"].is_string(), "{fault:?}: {answer}");
        assert_eq!((first.requests(), second.requests()), (1, 1));
    }
    let world = World::open().await;
    let lacking =
        Upstream::saying(404, "application/json", r#"{"error":{"code":"model_not_found","message":"no"}}"#)
            .await;
    let second = demo();
    world.connect("main", &lacking.base_url).await;
    world.connect("spare", second.base_url()).await;
    assert_eq!(world.ask("demo-fast", &json!({})).await.status(), 200);
}

#[tokio::test]
async fn f3_a_bad_request_stays_where_it_was_refused() {
    let (world, first, second) = pair().await;
    refusal(world.ask("demo-fast", &json!({ "messages": [] })).await, 400, "bad_request").await;
    assert_eq!((first.requests(), second.requests()), (1, 0));
}

#[tokio::test]
async fn trap_1_two_failing_connections_are_each_asked_once() {
    let (world, first, second) = pair().await;
    first.set_fault(DemoFault::ServerError);
    second.set_fault(DemoFault::Unauthorized);
    let response = world.ask("demo-fast", &json!({})).await;
    assert_eq!(header(&response, "x-patchbay-attempts"), "2");
    refusal(response, 401, "patchbay_key_refused").await;
    assert_eq!((first.requests(), second.requests()), (1, 1));
}

#[tokio::test]
async fn f6_a_stream_that_breaks_before_its_first_token_moves_on() {
    let world = World::open().await;
    for (key, body) in [
        ("empty", String::new()),
        ("comments", ": still there\n\n".repeat(3)),
        ("error", "data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n".to_owned()),
    ] {
        let broken = Upstream::streaming(&body).await;
        let whole = Upstream::streaming(&(token("Hold.") + &ending())).await;
        world.connect(&format!("{key}_1"), &broken.base_url).await;
        world.connect(&format!("{key}_2"), &whole.base_url).await;
        let response = world.ask("demo-fast", &json!({ "stream": true })).await;
        assert_eq!(header(&response, "x-patchbay-connection"), format!("{key}_2"));
        let stream = response.text().await.unwrap();
        assert_eq!(text_of(&stream), "Hold.", "nothing of the first answer shows");
        for number in [1, 2] {
            connections::remove(&world.engine, &format!("{key}_{number}")).await.unwrap();
        }
    }
}

#[tokio::test]
async fn f5_a_paused_connection_refuses_even_by_its_key() {
    let (world, first, second) = pair().await;
    connections::pause(&world.engine, "main", TimeZone::UTC).await.unwrap();
    let message = refusal(world.ask("main/demo-fast", &json!({})).await, 503, "no_candidate").await;
    assert!(message.contains("The main: switched off"), "{message}");
    assert_eq!(header(&world.ask("demo-fast", &json!({})).await, "x-patchbay-connection"), "spare");
    assert_eq!((first.requests(), second.requests()), (0, 1));
    let models = world.get("/v1/models").await.text().await.unwrap();
    assert!(!models.contains("main/"), "{models}");

    connections::pause(&world.engine, "spare", TimeZone::UTC).await.unwrap();
    let message = refusal(world.ask("demo-fast", &json!({})).await, 503, "no_candidate").await;
    assert!(
        message.contains("The main: switched off") && message.contains("The spare: switched off"),
        "{message}"
    );
}

#[tokio::test]
async fn f1_the_order_is_the_users() {
    let (world, first, second) = pair().await;
    connections::reorder(&world.engine, vec!["spare".into(), "main".into()]).await.unwrap();
    world.ask("demo-fast", &json!({})).await;
    assert_eq!((first.requests(), second.requests()), (0, 1));
}
