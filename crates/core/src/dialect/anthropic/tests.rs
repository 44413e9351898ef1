mod answers;
mod requests;

use serde_json::{Value, json};

use super::*;
use crate::chat::{
    ChatRequest, Delta, Finish, Message, Part, Reply, ResponseFormat, ToolCall, ToolResult, Turn,
};
use crate::code::Code;
use crate::dialect::Failure;
use crate::dialect::models::ModelLimits;
use crate::sse::{Event, Reader};

/// A request in the neutral form of Anthropic's own words.
fn neutral(body: &Value) -> ChatRequest {
    decode_request(body.to_string().as_bytes()).expect("a request")
}

fn written(request: &ChatRequest, limits: ModelLimits) -> (Value, Vec<String>) {
    let encoded = encode(request, limits).expect("a body");
    (serde_json::from_slice(&encoded.body).expect("JSON"), encoded.notices)
}

fn asked(text: &str) -> ChatRequest {
    ChatRequest {
        model: "claude-opus-4-8".into(),
        messages: vec![Message::user(text)],
        ..ChatRequest::default()
    }
}

/// The fields that a change of the request changes, and the parameters that it gives notice of.
fn check(change: impl FnOnce(&mut ChatRequest), fields: &Value, parameters: &[&str]) {
    let mut request = ChatRequest { max_tokens: Some(9_000), ..asked("hi") };
    change(&mut request);
    let (body, notices) = written(&request, ModelLimits::default());
    for (name, value) in fields.as_object().expect("fields") {
        assert_eq!(body.get(name).unwrap_or(&Value::Null), value, "{name}");
    }
    let names: Vec<&str> = notices.iter().filter_map(|notice| notice.split(':').next()).collect();
    assert_eq!(names, parameters, "{notices:?}");
}

fn events(stream: &[u8]) -> Vec<Event> {
    let mut reader = Reader::default();
    reader.push(stream).expect("short events");
    std::iter::from_fn(|| reader.next_event()).collect()
}
