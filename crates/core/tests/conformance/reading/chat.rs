//! Chat completions.

use patchbay_core::chat::{Finish, Reply, ToolCall};
use patchbay_core::usage::TokenUsage;
use serde_json::Value;

use super::{count, list, reported, some_string, string};
use crate::exchange::Exchange;

const WORDS: [(&str, Finish); 5] = [
    ("stop", Finish::Stop),
    ("eos", Finish::Stop),
    ("length", Finish::Length),
    ("tool_calls", Finish::ToolCalls),
    ("content_filter", Finish::ContentFilter),
];

pub fn said(exchange: &Exchange) -> Reply {
    let body = exchange.json();
    let choice = &body["choices"][0];
    let mut said =
        Reply { id: some_string(&body["id"]), model: some_string(&body["model"]), ..Reply::default() };
    add(&mut said, &choice["message"]);
    for (at, call) in list(&choice["message"]["tool_calls"]).enumerate() {
        let id = some_string(&call["id"]).filter(|id| !id.is_empty());
        let id = id.unwrap_or_else(|| format!("call_{}_{at}", string(&body["id"])));
        said.turn.tool_calls.push(ToolCall { id, ..self::call(call) });
    }
    // Gemini's OpenAI form signs the message, and means its first call.
    let signature = &choice["message"]["extra_content"]["google"]["thought_signature"];
    if let Some(first) = said.turn.tool_calls.first_mut() {
        first.signature = first.signature.take().or(some_string(signature));
    }
    said.turn.opaque = list(&choice["message"]["reasoning_details"]).cloned().collect();
    let word = choice["finish_reason"].as_str().filter(|word| !word.is_empty());
    said.finish = word.map(|word| super::finish(word, &WORDS));
    said.usage = usage(&exchange.provider, &body["usage"]);
    said
}

fn call(call: &Value) -> ToolCall {
    ToolCall {
        id: string(&call["id"]),
        name: string(&call["function"]["name"]),
        arguments: string(&call["function"]["arguments"]),
        signature: some_string(&call["extra_content"]["google"]["thought_signature"]),
    }
}

pub fn streamed(exchange: &Exchange, data: &[String]) -> (Reply, Option<usize>) {
    let (mut said, mut end) = (Reply::default(), None);
    for (at, line) in data.iter().enumerate() {
        if line == "[DONE]" {
            end = end.or(Some(at + 1));
            break;
        }
        let chunk: Value = serde_json::from_str(line).expect("JSON");
        if chunk["error"].is_object() {
            return (said, None);
        }
        if at == 0 {
            (said.id, said.model) = (some_string(&chunk["id"]), some_string(&chunk["model"]));
        }
        let choice = &chunk["choices"][0];
        add(&mut said, &choice["delta"]);
        list(&choice["delta"]["tool_calls"]).for_each(|piece| add_call(&mut said.turn.tool_calls, piece));
        list(&choice["delta"]["reasoning_details"]).for_each(|piece| add_block(&mut said.turn.opaque, piece));
        if let Some(word) = choice["finish_reason"].as_str().filter(|word| !word.is_empty()) {
            said.finish = Some(super::finish(word, &WORDS));
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

fn add_call(calls: &mut Vec<ToolCall>, piece: &Value) {
    let index = usize::try_from(piece["index"].as_u64().unwrap_or(0)).expect("small");
    if index == calls.len() {
        calls.push(call(piece));
    } else {
        calls[index].arguments += &string(&piece["function"]["arguments"]);
    }
}

/// OpenRouter's blocks: what is text grows, what is `null` says nothing, the rest comes at some time.
fn add_block(blocks: &mut Vec<Value>, piece: &Value) {
    let is_same = |block: &&mut Value| (&block["type"], &block["index"]) == (&piece["type"], &piece["index"]);
    let Some(block) = blocks.iter_mut().find(is_same) else {
        return blocks.push(piece.clone());
    };
    for (name, value) in piece.as_object().expect("a block").iter().filter(|(_, value)| !value.is_null()) {
        let grows = ["text", "summary", "data"].contains(&name.as_str()) && block[name].is_string();
        block[name] = if grows { (string(&block[name]) + &string(value)).into() } else { value.clone() };
    }
}

fn add(said: &mut Reply, message: &Value) {
    for part in list(&message["content"]) {
        said.turn.text += &string(&part["text"]);
        list(&part["thinking"]).for_each(|thought| said.reasoning += &string(&thought["text"]));
    }
    said.turn.text += &string(&message["content"]);
    if let Some(refusal) = message["refusal"].as_str().filter(|refusal| !refusal.is_empty()) {
        said.refusal.get_or_insert_default().push_str(refusal);
    }
    let names = ["reasoning", "reasoning_content"].map(|name| string(&message[name]));
    said.reasoning += names.iter().find(|text| !text.is_empty()).map_or("", String::as_str);
}

fn usage(provider: &str, wire: &Value) -> TokenUsage {
    let cached = [
        "/prompt_tokens_details/cached_tokens",
        "/prompt_cache_hit_tokens",
        "/cached_tokens",
        "/num_cached_tokens",
    ];
    let (input, completion) = (count(wire, "/prompt_tokens"), count(wire, "/completion_tokens"));
    TokenUsage {
        input,
        // Only the total has the reasoning of these two in it.
        output: if ["xai", "gemini"].contains(&provider) {
            Some(count(wire, "/total_tokens").expect("a total") - input.expect("a prompt"))
        } else {
            completion
        },
        cached: cached.into_iter().find_map(|pointer| count(wire, pointer)),
        cache_write: count(wire, "/prompt_tokens_details/cache_write_tokens"),
        reasoning: count(wire, "/completion_tokens_details/reasoning_tokens"),
        reported_cost: reported(wire),
    }
}
