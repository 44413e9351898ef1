//! What requests and answers mean, read off their JSON without the code under test.

pub mod anthropic;
pub mod chat;
pub mod chat_request;
pub mod gemini;
pub mod responses;

use patchbay_core::chat::Finish;
use patchbay_core::money::NanoUsd;
use serde_json::Value;

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn some_string(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn count(value: &Value, pointer: &str) -> Option<u64> {
    value.pointer(pointer).and_then(Value::as_u64)
}

/// The sum of the counts that are there; `None` where none is.
fn sum(counts: &Value, names: &[&str]) -> Option<u64> {
    let found: Vec<u64> = names.iter().filter_map(|name| counts[name].as_u64()).collect();
    (!found.is_empty()).then(|| found.iter().sum())
}

/// OpenRouter's dollars, or xAI's ticks.
fn reported(usage: &Value) -> Option<NanoUsd> {
    #[expect(clippy::cast_possible_truncation, reason = "a few cents")]
    let dollars = usage["cost"].as_f64().map(|cost| (cost * 1e9).round() as i64);
    dollars.or(usage["cost_in_usd_ticks"].as_i64().map(|ticks| ticks / 10)).map(NanoUsd)
}

/// A person's list of the words that were seen, each with what it means.
fn finish(word: &str, known: &[(&str, Finish)]) -> Finish {
    let found = known.iter().find(|(name, _)| *name == word);
    found.unwrap_or_else(|| panic!("what does it mean to stop with {word}?")).1.clone()
}

/// JSON in which 1 and 1.0 are equal, as they are to every provider.
fn with_plain_numbers(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        Value::Array(values) => values.into_iter().map(with_plain_numbers).collect(),
        Value::Object(fields) => fields.into_iter().map(|(k, v)| (k, with_plain_numbers(v))).collect(),
        other => other,
    }
}
