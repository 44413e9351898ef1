//! Calls that go well.

use std::sync::Arc;

use patchbay_engine::demo::Received;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::upstream::{Step, Upstream, ending, stream_head, token};
use crate::world::{World, events, header, json_of, text_of};

#[tokio::test]
async fn a_request_reaches_the_provider_as_it_came_but_for_the_model() {
    let (world, demo) = World::with_demo().await;
    let body = r#"{"messages":[{"role":"user","content":"é\u00e9"}],"model":"main/demo-fast", "seed":12345678901234567890,
        "temperature":0.10,"top_p":1e0,"metadata":{"feature":"risk","n":9007199254740993},"my_field":{"b":[],"a":null},"x":-0.0}"#;
    let response = world.chat(body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let Received { body: sent, path, .. } = demo.recent().pop().unwrap();
    // White space between the outermost fields is the one thing that is not kept.
    let wanted = body.replace("main/demo-fast", "demo-fast");
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().concat();
    assert_eq!(squeezed(&sent), squeezed(&wanted));
    assert_eq!(path, "/v1/chat/completions");
}

#[tokio::test]
async fn an_answer_echoes_the_model_and_says_where_it_came_from() {
    let (world, _demo) = World::with_demo().await;
    let response = world.ask("main/demo-fast", &json!({})).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), "application/json");
    for (name, value) in
        [("connection", "main"), ("provider", "demo"), ("model", "demo-fast"), ("attempts", "1")]
    {
        assert_eq!(header(&response, &format!("x-patchbay-{name}")), value);
    }
    let call = header(&response, "x-patchbay-call").to_owned();
    assert_eq!(header(&response, "x-request-id"), call);
    let cost = header(&response, "x-patchbay-cost-usd").to_owned();
    let body = json_of(response).await;
    assert_eq!(body["model"], "main/demo-fast");
    assert_eq!(body["system_fingerprint"], "fp_demo");

    let row = world.last().await;
    assert_eq!((row.call, row.outcome.as_str(), row.status), (call, "answered", Some(200)));
    assert_eq!((row.requested_model.as_str(), row.model.as_str()), ("main/demo-fast", "demo-fast"));
    assert_eq!(json!(row.input_tokens), body["usage"]["prompt_tokens"]);
    assert_eq!(json!(row.output_tokens), body["usage"]["completion_tokens"]);
    let nano = row.cost_nano_usd.unwrap();
    assert!(nano > 0);
    assert_eq!(nano_of(&cost), nano, "{cost}");
    assert_eq!(row.cost_source, "priced");
}

/// A decimal text of dollars in nano-dollars, without a float on the way.
fn nano_of(text: &str) -> i64 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{part:0<9}").parse().unwrap()
}

#[tokio::test]
async fn a_stream_is_asked_for_its_usage_and_does_not_show_it() {
    let (world, demo) = World::with_demo().await;
    let response = world.ask("demo-fast", &json!({ "stream": true })).await;
    assert!(header(&response, "content-type").starts_with("text/event-stream"));
    assert_eq!(header(&response, "x-patchbay-connection"), "main");
    let stream = response.text().await.unwrap();

    let sent: Value = serde_json::from_str(&demo.recent().pop().unwrap().body).unwrap();
    assert_eq!(sent["stream_options"], json!({ "include_usage": true }));
    let chunks: Vec<Value> =
        events(&stream).iter().filter_map(|data| serde_json::from_str(data).ok()).collect();
    assert!(chunks.iter().all(|chunk| !chunk["choices"].as_array().unwrap().is_empty()));
    assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], "stop");

    let row = world.last().await;
    let cost = stream.find(": x-patchbay-cost-usd ").expect("the cost in a comment");
    let done = stream.find("data: [DONE]\n\n").expect("the end");
    assert!(cost < done && stream.ends_with("data: [DONE]\n\n"), "{stream}");
    let told = stream[cost..].lines().next().unwrap().rsplit(' ').next().unwrap();
    assert_eq!(nano_of(told), row.cost_nano_usd.unwrap());
    assert!(row.streamed && row.first_token_ms.is_some());
    assert_eq!((row.cost_source.as_str(), row.finish_reason.as_deref()), ("priced", Some("stop")));
}

