//! The response object, which is the whole answer and also the end of a stream.

use serde::Deserialize;
use serde_json::Value;

use crate::chat::{Finish, Reply, ToolCall};
use crate::code::Code;
use crate::dialect::Failure;
use crate::dialect::openai::reported_cost;
use crate::usage::TokenUsage;

#[derive(Deserialize)]
pub(super) struct Response {
    id: Option<String>,
    model: Option<String>,
    status: Option<String>,
    output: Option<Vec<Value>>,
    incomplete_details: Option<Incomplete>,
    usage: Option<WireUsage>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Incomplete {
    reason: Option<String>,
}

#[derive(Deserialize)]
struct WireUsage {
    input_tokens: Option<u64>,
    input_tokens_details: Option<InputDetails>,
    output_tokens: Option<u64>,
    output_tokens_details: Option<OutputDetails>,
    cost: Option<serde_json::Number>,
    cost_in_usd_ticks: Option<u64>,
}

#[derive(Default, Deserialize)]
struct InputDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

#[derive(Default, Deserialize)]
struct OutputDetails {
    reasoning_tokens: Option<u64>,
}

impl Response {
    pub(super) fn id_and_model(self) -> (Option<String>, Option<String>) {
        (self.id, self.model)
    }

    /// Tokens and reported cost, in inclusive totals: here every provider counts reasoning inside the output.
    pub(super) fn usage(&self) -> TokenUsage {
        let Some(wire) = &self.usage else {
            return TokenUsage::default();
        };
        let input = wire.input_tokens_details.as_ref();
        let reasoning = wire.output_tokens_details.as_ref().and_then(|details| details.reasoning_tokens);
        TokenUsage {
            input: wire.input_tokens,
            output: wire.output_tokens,
            cached: input.and_then(|details| details.cached_tokens),
            cache_write: input.and_then(|details| details.cache_write_tokens),
            reasoning: reasoning.map(|tokens| wire.output_tokens.map_or(tokens, |output| tokens.min(output))),
            reported_cost: reported_cost(wire.cost.as_ref(), wire.cost_in_usd_ticks),
        }
    }

    /// What went wrong, if anything did.
    pub(super) fn failure(&self) -> Option<Failure> {
        let error = self.error.as_ref().filter(|error| !error.is_null());
        match (error, self.status.as_deref()) {
            (Some(error), _) => {
                let body = serde_json::json!({ "error": error }).to_string();
                Some(crate::dialect::openai::failure(200, None, body.as_bytes()))
            }
            (None, Some("failed" | "cancelled")) => Some(Failure {
                status: Some(200),
                ..Failure::new(Code::UpstreamFailed, "The provider gave up on the answer without saying why.")
            }),
            (None, Some("queued" | "in_progress")) => Some(Failure {
                status: Some(200),
                ..Failure::new(Code::MalformedAnswer, "The provider answered before it had an answer.")
            }),
            _ => None,
        }
    }

    /// Why it stopped; `called` tells whether it waits for tools.
    pub(super) fn finish(&self, called: Called) -> Finish {
        let reason = self.incomplete_details.as_ref().and_then(|details| details.reason.as_deref());
        match (self.status.as_deref(), reason) {
            (Some("incomplete"), Some("max_output_tokens")) => Finish::Length,
            (Some("incomplete"), Some("content_filter")) => Finish::ContentFilter,
            (Some("incomplete"), reason) => Finish::Other(reason.unwrap_or("incomplete").to_owned()),
            _ if called == Called::Some => Finish::ToolCalls,
            _ => Finish::Stop,
        }
    }

    /// The whole answer; `None` where there is no output at all.
    pub(super) fn into_reply(mut self) -> Option<Reply> {
        let output = self.output.take()?;
        let mut reply = Reply { usage: self.usage(), ..Reply::default() };
        for item in output {
            take_item(item, &mut reply);
        }
        let called = if reply.turn.tool_calls.is_empty() { Called::None } else { Called::Some };
        reply.finish = Some(self.finish(called));
        (reply.id, reply.model) = self.id_and_model();
        Some(reply)
    }
}

/// Whether the model called tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Called {
    /// It did.
    Some,
    /// It did not.
    None,
}

fn take_item(item: Value, reply: &mut Reply) {
    match item["type"].as_str() {
        Some("message") => {
            for part in item["content"].as_array().into_iter().flatten() {
                reply.turn.text.push_str(part["text"].as_str().unwrap_or_default());
                if let Some(refusal) = part["refusal"].as_str() {
                    reply.refusal.get_or_insert_default().push_str(refusal);
                }
            }
        }
        Some("function_call") => reply.turn.tool_calls.push(call(&item)),
        Some("reasoning") => {
            let shown = shown(&item);
            if !reply.reasoning.is_empty() && !shown.is_empty() {
                reply.reasoning.push_str(PARAGRAPH);
            }
            reply.reasoning.push_str(&shown);
            reply.turn.opaque.extend(to_send_back(item));
        }
        // Searches and other tools of the provider's own leave no words.
        _ => {}
    }
}

pub(super) fn call(item: &Value) -> ToolCall {
    let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
    ToolCall { id: text("call_id"), name: text("name"), arguments: text("arguments"), signature: None }
}

/// Thinking that may be shown: the summary, or where there is none (LM Studio, DeepSeek) the thinking itself.
fn shown(item: &Value) -> String {
    let texts = |list: &Value| {
        let parts = list.as_array().into_iter().flatten();
        parts.filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join(PARAGRAPH)
    };
    let summary = texts(&item["summary"]);
    if summary.is_empty() { texts(&item["content"]) } else { summary }
}

/// Between the parts of a summary.
pub(super) const PARAGRAPH: &str = "\n\n";

/// A reasoning item is worth something to its provider only with what it encrypted.
pub(super) fn to_send_back(item: Value) -> Option<Value> {
    is_encrypted(&item).then_some(item)
}

pub(super) fn is_encrypted(item: &Value) -> bool {
    item["type"] == "reasoning" && item["encrypted_content"].is_string()
}
