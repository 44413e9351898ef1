//! A provider written by hand: it answers every request with the same bytes, piece by piece, and keeps what it was sent.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// A part of an answer.
#[derive(Clone)]
pub enum Step {
    /// These bytes go out at once.
    Send(Vec<u8>),
    /// Nothing goes out until the test adds a permit.
    Wait(Arc<Semaphore>),
    /// The connection stays open and silent until the other side closes it.
    Hold,
}

impl Step {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Send(text.into().into_bytes())
    }
}

/// A listening one; its connections end with it.
pub struct Upstream {
    /// With `/v1`.
    pub base_url: String,
    seen: Arc<Mutex<Vec<String>>>,
    left: Arc<Semaphore>,
    _running: JoinSet<()>,
}

impl Upstream {
    /// Answers each request with these steps and closes the connection.
    pub async fn answering(steps: Vec<Step>) -> Self {
        Self::varying(vec![steps]).await
    }

    /// Answers each request with the next of these scripts, over and over.
    pub async fn varying(scripts: Vec<Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let seen = Arc::default();
        let left = Arc::new(Semaphore::new(0));
        let mut running = JoinSet::new();
        running.spawn(accept(listener, scripts, Arc::clone(&seen), Arc::clone(&left)));
        Self { base_url, seen, left, _running: running }
    }

    /// Answers with this status and body.
    pub async fn saying(status: u16, kind: &str, body: &str) -> Self {
        Self::answering(vec![Step::text(whole(status, &[("content-type", kind)], body))]).await
    }

    /// Answers 200 with a stream of these events, whole or not.
    pub async fn streaming(events: &str) -> Self {
        Self::answering(vec![Step::text(stream_head()), Step::text(events)]).await
    }

    /// All requests so far: head and body.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// Returns once a client has closed a connection that was held.
    pub async fn was_left(&self) {
        let left = tokio::time::timeout(super::world::DEADLINE, self.left.acquire()).await;
        left.expect("the client leaves").unwrap().forget();
    }
}

/// An answer in one piece.
pub fn whole(status: u16, headers: &[(&str, &str)], body: &str) -> String {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    format!(
        "HTTP/1.1 {status} As it is\r\n{lines}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// A whole answer of the Demo's model that used so many tokens.
pub fn answer(input: u32, output: u32) -> String {
    let body = serde_json::json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "demo-fast",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": "Hold." }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": input, "completion_tokens": output },
    });
    whole(200, &[("content-type", "application/json")], &body.to_string())
}

/// The head of a stream that ends with its connection.
pub fn stream_head() -> String {
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n".to_owned()
}

/// An event with this text.
pub fn token(text: &str) -> String {
    let chunk = serde_json::json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "demo-fast",
        "choices": [{ "index": 0, "delta": { "content": text }, "finish_reason": null }],
    });
    format!("data: {chunk}\n\n")
}

/// The events that end a stream well.
pub fn ending() -> String {
    let chunk = serde_json::json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "demo-fast",
        "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 1_000, "completion_tokens": 2_000 },
    });
    format!("data: {chunk}\n\ndata: [DONE]\n\n")
}

async fn accept(
    listener: TcpListener,
    scripts: Vec<Vec<Step>>,
    seen: Arc<Mutex<Vec<String>>>,
    left: Arc<Semaphore>,
) {
    let mut connections = JoinSet::new();
    for steps in scripts.iter().cycle() {
        let Ok((stream, _)) = listener.accept().await else { return };
        stream.set_nodelay(true).unwrap();
        connections.spawn(converse(stream, steps.clone(), Arc::clone(&seen), Arc::clone(&left)));
    }
}

async fn converse(
    mut stream: TcpStream,
    steps: Vec<Step>,
    seen: Arc<Mutex<Vec<String>>>,
    left: Arc<Semaphore>,
) {
    let Some(request) = read_request(&mut stream).await else {
        return;
    };
    seen.lock().unwrap().push(request);
    for step in steps {
        match step {
            // A client that left early reads no more.
            Step::Send(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Step::Wait(gate) => gate.acquire().await.unwrap().forget(),
            Step::Hold => {
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest).await;
                left.add_permits(1);
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && body.len() >= content_length(head)
        {
            return Some(text);
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

fn content_length(head: &str) -> usize {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let mut lengths = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    lengths.next().map_or(0, |(_, length)| length.parse().unwrap())
}
