//! Whole answers and model lists.

use serde::Deserialize;

use crate::catalog::{Quirks, ReasoningTokens};
use crate::code::Code;
use crate::dialect::Failure;
use crate::money::NanoUsd;
use crate::usage::TokenUsage;

/// One US dollar in xAI's `cost_in_usd_ticks`, per nano-dollar.
const XAI_TICKS_PER_NANO: u64 = 10;

/// What a whole answer said.
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

#[derive(Deserialize)]
struct WireReply {
    model: Option<String>,
    choices: Option<Vec<WireChoice>>,
    usage: Option<WireUsage>,
    error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct WireChoice {
    message: Option<WireMessage>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct WireMessage {
    content: Option<Content>,
}

/// Text, or Mistral's list of parts.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
pub(super) struct Part {
    text: Option<String>,
}

impl Content {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Parts(parts) => parts.into_iter().filter_map(|part| part.text).collect(),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct WireUsage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
    prompt_cache_hit_tokens: Option<u64>,
    cost: Option<serde_json::Number>,
    cost_in_usd_ticks: Option<u64>,
}

#[derive(Default, Deserialize)]
struct PromptDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

#[derive(Default, Deserialize)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
}

impl WireUsage {
    /// In Patchbay's inclusive totals.
    pub(super) fn into_usage(self, quirks: Quirks) -> TokenUsage {
        let prompt = self.prompt_tokens_details.unwrap_or_default();
        let reasoning = self.completion_tokens_details.unwrap_or_default().reasoning_tokens;
        let output = self.completion_tokens.map(|tokens| match quirks.reasoning_tokens {
            ReasoningTokens::Inside => tokens,
            ReasoningTokens::Beside => tokens.saturating_add(reasoning.unwrap_or(0)),
        });
        let ticks = self
            .cost_in_usd_ticks
            .and_then(|ticks| i64::try_from(ticks / XAI_TICKS_PER_NANO).ok())
            .map(NanoUsd);
        TokenUsage {
            input: self.prompt_tokens,
            output,
            cached: prompt.cached_tokens.or(self.prompt_cache_hit_tokens),
            cache_write: prompt.cache_write_tokens,
            reasoning,
            reported_cost: self.cost.and_then(|cost| NanoUsd::from_decimal(&cost.to_string())).or(ticks),
        }
    }
}

/// Reads a 200 answer. An error inside it, or something that is no answer, is a failure.
pub fn decode_reply(body: &[u8], quirks: Quirks) -> Result<Reply, Failure> {
    let malformed = |why: String| Failure { status: Some(200), ..Failure::new(Code::MalformedAnswer, why) };
    let wire: WireReply = serde_json::from_slice(body).map_err(|error| {
        malformed(format!("The provider answered 200 with something that is no answer: {error}."))
    })?;
    if wire.error.as_ref().is_some_and(|error| !error.is_null()) {
        return Err(super::failure(200, None, body));
    }
    let choice = wire
        .choices
        .and_then(|choices| choices.into_iter().next())
        .ok_or_else(|| malformed("The provider answered 200 without any choice.".into()))?;
    let content = choice.message.and_then(|message| message.content);
    Ok(Reply {
        text: content.map(Content::into_text).unwrap_or_default(),
        finish_reason: choice.finish_reason,
        model: wire.model,
        usage: wire.usage.map(|usage| usage.into_usage(quirks)).unwrap_or_default(),
    })
}

/// Reads `GET /models`: `{data: [{id}]}`, or the bare array that Together sends.
pub fn decode_models(body: &[u8]) -> Result<Vec<String>, Failure> {
    #[derive(Deserialize)]
    struct Model {
        id: String,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum List {
        Wrapped { data: Vec<Model> },
        Bare(Vec<Model>),
    }
    let list = serde_json::from_slice(body).map_err(|_| Failure {
        status: Some(200),
        ..Failure::new(Code::MalformedAnswer, "The address answers, but not with a list of models.")
    })?;
    let (List::Wrapped { data: models } | List::Bare(models)) = list;
    // Gemini's OpenAI form prefixes its ids; both forms are accepted in a request.
    Ok(models
        .into_iter()
        .map(|model| model.id.strip_prefix("models/").unwrap_or(&model.id).to_owned())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for body in ["", "<html>", "{}", r#"{"choices":[]}"#, "[1]"] {
            assert_eq!(
                decode_reply(body.as_bytes(), Quirks::default()).expect_err(body).code,
                Code::MalformedAnswer
            );
        }
        let inside = br#"{"error":{"message":"Provider returned error","code":502}}"#;
        assert_eq!(decode_reply(inside, Quirks::default()).expect_err("an error").code, Code::UpstreamFailed);
    }

    #[test]
    fn model_lists_come_wrapped_bare_and_prefixed() {
        assert_eq!(
            decode_models(br#"{"object":"list","data":[{"id":"a"},{"id":"models/b"}]}"#).expect("a list"),
            ["a", "b"]
        );
        assert_eq!(decode_models(br#"[{"id":"a"}]"#).expect("a list"), ["a"]);
        assert_eq!(decode_models(b"<html>").expect_err("no list").code, Code::MalformedAnswer);
    }
}
