//! Providers that answer 200 with something else, or something else altogether.

use serde_json::{Value, json};

use crate::upstream::{Step, Upstream, stream_head, token, whole};
use crate::world::{World, draft, events, json_of, refusal, text_of};

/// What a bot gets from a provider that says this to a plain and to a streamed request.
async fn refused(answer: &str, status: u16, code: &str) -> String {
    let world = World::open().await;
    let upstream = Upstream::answering(vec![Step::text(answer)]).await;
    world.connect("main", &upstream.base_url).await;
    let mut message = String::new();
    for stream in [false, true] {
        let response = world.ask("demo-fast", &json!({ "stream": stream })).await;
        message = refusal(response, status, code).await;
        let row = world.last().await;
        assert!(["failed", "limited"].contains(&row.outcome.as_str()), "{answer}");
        // Whatever rests by now has rested.
        world.clock.advance(60_000);
    }
    message
}

#[tokio::test]
async fn a_200_that_is_no_answer_is_an_error() {
    for (kind, body) in [
        ("text/html", "<!doctype html><title>Sign in</title>"),
        ("application/json", ""),
        ("application/json", "{}"),
        ("application/json", r#"{"choices":[]}"#),
        ("application/json", "[1,2]"),
        ("application/json", r#"{"choices":[{"message""#),
        ("text/plain", "upstream connect error"),
    ] {
        let answer = whole(200, &[("content-type", kind)], body);
        let world = World::open().await;
        let upstream = Upstream::answering(vec![Step::text(answer)]).await;
        world.connect("main", &upstream.base_url).await;
        for stream in [false, true] {
            let response = world.ask("demo-fast", &json!({ "stream": stream })).await;
            assert_eq!(response.status(), 502, "{body}");
            let code = json_of(response).await["error"]["code"].clone();
            // A stream that ends without a word may as well have been cut.
            assert!(
                code == "malformed_answer" || (stream && code == "stream_cut"),
                "{stream} {body}: {code}"
            );
            assert_eq!(world.last().await.outcome, "failed");
        }
    }
}

#[tokio::test]
async fn an_error_inside_a_200_is_an_error() {
    let inside = |body: &str| whole(200, &[("content-type", "application/json")], body);
    let error = inside(r#"{"error":{"message":"Provider returned error","code":429}}"#);
    let message = refused(&error, 429, "rate_limit_exceeded").await;
    assert!(message.starts_with("Provider returned error. Wait"), "{message}");
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_ends_it() {
    let world = World::open().await;
    let error = r#"{"error":{"message":"Overloaded","type":"overloaded_error"}}"#;
    let upstream =
        Upstream::streaming(&format!("{}event: error\ndata: {error}\n\n", token("I would "))).await;
    world.connect("main", &upstream.base_url).await;
    let stream = world.ask("demo-fast", &json!({ "stream": true })).await.text().await.unwrap();
    let last: Value = serde_json::from_str(events(&stream).pop().unwrap()).unwrap();
    assert_eq!(last["error"]["code"], "overloaded", "{stream}");
    assert!(stream.contains("I would ") && !stream.contains("[DONE]"));
    let row = world.last().await;
    assert_eq!((row.outcome.as_str(), row.error_class.as_deref()), ("cut", Some("overloaded")));
}

#[tokio::test]
async fn a_web_page_instead_of_an_error_is_not_shown_as_text() {
    let page = whole(502, &[("content-type", "text/html")], "<html><h1>502 Bad Gateway</h1></html>");
    let message = refused(&page, 502, "upstream_failed").await;
    assert!(message.contains("web page") && !message.contains("<h1>"), "{message}");
}

#[tokio::test]
async fn k1_a_redirect_is_not_followed_and_the_key_stays() {
    for status in [301, 302, 307, 308] {
        let world = World::open().await;
        let thief = Upstream::saying(200, "application/json", "{}").await;
        let to = format!("{}/chat/completions", thief.base_url);
        let moved = whole(status, &[("location", &to)], "");
        let upstream = Upstream::answering(vec![Step::text(moved)]).await;
        let mut keyed = draft("main", &upstream.base_url);
        keyed.secret = Some(patchbay_core::secret::Secret::new("sk-0123456789abcdef".into()));
        world.add(keyed).await;
        let response = world.ask("demo-fast", &json!({})).await;
        let message = refusal(response, 502, "malformed_answer").await;
        assert!(message.contains("redirect"), "{message}");
        assert!(upstream.seen()[0].contains("sk-0123456789abcdef"));
        assert!(thief.seen().is_empty(), "the key went to another address");
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_without_a_word_is_a_network_failure() {
    let world = World::open().await;
    let upstream = Upstream::answering(Vec::new()).await;
    world.connect("main", &upstream.base_url).await;
    for stream in [false, true] {
        let response = world.ask("demo-fast", &json!({ "stream": stream })).await;
        refusal(response, 502, "network_failed").await;
    }
    let binary = Upstream::answering(vec![Step::Send(vec![0, 159, 146, 150, 13, 10])]).await;
    world.connect("binary", &binary.base_url).await;
    let response = world.ask("binary", &json!({})).await;
    refusal(response, 502, "network_failed").await;
}

#[tokio::test]
async fn lenient_streams_are_read() {
    let body = [
        "data:{\"choices\":[{\"delta\":{\"content\":\"Hold\"}}]}\r\n\r\n",
        ": keep-alive\r\n\r\n\r\n",
        "id: 7\r\nretry: 3\r\ndata: {\"choices\":[{\"delta\":{\"content\":\" on\"},\"finish_reason\":\"eos\"}],\"usage\":null}\r\n\r\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}",
    ];
    let world = World::open().await;
    let steps = vec![Step::text(stream_head()), Step::text(body.concat())];
    let upstream = Upstream::answering(steps).await;
    world.connect("main", &upstream.base_url).await;
    let stream = world.ask("demo-fast", &json!({ "stream": true })).await.text().await.unwrap();
    assert!(stream.ends_with("data: [DONE]\n\n"), "{stream}");
    let text = stream.replace("data:{", "data: {").replace("\r\n", "\n");
    assert_eq!(text_of(&text), "Hold on");
    let row = world.last().await;
    assert_eq!(
        (row.input_tokens, row.output_tokens, row.finish_reason.as_deref()),
        (Some(3), Some(2), Some("eos"))
    );
}

#[tokio::test]
async fn usage_that_nobody_reports_is_estimated_and_marked() {
    let world = World::open().await;
    let body = r#"{"choices":[{"message":{"content":"Hold on to it."},"finish_reason":"stop"}]}"#;
    let upstream = Upstream::saying(200, "application/json", body).await;
    world.connect("main", &upstream.base_url).await;
    let answer = json_of(world.ask("demo-fast", &json!({})).await).await;
    assert_eq!(answer["choices"][0]["message"]["content"], "Hold on to it.");
    let row = world.last().await;
    assert_eq!((row.outcome.as_str(), row.cost_source.as_str()), ("answered", "estimated"));
    assert!(row.cost_nano_usd > Some(0));
}
