//! Responses as OpenAI, xAI, OpenRouter, DeepSeek and LM Studio really speak it: every recorded exchange, both ways.
#![cfg(test)]

mod exchange;

use exchange::suite::{self, Dialect, Outcome, Said};
use exchange::{Exchange, Kind, all, costs, count};
use patchbay_core::catalog::Quirks;
use patchbay_core::code::Code;
use patchbay_core::dialect::responses;
use patchbay_core::money::NanoUsd;
use patchbay_core::sse::Event;
use patchbay_core::usage::TokenUsage;
use serde_json::{Map, Value, json};

const DIALECT: Dialect = Dialect {
    decode_request: responses::decode_request,
    encode_request: |request, _| responses::encode_request(request),
    decode_reply: |body, _| responses::decode_reply(body),
    encode_reply: |reply| responses::encode_reply(reply, "m", 1),
    decode_stream,
    encode_stream: |deltas| {
        let mut encoder = responses::Encoder::new("m", "a1", 1);
        let mut bytes: Vec<u8> = deltas.iter().flat_map(|delta| encoder.delta(delta)).collect();
        bytes.extend(encoder.finish());
        bytes
    },
    failure: responses::failure,
    meaning,
    said,
    streamed,
};

/// What each error file says, read by a person.
const ERRORS: [(&str, Option<Code>); 6] = [
    ("openai/err-400-context", Some(Code::ContextTooLong)),
    // Chat completions answers 404 to the same.
    ("openai/err-400-model-responses", Some(Code::ModelNotFound)),
    ("openai/err-400-temperature-unsupported", Some(Code::BadRequest)),
    ("openai/err-401-responses", Some(Code::KeyRefused)),
    ("openai/responses-stream-quota-error", Some(Code::QuotaExhausted)),
    ("xai/err-400-key", Some(Code::KeyRefused)),
];

fn ours(exchanges: &[Exchange]) -> impl Iterator<Item = &Exchange> {
    exchanges.iter().filter(|exchange| exchange.kind() == Kind::Responses)
}

#[test]
fn every_recorded_request_keeps_its_meaning() {
    let Some(exchanges) = all() else { return };
    let (kept, answers_only): (Vec<_>, Vec<_>) =
        ours(&exchanges).partition(|exchange| suite::request(&DIALECT, exchange));
    for exchange in &kept {
        let body = exchange.request().unwrap().to_string();
        assert_eq!(responses::unspoken_fields(body.as_bytes()), Vec::<String>::new(), "{}", exchange.name);
    }
    count("requests that mean the same there and back", kept);
    count("exchanges without a recorded request", answers_only);
}

#[test]
fn every_recorded_answer_is_understood() {
    let Some(exchanges) = all() else { return };
    let is_answer = |exchange: &&Exchange| !ERRORS.iter().any(|(name, _)| *name == exchange.name);
    let answers: Vec<_> = ours(&exchanges)
        .filter(is_answer)
        .map(|exchange| (exchange, suite::answer(&DIALECT, exchange)))
        .collect();
    count("answers, whole and streamed", answers.iter().map(|(exchange, _)| *exchange));
    costs::compare(&answers, &[]);
}

#[test]
fn f3_f6_every_recorded_error_has_its_class() {
    let Some(exchanges) = all() else { return };
    let mut errors = Vec::new();
    for exchange in ours(&exchanges) {
        match ERRORS.iter().find(|(name, _)| *name == exchange.name) {
            Some((_, code)) => {
                suite::error(&DIALECT, exchange, *code);
                errors.push(exchange);
            }
            None => assert_eq!(exchange.status(), 200, "{}: read it, and give it a class", exchange.name),
        }
    }
    assert_eq!(count("errors", errors), ERRORS.len());
}

fn decode_stream(events: &[Event], _: Quirks) -> Outcome {
    let mut decoder = responses::Decoder::default();
    let mut deltas = Vec::new();
    for event in events {
        match decoder.event(event) {
            Ok(more) => deltas.extend(more),
            Err(failure) => return Outcome { deltas, failure: Some(failure), is_complete: false },
        }
    }
    Outcome { deltas, failure: None, is_complete: decoder.is_complete() }
}

