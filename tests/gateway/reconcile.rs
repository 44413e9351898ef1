//! Thousands of calls by mixed clients: the ledger's sums are what the provider itself has counted, token for token and
//! nano-dollar for nano-dollar, also for calls that were cut or left in the middle. `PATCHBAY_CALLS=10000` runs long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures_util::{StreamExt, stream};
use jiff::tz::TimeZone;
use patchbay_core::report::Filter;
use patchbay_engine::desk::{connections, usage};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::world::{World, until};

/// How many call at the same time.
const BOTS: usize = 16;
/// Nano-dollars a token: the Demo's fast model at $0.15, $0.05 and $0.60 a million.
const PRICES: [u64; 3] = [150, 50, 600];

/// What the provider has counted: input, of it cached, output; and what that costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    calls: u64,
    input: u64,
    cached: u64,
    output: u64,
}

impl Count {
    fn add(&mut self, usage: [u64; 3]) {
        self.calls += 1;
        self.input += usage[0];
        self.cached += usage[1];
        self.output += usage[2];
    }

    fn nano_usd(&self) -> u64 {
        (self.input - self.cached) * PRICES[0] + self.cached * PRICES[1] + self.output * PRICES[2]
    }
}

/// A provider that counts for itself, and tells its count with every event of a stream.
#[derive(Clone, Default)]
struct Provider {
    counted: Arc<Mutex<Count>>,
    number: Arc<AtomicU64>,
}

impl Provider {
    async fn start(&self) -> (String, JoinSet<()>) {
        let router = Router::new()
            .route("/v1/chat/completions", post(chat))
            .route("/v1/embeddings", post(embed))
            .with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let mut running = JoinSet::new();
        running.spawn(async move { axum::serve(listener, router).await.unwrap() });
        (url, running)
    }

    /// Another request's tokens: any numbers, the same in every run.
    fn tokens(&self) -> [u64; 3] {
        let number = self.number.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let input = 3 + number % 4_001;
        [input, (number >> 16) % (input + 1), 1 + (number >> 32) % 900]
    }

    fn count(&self, usage: [u64; 3]) {
        self.counted.lock().unwrap().add(usage);
    }
}

fn usage(tokens: [u64; 3]) -> Value {
    json!({
        "prompt_tokens": tokens[0], "completion_tokens": tokens[2], "total_tokens": tokens[0] + tokens[2],
        "prompt_tokens_details": { "cached_tokens": tokens[1] },
    })
}

async fn embed(State(provider): State<Provider>) -> Response {
    let [input, ..] = provider.tokens();
    provider.count([input, 0, 0]);
    let usage = json!({ "prompt_tokens": input, "total_tokens": input });
    Json(json!({ "object": "list", "model": "demo-fast", "data": [{ "index": 0, "embedding": [0.5] }], "usage": usage }))
        .into_response()
}

async fn chat(State(provider): State<Provider>, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let tokens = provider.tokens();
    let told = request["messages"][0]["content"].to_string();
    if request["stream"] != true {
        provider.count(tokens);
        return Json(json!({
            "id": "x", "object": "chat.completion", "created": 1, "model": "demo-fast", "usage": usage(tokens),
            "choices": [{ "index": 0, "message": { "role": "assistant", "content": "Hold." }, "finish_reason": "stop" }],
        }))
        .into_response();
    }
    let pieces = pieces(tokens);
    // Of an answer that is left or cut, what was sent is what counts.
    let (sent, end) = match told.as_str() {
        told if told.contains("leave") => (2, End::Silence),
        told if told.contains("cut") => (2, End::Break),
        _ => (pieces.len(), End::Whole),
    };
    provider.count(pieces[sent - 1].1);
    let events = pieces.into_iter().take(sent).map(|(event, _)| Ok::<_, std::io::Error>(Bytes::from(event)));
    let rest = stream::once(async move {
        match end {
            End::Whole => Ok(Bytes::from_static(b"data: [DONE]\n\n")),
            End::Break => {
                tokio::task::yield_now().await;
                Err(std::io::ErrorKind::ConnectionAborted.into())
            }
            End::Silence => std::future::pending().await,
        }
    });
    let head = [("content-type", "text/event-stream")];
    (head, Body::from_stream(stream::iter(events).chain(rest))).into_response()
}

