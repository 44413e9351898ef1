//! Recorded exchanges with one provider, and what a decoder tells of an answer. The recordings are not part of this
//! repository: they lie next to the checkout, or where `PATCHBAY_EXCHANGES` says.

use std::path::{Path, PathBuf};

use patchbay_core::chat::{Delta, Finish, Reply};
use patchbay_core::dialect::{Failure, retry_after_ms};
use patchbay_core::sse::{Event, Reader};
use patchbay_core::usage::TokenUsage;
use serde_json::Value;

/// One recorded exchange.
pub struct Exchange {
    pub name: String,
    /// Of the request; empty where it was not recorded.
    pub path: String,
    pub request: Option<Value>,
    pub status: u16,
    headers: Value,
    response: Value,
}

impl Exchange {
    /// The body of the response as it came.
    pub fn body(&self) -> Vec<u8> {
        let text = ["sse", "text"].into_iter().find_map(|form| self.response[form].as_str());
        text.map_or_else(|| self.response["body"].to_string(), str::to_owned).into_bytes()
    }

    /// The body as JSON, under whatever content type it came.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body()).expect("JSON")
    }

    /// What the headers say of trying again.
    pub fn retry_after_ms(&self) -> Option<u64> {
        retry_after_ms(|name| self.headers[name].as_str())
    }

    /// The data of each event of a stream, found without the reader under test.
    pub fn data(&self) -> Vec<Value> {
        let sse = self.response["sse"].as_str().expect("a stream");
        let data = sse.lines().filter_map(|line| line.strip_prefix("data:"));
        data.map(|data| serde_json::from_str(data).expect("JSON")).collect()
    }
}

/// All recorded exchanges with a provider, by name; `None` where there are no recordings.
#[expect(
    clippy::disallowed_methods,
    reason = "the core reads no files; this test of it reads the recordings"
)]
pub fn exchanges(provider: &str) -> Option<Vec<Exchange>> {
    let root = std::env::var_os("PATCHBAY_EXCHANGES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/providers"),
        PathBuf::from,
    );
    let files = std::fs::read_dir(root.join(provider)).ok()?;
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a recording");
        exchange(&path, &serde_json::from_str(&text).expect("JSON"))
    };
    let mut exchanges: Vec<Exchange> = files.map(|file| read(file.expect("a file").path())).collect();
    exchanges.sort_by(|one, other| one.name.cmp(&other.name));
    Some(exchanges)
}

fn exchange(path: &Path, recorded: &Value) -> Exchange {
    let request = &recorded["request"];
    Exchange {
        name: path.file_stem().expect("a name").to_string_lossy().into_owned(),
        path: request["path"].as_str().unwrap_or_default().trim_start_matches('/').to_owned(),
        request: Some(request["body"].clone()).filter(Value::is_object),
        status: u16::try_from(recorded["response"]["status"].as_u64().expect("a status")).expect("a status"),
        headers: recorded["response"]["headers"].clone(),
        response: recorded["response"].clone(),
    }
}

/// What an answer tells, whole or streamed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    pub text: String,
    pub reasoning: String,
    pub refusal: Option<String>,
    /// Name and arguments.
    pub calls: Vec<(String, Value)>,
    pub finish: Option<Finish>,
    pub usage: TokenUsage,
    pub opaque: Vec<Value>,
}

impl Told {
    /// Of a whole answer.
    pub fn of_reply(reply: &Reply) -> Self {
        let calls = reply.turn.tool_calls.iter().map(|call| (call.name.clone(), json(&call.arguments)));
        Self {
            text: reply.turn.text.clone(),
            reasoning: reply.reasoning.clone(),
            refusal: reply.refusal.clone(),
            calls: calls.collect(),
            finish: reply.finish.clone(),
            usage: reply.usage,
            opaque: reply.turn.opaque.clone(),
        }
    }

    /// Of a streamed answer.
    pub fn of_deltas(deltas: &[Delta]) -> Self {
        let mut told = Self::default();
        let mut calls: Vec<(String, String)> = Vec::new();
        for delta in deltas {
            match delta {
                Delta::Start { .. } => {}
                Delta::Text(text) => told.text += text,
                Delta::Refusal(text) => *told.refusal.get_or_insert_default() += text,
                Delta::Reasoning(text) => told.reasoning += text,
                Delta::ToolCall { index, call } => {
                    assert_eq!(*index as usize, calls.len(), "calls are counted from 0");
                    calls.push((call.name.clone(), call.arguments.clone()));
                }
                Delta::Arguments { index, text } => calls[*index as usize].1 += text,
                Delta::Opaque(block) => told.opaque.push(block.clone()),
                Delta::Finish(finish) => told.finish = Some(finish.clone()),
                Delta::Usage(usage) => told.usage = *usage,
            }
        }
        told.calls = calls.into_iter().map(|(name, arguments)| (name, json(&arguments))).collect();
        told
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("arguments are JSON")
}

/// The events of a stream that arrives in pieces of `size` bytes.
pub fn events(stream: &[u8], size: usize) -> Vec<Event> {
    let mut reader = Reader::default();
    let mut events = Vec::new();
    for piece in stream.chunks(size) {
        reader.push(piece).expect("short events");
        events.extend(std::iter::from_fn(|| reader.next_event()));
    }
    events.extend(reader.finish());
    events
}

/// Feeds events to a decoder until it fails.
pub fn feed(
    events: &[Event],
    mut event: impl FnMut(&Event) -> Result<Vec<Delta>, Failure>,
) -> (Vec<Delta>, Option<Failure>) {
    let mut deltas = Vec::new();
    for next in events {
        match event(next) {
            Ok(told) => deltas.extend(told),
            Err(failure) => return (deltas, Some(failure)),
        }
    }
    (deltas, None)
}

/// JSON in which 1 and 1.0 are equal, as they are to every provider.
pub fn with_plain_numbers(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        Value::Array(values) => values.into_iter().map(with_plain_numbers).collect(),
        Value::Object(fields) => fields.into_iter().map(|(k, v)| (k, with_plain_numbers(v))).collect(),
        other => other,
    }
}

/// The sum of the counts that are there; `None` where none is.
pub fn sum(counts: &Value, names: &[&str]) -> Option<u64> {
    let found: Vec<u64> = names.iter().filter_map(|name| counts[name].as_u64()).collect();
    (!found.is_empty()).then(|| found.iter().sum())
}
