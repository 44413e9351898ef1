//! A stream that is silent for a while: the caller hears a comment now and then, and whatever comes of it in the end.

use std::sync::Arc;
use std::time::Duration;

use patchbay_engine::gateway::{Bounds, Gateway, Reach};
use reqwest::Response;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::upstream::{Step, Upstream, ending, stream_head, token, whole};
use crate::world::{World, client, header, question};

const SHORT: Bounds = Bounds {
    connections: 64,
    header_time: Duration::from_secs(10),
    body_time: Duration::from_secs(10),
    keep_alive: Duration::from_millis(30),
};

async fn ask(world: &World, gateway: &Gateway, path: &str) -> Response {
    let body = question("demo-fast", &json!({ "stream": true, "max_tokens": 50 }));
    let asked = client().post(format!("{}{path}", gateway.url())).bearer_auth(&world.token).body(body);
    asked.send().await.unwrap()
}

async fn gateway(world: &World) -> Gateway {
    Gateway::listen_within(&world.engine, 0, Reach::default(), SHORT).await.unwrap()
}

/// The rest of the stream, once so many comments have come and the provider was let go on.
async fn rest_after_comments(mut response: Response, gate: &Semaphore) -> String {
    let mut text = String::new();
    while text.matches(": keep-alive\n\n").count() < 3 {
        text += &String::from_utf8_lossy(&response.chunk().await.unwrap().expect("a comment"));
    }
    gate.add_permits(1);
    while let Some(chunk) = response.chunk().await.unwrap() {
        text += &String::from_utf8_lossy(&chunk);
    }
    text
}

#[tokio::test]
async fn f6_who_waits_for_a_first_token_hears_comments_and_then_the_answer() {
    let (world, gate) = (World::open().await, Arc::new(Semaphore::new(0)));
    let steps = [
        Step::Wait(Arc::clone(&gate)),
        Step::text(stream_head()),
        Step::text(token("Hold.")),
        Step::text(ending()),
    ];
    let upstream = Upstream::answering(steps.to_vec()).await;
    world.connect("main", &upstream.base_url).await;
    let gateway = gateway(&world).await;
    let response = ask(&world, &gateway, "/v1/chat/completions").await;
    let call = header(&response, "x-patchbay-call").to_owned();
    let text = rest_after_comments(response, &gate).await;
    assert!(text.contains("Hold.") && text.trim_end().ends_with("[DONE]"), "{text}");
    assert_eq!(world.last().await.call, call);
}

#[tokio::test]
async fn f6_silence_in_the_middle_of_a_stream_is_filled_too() {
    let (world, gate) = (World::open().await, Arc::new(Semaphore::new(0)));
    let steps = [
        Step::text(stream_head()),
        Step::text(token("Hold.")),
        Step::Wait(Arc::clone(&gate)),
        Step::text(ending()),
    ];
    let upstream = Upstream::answering(steps.to_vec()).await;
    world.connect("main", &upstream.base_url).await;
    let gateway = gateway(&world).await;
    let text = rest_after_comments(ask(&world, &gateway, "/v1/chat/completions").await, &gate).await;
    let (said, rest) = text.split_once("Hold.").expect("the first token");
    assert!(!said.contains("[DONE]") && rest.contains(": keep-alive\n\n"), "{text}");
    assert!(rest.trim_end().ends_with("[DONE]"), "{text}");
}

#[tokio::test]
async fn f6_a_failure_after_the_head_is_an_event_in_the_callers_protocol() {
    for (path, mark) in [
        ("/v1/chat/completions", "data: {\"error\":"),
        ("/v1/messages", "event: error\ndata: {\"type\":\"error\""),
        ("/v1/responses", "\"type\":\"error\""),
    ] {
        let (world, gate) = (World::open().await, Arc::new(Semaphore::new(0)));
        let failing = whole(500, &[("content-type", "application/json")], r#"{"error":{"message":"down"}}"#);
        let upstream = Upstream::answering(vec![Step::Wait(Arc::clone(&gate)), Step::text(failing)]).await;
        world.connect("main", &upstream.base_url).await;
        let gateway = gateway(&world).await;
        let response = match path {
            "/v1/responses" => {
                let body = json!({ "model": "demo-fast", "input": "hi", "stream": true }).to_string();
                let asked = client().post(format!("{}{path}", gateway.url())).bearer_auth(&world.token);
                asked.body(body).send().await.unwrap()
            }
            _ => ask(&world, &gateway, path).await,
        };
        assert_eq!(response.status(), 200, "the head is out");
        let text = rest_after_comments(response, &gate).await;
        assert!(text.contains(mark) && text.contains("down") && !text.contains("[DONE]"), "{path}: {text}");
        assert_eq!(world.last().await.outcome, "failed");
    }
}

#[tokio::test]
async fn f6_who_leaves_while_waiting_ends_the_call() {
    let world = World::open().await;
    let upstream = Upstream::answering(vec![Step::Hold]).await;
    world.connect("main", &upstream.base_url).await;
    let gateway = gateway(&world).await;
    let mut response = ask(&world, &gateway, "/v1/chat/completions").await;
    assert!(response.chunk().await.unwrap().is_some(), "a comment");
    drop(response);
    upstream.was_left().await;
    assert_eq!(world.log_of(1).await[0].outcome, "cancelled");
}
