//! Gemini.

use patchbay_core::chat::{Finish, Reply, ToolCall};
use patchbay_core::usage::TokenUsage;
use serde_json::{Value, json};

use super::{list, some_string, string, sum, with_plain_numbers};
use crate::exchange::Exchange;

const WORDS: [(&str, Finish); 3] =
    [("STOP", Finish::Stop), ("MAX_TOKENS", Finish::Length), ("SAFETY", Finish::ContentFilter)];

/// The same request in one form of several: names in camel case, schemas in JSON schema's spelling and under one name, base64
/// in its first alphabet; without the role of the instructions, the ids of calls, and what asks for text only.
pub fn meaning(body: &Value) -> Value {
    let mut body = spelled(with_plain_numbers(body.clone()));
    let fields = body.as_object_mut().expect("an object");
    for (field, inner) in [("systemInstruction", "role"), ("generationConfig", "responseModalities")] {
        if let Some(object) = fields.get_mut(field).and_then(Value::as_object_mut) {
            object.remove(inner);
        }
    }
    if fields.get("generationConfig") == Some(&json!({})) {
        fields.remove("generationConfig");
    }
    body
}

fn spelled(value: Value) -> Value {
    let camel = |name: &str| match name {
        "parameters" | "parameters_json_schema" => "parametersJsonSchema".to_owned(),
        "thinking_budget" => "thinkingBudget".to_owned(),
        other => other.to_owned(),
    };
    let field = |(name, value): (String, Value)| match (name.as_str(), value) {
        ("type", Value::String(kind)) => (name, kind.to_lowercase().into()),
        ("data", Value::String(data)) => (name, data.replace('-', "+").replace('_', "/").into()),
        ("functionCall" | "functionResponse", Value::Object(mut call)) => {
            call.remove("id");
            (name, Value::Object(call))
        }
        (_, value) => (camel(&name), spelled(value)),
    };
    match value {
        Value::Array(values) => values.into_iter().map(spelled).collect(),
        Value::Object(fields) => Value::Object(fields.into_iter().map(field).collect()),
        other => other,
    }
}

pub fn said(exchange: &Exchange) -> Reply {
    of_answers(&[exchange.json()])
}

/// Gemini has no end mark: the event with the finish reason is the last one.
pub fn streamed(_: &Exchange, data: &[String]) -> (Reply, Option<usize>) {
    let events: Vec<Value> = data.iter().map(|line| serde_json::from_str(line).unwrap_or_default()).collect();
    let end = events.iter().position(|event| event["candidates"][0]["finishReason"].is_string());
    (of_answers(&events), end.map(|at| at + 1))
}

/// From the parts themselves, over all events.
fn of_answers(answers: &[Value]) -> Reply {
    let parts: Vec<&Value> =
        answers.iter().flat_map(|answer| list(&answer["candidates"][0]["content"]["parts"])).collect();
    let text = |thought: bool| -> String {
        let is_wanted = |part: &&&Value| (part["thought"] == true) == thought;
        parts.iter().filter(is_wanted).map(|part| string(&part["text"])).collect()
    };
    let is_kept = |part: &&&Value| part["functionCall"].is_null() && !part["thoughtSignature"].is_null();
    let id = some_string(&answers[0]["responseId"]);
    let mut said =
        Reply { model: some_string(&answers[0]["modelVersion"]), reasoning: text(true), ..Reply::default() };
    said.turn.text = text(false);
    for part in parts.iter().filter(|part| part["functionCall"].is_object()) {
        let call = call(part, id.as_deref().unwrap_or("0"), said.turn.tool_calls.len());
        said.turn.tool_calls.push(call);
    }
    said.turn.opaque = parts.iter().filter(is_kept).map(|part| (*part).clone()).collect();
    let last = answers.last().expect("an answer");
    let word = last["candidates"][0]["finishReason"].as_str();
    said.finish = word.map(|word| finish(word, &said));
    let message = some_string(&last["candidates"][0]["finishMessage"]);
    said.refusal = message.filter(|_| said.finish == Some(Finish::ContentFilter));
    said.usage = usage(&last["usageMetadata"]);
    Reply { id, ..said }
}

/// Where Google gives a call no id, Patchbay makes one from that of the answer and the place.
fn call(part: &Value, answer: &str, at: usize) -> ToolCall {
    let call = &part["functionCall"];
    let short: String = answer.chars().take(24).collect();
    ToolCall {
        id: some_string(&call["id"]).unwrap_or_else(|| format!("call_{short}_{at}")),
        name: string(&call["name"]),
        arguments: call["args"].to_string(),
        signature: some_string(&part["thoughtSignature"]),
    }
}

/// Google's word for the end says nothing of calls.
fn finish(word: &str, said: &Reply) -> Finish {
    match super::finish(word, &WORDS) {
        Finish::Stop if !said.turn.tool_calls.is_empty() => Finish::ToolCalls,
        finish => finish,
    }
}

fn usage(wire: &Value) -> TokenUsage {
    TokenUsage {
        input: sum(wire, &["promptTokenCount", "toolUsePromptTokenCount"]),
        output: sum(wire, &["candidatesTokenCount", "thoughtsTokenCount"]).or(Some(0)),
        cached: sum(wire, &["cachedContentTokenCount"]),
        cache_write: None,
        reasoning: sum(wire, &["thoughtsTokenCount"]),
        reported_cost: None,
    }
}
