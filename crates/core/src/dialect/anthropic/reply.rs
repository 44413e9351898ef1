//! Whole answers.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::conversation::is_own_block;
use crate::chat::{Finish, Reply, ToolCall};
use crate::dialect::Failure;
use crate::dialect::wire::{arguments, malformed, put};
use crate::usage::TokenUsage;

#[derive(Deserialize)]
struct WireReply {
    id: Option<String>,
    model: Option<String>,
    content: Option<Vec<Value>>,
    stop_reason: Option<String>,
    stop_details: Option<StopDetails>,
    usage: Option<WireUsage>,
    error: Option<Value>,
}

/// Why Claude declined.
#[derive(Deserialize)]
pub(super) struct StopDetails {
    pub(super) explanation: Option<String>,
}

#[derive(Deserialize)]
struct ToolUse {
    id: String,
    name: String,
    input: Option<Value>,
}

/// Cumulative in a stream: a field that comes again replaces what was there.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct WireUsage {
    input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct OutputDetails {
    thinking_tokens: Option<u64>,
}

impl WireUsage {
    /// A later report on top of this one.
    pub(super) fn overwrite(&mut self, later: Self) {
        *self = Self {
            input_tokens: later.input_tokens.or(self.input_tokens),
            cache_read_input_tokens: later.cache_read_input_tokens.or(self.cache_read_input_tokens),
            cache_creation_input_tokens: later
                .cache_creation_input_tokens
                .or(self.cache_creation_input_tokens),
            output_tokens: later.output_tokens.or(self.output_tokens),
            output_tokens_details: later.output_tokens_details.or(self.output_tokens_details),
        };
    }

    /// In Patchbay's inclusive totals: Anthropic counts cached tokens beside the input.
    pub(super) fn into_usage(self) -> TokenUsage {
        let beside = [self.cache_read_input_tokens, self.cache_creation_input_tokens];
        TokenUsage {
            input: self
                .input_tokens
                .map(|tokens| beside.into_iter().flatten().fold(tokens, u64::saturating_add)),
            output: self.output_tokens,
            cached: self.cache_read_input_tokens,
            cache_write: self.cache_creation_input_tokens,
            reasoning: self.output_tokens_details.and_then(|details| details.thinking_tokens),
            reported_cost: None,
        }
    }
}

/// Reads a 200 answer. An error inside it, or something that is no answer, is a failure.
pub fn decode_reply(body: &[u8]) -> Result<Reply, Failure> {
    let wire: WireReply = serde_json::from_slice(body).map_err(|error| {
        malformed(format!("Anthropic answered 200 with something that is no answer: {error}."))
    })?;
    if wire.error.as_ref().is_some_and(|error| !error.is_null()) {
        return Err(super::failure(200, None, body));
    }
    let content =
        wire.content.ok_or_else(|| malformed("Anthropic answered 200 with something that is no answer."))?;
    let mut reply = Reply {
        id: wire.id,
        model: wire.model,
        refusal: wire.stop_details.and_then(|details| details.explanation),
        finish: wire.stop_reason.as_deref().map(finish),
        usage: wire.usage.unwrap_or_default().into_usage(),
        ..Reply::default()
    };
    for block in content {
        read_block(&mut reply, block)?;
    }
    Ok(reply)
}

fn read_block(reply: &mut Reply, block: Value) -> Result<(), Failure> {
    let text = |field: &str| block.get(field).and_then(Value::as_str).unwrap_or_default();
    match text("type") {
        "text" => reply.turn.text += text("text"),
        "tool_use" => reply.turn.tool_calls.push(tool_call(block)?),
        kind => {
            if kind == "thinking" {
                reply.reasoning += text("thinking");
            }
            reply.turn.opaque.push(block);
        }
    }
    Ok(())
}

