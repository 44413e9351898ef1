//! Connections whose provider speaks another protocol than the caller.

use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use jiff::tz::TimeZone;
use patchbay_core::diagnose::{Spend, Verdict};
use patchbay_core::profile::{Spec, SpecTarget};
use patchbay_core::secret::Secret;
use patchbay_engine::desk::connections;
use patchbay_engine::desk::profiles::{self, ProfileDraft};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::upstream::Upstream;
use crate::world::{World, draft, header, json_of, text_of};

const KEY: &str = "sk-of-the-test-0123456789";
const MESSAGE: &str = r#"{"type":"message","id":"msg_1","role":"assistant","model":"claude-x","content":[{"type":"text","text":"Hold."}],"stop_reason":"end_turn","usage":{"input_tokens":9,"output_tokens":3}}"#;

/// An Anthropic or Gemini that lists one model and answers it, to the right key alone.
struct Native {
    base_url: String,
    paths: Arc<Mutex<Vec<String>>>,
    _running: JoinHandle<()>,
}

impl Native {
    async fn start() -> Self {
        let paths: Arc<Mutex<Vec<String>>> = Arc::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&paths));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let running = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base_url, paths, _running: running }
    }

    fn paths(&self) -> Vec<String> {
        self.paths.lock().unwrap().clone()
    }
}

