//! Whole answers.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::part::{Said, read};
use super::turns::own_parts;
use crate::chat::{Finish, Reply, ToolCall};
use crate::code::Code;
use crate::dialect::Failure;
use crate::dialect::wire::{arguments, malformed, plain_id};
use crate::usage::TokenUsage;

/// A whole answer, or one event of a stream.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireReply {
    pub(super) candidates: Option<Vec<Candidate>>,
    pub(super) prompt_feedback: Option<PromptFeedback>,
    pub(super) usage_metadata: Option<WireUsage>,
    pub(super) model_version: Option<String>,
    pub(super) response_id: Option<String>,
    pub(super) error: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate {
    pub(super) content: Option<Content>,
    pub(super) finish_reason: Option<String>,
    pub(super) finish_message: Option<String>,
}

/// Without parts where a policy, or the limit, left nothing to say.
#[derive(Deserialize)]
pub(super) struct Content {
    pub(super) parts: Option<Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PromptFeedback {
    block_reason: Option<String>,
    block_reason_message: Option<String>,
}

/// Cumulative in a stream. What is 0 is left out.
#[derive(Clone, Copy, Default, Deserialize)]
pub(super) struct WireUsage {
    #[serde(rename = "promptTokenCount")]
    prompt: Option<u64>,
    #[serde(rename = "toolUsePromptTokenCount")]
    tool_use_prompt: Option<u64>,
    #[serde(rename = "candidatesTokenCount")]
    candidates: Option<u64>,
    #[serde(rename = "thoughtsTokenCount")]
    thoughts: Option<u64>,
    #[serde(rename = "cachedContentTokenCount")]
    cached: Option<u64>,
}

impl WireUsage {
    /// In Patchbay's inclusive totals, while the answer may still grow: Gemini counts thoughts beside it.
    pub(super) fn so_far(self) -> TokenUsage {
        TokenUsage {
            input: sum(self.prompt, self.tool_use_prompt),
            output: sum(self.candidates, self.thoughts),
            cached: self.cached,
            cache_write: None,
            reasoning: self.thoughts,
            reported_cost: None,
        }
    }

    /// As above, for an answer that ended: no count of it means that there was none.
    pub(super) fn in_total(self) -> TokenUsage {
        let usage = self.so_far();
        TokenUsage { output: usage.output.or(Some(0)), ..usage }
    }
}

fn sum(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.or(other)?;
    Some(one.unwrap_or(0).saturating_add(other.unwrap_or(0)))
}

/// Reads a 200 answer. An error inside it, a blocked prompt, or something that is no answer, is a failure.
pub fn decode_reply(body: &[u8]) -> Result<Reply, Failure> {
    let wire: WireReply = serde_json::from_slice(body).map_err(|error| {
        malformed(format!("Gemini answered 200 with something that is no answer: {error}."))
    })?;
    if wire.error.as_ref().is_some_and(|error| !error.is_null()) {
        return Err(super::failure(200, None, body));
    }
    refuse_blocked(wire.prompt_feedback)?;
    let candidate = wire
        .candidates
        .and_then(|candidates| candidates.into_iter().next())
        .ok_or_else(|| malformed("Gemini answered 200 without any candidate."))?;
    let mut reply = Reply {
        id: wire.response_id,
        model: wire.model_version,
        usage: wire.usage_metadata.map(WireUsage::in_total).unwrap_or_default(),
        ..Reply::default()
    };
    for part in candidate.content.and_then(|content| content.parts).unwrap_or_default() {
        read_part(&mut reply, part)?;
    }
    let has_calls = if reply.turn.tool_calls.is_empty() { Calls::None } else { Calls::Some };
    reply.finish = candidate
        .finish_reason
        .map(|reason| finish(&reason, candidate.finish_message.as_deref(), has_calls))
        .transpose()?;
    reply.refusal = candidate.finish_message.filter(|_| reply.finish == Some(Finish::ContentFilter));
    Ok(reply)
}

fn read_part(reply: &mut Reply, part: Value) -> Result<(), Failure> {
    let (said, kept) = read_said(part)?;
    reply.turn.opaque.extend(kept);
    match said {
        Said::Text(text) => reply.turn.text += &text,
        Said::Thought(text) => reply.reasoning += &text,
        Said::Call { id, name, arguments, signature } => {
            let id = id.unwrap_or_else(|| call_id(reply.id.as_deref(), reply.turn.tool_calls.len()));
            reply.turn.tool_calls.push(ToolCall { id, name, arguments, signature });
        }
        Said::Other => {}
    }
    Ok(())
}

/// Reads a part of an answer.
pub(super) fn read_said(part: Value) -> Result<(Said, Option<Value>), Failure> {
    read(part).map_err(|error| malformed(format!("Gemini answered 200 with a part that is none: {error}.")))
}

/// An id for a call that came without one: other protocols name calls by it, and take 40 characters.
pub(super) fn call_id(response_id: Option<&str>, index: usize) -> String {
    let answer: String = plain_id(response_id.unwrap_or("0")).chars().take(24).collect();
    format!("call_{answer}_{index}")
}

/// A prompt that Gemini does not answer is a 200 without candidates.
pub(super) fn refuse_blocked(feedback: Option<PromptFeedback>) -> Result<(), Failure> {
    let Some(feedback) = feedback else {
        return Ok(());
    };
    match feedback.block_reason {
        None => Ok(()),
        Some(reason) => {
            let words = feedback.block_reason_message.map(|words| format!(" {words}")).unwrap_or_default();
            let why = format!("Gemini blocked the prompt: {reason}.{words}");
            Err(Failure { status: Some(200), ..Failure::new(Code::ContentFiltered, why) })
        }
    }
}

/// Whether an answer calls tools, of which Gemini's finish reason says nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Calls {
    None,
    Some,
}