enum End {
    Whole,
    Break,
    Silence,
}

/// Four events, each with what has been used up to it.
fn pieces([input, cached, output]: [u64; 3]) -> Vec<(String, [u64; 3])> {
    let piece = |at: u64| {
        let so_far = [input, cached, output * at / 4];
        let finish = if at == 4 { json!("stop") } else { Value::Null };
        let chunk = json!({
            "id": "x", "object": "chat.completion.chunk", "created": 1, "model": "demo-fast", "usage": usage(so_far),
            "choices": [{ "index": 0, "delta": { "content": "Hold. " }, "finish_reason": finish }],
        });
        (format!("data: {chunk}\n\n"), so_far)
    };
    (1..=4).map(piece).collect()
}

/// One call of one of eight kinds.
async fn call(world: &World, number: usize) {
    let chat = |content: &str, stream: bool| {
        json!({ "model": "main/demo-fast", "max_tokens": 900, "stream": stream,
            "messages": [{ "role": "user", "content": content }] })
    };
    let contents = json!({ "contents": [{ "role": "user", "parts": [{ "text": "hi" }] }] });
    let gemini = "/v1beta/models/main%2Fdemo-fast";
    let (path, body) = match number % 8 {
        0 => ("/v1/chat/completions".to_owned(), chat("hi", false)),
        1 => ("/v1/chat/completions".to_owned(), chat("hi", true)),
        2 => ("/v1/messages".to_owned(), chat("hi", number % 16 == 2)),
        3 => {
            ("/v1/responses".to_owned(), json!({ "model": "main/demo-fast", "input": "hi", "stream": true }))
        }
        4 => (format!("{gemini}:generateContent"), contents),
        5 => ("/v1/embeddings".to_owned(), json!({ "model": "main/demo-fast", "input": "hi" })),
        6 => ("/v1/chat/completions".to_owned(), chat("cut", true)),
        _ => ("/v1/chat/completions".to_owned(), chat("leave", true)),
    };
    let mut response = loop {
        let response = world.request(Method::POST, &path).body(body.to_string()).send().await.unwrap();
        if response.status() != 503 {
            break response;
        }
        // Five answers in a row were cut, so the connection rests: somebody turns it on again.
        connections::enable(&world.engine, "main", TimeZone::UTC).await.unwrap();
    };
    assert_eq!(response.status(), 200, "{path}");
    let mut text = String::new();
    // Who leaves has seen two events; the others read to the end, whatever it is.
    while let Ok(Some(chunk)) = response.chunk().await {
        text += &String::from_utf8_lossy(&chunk);
        if number % 8 == 7 && text.matches("Hold. ").count() == 2 {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c5_the_ledger_says_what_the_provider_has_counted() {
    let calls = std::env::var("PATCHBAY_CALLS").ok().and_then(|calls| calls.parse().ok()).unwrap_or(1_600);
    let provider = Provider::default();
    let (url, _running) = provider.start().await;
    let world = Arc::new(World::open().await);
    world.connect("main", &url).await;
    let mut bots = JoinSet::new();
    for bot in 0..BOTS {
        let world = Arc::clone(&world);
        bots.spawn(async move {
            for number in (bot..calls).step_by(BOTS) {
                call(&world, number).await;
            }
        });
    }
    while let Some(bot) = bots.join_next().await {
        bot.unwrap();
    }
    let totals =
        async || usage::report(&world.engine, Filter::default(), None, TimeZone::UTC).await.unwrap().totals;
    until("everybody who left is in the ledger", async || {
        (totals().await.attempts == calls as u64).then_some(())
    })
    .await;
    let totals = totals().await;
    let counted = *provider.counted.lock().unwrap();
    let cost = u64::try_from(totals.cost_nano_usd).unwrap();
    assert_eq!(
        (counted.calls, counted.input, counted.output),
        (calls as u64, totals.input_tokens, totals.output_tokens)
    );
    assert_eq!(counted.nano_usd(), cost);
    println!("{calls} calls: {counted:?}, {cost} nano-dollars");
}
