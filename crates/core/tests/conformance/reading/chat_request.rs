//! Requests for chat completions.

use serde_json::{Map, Value, json};

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
