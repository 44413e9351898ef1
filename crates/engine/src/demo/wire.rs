//! OpenAI chat completions as the Demo speaks them.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Answer, Form, MODELS, ToolCall, Wish};
use super::{embeddings, schema};

/// A chat request; unknown fields are ignored.
#[derive(Debug, Deserialize)]
pub(super) struct ChatRequest {
    pub(super) model: String,
    pub(super) messages: Vec<Message>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    stop: Option<Stop>,
    response_format: Option<ResponseFormat>,
    tools: Option<Vec<Tool>>,
    tool_choice: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Tool {
    function: Function,
}

#[derive(Debug, Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    parameters: Value,
}

#[derive(Debug, Deserialize)]
pub(super) struct Message {
    #[serde(default)]
    role: String,
    content: Option<Content>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

/// A part of a message; images and files have no text.
#[derive(Debug, Deserialize)]
struct Part {
    #[serde(default)]
    text: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Stop {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct ResponseFormat {
    r#type: String,
    #[serde(default)]
    json_schema: Value,
}

/// How the answer is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// In one piece.
    Plain,
    /// As server-sent events.
    Stream,
    /// The same with usage at its end.
    StreamWithUsage,
}

impl ChatRequest {
    /// How the caller wants it.
    pub(super) fn delivery(&self) -> Delivery {
        let usage = self.stream_options.as_ref().is_some_and(|options| options.include_usage == Some(true));
        match (self.stream, usage) {
            (Some(true), true) => Delivery::StreamWithUsage,
            (Some(true), false) => Delivery::Stream,
            _ => Delivery::Plain,
        }
    }

    /// What it asks of the text.
    pub(super) fn into_wish(self) -> Wish {
        let call = self.tool_call();
        let form = self.form();
        let stops = match self.stop {
            None => Vec::new(),
            Some(Stop::One(stop)) => vec![stop],
            Some(Stop::Many(stops)) => stops,
        };
        Wish {
            prompt: self.messages.iter().map(Message::text).collect::<Vec<_>>().join("\n"),
            max_tokens: self.max_completion_tokens.or(self.max_tokens),
            stops: stops.into_iter().filter(|stop| !stop.is_empty()).collect(),
            form,
            call,
        }
    }