/// What a finish reason means; some are failures of the model.
pub(super) fn finish(reason: &str, message: Option<&str>, calls: Calls) -> Result<Finish, Failure> {
    let failed = |code: Code| {
        let words = message.map(|words| format!(": {words}")).unwrap_or_default();
        Err(Failure {
            status: Some(200),
            ..Failure::new(code, format!("Gemini stopped with {reason}{words}"))
        })
    };
    match reason {
        "STOP" if calls == Calls::Some => Ok(Finish::ToolCalls),
        "STOP" => Ok(Finish::Stop),
        "MAX_TOKENS" => Ok(Finish::Length),
        "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "LANGUAGE"
        | "MODEL_ARMOR" => Ok(Finish::ContentFilter),
        _ if reason.starts_with("IMAGE_") => Ok(Finish::ContentFilter),
        "MISSING_THOUGHT_SIGNATURE" => failed(Code::BadRequest),
        "MALFORMED_FUNCTION_CALL"
        | "UNEXPECTED_TOOL_CALL"
        | "TOO_MANY_TOOL_CALLS"
        | "MALFORMED_RESPONSE"
        | "OTHER" => failed(Code::MalformedAnswer),
        other => Ok(Finish::Other(other.to_owned())),
    }
}

/// Writes a 200 answer of `model`.
pub fn encode_reply(reply: &Reply, model: &str) -> Vec<u8> {
    let (said, _) = own_parts(&reply.turn);
    let is_thought_told = said.iter().any(|part| part["thought"] == true);
    let thought = (!is_thought_told && !reply.reasoning.is_empty())
        .then(|| json!({ "text": reply.reasoning, "thought": true }));
    let calls = reply.turn.tool_calls.iter().map(function_call);
    let parts: Vec<Value> = thought.into_iter().chain(said).chain(calls).collect();
    let end = candidate(&parts, reply.finish.as_ref(), reply.refusal.as_deref());
    let id = reply.id.as_deref().unwrap_or("patchbay");
    wire_reply(&end, model, id, Some(&reply.usage)).to_string().into_bytes()
}

/// A candidate that ends, or one that goes on where nothing says why it would end.
pub(super) fn candidate(parts: &[Value], finish: Option<&Finish>, refusal: Option<&str>) -> Value {
    let mut candidate = json!({ "content": { "role": "model", "parts": parts }, "index": 0 });
    let reason = match finish {
        _ if refusal.is_some() => Some("SAFETY"),
        Some(finish) => Some(finish_reason(finish)),
        None => None,
    };
    if let Some(reason) = reason {
        candidate["finishReason"] = reason.into();
    }
    if let Some(refusal) = refusal {
        candidate["finishMessage"] = refusal.into();
    }
    candidate
}

fn finish_reason(finish: &Finish) -> &str {
    match finish {
        Finish::Stop | Finish::ToolCalls => "STOP",
        Finish::Length => "MAX_TOKENS",
        Finish::ContentFilter => "SAFETY",
        Finish::Other(word) if word.chars().all(|c| c.is_ascii_uppercase() || c == '_') => word,
        Finish::Other(_) => "FINISH_REASON_UNSPECIFIED",
    }
}

/// Arguments that are no object go out under a name of their own: there is nobody left to refuse them.
pub(super) fn function_call(call: &ToolCall) -> Value {
    let args =
        arguments(&call.arguments).map_or_else(|| json!({ "arguments": call.arguments }), Value::Object);
    let mut part = json!({ "functionCall": { "id": call.id, "name": call.name, "args": args } });
    if let Some(signature) = &call.signature {
        part["thoughtSignature"] = signature.as_str().into();
    }
    part
}

/// The document around a candidate.
pub(super) fn wire_reply(candidate: &Value, model: &str, id: &str, usage: Option<&TokenUsage>) -> Value {
    let mut wire = json!({ "candidates": [candidate], "modelVersion": model, "responseId": id });
    if let Some(usage) = usage.filter(|usage| usage.is_reported()) {
        wire["usageMetadata"] = usage_json(usage);
    }
    wire
}

fn usage_json(usage: &TokenUsage) -> Value {
    let input = usage.input.unwrap_or(0);
    let output = usage.output.unwrap_or(0);
    let thoughts = usage.reasoning.unwrap_or(0).min(output);
    let counts = [
        ("promptTokenCount", input),
        ("candidatesTokenCount", output - thoughts),
        ("thoughtsTokenCount", thoughts),
        ("cachedContentTokenCount", usage.cached.unwrap_or(0)),
        ("totalTokenCount", input.saturating_add(output)),
    ];
    let said = counts.into_iter().filter(|(_, count)| *count > 0);
    Value::Object(said.map(|(name, count)| (name.to_owned(), count.into())).collect::<Map<_, _>>())
}
