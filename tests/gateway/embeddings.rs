//! Embeddings and counts of tokens, in each protocol that has a word for them.

use patchbay_core::secret::Secret;
use patchbay_engine::desk::connections::ConnectionDraft;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::upstream::Upstream;
use crate::world::{World, draft, header, json_of};

const KEY: &str = "sk-of-the-test-0123456789";
const CONTENTS: &str = r#"[{"role":"user","parts":[{"text":"Is EURUSD a buy?"}]}]"#;

fn native(provider: &str, base_url: &str) -> ConnectionDraft {
    ConnectionDraft {
        provider: provider.into(),
        default_model: Some("m".into()),
        secret: Some(Secret::new(KEY.into())),
        ..draft(provider, base_url)
    }
}

async fn post(world: &World, path: &str, body: &Value) -> Response {
    world.request(Method::POST, path).body(body.to_string()).send().await.unwrap()
}

async fn ok(world: &World, path: &str, body: &Value) -> Value {
    let response = post(world, path, body).await;
    let status = response.status();
    let body = json_of(response).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

#[tokio::test]
async fn c2_embeddings_are_made_counted_and_priced() {
    let (world, _demo) = World::with_demo().await;
    let asked = json!({ "model": "main/demo-embed", "input": ["buy the euro", "sell the yen"] });
    for path in ["/v1/embeddings", "/embeddings", "/v1/v1/embeddings"] {
        let answer = ok(&world, path, &asked).await;
        assert_eq!(answer["data"].as_array().map(Vec::len), Some(2));
        assert_eq!(answer["model"], "main/demo-embed", "as it was asked for");
        let row = world.last().await;
        let tokens = answer["usage"]["prompt_tokens"].as_u64().unwrap();
        assert_eq!((row.input_tokens, row.output_tokens), (Some(tokens), Some(0)));
        assert_eq!(row.cost_nano_usd, Some(i64::try_from(tokens).unwrap() * 20), "$0.02 a million");
    }
    let packed =
        json!({ "model": "main/demo-embed", "input": "x", "encoding_format": "base64", "dimensions": 4 });
    let packed = ok(&world, "/v1/embeddings", &packed).await;
    assert_eq!(packed["data"][0]["embedding"].as_str().map(str::len), Some(24), "four floats in base64");
}

#[tokio::test]
async fn embeddings_cross_from_one_protocol_to_the_other() {
    let (world, _demo) = World::with_demo().await;
    let one = json!({ "content": { "parts": [{ "text": "buy the euro" }] } });
    let batch = json!({ "requests": [{ "model": "models/main/demo-embed", "content": { "parts": [{ "text": "a" }] } }] });
    for path in ["/v1beta/models/main%2Fdemo-embed", "/v1/models/main/demo-embed"] {
        let answer = ok(&world, &format!("{path}:embedContent"), &one).await;
        assert_eq!(answer["embedding"]["values"].as_array().map(Vec::len), Some(64));
        let answer = ok(&world, &format!("{path}:batchEmbedContents"), &batch).await;
        assert_eq!(answer["embeddings"].as_array().map(Vec::len), Some(1));
    }
    let said = r#"{"embeddings":[{"values":[0.1,-2.5]}],"usageMetadata":{"promptTokenCount":7}}"#;
    let gemini = Upstream::saying(200, "application/json", said).await;
    world.add(native("gemini", &gemini.base_url)).await;
    let answer = ok(&world, "/v1/embeddings", &json!({ "model": "gemini/m", "input": "a" })).await;
    assert_eq!(answer["data"][0]["embedding"], json!([0.1, -2.5]));
    assert_eq!(answer["usage"]["prompt_tokens"], 7);
    assert!(gemini.seen()[0].starts_with("POST /v1/models/m:batchEmbedContents"), "{:?}", gemini.seen());
    let passed = post(&world, "/v1beta/models/gemini%2Fm:batchEmbedContents", &batch).await;
    assert_eq!(passed.text().await.unwrap(), said, "not a digit changes");
    assert!(gemini.seen()[1].contains(r#""model":"models/m""#), "{:?}", gemini.seen());
}

#[tokio::test]
async fn who_makes_no_embeddings_is_passed_by() {
    let world = World::open().await;
    let anthropic = Upstream::saying(200, "application/json", "{}").await;
    world.add(native("anthropic", &anthropic.base_url)).await;
    let refused = post(&world, "/v1/embeddings", &json!({ "model": "anthropic/m", "input": "a" })).await;
    assert_eq!(refused.status(), 400);
    let message = json_of(refused).await["error"]["message"].to_string();
    assert!(message.contains("Anthropic makes no embeddings"), "{message}");
    assert!(anthropic.seen().is_empty());
}

#[tokio::test]
async fn tokens_are_counted_for_nothing_by_who_can() {
    let world = World::open().await;
    let anthropic = Upstream::saying(200, "application/json", r#"{"input_tokens":14}"#).await;
    world.add(native("anthropic", &anthropic.base_url)).await;
    let gemini = Upstream::saying(200, "application/json", r#"{"totalTokens":31,"x":1.0}"#).await;
    world.add(native("gemini", &gemini.base_url)).await;
    let chat = |model: &str| json!({ "model": model, "messages": [{ "role": "user", "content": "hi" }] });
    let contents = json!({ "contents": serde_json::from_str::<Value>(CONTENTS).unwrap() });

    let path = "/v1/messages/count_tokens";
    assert_eq!(ok(&world, path, &chat("anthropic/m")).await, json!({ "input_tokens": 14 }));
    assert_eq!(ok(&world, path, &chat("gemini/m")).await, json!({ "input_tokens": 31 }));
    let count = |model: &str| format!("/v1beta/models/{model}:countTokens");
    assert_eq!(ok(&world, &count("anthropic%2Fm"), &contents).await, json!({ "totalTokens": 14 }));
    assert_eq!(ok(&world, &count("gemini%2Fm"), &contents).await, json!({ "totalTokens": 31, "x": 1.0 }));
    assert!(anthropic.seen().iter().all(|sent| sent.starts_with("POST /v1/messages/count_tokens")));
    assert!(gemini.seen().iter().all(|sent| sent.starts_with("POST /v1/models/m:countTokens")));
    for row in world.log().await {
        assert_eq!((row.input_tokens, row.cost_nano_usd), (None, Some(0)), "counting costs nothing");
    }
}

#[tokio::test]
async fn where_nobody_can_count_the_length_tells_and_nothing_is_sent() {
    let (world, demo) = World::with_demo().await;
    let chat =
        json!({ "model": "demo-fast", "messages": [{ "role": "user", "content": "Is EURUSD a buy?" }] });
    let response = post(&world, "/v1/messages/count_tokens", &chat).await;
    assert!(header(&response, "x-patchbay-notices").contains("estimated"), "{response:?}");
    assert!(json_of(response).await["input_tokens"].as_u64() > Some(3));
    assert_eq!(demo.recent().len(), 0);
    let row = world.last().await;
    assert_eq!((row.outcome.as_str(), row.cost_nano_usd), ("answered", Some(0)));
}

#[tokio::test]
async fn what_a_caller_says_in_headers_goes_on_to_its_own_protocol_alone() {
    let world = World::open().await;
    let message = r#"{"type":"message","id":"msg_1","role":"assistant","model":"m","content":[{"type":"text","text":"Hold."}],"stop_reason":"end_turn","usage":{"input_tokens":9,"output_tokens":3}}"#;
    let anthropic = Upstream::saying(200, "application/json", message).await;
    world.add(native("anthropic", &anthropic.base_url)).await;
    let ask = |path: &str, body: Value| {
        world
            .request(Method::POST, path)
            .header("anthropic-version", "2023-01-01")
            .header("anthropic-beta", "context-1m-2025-08-07")
            .body(body.to_string())
            .send()
    };
    let chat =
        json!({ "model": "anthropic/m", "max_tokens": 9, "messages": [{ "role": "user", "content": "hi" }] });
    assert_eq!(ask("/v1/messages", chat.clone()).await.unwrap().status(), 200);
    assert_eq!(ask("/v1/chat/completions", chat).await.unwrap().status(), 200);
    let [own, foreign] = [&anthropic.seen()[0], &anthropic.seen()[1]];
    assert!(
        own.contains("anthropic-beta: context-1m-2025-08-07")
            && own.contains("anthropic-version: 2023-01-01")
    );
    assert!(!own.contains("2023-06-01"), "the caller's version stands for the usual one: {own}");
    assert!(
        !foreign.contains("anthropic-beta") && foreign.contains("anthropic-version: 2023-06-01"),
        "{foreign}"
    );
}