async fn answer(State(paths): State<Arc<Mutex<Vec<String>>>>, request: Request) -> Response {
    let path = request.uri().to_string();
    paths.lock().unwrap().push(path.clone());
    let key = |name: &str| request.headers().get(name).is_some_and(|key| key == KEY);
    let is_anthropic = request.headers().contains_key("anthropic-version");
    let body = match (path.split('?').next().unwrap_or_default(), is_anthropic) {
        (_, true) if !key("x-api-key") => {
            return refusal(
                json!({ "type": "error", "error": { "type": "authentication_error", "message": "invalid x-api-key" } }),
            );
        }
        (_, false) if !key("x-goog-api-key") => {
            return refusal(
                json!({ "error": { "code": 401, "message": "bad key", "status": "UNAUTHENTICATED" } }),
            );
        }
        ("/v1/models", true) => json!({ "data": [{ "type": "model", "id": "claude-x" }], "has_more": false }),
        ("/v1/messages", true) => serde_json::from_str(MESSAGE).unwrap(),
        ("/models", false) => {
            json!({ "models": [{ "name": "models/gemini-x", "supportedGenerationMethods": ["generateContent"] }] })
        }
        ("/models/gemini-x:generateContent", false) => json!({
            "candidates": [{ "content": { "role": "model", "parts": [{ "text": "Hold." }] }, "finishReason": "STOP" }],
            "usageMetadata": { "promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12 },
        }),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    Json(body).into_response()
}

fn refusal(body: Value) -> Response {
    (StatusCode::UNAUTHORIZED, Json(body)).into_response()
}

fn drafted(provider: &str, model: &str, base_url: &str, key: &str) -> connections::ConnectionDraft {
    connections::ConnectionDraft {
        provider: provider.into(),
        default_model: Some(model.into()),
        secret: Some(Secret::new(key.into())),
        ..draft(provider, base_url)
    }
}

/// Adds a connection and turns it on, untested as it is.
async fn add(world: &World, provider: &str, base_url: &str) {
    world.add(drafted(provider, "claude-x", base_url, KEY)).await;
    connections::enable(&world.engine, provider, TimeZone::UTC).await.unwrap();
}

#[tokio::test]
async fn f8_a_connection_test_speaks_the_providers_own_protocol() {
    for (provider, model) in [("anthropic", "claude-x"), ("gemini", "gemini-x")] {
        let (world, native) = (World::open().await, Native::start().await);
        world.add(drafted(provider, model, &native.base_url, KEY)).await;
        // This provider answers in one piece only.
        let whole = connections::ConnectionEdit::Streaming(false);
        connections::edit(&world.engine, provider, whole, jiff::tz::TimeZone::UTC).await.unwrap();
        let (stages, mut seen) = mpsc::channel(64);
        let report = connections::test(&world.engine, provider, Spend::Allowed, stages).await.unwrap();
        while seen.try_recv().is_ok() {}
        assert_eq!(
            (report.verdict, report.models.as_slice()),
            (Verdict::Passed, [model.to_owned()].as_slice()),
            "{report:?}"
        );
        assert_eq!(world.last().await.input_tokens, Some(9), "{:?}", native.paths());
        assert!(!native.paths().concat().contains(KEY), "a key never stands in a URL");

        let wrong = World::open().await;
        wrong.add(drafted(provider, model, &native.base_url, "sk-another-key-of-nobody")).await;
        let (stages, _seen) = mpsc::channel(64);
        let report = connections::test(&wrong.engine, provider, Spend::Allowed, stages).await.unwrap();
        assert_eq!(report.code.map(patchbay_core::code::Code::as_str), Some("key_refused"), "{report:?}");
    }
}

#[tokio::test]
async fn f3_a_call_moves_on_to_a_connection_of_another_protocol() {
    let world = World::open().await;
    let failing = Upstream::saying(500, "application/json", r#"{"error":{"message":"no"}}"#).await;
    let native = Native::start().await;
    add(&world, "compatible", &failing.base_url).await;
    add(&world, "anthropic", &native.base_url).await;
    let alone = world.ask("claude-x", &json!({})).await;
    assert_eq!(alone.status(), 502, "F7: without a chain a call stays with its provider");
    let to =
        |key: &str| SpecTarget { connection: Some(key.into()), provider: None, model: "claude-x".into() };
    let spec = Spec { targets: vec![to("compatible"), to("anthropic")], ..Spec::default() };
    let chain = ProfileDraft { name: "chain".into(), spec, note: String::new() };
    profiles::add(&world.engine, chain).await.unwrap();
    let answer = world.ask("chain", &json!({})).await;
    assert_eq!(
        (header(&answer, "x-patchbay-provider"), header(&answer, "x-patchbay-attempts")),
        ("anthropic", "2")
    );
    let answer = json_of(answer).await;
    assert_eq!(answer["choices"][0]["message"]["content"], "Hold.");
    assert_eq!(answer["model"], "chain");
}

#[tokio::test]
async fn what_one_protocol_cannot_say_another_connection_is_asked() {
    let world = World::open().await;
    let native = Native::start().await;
    add(&world, "anthropic", &native.base_url).await;
    let refused = world.ask("claude-x", &json!({ "n": 2 })).await;
    assert_eq!(refused.status(), 400);
    let body = json_of(refused).await;
    assert!(body["error"]["message"].as_str().unwrap().contains("`n`"), "{body}");
    assert!(native.paths().is_empty(), "nothing was sent");
    assert_eq!((world.last().await.cost_nano_usd, world.last().await.outcome.as_str()), (Some(0), "failed"));

    let chunks = crate::upstream::token("Hold.") + &crate::upstream::ending();
    let other = Upstream::streaming(&chunks).await;
    add(&world, "compatible", &other.base_url).await;
    let answer = world.ask("claude-x", &json!({ "n": 2, "stream": true })).await;
    assert_eq!(header(&answer, "x-patchbay-provider"), "compatible");
    assert_eq!(text_of(&answer.text().await.unwrap()), "Hold.");
}

#[tokio::test]
async fn m4_what_was_left_out_of_a_request_is_told_in_a_header() {
    let world = World::open().await;
    let native = Native::start().await;
    add(&world, "anthropic", &native.base_url).await;
    let answer = world.ask("claude-x", &json!({ "logit_bias": {}, "seed": 7 })).await;
    let told = header(&answer, "x-patchbay-notices").to_owned();
    assert!(told.contains("logit_bias") && told.contains("seed"), "{told}");
}

#[tokio::test]
async fn a_refusal_wears_the_callers_envelope_on_every_path() {
    let world = World::open().await;
    for (path, place) in [
        ("/v1/chat/completions", "/error/code"),
        ("/v1/responses", "/error/code"),
        ("/v1/messages", "/error/type"),
        ("/v1beta/models/x:generateContent", "/error/status"),
        ("/v1/models/x:generateContent", "/error/status"),
    ] {
        let request = world.request(Method::POST, path).header("content-type", "application/json");
        let missing = request.body(r#"{"model":"nobody-has-it","messages":[]}"#).send().await.unwrap();
        assert_eq!(missing.status(), 404, "{path}");
        let body = json_of(missing).await;
        assert!(body.pointer(place).is_some_and(Value::is_string), "{path}: {body}");
        let strange = world.bare(Method::POST, path).body("{}").send().await.unwrap();
        assert_eq!(strange.status(), 401, "{path}");
        assert!(json_of(strange).await.pointer(place).is_some_and(Value::is_string), "{path}");
    }
    let array = world
        .request(Method::POST, "/v1beta/models/x:streamGenerateContent")
        .body("{}")
        .send()
        .await
        .unwrap();
    assert!(json_of(array).await["error"]["message"].as_str().unwrap().contains("alt=sse"));
}

/// The events of a stream that calls a tool, and what has to come back with the tool's result.
const CALLS: [(&str, &str, &str); 2] = [
    (
        "gemini",
        "data: {\"responseId\":\"r1\",\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"quote\",\"args\":{\"symbol\":\"ES\"}},\"thoughtSignature\":\"c2lnbmVk\"}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":9,\"candidatesTokenCount\":3,\"totalTokenCount\":12}}\n\n",
        "\"thoughtSignature\":\"c2lnbmVk\"",
    ),
    (
        "anthropic",
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"model\":\"claude-x\",\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n\
         event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n\
         event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}}\n\n\
         event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"c2lnbmVk\"}}\n\n\
         event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n\
         event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"quote\",\"input\":{}}}\n\n\
         event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"symbol\\\":\\\"ES\\\"}\"}}\n\n\
         event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n\
         event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":9}}\n\n\
         event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        "\"signature\":\"c2lnbmVk\"",
    ),
];

#[tokio::test]
async fn what_a_provider_wants_back_with_a_tools_result_comes_back_though_the_caller_cannot_keep_it() {
    for (provider, events, signed) in CALLS {
        let (world, upstream) = (World::open().await, Upstream::streaming(events).await);
        add(&world, provider, &upstream.base_url).await;
        let streamed = world.ask("claude-x", &json!({ "stream": true })).await.text().await.unwrap();
        let chunks = crate::world::events(&streamed).into_iter();
        let call = chunks.filter_map(|data| serde_json::from_str::<Value>(data).ok()).find_map(|chunk| {
            chunk.pointer("/choices/0/delta/tool_calls/0/id").and_then(Value::as_str).map(str::to_owned)
        });
        let call = call.unwrap_or_else(|| panic!("{provider}: {streamed}"));
        // As the official clients do it: only the fields that they know.
        let history = json!([
            { "role": "user", "content": "How is ES?" },
            { "role": "assistant", "content": null, "tool_calls": [{
                "id": call, "type": "function", "function": { "name": "quote", "arguments": "{\"symbol\":\"ES\"}" },
            }] },
            { "role": "tool", "tool_call_id": call, "content": "6012.25" },
        ]);
        world.ask("claude-x", &json!({ "stream": true, "messages": history })).await.bytes().await.unwrap();
        let sent = upstream.seen().pop().unwrap();
        assert!(sent.contains("6012.25") && sent.contains(signed), "{provider}: {sent}");
    }
}
