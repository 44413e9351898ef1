//! Anthropic Messages.

use patchbay_core::chat::{Finish, Reply, ToolCall};
use patchbay_core::usage::TokenUsage;
use serde_json::{Map, Value, json};

use super::{list, some_string, string, sum, with_plain_numbers};
use crate::dialects::LIMITS;
use crate::exchange::Exchange;

const WORDS: [(&str, Finish); 5] = [
    ("end_turn", Finish::Stop),
    ("stop_sequence", Finish::Stop),
    ("max_tokens", Finish::Length),
    ("tool_use", Finish::ToolCalls),
    ("refusal", Finish::ContentFilter),
];

/// The same request in one form of several: text as blocks, instructions as one text, the schema under its final name; no
/// marks for the cache, no `stream: false`, and the limit that a count of tokens leaves out.
pub fn meaning(body: &Value) -> Value {
    let mut body = without_cache_marks(body.clone());
    let fields = body.as_object_mut().expect("an object");
    if let Some(system) = fields.get("system").and_then(Value::as_array) {
        let texts: Vec<&str> = system.iter().filter_map(|block| block["text"].as_str()).collect();
        let joined = texts.join("\n\n");
        fields.insert("system".into(), joined.into());
    }
    if let Some(format) = fields.remove("output_format") {
        fields.insert("output_config".into(), json!({ "format": format }));
    }
    if fields.get("stream") == Some(&false.into()) {
        fields.remove("stream");
    }
    fields.entry("max_tokens").or_insert(json!(LIMITS.max_output));
    for message in fields["messages"].as_array_mut().expect("messages") {
        if let Some(text) = message["content"].as_str() {
            message["content"] = json!([{ "type": "text", "text": text }]);
        }
    }
    with_plain_numbers(body)
}

fn without_cache_marks(value: Value) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(without_cache_marks).collect(),
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(name, _)| name != "cache_control");
            Value::Object(kept.map(|(name, value)| (name, without_cache_marks(value))).collect())
        }
        other => other,
    }
}

pub fn said(exchange: &Exchange) -> Reply {
    let body = exchange.json();
    let blocks: Vec<Value> = list(&body["content"]).cloned().collect();
    let arguments: Vec<String> = blocks.iter().map(|block| block["input"].to_string()).collect();
    of_message(&body, &blocks, &arguments)
}

/// The beginning of the message, its blocks, and the arguments as the model wrote them.
fn of_message(message: &Value, blocks: &[Value], arguments: &[String]) -> Reply {
    let is = |kind: &'static str| blocks.iter().filter(move |block| block["type"] == kind);
    let calls = blocks.iter().zip(arguments).filter(|(block, _)| block["type"] == "tool_use");
    let mut said = Reply {
        id: some_string(&message["id"]),
        model: some_string(&message["model"]),
        refusal: some_string(&message["stop_details"]["explanation"]),
        reasoning: is("thinking").map(|block| string(&block["thinking"])).collect(),
        finish: message["stop_reason"].as_str().map(|word| super::finish(word, &WORDS)),
        usage: usage(&message["usage"]),
        ..Reply::default()
    };
    said.turn.text = is("text").map(|block| string(&block["text"])).collect();
    said.turn.tool_calls = calls.map(|(block, arguments)| call(block, arguments)).collect();
    let kept = blocks.iter().filter(|block| block["type"] != "text" && block["type"] != "tool_use");
    said.turn.opaque = kept.cloned().collect();
    said
}

fn call(block: &Value, arguments: &str) -> ToolCall {
    let (id, name) = (string(&block["id"]), string(&block["name"]));
    ToolCall { id, name, arguments: arguments.to_owned(), signature: None }
}

fn usage(wire: &Value) -> TokenUsage {
    TokenUsage {
        input: sum(wire, &["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"]),
        output: sum(wire, &["output_tokens"]),
        cached: sum(wire, &["cache_read_input_tokens"]),
        cache_write: sum(wire, &["cache_creation_input_tokens"]),
        reasoning: super::count(wire, "/output_tokens_details/thinking_tokens"),
        reported_cost: None,
    }
}

/// The blocks and the usage that the events add up to.
pub fn streamed(_: &Exchange, data: &[String]) -> (Reply, Option<usize>) {
    let (mut blocks, mut inputs) = (Vec::<Value>::new(), Vec::<String>::new());
    let (mut message, mut usage, mut end) = (Value::Null, Map::new(), None);
    for (at, line) in data.iter().enumerate() {
        let event: Value = serde_json::from_str(line).unwrap_or_default();
        let block = usize::try_from(event["index"].as_u64().unwrap_or(0)).expect("small");
        for reported in [&event["message"]["usage"], &event["usage"]] {
            usage.extend(reported.as_object().cloned().unwrap_or_default());
        }
        match event["type"].as_str().unwrap_or_default() {
            "message_start" => message = event["message"].clone(),
            "content_block_start" => {
                blocks.push(event["content_block"].clone());
                inputs.push(String::new());
            }
            "content_block_delta" => grow(&mut blocks[block], &mut inputs[block], &event["delta"]),
            "message_delta" => ["stop_reason", "stop_details"].into_iter().for_each(|name| {
                message[name] = event["delta"][name].clone();
            }),
            "message_stop" => end = Some(at + 1),
            _ => {}
        }
    }
    for (block, input) in blocks.iter_mut().zip(&mut inputs) {
        if input.is_empty() {
            *input = "{}".to_owned();
        } else if block["type"] != "tool_use" {
            block["input"] = serde_json::from_str(input).expect("JSON");
        }
    }
    message["usage"] = usage.into();
    (of_message(&message, &blocks, &inputs), end)
}

fn grow(block: &mut Value, input: &mut String, delta: &Value) {
    for field in ["text", "thinking", "signature"] {
        if let Some(piece) = delta[field].as_str() {
            block[field] = (string(&block[field]) + piece).into();
        }
    }
    *input += &string(&delta["partial_json"]);
}
