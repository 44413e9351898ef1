mod answers;
mod requests;

use serde_json::{Value, json};

use super::*;
use crate::chat::{
    ChatRequest, Delivery, Delta, Finish, Image, Message, Part, ReasoningEffort, Reply, ResponseFormat, Tool,
    ToolCall, ToolChoice, ToolResult, Turn,
};
use crate::code::Code;
use crate::dialect::models::ModelLimits;
use crate::embeddings::{Embeddings, EmbeddingsForm, EmbeddingsInput, EmbeddingsRequest, VectorEncoding};
use crate::sse::Event;

fn neutral(body: &Value) -> ChatRequest {
    decode_request(body.to_string().as_bytes(), "gemini-2.5-flash", Delivery::Whole).expect("a request")
}

fn asked(text: &str) -> ChatRequest {
    ChatRequest {
        model: "gemini-2.5-flash".into(),
        messages: vec![Message::user(text)],
        ..ChatRequest::default()
    }
}

fn written(request: &ChatRequest) -> (Value, Vec<String>) {
    let encoded = encode(request, ModelLimits { max_output: Some(65_536) }).expect("a body");
    (serde_json::from_slice(&encoded.body).expect("JSON"), encoded.notices)
}

/// The generation config that a change of the request gives, and the parameters that it gives notice of.
fn check(change: impl FnOnce(&mut ChatRequest), config: &Value, parameters: &[&str]) {
    let mut request = asked("hi");
    change(&mut request);
    let (body, notices) = written(&request);
    assert_eq!(&body["generationConfig"], config);
    let names: Vec<&str> = notices.iter().filter_map(|notice| notice.split(':').next()).collect();
    assert_eq!(names, parameters, "{notices:?}");
}

fn call(id: &str, signature: Option<&str>) -> ToolCall {
    let (name, arguments) = ("buy".to_owned(), r#"{"n":1}"#.to_owned());
    ToolCall { id: id.into(), name, arguments, signature: signature.map(str::to_owned) }
}

fn result(call_id: &str, name: Option<&str>, content: &str) -> ToolResult {
    ToolResult {
        call_id: call_id.into(),
        name: name.map(str::to_owned),
        content: content.into(),
        is_error: false,
    }
}
