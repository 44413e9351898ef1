//! Whole answers, both ways.

use serde_json::{Value, json};

use super::wire::{Response, is_encrypted};
use crate::chat::{Finish, Reply};
use crate::code::Code;
use crate::dialect::Failure;
use crate::usage::TokenUsage;

/// Reads a 200 answer. An error inside it, or something that is no answer, is a failure.
pub fn decode_reply(body: &[u8]) -> Result<Reply, Failure> {
    let malformed = |why: String| Failure { status: Some(200), ..Failure::new(Code::MalformedAnswer, why) };
    let response: Response = serde_json::from_slice(body).map_err(|error| {
        malformed(format!("The provider answered 200 with something that is no answer: {error}."))
    })?;
    if let Some(failure) = response.failure() {
        return Err(failure);
    }
    response.into_reply().ok_or_else(|| malformed("The provider answered 200 without any output.".into()))
}

/// An answer for a caller who asked for `model`, made at `created` (seconds since 1970).
pub fn encode_reply(reply: &Reply, model: &str, created: i64) -> Vec<u8> {
    let id = reply.id.as_deref().unwrap_or("resp_patchbay");
    let mut output = Vec::new();
    if !reply.reasoning.is_empty() || reply.turn.opaque.iter().any(is_encrypted) {
        output.extend(reasoning_items(reply, id));
    }
    if !reply.turn.text.is_empty() || reply.refusal.is_some() {
        output.push(message_item(&reply.turn.text, reply.refusal.as_deref(), &format!("msg_{id}")));
    }
    for (at, call) in reply.turn.tool_calls.iter().enumerate() {
        output.push(call_item(&format!("fc_{id}_{at}"), &call.id, &call.name, &call.arguments));
    }
    let outline = Outline { id, model, created };
    outline.ended(reply.finish.as_ref(), &output, &reply.usage).to_string().into_bytes()
}

/// The items that the provider wants back, with their own words; else one for the words that are shown.
fn reasoning_items(reply: &Reply, id: &str) -> Vec<Value> {
    let items: Vec<Value> = reply.turn.opaque.iter().filter(|item| is_encrypted(item)).cloned().collect();
    if items.is_empty() { vec![reasoning_item(&format!("rs_{id}"), &reply.reasoning)] } else { items }
}

pub(super) fn reasoning_item(id: &str, text: &str) -> Value {
    let summary = [summary_part(text)];
    json!({ "id": id, "type": "reasoning", "status": "completed", "summary": summary })
}

pub(super) fn message_item(text: &str, refusal: Option<&str>, id: &str) -> Value {
    let mut content = Vec::new();
    if !text.is_empty() || refusal.is_none() {
        content.push(text_part(text));
    }
    content.extend(refusal.map(refusal_part));
    json!({ "id": id, "type": "message", "status": "completed", "role": "assistant", "content": content })
}

pub(super) fn summary_part(text: &str) -> Value {
    json!({ "type": "summary_text", "text": text })
}

pub(super) fn text_part(text: &str) -> Value {
    json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] })
}

pub(super) fn refusal_part(refusal: &str) -> Value {
    json!({ "type": "refusal", "refusal": refusal })
}

pub(super) fn call_item(id: &str, call_id: &str, name: &str, arguments: &str) -> Value {
    json!({
        "id": id, "type": "function_call", "status": "completed",
        "call_id": call_id, "name": name, "arguments": arguments,
    })
}

/// What stays the same in every response object of one answer.
pub(super) struct Outline<'a> {
    pub(super) id: &'a str,
    pub(super) model: &'a str,
    pub(super) created: i64,
}

