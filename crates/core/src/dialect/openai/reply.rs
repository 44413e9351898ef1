//! Whole answers and model lists.

use serde_json::{Value, json};

use super::calls;
use super::usage::encode_usage;
use super::wire::{Body, Content, finish, signature};
use crate::catalog::Quirks;
use crate::chat::{self, Finish, ToolCall, Turn};
use crate::dialect::Failure;
use crate::usage::TokenUsage;

/// What the pass-through path reads off a whole answer, whose bytes go on as they came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// The text of the first choice.
    pub text: String,
    /// `stop`, `length`, `tool_calls`, …, as the provider wrote it.
    pub finish_reason: Option<String>,
    /// The model that answered.
    pub model: Option<String>,
    /// Tokens and reported cost.
    pub usage: TokenUsage,
}

/// Reads what the ledger needs off a 200 answer. An error inside it, or something that is no answer, is a failure.
pub fn decode_reply(body: &[u8], quirks: Quirks) -> Result<Reply, Failure> {
    let (mut wire, mut choice) = Body::whole(body)?;
    let content = choice.take_said().and_then(|said| said.content);
    Ok(Reply {
        text: content.map(Content::into_text).unwrap_or_default(),
        finish_reason: choice.finish_reason.filter(|word| !word.is_empty()),
        model: wire.model(),
        usage: wire.take_usage(quirks).unwrap_or_default(),
    })
}

/// Reads all of a 200 answer into the neutral form. An error inside it, or something that is no answer, is a failure.
pub fn decode_neutral_reply(body: &[u8], quirks: Quirks) -> Result<chat::Reply, Failure> {
    let (mut wire, mut choice) = Body::whole(body)?;
    let said = choice.take_said().unwrap_or_default();
    let id = wire.id();
    let mut tool_calls = calls::whole(said.tool_calls, id.as_deref())?;
    if let Some(first) = tool_calls.first_mut() {
        first.signature = first.signature.take().or_else(|| signature(said.extra_content));
    }
    let (reasoning, opaque) = (said.reasoning(), said.reasoning_details());
    let (text, thinking) = said.content.map(Content::into_text_and_thinking).unwrap_or_default();
    Ok(chat::Reply {
        id,
        model: wire.model(),
        turn: Turn { text, tool_calls, opaque },
        refusal: said.refusal.filter(|refusal| !refusal.is_empty()),
        reasoning: reasoning.unwrap_or(thinking),
        finish: choice.finish_reason.filter(|word| !word.is_empty()).map(|word| finish(&word)),
        usage: wire.take_usage(quirks).unwrap_or_default(),
    })
}

/// An answer for a caller who asked for `model`, made at `created` (seconds since 1970).
pub fn encode_reply(reply: &chat::Reply, model: &str, created: i64) -> Vec<u8> {
    let is_empty =
        reply.turn.text.is_empty() && (reply.refusal.is_some() || !reply.turn.tool_calls.is_empty());
    let content = if is_empty { Value::Null } else { Value::from(reply.turn.text.as_str()) };
    let mut message =
        json!({ "role": "assistant", "content": content, "refusal": reply.refusal, "annotations": [] });
    if !reply.reasoning.is_empty() {
        message["reasoning_content"] = reply.reasoning.as_str().into();
    }
    let details: Vec<&Value> = reply.turn.opaque.iter().filter(|block| is_reasoning_detail(block)).collect();
    if !details.is_empty() {
        message["reasoning_details"] = json!(details);
    }
    if !reply.turn.tool_calls.is_empty() {
        message["tool_calls"] = reply.turn.tool_calls.iter().map(answered_call).collect();
    }
    let finish = reply.finish.as_ref().map_or("stop", Finish::as_str);
    let body = json!({
        "id": reply.id.as_deref().unwrap_or("chatcmpl-patchbay"),
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": finish }],
        "usage": encode_usage(&reply.usage),
        "system_fingerprint": null,
    });
    body.to_string().into_bytes()
}

/// A call as an answer tells it. A caller that sends unknown fields back brings Gemini's signature home.
fn answered_call(call: &ToolCall) -> Value {
    let mut wire = encode_call(call, &call.id);
    if let Some(signature) = &call.signature {
        wire["extra_content"] = json!({ "google": { "thought_signature": signature } });
    }
    wire
}

pub(super) fn encode_call(call: &ToolCall, id: &str) -> Value {
    json!({ "id": id, "type": "function", "function": { "name": call.name, "arguments": call.arguments } })
}

