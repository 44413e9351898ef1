//! What recorded chat completions say, read off their JSON without the code under test.

use patchbay_core::money::NanoUsd;
use patchbay_core::usage::TokenUsage;
use serde_json::{Map, Value, json};

use crate::exchange::Exchange;
use crate::exchange::suite::Said;

/// Fields of recorded requests that the neutral form does not carry.
pub const UNSPOKEN: [&str; 7] =
    ["models", "provider", "reasoning_format", "thinking", "transforms", "usage", "web_search_options"];

/// Normalisations: `developer` is `system`; old and new names of one field; a text and a list of one text part; `null`, empty
/// lists and defaults that change nothing (`stream: false`, `n: 1`) are nothing; what the neutral form does not carry (`UNSPOKEN`,
/// `store`, the budget of `reasoning`) and what follows from the provider (`stream_options`) is left out.
pub fn meaning(body: &Value) -> Value {
    let mut kept = Map::new();
    for (name, value) in body.as_object().unwrap() {
        let value = match (name.as_str(), value) {
            ("messages", Value::Array(list)) => list.iter().map(message).collect(),
            ("tools", Value::Array(list)) => list.iter().map(tool).collect(),
            ("stop", Value::String(_)) => json!([value]),
            ("tool_choice", Value::String(word)) if word == "any" => json!("required"),
            (_, Value::Number(number)) => json!(number.as_f64()),
            _ => value.clone(),
        };
        let name = match name.as_str() {
            "max_completion_tokens" => "max_tokens",
            "random_seed" => "seed",
            name => name,
        };
        let left_out = ["n", "store", "stream_options", "reasoning"];
        let is_nothing = value.is_null() || value == json!([]) || value == json!(false);
        if !is_nothing && !left_out.contains(&name) && !UNSPOKEN.contains(&name) {
            kept.insert(name.to_owned(), value);
        }
    }
    Value::Object(kept)
}

/// `prefix`, `index` and `cache_control` are left out.
fn message(message: &Value) -> Value {
    let role = if message["role"] == "developer" { json!("system") } else { message["role"].clone() };
    let parts: Vec<Value> = match &message["content"] {
        Value::Null => Vec::new(),
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::String(text) => vec![json!(text)],
        parts => parts.as_array().unwrap().iter().map(part).collect(),
    };
    let call = |call: &Value| json!([call["id"], call["function"]["name"], call["function"]["arguments"]]);
    let calls: Vec<Value> = message["tool_calls"].as_array().into_iter().flatten().map(call).collect();
    json!([role, parts, calls, message["tool_call_id"]])
}

fn part(part: &Value) -> Value {
    match part["type"].as_str().unwrap() {
        "text" => part["text"].clone(),
        "image_url" => json!({ "image": part["image_url"]["url"] }),
        other => panic!("what is a {other}?"),
    }
}

fn tool(tool: &Value) -> Value {
    let function = &tool["function"];
    json!([function["name"], function["description"], function["parameters"], function["strict"]])
}

pub fn said(exchange: &Exchange) -> Said {
    let body = exchange.answer_body();
    let choice = &body["choices"][0];
    let mut said = Said::default();
    add(&mut said, &choice["message"]);
    for (at, call) in choice["message"]["tool_calls"].as_array().into_iter().flatten().enumerate() {
        let id = call["id"].as_str().unwrap();
        let id =
            if id.is_empty() { format!("call_{}_{at}", body["id"].as_str().unwrap()) } else { id.to_owned() };
        said.calls.push((id, string(&call["function"]["name"]), string(&call["function"]["arguments"])));
    }
    said.finish = choice["finish_reason"].as_str().map(str::to_owned);
    said.usage = usage(&exchange.provider, &body["usage"]);
    said
}

pub fn streamed(exchange: &Exchange, data: &[String]) -> (Said, Option<usize>) {
    let (mut said, mut end) = (Said::default(), None);
    for (at, line) in data.iter().enumerate() {
        if line == "[DONE]" {
            end = end.or(Some(at + 1));
            break;
        }
        let chunk: Value = serde_json::from_str(line).unwrap();
        let choice = &chunk["choices"][0];
        add(&mut said, &choice["delta"]);
        for call in choice["delta"]["tool_calls"].as_array().into_iter().flatten() {
            let index = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
            if index == said.calls.len() {
                said.calls.push((string(&call["id"]), string(&call["function"]["name"]), String::new()));
            }
            said.calls[index].2 += &string(&call["function"]["arguments"]);
        }
        if let Some(reason) = choice["finish_reason"].as_str() {
            said.finish = Some(reason.to_owned());
            end = end.or(Some(at + 1));
        }
        for wire in [&chunk["x_groq"]["usage"], &chunk["usage"]] {
            if wire.is_object() {
                said.usage = usage(&exchange.provider, wire);
            }
        }
    }
    (said, end)
}

fn add(said: &mut Said, message: &Value) {
    for part in message["content"].as_array().into_iter().flatten() {
        said.text += &string(&part["text"]);
        for thought in part["thinking"].as_array().into_iter().flatten() {
            said.reasoning += &string(&thought["text"]);
        }
    }
    said.text += &string(&message["content"]);
    said.refusal += &string(&message["refusal"]);
    let names = ["reasoning", "reasoning_content"].map(|name| string(&message[name]));
    said.reasoning += names.iter().find(|text| !text.is_empty()).map_or("", String::as_str);
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn usage(provider: &str, wire: &Value) -> TokenUsage {
    let number = |pointer: &str| wire.pointer(pointer).and_then(Value::as_u64);
    let cached = [
        "/prompt_tokens_details/cached_tokens",
        "/prompt_cache_hit_tokens",
        "/cached_tokens",
        "/num_cached_tokens",
    ];
    let (input, completion) = (number("/prompt_tokens"), number("/completion_tokens"));
    let dollars = wire["cost"].as_f64().map(|cost| cost * 1e9);
    #[expect(clippy::cast_possible_truncation, reason = "a few cents")]
    let reported = dollars.map(|nano| nano.round() as i64);
    TokenUsage {
        input,
        // Only the total has xAI's reasoning in it.
        output: if ["xai", "gemini"].contains(&provider) {
            Some(number("/total_tokens").unwrap() - input.unwrap())
        } else {
            completion
        },
        cached: cached.into_iter().find_map(number),
        cache_write: number("/prompt_tokens_details/cache_write_tokens"),
        reasoning: number("/completion_tokens_details/reasoning_tokens"),
        reported_cost: reported.or(wire["cost_in_usd_ticks"].as_i64().map(|ticks| ticks / 10)).map(NanoUsd),
    }
}
