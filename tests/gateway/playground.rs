//! A prompt by hand: what is set beside it and what goes along arrive at the provider, and an estimate tells what it takes.

use patchbay_core::profile::{AnswerFormat, Spec, SpecTarget, ToolSpec, ToolUse};
use patchbay_engine::call::Caller;
use patchbay_engine::desk::playground::{self, PlaygroundEvent, PlaygroundRequest};
use patchbay_engine::desk::profiles::{self, ProfileDraft};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::upstream::{Step, Upstream, ending, stream_head, token};
use crate::world::World;

/// The beginning of every PNG.
pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

pub fn prompt(model: &str) -> PlaygroundRequest {
    PlaygroundRequest { model: model.into(), prompt: "Long or short?".into(), ..PlaygroundRequest::default() }
}

/// Everything that a run tells.
pub async fn run(world: &World, request: PlaygroundRequest) -> Vec<PlaygroundEvent> {
    let (events, mut told) = mpsc::channel(100);
    let caller = Caller { app: "playground".into(), ..Caller::default() };
    playground::run(&world.engine, "run", caller, request, events).await.unwrap();
    let mut all = Vec::new();
    while let Some(event) = told.recv().await {
        all.push(event);
    }
    all
}

fn file(world: &World, name: &str, content: &[u8]) -> String {
    let path = world.folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path.display().to_string()
}

/// A connection `main` to a server that keeps what it was asked.
async fn glass() -> (World, Upstream) {
    let world = World::open().await;
    let steps = vec![Step::text(stream_head() + &token("Hold.") + &ending())];
    let upstream = Upstream::answering(steps).await;
    world.connect("main", &upstream.base_url).await;
    (world, upstream)
}

fn sent(upstream: &Upstream) -> Value {
    let seen = upstream.seen();
    let (_, body) = seen.last().expect("a request").split_once("\r\n\r\n").expect("a body");
    serde_json::from_str(body).expect("JSON")
}

#[tokio::test]
async fn a_file_goes_along_as_a_part_of_the_message() {
    let (world, upstream) = glass().await;
    let text = file(&world, "bars.csv", b"time,close\n09:45,6851.25\n");
    let told = run(&world, PlaygroundRequest { attachment: Some(text), ..prompt("main") }).await;
    assert!(matches!(told.last(), Some(PlaygroundEvent::Finished { .. })), "{told:?}");
    let content = &sent(&upstream)["messages"][0]["content"];
    let part = json!({ "type": "text", "text": "File bars.csv:\n\ntime,close\n09:45,6851.25\n" });
    assert_eq!(content, &json!([{ "type": "text", "text": "Long or short?" }, part]));

    let picture = file(&world, "chart.png", PNG);
    run(&world, PlaygroundRequest { attachment: Some(picture), ..prompt("main") }).await;
    let part = &sent(&upstream)["messages"][0]["content"][1];
    assert_eq!(part["image_url"]["url"], "data:image/png;base64,iVBORw0KGgo=");
    assert_eq!(upstream.seen().len(), 2);
}

#[tokio::test]
async fn m4_the_shape_of_the_answer_and_tools_are_sent_and_checked_as_a_profiles_are() {
    let (world, upstream) = glass().await;
    let schema = json!({ "type": "object", "properties": { "side": { "type": "string" } } });
    let tool = ToolSpec { name: "trend".into(), description: None, parameters: schema.clone(), strict: None };
    let request = PlaygroundRequest {
        response_format: Some(AnswerFormat::JsonSchema {
            name: "signal".into(),
            schema: schema.clone(),
            strict: None,
        }),
        tools: vec![tool.clone()],
        tool_choice: Some(ToolUse::Required),
        ..prompt("main")
    };
    run(&world, request.clone()).await;
    let body = sent(&upstream);
    assert_eq!(body["response_format"]["json_schema"]["schema"], schema);
    assert_eq!(
        (&body["tools"][0]["function"]["name"], &body["tool_choice"]),
        (&json!("trend"), &json!("required"))
    );

    let twice = PlaygroundRequest { tools: vec![tool.clone(), tool], ..request };
    let caller = Caller::default();
    let (events, _told) = mpsc::channel(1);
    let refused = playground::run(&world.engine, "run", caller, twice, events).await.unwrap_err();
    assert!(refused.message.contains("two tools named"), "{refused}");
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn an_estimate_tells_what_a_prompt_takes_and_costs_at_most() {
    let (world, upstream) = glass().await;
    let estimate = async |request| playground::estimate(&world.engine, request).await.unwrap();
    let of = |model| PlaygroundRequest { max_tokens: Some(1_000), ..prompt(model) };
    let found = estimate(of("main")).await.expect("somebody answers");
    assert_eq!((found.connection_name.as_str(), found.model.as_str()), ("The main", "demo-fast"));
    assert_eq!((found.output_tokens, found.has_picture), (1_000, false));
    // 1,000 tokens out at $0.60 per million, and a few in at $0.15.
    let cost: f64 = found.cost.expect("a price").0.parse().unwrap();
    assert!((0.0006..0.00061).contains(&cost), "{cost}");
    assert_eq!(estimate(of("main/no-such-model")).await.unwrap().cost, None, "not priced is not free");
    assert_eq!(estimate(of("nowhere/m")).await, None);

    let text = file(&world, "long.txt", "price ".repeat(1_000).as_bytes());
    let along = estimate(PlaygroundRequest { attachment: Some(text), ..of("main") }).await.unwrap();
    assert!(along.input_tokens > found.input_tokens + 1_000, "{along:?}");
    let picture = file(&world, "chart.png", &[PNG, &[7; 10_000]].concat());
    let along = estimate(PlaygroundRequest { attachment: Some(picture), ..of("main") }).await.unwrap();
    assert!(along.has_picture && along.input_tokens < found.input_tokens + 50, "{along:?}");

    let target = SpecTarget { connection: Some("main".into()), provider: None, model: "demo-deep".into() };
    let spec = Spec { targets: vec![target], max_tokens: Some(77), ..Spec::default() };
    let draft = ProfileDraft { name: "short".into(), spec, note: String::new() };
    profiles::add(&world.engine, draft).await.unwrap();
    let by_profile = estimate(prompt("short")).await.unwrap();
    assert_eq!((by_profile.model.as_str(), by_profile.output_tokens), ("demo-deep", 77));
    assert!(upstream.seen().is_empty(), "nothing is sent for it");
}