    fn form(&self) -> Form {
        match &self.response_format {
            Some(ResponseFormat { r#type, json_schema }) if r#type == "json_schema" => {
                let schema = &json_schema["schema"];
                Form::Shaped(schema::instance(schema, schema).to_string())
            }
            Some(ResponseFormat { r#type, .. }) if r#type == "json_object" => Form::Json,
            _ => Form::Prose,
        }
    }

    /// The tool that the caller names; else the first one, unless its result is there already.
    fn tool_call(&self) -> Option<ToolCall> {
        let tools = self.tools.as_deref().unwrap_or_default();
        let choice = self.tool_choice.as_ref().unwrap_or(&Value::Null);
        let named = choice["function"]["name"].as_str();
        let is_told = self.messages.last().is_some_and(|message| message.role == "tool");
        if choice == "none" || (is_told && choice != "required" && named.is_none()) {
            return None;
        }
        let Function { name, parameters } = match named {
            Some(named) => tools.iter().map(|tool| &tool.function).find(|function| function.name == named)?,
            None => &tools.first()?.function,
        };
        let arguments = schema::instance(parameters, parameters).to_string();
        Some(ToolCall { name: name.clone(), arguments })
    }
}

impl Message {
    fn text(&self) -> String {
        match &self.content {
            None => String::new(),
            Some(Content::Text(text)) => text.clone(),
            Some(Content::Parts(parts)) => parts.iter().map(|part| part.text.as_str()).collect(),
        }
    }
}

/// What all pieces of one answer share.
#[derive(Debug)]
pub(super) struct Heading {
    /// Of the completion.
    pub(super) id: String,
    /// Seconds since 1970.
    pub(super) created: i64,
    /// As it was asked for.
    pub(super) model: &'static str,
}

/// The body of a plain answer.
pub(super) fn completion(heading: &Heading, answer: &Answer) -> Value {
    json!({
        "id": heading.id,
        "object": "chat.completion",
        "created": heading.created,
        "model": heading.model,
        "choices": [{
            "index": 0,
            "message": message(heading, answer),
            "logprobs": null,
            "finish_reason": answer.finish_reason,
        }],
        "usage": usage(answer),
        "service_tier": "default",
        "system_fingerprint": "fp_demo",
    })
}

fn message(heading: &Heading, answer: &Answer) -> Value {
    let mut message =
        json!({"role": "assistant", "content": answer.text, "refusal": null, "annotations": []});
    if let Some(call) = &answer.call {
        message["content"] = Value::Null;
        message["tool_calls"] = json!([tool_call(heading, call)]);
    }
    message
}

fn tool_call(heading: &Heading, call: &ToolCall) -> Value {
    let id = heading.id.replace("chatcmpl", "call").replace('-', "_");
    json!({"id": id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}})
}

/// The events of a streamed answer but the closing `[DONE]`: the first one opens it, then one for each word.
pub(super) fn chunks(heading: &Heading, answer: &Answer, delivery: Delivery) -> Vec<Value> {
    let choice = |delta: Value, finish_reason: Option<&str>| json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason}]);
    let mut choices = vec![choice(json!({"role": "assistant", "content": "", "refusal": null}), None)];
    choices.extend(answer.words().map(|word| choice(json!({"content": word}), None)));
    if let Some(call) = &answer.call {
        let mut call = tool_call(heading, call);
        call["index"] = 0.into();
        choices.push(choice(json!({"tool_calls": [call]}), None));
    }
    choices.push(choice(json!({}), Some(answer.finish_reason)));
    let mut chunks: Vec<Value> = choices.into_iter().map(|choices| chunk(heading, &choices)).collect();
    if delivery == Delivery::StreamWithUsage {
        for chunk in &mut chunks {
            chunk["usage"] = Value::Null;
        }
        let mut last = chunk(heading, &json!([]));
        last["usage"] = usage(answer);
        chunks.push(last);
    }
    chunks
}

fn chunk(heading: &Heading, choices: &Value) -> Value {
    json!({
        "id": heading.id,
        "object": "chat.completion.chunk",
        "created": heading.created,
        "model": heading.model,
        "service_tier": "default",
        "system_fingerprint": "fp_demo",
        "choices": choices,
    })
}

fn usage(answer: &Answer) -> Value {
    json!({
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": answer.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}

/// All models.
pub(super) fn model_list() -> Value {
    let all = MODELS.iter().map(|known| known.id).chain([embeddings::MODEL]);
    let data: Vec<Value> = all.map(model).collect();
    json!({"object": "list", "data": data})
}

/// One model.
pub(super) fn model(id: &str) -> Value {
    json!({"id": id, "object": "model", "created": 1_767_225_600, "owned_by": "patchbay-demo"})
}

/// An error in OpenAI's envelope: four keys, always.
pub(super) fn error(status: StatusCode, message: &str, kind: &str, code: Option<&str>) -> Response {
    let body = json!({"error": {"message": message, "type": kind, "param": null, "code": code}});
    (status, Json(body)).into_response()
}

/// A request that is not one.
pub(super) fn bad_request(message: &str) -> Response {
    error(StatusCode::BAD_REQUEST, message, "invalid_request_error", None)
}

/// A model that is not there.
pub(super) fn no_such_model(id: &str) -> Response {
    let message = format!("The model `{id}` does not exist or you do not have access to it.");
    error(StatusCode::NOT_FOUND, &message, "invalid_request_error", Some("model_not_found"))
}

/// A key that is not the right one. It is not echoed.
pub(super) fn key_refused() -> Response {
    error(
        StatusCode::UNAUTHORIZED,
        "Incorrect API key provided. This is the Demo provider.",
        "invalid_request_error",
        Some("invalid_api_key"),
    )
}