/// Normalisations: a text is a message of the user; a text and a list of one text part; tools that do not say so are not strict;
/// empty lists and `stream: false` are nothing. Left out: `store`, which is always false toward a provider, and `include`, which
/// follows from the conversation (and asks for log probabilities in one recording).
fn meaning(body: &Value) -> Value {
    let mut kept = Map::new();
    for (name, value) in body.as_object().unwrap() {
        let value = match (name.as_str(), value) {
            ("input", Value::String(text)) => json!([["user", [text]]]),
            ("input", Value::Array(items)) => items.iter().map(item).collect(),
            ("tools", Value::Array(list)) => list.iter().map(tool).collect(),
            (_, Value::Number(number)) => json!(number.as_f64()),
            _ => value.clone(),
        };
        let is_nothing = value.is_null() || value == json!([]) || value == json!(false);
        if !is_nothing && !["store", "include"].contains(&name.as_str()) {
            kept.insert(name.to_owned(), value);
        }
    }
    Value::Object(kept)
}

fn item(item: &Value) -> Value {
    if !["message", ""].contains(&item["type"].as_str().unwrap_or_default()) {
        return item.clone();
    }
    let part = |part: &Value| match part["type"].as_str().unwrap() {
        "input_text" | "output_text" => part["text"].clone(),
        "input_image" => json!({ "image": part["image_url"] }),
        other => panic!("what is a {other}?"),
    };
    let parts: Vec<Value> = match &item["content"] {
        Value::Array(parts) => parts.iter().map(part).collect(),
        text => vec![text.clone()],
    };
    json!([item["role"], parts])
}

fn tool(tool: &Value) -> Value {
    let is_strict = tool["strict"].as_bool().unwrap_or(false);
    json!([tool["type"], tool["name"], tool["description"], tool["parameters"], is_strict])
}

fn said(exchange: &Exchange) -> Said {
    of_response(exchange.answer_body())
}

/// The pieces say the same as the response in the last event.
fn streamed(exchange: &Exchange, data: &[String]) -> (Said, Option<usize>) {
    let terminal = ["response.completed", "response.incomplete"];
    let mut text = String::new();
    for (at, line) in data.iter().enumerate() {
        let event: Value = serde_json::from_str(line).unwrap();
        if event["type"] == "response.output_text.delta" {
            text += event["delta"].as_str().unwrap();
        }
        if terminal.contains(&event["type"].as_str().unwrap()) {
            let said = of_response(&event["response"]);
            assert_eq!(said.text, text, "{}", exchange.name);
            return (said, Some(at + 1));
        }
    }
    panic!("{}: it has no end", exchange.name)
}

fn of_response(response: &Value) -> Said {
    let mut said = Said::default();
    for item in response["output"].as_array().unwrap() {
        let string = |name: &str| item[name].as_str().unwrap().to_owned();
        let texts = |list: &str| {
            let parts = item[list].as_array().into_iter().flatten();
            parts.map(|part| part["text"].as_str().unwrap()).collect::<Vec<_>>()
        };
        match item["type"].as_str().unwrap() {
            "message" => said.text += &texts("content").concat(),
            "function_call" => said.calls.push((string("call_id"), string("name"), string("arguments"))),
            "reasoning" => {
                let shown = [texts("summary"), texts("content")].into_iter().find(|list| !list.is_empty());
                assert!(said.reasoning.is_empty(), "no recording has two thoughts yet");
                said.reasoning = shown.unwrap_or_default().join("\n\n");
            }
            other => panic!("what is a {other}?"),
        }
    }
    assert_eq!(response["status"], "completed", "no recording was cut short yet");
    said.finish = Some(if said.calls.is_empty() { "stop" } else { "tool_calls" }.to_owned());
    said.usage = usage(&response["usage"]);
    said
}

fn usage(wire: &Value) -> TokenUsage {
    let number = |pointer: &str| wire.pointer(pointer).and_then(Value::as_u64);
    let total = number("/total_tokens").unwrap();
    assert_eq!(
        total,
        number("/input_tokens").unwrap() + number("/output_tokens").unwrap(),
        "totals are inclusive"
    );
    #[expect(clippy::cast_possible_truncation, reason = "a few cents")]
    let reported = wire["cost"].as_f64().map(|cost| (cost * 1e9).round() as i64);
    TokenUsage {
        input: number("/input_tokens"),
        output: number("/output_tokens"),
        cached: number("/input_tokens_details/cached_tokens"),
        cache_write: number("/input_tokens_details/cache_write_tokens"),
        reasoning: number("/output_tokens_details/reasoning_tokens"),
        reported_cost: reported.or(wire["cost_in_usd_ticks"].as_i64().map(|ticks| ticks / 10)).map(NanoUsd),
    }
}
