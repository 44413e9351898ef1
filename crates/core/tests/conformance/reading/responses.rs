//! Responses.

use patchbay_core::chat::{Finish, Reply, ToolCall};
use patchbay_core::usage::TokenUsage;
use serde_json::{Map, Value, json};

use super::{count, list, reported, some_string, string};
use crate::exchange::Exchange;

/// Normalisations: a text is a message of the user; a text and a list of one text part; tools that do not say so are not strict;
/// empty lists and `stream: false` are nothing. Left out: `store`, which is always false toward a provider, and `include`, which
/// follows from the conversation (and asks for log probabilities in one recording).
pub fn meaning(body: &Value) -> Value {
    let mut kept = Map::new();
    for (name, value) in body.as_object().expect("an object") {
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
    let part = |part: &Value| match part["type"].as_str().expect("a type") {
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

pub fn said(exchange: &Exchange) -> Reply {
    of_response(&exchange.json())
}

/// The pieces say the same as the response in the last event.
pub fn streamed(exchange: &Exchange, data: &[String]) -> (Reply, Option<usize>) {
    let (mut text, mut blocks, mut start) = (String::new(), Vec::new(), Value::Null);
    for (at, line) in data.iter().enumerate() {
        let event: Value = serde_json::from_str(line).unwrap_or_default();
        match event["type"].as_str().unwrap_or_default() {
            "response.created" => start = event["response"].clone(),
            "response.output_text.delta" => text += &string(&event["delta"]),
            // What it encrypts is encrypted anew for the last event.
            "response.output_item.done" => blocks.extend(encrypted(&event["item"])),
            "response.completed" | "response.incomplete" => {
                let mut said = of_response(&event["response"]);
                said.turn.opaque = blocks;
                assert_eq!(said.turn.text, text, "{}", exchange.name);
                let (id, model) = (some_string(&start["id"]), some_string(&start["model"]));
                return (Reply { id, model, ..said }, Some(at + 1));
            }
            _ => {}
        }
    }
    let mut said = Reply::default();
    said.turn.text = text;
    (said, None)
}

fn encrypted(item: &Value) -> Option<Value> {
    (item["type"] == "reasoning" && item["encrypted_content"].is_string()).then(|| item.clone())
}

fn of_response(response: &Value) -> Reply {
    let (id, model) = (some_string(&response["id"]), some_string(&response["model"]));
    let mut said = Reply { id, model, ..Reply::default() };
    let mut thoughts = Vec::new();
    for item in list(&response["output"]) {
        let texts =
            |parts: &str| -> Vec<String> { list(&item[parts]).map(|part| string(&part["text"])).collect() };
        match item["type"].as_str().expect("a type") {
            "message" => {
                said.turn.text += &texts("content").concat();
                list(&item["content"]).filter_map(|part| part["refusal"].as_str()).for_each(|refusal| {
                    said.refusal.get_or_insert_default().push_str(refusal);
                });
            }
            "function_call" => said.turn.tool_calls.push(ToolCall {
                id: string(&item["call_id"]),
                name: string(&item["name"]),
                arguments: string(&item["arguments"]),
                signature: None,
            }),
            "reasoning" => {
                let shown = [texts("summary"), texts("content")].into_iter().find(|list| !list.is_empty());
                thoughts.extend(shown.unwrap_or_default());
                said.turn
                    .opaque
                    .extend(Some(item.clone()).filter(|item| item["encrypted_content"].is_string()));
            }
            other => panic!("what is a {other}?"),
        }
    }
    said.reasoning = thoughts.join("\n\n");
    said.finish = Some(finish(response, &said));
    said.usage = usage(&response["usage"]);
    said
}

fn finish(response: &Value, said: &Reply) -> Finish {
    match (response["status"].as_str(), response["incomplete_details"]["reason"].as_str()) {
        (Some("completed"), _) if said.turn.tool_calls.is_empty() => Finish::Stop,
        (Some("completed"), _) => Finish::ToolCalls,
        (Some("incomplete"), Some("max_output_tokens")) => Finish::Length,
        other => panic!("what does {other:?} mean?"),
    }
}

fn usage(wire: &Value) -> TokenUsage {
    let (input, output) = (count(wire, "/input_tokens"), count(wire, "/output_tokens"));
    let total = count(wire, "/total_tokens").expect("a total");
    assert_eq!(Some(total), input.zip(output).map(|(input, output)| input + output), "totals are inclusive");
    TokenUsage {
        input,
        output,
        cached: count(wire, "/input_tokens_details/cached_tokens"),
        cache_write: count(wire, "/input_tokens_details/cache_write_tokens"),
        reasoning: count(wire, "/output_tokens_details/reasoning_tokens"),
        reported_cost: reported(wire),
    }
}