impl Outline<'_> {
    /// A response object with all the usual keys.
    pub(super) fn response(&self, status: &str, output: &[Value]) -> Value {
        json!({
            "id": self.id, "object": "response", "created_at": self.created, "status": status,
            "background": false, "error": null, "incomplete_details": null, "instructions": null,
            "max_output_tokens": null, "metadata": {}, "model": self.model, "output": output,
            "parallel_tool_calls": true, "previous_response_id": null,
            "reasoning": { "effort": null, "summary": null }, "store": false, "temperature": null,
            "text": { "format": { "type": "text" } }, "tool_choice": "auto", "tools": [], "top_p": null,
            "truncation": "disabled", "usage": null, "user": null,
        })
    }

    /// The response object of an answer that came to its end.
    pub(super) fn ended(&self, finish: Option<&Finish>, output: &[Value], usage: &TokenUsage) -> Value {
        let reason = match finish {
            Some(Finish::Length) => Some("max_output_tokens"),
            Some(Finish::ContentFilter) => Some("content_filter"),
            Some(Finish::Other(word)) => Some(word.as_str()),
            _ => None,
        };
        let mut response = self.response(if reason.is_some() { "incomplete" } else { "completed" }, output);
        if let Some(reason) = reason {
            response["incomplete_details"] = json!({ "reason": reason });
        }
        response["usage"] = encode_usage(usage);
        response
    }
}

/// As the protocol writes it; `null` where nothing is known.
fn encode_usage(usage: &TokenUsage) -> Value {
    if !usage.is_reported() {
        return Value::Null;
    }
    let (input, output) = (usage.input.unwrap_or(0), usage.output.unwrap_or(0));
    let mut wire = json!({
        "input_tokens": input,
        "input_tokens_details": { "cached_tokens": usage.cached.unwrap_or(0) },
        "output_tokens": output,
        "output_tokens_details": { "reasoning_tokens": usage.reasoning.unwrap_or(0) },
        "total_tokens": input.saturating_add(output),
    });
    if let Some(written) = usage.cache_write {
        wire["input_tokens_details"]["cache_write_tokens"] = written.into();
    }
    wire
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_comes_from_the_status() {
        let call = r#"{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}"#;
        for (fields, output, finish) in [
            (r#""status":"completed""#, "", Finish::Stop),
            (r#""status":"completed""#, call, Finish::ToolCalls),
            (
                r#""status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}"#,
                "",
                Finish::Length,
            ),
            (
                r#""status":"incomplete","incomplete_details":{"reason":"content_filter"}"#,
                "",
                Finish::ContentFilter,
            ),
            (r#""status":"incomplete""#, "", Finish::Other("incomplete".into())),
        ] {
            let body = format!(r#"{{{fields},"output":[{output}]}}"#);
            assert_eq!(decode_reply(body.as_bytes()).expect("an answer").finish, Some(finish), "{body}");
        }
    }

    #[test]
    fn a_200_that_is_no_answer_is_a_failure() {
        for (body, code) in [
            ("", Code::MalformedAnswer),
            ("{}", Code::MalformedAnswer),
            (r#"{"status":"in_progress","output":[]}"#, Code::MalformedAnswer),
            (r#"{"status":"failed","output":[]}"#, Code::UpstreamFailed),
            (
                r#"{"status":"failed","error":{"code":"rate_limit_exceeded","message":"x"}}"#,
                Code::RateLimited,
            ),
            (r#"{"status":"failed","error":{"code":"server_error","message":"x"}}"#, Code::UpstreamFailed),
        ] {
            assert_eq!(decode_reply(body.as_bytes()).expect_err(body).code, code, "{body}");
        }
    }

    #[test]
    fn the_words_and_the_block_of_one_thought_are_one_item() {
        let block = json!({ "type": "reasoning", "id": "rs", "summary": [{ "type": "summary_text", "text": "hm" }], "encrypted_content": "e" });
        let mut reply = Reply { reasoning: "hm".into(), ..Reply::default() };
        reply.turn.opaque = vec![json!({ "type": "thinking" }), block.clone()];
        let body: Value = serde_json::from_slice(&encode_reply(&reply, "m", 1)).expect("JSON");
        assert_eq!(body["output"], json!([block]));
        assert_eq!(decode_reply(body.to_string().as_bytes()).expect("an answer").reasoning, "hm");
    }
}
