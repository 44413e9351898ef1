//! Answers as providers really gave them, through the gateway: what the bot gets, what the ledger keeps. The recorded ones
//! lie in an optional folder next to the checkout; a few written by hand are always there.

mod expected;
pub mod recorded;

use std::path::{Path, PathBuf};

use patchbay_core::catalog::Protocol;
use patchbay_core::chat::Delivery;
use patchbay_core::dialect::Inbound;
use patchbay_core::secret::Secret;
use patchbay_engine::call::{Call, Caller};
use patchbay_engine::desk::connections;
use patchbay_engine::desk::log::Line;
use patchbay_engine::pipeline::{self, Answer, Piece};
use serde_json::{Value, json};

use crate::upstream::Upstream;
use crate::world::{World, draft, events};
use expected::Expected;
use recorded::Exchange;

#[tokio::test]
async fn exchanges_written_by_hand_are_understood() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/gateway/exchanges");
    assert!(replay(&folder).await >= 8, "the folder is read");
}

#[tokio::test]
async fn exchanges_recorded_from_providers_are_understood() {
    match recordings() {
        Some(folder) => {
            let count = replay(&folder).await;
            println!("replayed {count} recorded exchanges from {}", folder.display());
            assert!(count > 0, "the folder holds exchanges of this protocol");
        }
        None => println!("skipped: there is no folder of recorded exchanges (PATCHBAY_EXCHANGES names one)"),
    }
}

/// The optional folder.
pub fn recordings() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/providers");
    let folder = std::env::var_os("PATCHBAY_EXCHANGES").map_or(beside, PathBuf::from);
    folder.is_dir().then_some(folder)
}

/// Replays every exchange of the protocol below a folder, and answers how many there were.
async fn replay(folder: &Path) -> usize {
    let world = World::open().await;
    let exchanges = recorded::all(folder);
    for exchange in &exchanges {
        println!("{}", exchange.name);
        let upstream = Upstream::answering(exchange.steps()).await;
        let mut draft = draft("it", &upstream.base_url);
        draft.provider.clone_from(&exchange.provider);
        draft.default_model = Some(exchange.model());
        draft.secret = Some(Secret::new("sk-of-the-test-0123456789".into()));
        world.add(draft).await;
        let expected = Expected::of(exchange);
        for attempt in 0..2 {
            // Cut at other places each time.
            let told =
                if attempt == 0 { over_http(&world, exchange).await } else { inside(&world, exchange).await };
            let row = world.last().await;
            expected.check(exchange, &told, &row);
        }
        check_request(exchange, &upstream.seen()[0]);
        connections::remove(&world.engine, "it").await.unwrap();
    }
    exchanges.len()
}

/// What the caller was told.
#[derive(Debug, Default)]
struct Told {
    /// `None` for a call inside the program.
    status: Option<u16>,
    text: Option<String>,
    /// The code of an error in the middle of a stream, or instead of an answer.
    error: Option<String>,
    done: bool,
}

async fn over_http(world: &World, exchange: &Exchange) -> Told {
    let response = world.chat(exchange.body("it")).send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    if status != 200 {
        return Told { status: Some(status), error: Some(error_of(&text)), ..Told::default() };
    }
    if let Some(error) = events(&text).last().filter(|last| last.starts_with("{\"error\"")) {
        assert!(!text.contains("[DONE]"), "{}: {text}", exchange.name);
        return Told { status: Some(200), error: Some(error_of(error)), ..Told::default() };
    }
    expected::check_bytes(exchange, &text);
    Told { status: Some(200), done: text.ends_with("data: [DONE]\n\n"), ..Told::default() }
}

fn error_of(text: &str) -> String {
    let body: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    body["error"]["code"].as_str().unwrap().to_owned()
}

/// The same call without HTTP, which also tells the text that Patchbay read.
async fn inside(world: &World, exchange: &Exchange) -> Told {
    let inbound = Inbound::read(Protocol::Openai, exchange.body("it").as_bytes()).unwrap();
    let streamed = inbound.delivery == Delivery::Streamed;
    let call = Call::new(inbound, Caller::default());
    match pipeline::serve(&world.engine, call).await {
        Err(error) => Told { error: Some(error.failure.code.as_str().to_owned()), ..Told::default() },
        Ok(Answer::Whole(answer)) => {
            assert!(!streamed, "{}", exchange.name);
            Told { text: Some(answer.text), ..Told::default() }
        }
        Ok(Answer::Stream(mut answer)) => {
            let mut told = Told::default();
            let mut whole = String::new();
            while let Some(piece) = answer.pieces.recv().await {
                match piece {
                    Piece::Event { text, .. } => whole += &text,
                    Piece::Answered { .. } => told.done = true,
                    Piece::Failed { failure, .. } => told.error = Some(failure.code.as_str().to_owned()),
                }
            }
            told.text = told.done.then_some(whole);
            told
        }
    }
}

/// The provider got what the bot sent: every field, with the provider's model, and usage asked for where that is known.
fn check_request(exchange: &Exchange, seen: &str) {
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("authorization: Bearer sk-of-the-test-0123456789"), "{head}");
    let mut sent: Value = serde_json::from_str(body).unwrap();
    let mut asked: Value = serde_json::from_str(&exchange.body("it")).unwrap();
    asked["model"] = json!(exchange.model());
    for body in [&mut sent, &mut asked] {
        let fields = body.as_object_mut().unwrap();
        fields.remove("stream_options");
        if let Some(limit) = fields.remove("max_tokens") {
            fields.entry("max_completion_tokens").or_insert(limit);
        }
    }
    assert_eq!(sent, asked, "{}", exchange.name);
}

/// What the row must say.
fn check_tokens(name: &str, row: &Line, expected: &Expected) {
    if expected.input.is_none() && expected.output.is_none() {
        assert!(row.input_tokens > Some(0) && row.output_tokens > Some(0), "{name}: estimated");
        assert!(["estimated", "unknown"].contains(&row.cost_source.as_str()), "{name}");
        return;
    }
    let found = (row.input_tokens, row.output_tokens, row.cached_tokens, row.reasoning_tokens);
    let wanted = (expected.input, expected.output, expected.cached, expected.reasoning);
    assert_eq!(found, wanted, "{name}: input, output, cached, reasoning");
    if let Some(cost) = expected.reported_nano_usd {
        assert_eq!((row.cost_nano_usd, row.cost_source.as_str()), (Some(cost), "reported"), "{name}");
    }
}