#[tokio::test]
async fn a_stream_shows_its_usage_to_who_asked_for_it() {
    let (world, _demo) = World::with_demo().await;
    let extra = json!({ "stream": true, "stream_options": { "include_usage": true } });
    let stream = world.ask("main", &extra).await.text().await.unwrap();
    let chunks: Vec<Value> =
        events(&stream).iter().filter_map(|data| serde_json::from_str(data).ok()).collect();
    let last = chunks.last().unwrap();
    let row = world.last().await;
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["prompt_tokens"], json!(row.input_tokens));
    assert_eq!(last["usage"]["completion_tokens"], json!(row.output_tokens));
    assert!(chunks.iter().all(|chunk| chunk["model"] == "main"), "the model is echoed");
}

#[tokio::test]
async fn a_plain_and_a_streamed_answer_are_the_same() {
    let (world, _demo) = World::with_demo().await;
    let plain = json_of(world.ask("demo-fast", &json!({})).await).await;
    let stream = world.ask("demo-fast", &json!({ "stream": true })).await;
    assert_eq!(plain["choices"][0]["message"]["content"], text_of(&stream.text().await.unwrap()));
    let log = world.log().await;
    let sums = |at: usize| (log[at].input_tokens, log[at].output_tokens, log[at].cost_nano_usd);
    assert_eq!(sums(0), sums(1));
}

/// The provider goes on only after the bot has the event before: a buffer anywhere would wait for ever.
#[tokio::test]
async fn each_event_of_a_stream_arrives_before_the_next_is_sent() {
    let gate = Arc::new(Semaphore::new(0));
    let mut steps = vec![Step::text(stream_head())];
    for word in ["one ", "two ", "three "] {
        steps.extend([Step::text(token(word)), Step::Wait(Arc::clone(&gate))]);
    }
    steps.push(Step::text(ending()));
    let world = World::open().await;
    let upstream = Upstream::answering(steps).await;
    world.connect("main", &upstream.base_url).await;

    let mut response = world.ask("demo-fast", &json!({ "stream": true })).await;
    let mut stream = String::new();
    for word in ["one ", "two ", "three "] {
        while !stream.contains(word) {
            let bytes = response.chunk().await.unwrap().expect("an event");
            stream.push_str(std::str::from_utf8(&bytes).unwrap());
        }
        assert!(world.log().await.is_empty(), "no row before the end");
        gate.add_permits(1);
    }
    while let Some(bytes) = response.chunk().await.unwrap() {
        stream.push_str(std::str::from_utf8(&bytes).unwrap());
    }
    assert!(stream.ends_with("data: [DONE]\n\n"), "{stream}");
    let row = world.last().await;
    assert_eq!((row.input_tokens, row.output_tokens), (Some(1_000), Some(2_000)));
}

#[tokio::test]
async fn c1_the_ledger_knows_the_app_the_feature_and_the_signal() {
    let (world, _demo) = World::with_demo().await;
    let asked = world
        .chat(crate::world::question("demo-fast", &json!({ "metadata": { "feature": "metadata" } })))
        .header("x-patchbay-feature", "header")
        .header("x-patchbay-signal", "EURUSD-17");
    assert_eq!(asked.send().await.unwrap().status(), 200);
    world.ask("demo-fast", &json!({ "metadata": { "feature": "metadata" } })).await;
    world.ask("demo-fast", &json!({})).await;
    let log = world.log().await;
    let of = |at: usize| (log[at].app.as_str(), log[at].feature.as_str(), log[at].signal.as_deref());
    assert_eq!(of(0), ("bot", "header", Some("EURUSD-17")));
    assert_eq!(of(1), ("bot", "metadata", None));
    assert_eq!(of(2), ("bot", "", None));
}

#[tokio::test]
async fn unpriced_models_cost_unknown_and_never_a_default() {
    let world = World::open().await;
    let upstream = Upstream::streaming(&(token("hi") + &ending())).await;
    let mut draft = crate::world::draft("own", &upstream.base_url);
    draft.provider = "compatible".into();
    draft.default_model = Some("house-model".into());
    world.add(draft).await;
    let stream = world.ask("own", &json!({ "stream": true })).await.text().await.unwrap();
    assert!(!stream.contains("x-patchbay-cost-usd"), "{stream}");
    assert!(stream.ends_with("data: [DONE]\n\n"));
    let row = world.last().await;
    assert_eq!((row.cost_nano_usd, row.cost_source.as_str()), (None, "unknown"));
    let totals = world.usage().await.totals;
    assert_eq!((totals.cost_nano_usd, totals.unpriced_attempts), (0, 1));
}