/// OpenRouter's kind of block to send back: `reasoning.text`, `reasoning.summary`, `reasoning.encrypted`.
pub(super) fn is_reasoning_detail(block: &Value) -> bool {
    block["type"].as_str().is_some_and(|kind| kind.starts_with("reasoning."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::ReasoningTokens;
    use crate::code::Code;
    use crate::money::NanoUsd;

    #[test]
    fn c2_totals_are_inclusive_on_every_provider() {
        let inside = br#"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"model":"m",
            "usage":{"prompt_tokens":1024,"completion_tokens":80,"prompt_tokens_details":{"cached_tokens":1000},
                     "completion_tokens_details":{"reasoning_tokens":64}}}"#;
        let reply = decode_reply(inside, Quirks::default()).expect("an answer");
        assert_eq!((reply.text.as_str(), reply.finish_reason.as_deref()), ("hi", Some("stop")));
        let usage = reply.usage;
        assert_eq!(
            (usage.input, usage.output, usage.cached, usage.reasoning),
            (Some(1024), Some(80), Some(1000), Some(64))
        );

        let beside =
            br#"{"choices":[{"message":{"content":"4"}}],"usage":{"prompt_tokens":12,"completion_tokens":2,
            "completion_tokens_details":{"reasoning_tokens":320},"cost_in_usd_ticks":1641500}}"#;
        let xai = Quirks { reasoning_tokens: ReasoningTokens::Beside, ..Quirks::default() };
        let usage = decode_reply(beside, xai).expect("an answer").usage;
        assert_eq!((usage.output, usage.reported_cost), (Some(322), Some(NanoUsd(164_150))));
    }

    #[test]
    fn a_reported_cost_is_read_exactly() {
        let body = br#"{"choices":[{"message":{"content":""}}],"usage":{"prompt_tokens":1,"completion_tokens":1,"cost":6e-05}}"#;
        assert_eq!(
            decode_reply(body, Quirks::default()).expect("an answer").usage.reported_cost,
            Some(NanoUsd(60_000))
        );
    }

    #[test]
    fn a_200_that_is_no_answer_is_a_failure() {
        let legacy = r#"{"choices":[{"text":"hi","finish_reason":"stop"}]}"#;
        for body in ["", "<html>", "{}", r#"{"choices":[]}"#, "[1]", legacy] {
            assert_eq!(
                decode_reply(body.as_bytes(), Quirks::default()).expect_err(body).code,
                Code::MalformedAnswer
            );
        }
        let inside = br#"{"error":{"message":"Provider returned error","code":502}}"#;
        assert_eq!(decode_reply(inside, Quirks::default()).expect_err("an error").code, Code::UpstreamFailed);
    }

    #[test]
    fn everything_that_an_answer_says_is_read() {
        let body = br#"{"id":"a1","model":"m","choices":[{"finish_reason":"tool_calls","message":{
            "content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"ok"}],
            "refusal":"","reasoning_details":[{"type":"reasoning.text","text":"hm","signature":"s"}],
            "extra_content":{"google":{"thought_signature":"sig"}},
            "tool_calls":[{"id":"","type":"function","function":{"name":"f","arguments":"{oops"}}]}}]}"#;
        let reply = decode_neutral_reply(body, Quirks::default()).expect("an answer");
        let call = &reply.turn.tool_calls[0];
        assert_eq!((call.id.as_str(), call.arguments.as_str()), ("call_a1_0", "{oops"));
        assert_eq!(call.signature.as_deref(), Some("sig"));
        assert_eq!((reply.turn.text.as_str(), reply.reasoning.as_str(), &reply.refusal), ("ok", "hm", &None));
        assert_eq!((reply.turn.opaque.len(), reply.finish), (1, Some(Finish::ToolCalls)));
    }

    #[test]
    fn an_answer_is_written_with_all_the_usual_keys() {
        let turn = Turn {
            tool_calls: vec![ToolCall {
                id: "c".into(),
                name: "f".into(),
                arguments: "{}".into(),
                signature: Some("sig".into()),
            }],
            opaque: vec![json!({ "type": "thinking" }), json!({ "type": "reasoning.text", "text": "t" })],
            ..Turn::default()
        };
        let usage = TokenUsage { input: Some(3), output: Some(4), ..TokenUsage::default() };
        let reply = chat::Reply { turn, usage, finish: Some(Finish::ToolCalls), ..chat::Reply::default() };
        let body: Value = serde_json::from_slice(&encode_reply(&reply, "main/x", 9)).expect("JSON");
        let message = &body["choices"][0]["message"];
        assert_eq!(
            (&body["model"], &body["created"], &message["content"]),
            (&json!("main/x"), &json!(9), &Value::Null)
        );
        assert_eq!(message["reasoning_details"], json!([{ "type": "reasoning.text", "text": "t" }]));
        assert_eq!(message["tool_calls"][0]["extra_content"]["google"]["thought_signature"], "sig");
        assert_eq!(body["usage"]["total_tokens"], 7);
    }
}
