//! A caller of any protocol: what it asks, and what it reads in an answer.

use patchbay_core::catalog::{Protocol, Quirks};
use patchbay_core::chat::{Delta, Finish, Reply};
use patchbay_core::code::Code;
use patchbay_core::dialect::{Decoder, Failure, relay};
use patchbay_core::sse::{Event, Reader};
use patchbay_core::usage::TokenUsage;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::world::World;

/// What an answer says, in no protocol.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    pub text: String,
    /// Names and arguments.
    pub calls: Vec<(String, Value)>,
    pub finish: Option<Finish>,
    pub usage: TokenUsage,
}

/// A question as a client of this protocol writes it.
pub fn ask(world: &World, protocol: Protocol, streamed: bool) -> RequestBuilder {
    let path = match (protocol, streamed) {
        (Protocol::Openai, _) => "/v1/chat/completions",
        (Protocol::Responses, _) => "/v1/responses",
        (Protocol::Anthropic, _) => "/v1/messages",
        (Protocol::Gemini, false) => "/v1beta/models/it%2Fsome-model:generateContent",
        (Protocol::Gemini, true) => "/v1beta/models/it/some-model:streamGenerateContent?alt=sse",
    };
    let question = "What is 2 + 2?";
    let mut body = match protocol {
        Protocol::Openai => json!({ "messages": [{ "role": "user", "content": question }] }),
        Protocol::Responses => json!({ "input": question }),
        Protocol::Anthropic => {
            json!({ "max_tokens": 64, "messages": [{ "role": "user", "content": question }] })
        }
        Protocol::Gemini => json!({ "contents": [{ "role": "user", "parts": [{ "text": question }] }] }),
    };
    if protocol != Protocol::Gemini {
        body["model"] = json!("it/some-model");
        body["stream"] = json!(streamed);
    }
    world.request(Method::POST, path).header("content-type", "application/json").body(body.to_string())
}

/// Reads an answer as a client of this protocol does.
pub fn read(protocol: Protocol, quirks: Quirks, streamed: bool, body: &[u8]) -> Result<Said, Failure> {
    if streamed {
        read_stream(protocol, quirks, body)
    } else {
        relay::decode_reply(protocol, body, quirks).map(said)
    }
}

fn said(reply: Reply) -> Said {
    let calls = reply.turn.tool_calls.into_iter().map(|call| (call.name, parsed(&call.arguments)));
    Said {
        // Some protocols have a field of their own for the words of a refusal, others put them into the text; some call it
        // a reason to stop.
        finish: if reply.refusal.is_some() { Some(Finish::ContentFilter) } else { reply.finish },
        text: reply.turn.text + &reply.refusal.unwrap_or_default(),
        calls: calls.collect(),
        usage: reply.usage,
    }
}

fn read_stream(protocol: Protocol, quirks: Quirks, body: &[u8]) -> Result<Said, Failure> {
    let mut decoder = Decoder::new(protocol, quirks);
    let mut said = Said::default();
    let mut calls: Vec<(u32, String, String)> = Vec::new();
    for event in events(body) {
        for delta in decoder.event(&event)? {
            match delta {
                Delta::Text(text) | Delta::Refusal(text) => said.text += &text,
                Delta::ToolCall { index, call } => calls.push((index, call.name, call.arguments)),
                Delta::Arguments { index, text } => {
                    calls.iter_mut().filter(|call| call.0 == index).for_each(|call| call.2 += &text);
                }
                Delta::Finish(finish) => said.finish = Some(finish),
                Delta::Usage(usage) => said.usage = usage,
                _ => {}
            }
        }
    }
    said.calls = calls.into_iter().map(|(_, name, arguments)| (name, parsed(&arguments))).collect();
    if decoder.is_complete() {
        Ok(said)
    } else {
        Err(Failure::new(Code::StreamCut, "It ended before its end."))
    }
}

fn events(body: &[u8]) -> Vec<Event> {
    let mut reader = Reader::default();
    reader.push(body).unwrap();
    let mut events: Vec<Event> = std::iter::from_fn(|| reader.next_event()).collect();
    events.extend(reader.finish());
    events
}

/// Arguments as the object that they are; models send broken JSON at times, which Gemini can only hold inside an object, and
/// Anthropic only as a text.
fn parsed(arguments: &str) -> Value {
    let text = if arguments.trim().is_empty() { "{}" } else { arguments };
    match serde_json::from_str(text) {
        Ok(Value::String(broken)) => json!({ "arguments": broken }),
        Ok(value) => value,
        Err(_) => json!({ "arguments": text }),
    }
}

/// The message of an error in the envelope of this protocol.
pub fn message_of(protocol: Protocol, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let value: Value = serde_json::from_slice(body).unwrap_or_else(|error| panic!("{error}: {text}"));
    let keys: Vec<&String> = value["error"].as_object().unwrap_or_else(|| panic!("{text}")).keys().collect();
    match protocol {
        Protocol::Openai | Protocol::Responses => assert_eq!(keys, ["message", "type", "param", "code"]),
        Protocol::Anthropic => assert_eq!((&value["type"], keys.len()), (&json!("error"), 2), "{text}"),
        Protocol::Gemini => {
            assert!(value["error"]["code"].is_u64() && value["error"]["status"].is_string(), "{text}");
        }
    }
    value["error"]["message"].as_str().unwrap().to_owned()
}