fn tool_call(block: Value) -> Result<ToolCall, Failure> {
    let call: ToolUse = serde_json::from_value(block).map_err(|error| {
        malformed(format!("Anthropic answered 200 with a tool call that is none: {error}."))
    })?;
    let arguments = call.input.unwrap_or_else(|| json!({})).to_string();
    Ok(ToolCall { id: call.id, name: call.name, arguments, signature: None })
}

/// What a stop reason means.
pub(super) fn finish(stop_reason: &str) -> Finish {
    match stop_reason {
        "end_turn" | "stop_sequence" => Finish::Stop,
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "tool_use" => Finish::ToolCalls,
        "refusal" => Finish::ContentFilter,
        other => Finish::Other(other.to_owned()),
    }
}

/// Writes a 200 answer of `model`.
pub fn encode_reply(reply: &Reply, model: &str) -> Vec<u8> {
    let mut wire = json!({
        "id": reply.id.as_deref().unwrap_or("msg_patchbay"),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content(reply),
        "stop_reason": stop_reason(reply.finish.as_ref(), reply.refusal.as_deref()),
        "stop_sequence": null,
        "usage": usage_json(&reply.usage),
    });
    if let Some(refusal) = &reply.refusal {
        wire["stop_details"] = stop_details(refusal);
    }
    wire.to_string().into_bytes()
}

fn content(reply: &Reply) -> Vec<Value> {
    let own: Vec<&Value> = reply.turn.opaque.iter().filter(|block| is_own_block(block)).collect();
    let is_said = own.iter().any(|block| block["type"] == "thinking");
    let thinking = (!is_said && !reply.reasoning.is_empty()).then(|| thinking_block(&reply.reasoning));
    let text = (!reply.turn.text.is_empty()).then(|| json!({ "type": "text", "text": reply.turn.text }));
    let calls = reply.turn.tool_calls.iter().map(tool_use);
    thinking.into_iter().chain(own.into_iter().cloned()).chain(text).chain(calls).collect()
}

/// Another provider's thinking has no signature, and is dropped when it comes back.
fn thinking_block(text: &str) -> Value {
    json!({ "type": "thinking", "thinking": text, "signature": "" })
}

/// Arguments that are no object go out as the text that the model wrote: there is nobody left to refuse them.
fn tool_use(call: &ToolCall) -> Value {
    let input = arguments(&call.arguments).map_or_else(|| call.arguments.as_str().into(), Value::Object);
    json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": input })
}

/// Anthropic's word for why an answer ended.
pub(super) fn stop_reason(finish: Option<&Finish>, refusal: Option<&str>) -> String {
    let word = match finish {
        _ if refusal.is_some() => "refusal",
        None | Some(Finish::Stop) => "end_turn",
        Some(Finish::Length) => "max_tokens",
        Some(Finish::ToolCalls) => "tool_use",
        Some(Finish::ContentFilter) => "refusal",
        Some(Finish::Other(word)) => word,
    };
    word.to_owned()
}

pub(super) fn stop_details(refusal: &str) -> Value {
    json!({ "type": "refusal", "category": null, "explanation": refusal })
}

/// Anthropic's exclusive counts. Its clients want numbers, so that what is not known is 0.
pub(super) fn usage_json(usage: &TokenUsage) -> Value {
    let cached = usage.cached.unwrap_or(0);
    let written = usage.cache_write.unwrap_or(0);
    let mut wire = Map::new();
    wire.insert(
        "input_tokens".into(),
        usage.input.unwrap_or(0).saturating_sub(cached).saturating_sub(written).into(),
    );
    wire.insert("cache_read_input_tokens".into(), cached.into());
    wire.insert("cache_creation_input_tokens".into(), written.into());
    wire.insert("output_tokens".into(), usage.output.unwrap_or(0).into());
    put(
        &mut wire,
        "output_tokens_details",
        usage.reasoning.map(|tokens| json!({ "thinking_tokens": tokens })),
    );
    Value::Object(wire)
}
