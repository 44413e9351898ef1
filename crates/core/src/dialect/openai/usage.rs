//! Usage, both ways. Patchbay's totals are inclusive; where a provider counts otherwise, a quirk says so.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::catalog::{Quirks, ReasoningTokens};
use crate::money::NanoUsd;
use crate::usage::TokenUsage;

/// One US dollar in xAI's `cost_in_usd_ticks`, per nano-dollar.
const XAI_TICKS_PER_NANO: u64 = 10;

#[derive(Deserialize)]
pub(super) struct WireUsage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
    /// DeepSeek.
    prompt_cache_hit_tokens: Option<u64>,
    /// Together.
    cached_tokens: Option<u64>,
    /// Mistral, at times.
    num_cached_tokens: Option<u64>,
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
        let prompt = self.prompt_tokens_details.as_ref();
        let details = self.completion_tokens_details.as_ref();
        let reasoning = details.and_then(|details| details.reasoning_tokens);
        let output = match quirks.reasoning_tokens {
            ReasoningTokens::Inside => self.output_by_total().or(self.completion_tokens),
            ReasoningTokens::Beside => self.output_with_reasoning(reasoning),
        };
        TokenUsage {
            input: self.prompt_tokens,
            output,
            cached: prompt
                .and_then(|prompt| prompt.cached_tokens)
                .or(self.prompt_cache_hit_tokens)
                .or(self.cached_tokens)
                .or(self.num_cached_tokens),
            cache_write: prompt.and_then(|prompt| prompt.cache_write_tokens),
            // OpenRouter was seen to report more reasoning than output.
            reasoning: reasoning.map(|tokens| output.map_or(tokens, |output| tokens.min(output))),
            reported_cost: reported_cost(self.cost.as_ref(), self.cost_in_usd_ticks),
        }
    }

    /// The total is the one figure that holds everything, also where a provider counts reasoning beside (Gemini's OpenAI
    /// form, at any address).
    fn output_by_total(&self) -> Option<u64> {
        let rest = self.total_tokens?.checked_sub(self.prompt_tokens?)?;
        (rest >= self.completion_tokens?).then_some(rest)
    }

    /// Without a total, the sum.
    fn output_with_reasoning(&self, reasoning: Option<u64>) -> Option<u64> {
        let sum = self.completion_tokens.map(|tokens| tokens.saturating_add(reasoning.unwrap_or(0)));
        self.output_by_total().or(sum)
    }
}

/// What OpenRouter (`cost`, in dollars) or xAI (`cost_in_usd_ticks`) says that it charged.
pub(in crate::dialect) fn reported_cost(
    dollars: Option<&serde_json::Number>,
    ticks: Option<u64>,
) -> Option<NanoUsd> {
    let ticks = || i64::try_from(ticks? / XAI_TICKS_PER_NANO).ok().map(NanoUsd);
    dollars.and_then(|cost| NanoUsd::from_decimal(&cost.to_string())).or_else(ticks)
}

/// As OpenAI writes it; `null` where nothing is known.
pub(super) fn encode_usage(usage: &TokenUsage) -> Value {
    if !usage.is_reported() {
        return Value::Null;
    }
    let (input, output) = (usage.input.unwrap_or(0), usage.output.unwrap_or(0));
    let mut prompt = json!({ "cached_tokens": usage.cached.unwrap_or(0), "audio_tokens": 0 });
    if let Some(written) = usage.cache_write {
        prompt["cache_write_tokens"] = written.into();
    }
    json!({
        "prompt_tokens": input,
        "completion_tokens": output,
        "total_tokens": input.saturating_add(output),
        "prompt_tokens_details": prompt,
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning.unwrap_or(0),
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(json: &str, reasoning_tokens: ReasoningTokens) -> TokenUsage {
        let wire: WireUsage = serde_json::from_str(json).expect("usage");
        wire.into_usage(Quirks { reasoning_tokens, ..Quirks::default() })
    }

    #[test]
    fn c2_reasoning_beside_the_output_is_added_once() {
        let details = r#""completion_tokens_details":{"reasoning_tokens":320}"#;
        for (json, output) in [
            (format!(r#"{{"prompt_tokens":12,"completion_tokens":2,"total_tokens":334,{details}}}"#), 322),
            (format!(r#"{{"prompt_tokens":12,"completion_tokens":2,{details}}}"#), 322),
            // A total that cannot be one.
            (format!(r#"{{"prompt_tokens":12,"completion_tokens":2,"total_tokens":5,{details}}}"#), 322),
            // Hidden thoughts that only the total shows (Gemini's OpenAI form).
            (r#"{"prompt_tokens":35,"completion_tokens":12,"total_tokens":109}"#.into(), 74),
        ] {
            assert_eq!(usage(&json, ReasoningTokens::Beside).output, Some(output), "{json}");
        }
    }

    #[test]
    fn c2_there_is_never_more_reasoning_than_output() {
        let json = r#"{"prompt_tokens":43,"completion_tokens":10,"completion_tokens_details":{"reasoning_tokens":11}}"#;
        assert_eq!(usage(json, ReasoningTokens::Inside).reasoning, Some(10));
    }

    #[test]
    fn cached_tokens_are_found_wherever_a_provider_puts_them() {
        for json in [
            r#"{"prompt_tokens_details":{"cached_tokens":7},"prompt_cache_hit_tokens":9}"#,
            r#"{"prompt_cache_hit_tokens":7}"#,
            r#"{"cached_tokens":7}"#,
            r#"{"num_cached_tokens":7}"#,
        ] {
            assert_eq!(usage(json, ReasoningTokens::Inside).cached, Some(7), "{json}");
        }
    }

    #[test]
    fn what_was_never_reported_is_not_written() {
        assert_eq!(encode_usage(&TokenUsage::default()), Value::Null);
    }
}
