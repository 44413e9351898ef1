//! Streamed answers for callers that speak Anthropic.

use serde_json::{Value, json};

use super::conversation::is_own_block;
use super::reply::{stop_details, stop_reason, usage_json};
use crate::chat::{Delta, Finish, ToolCall};
use crate::dialect::Failure;
use crate::dialect::wire::sse;
use crate::usage::TokenUsage;

/// Writes a stream. Anthropic has one block open at a time: a tool call that begins while another one is open waits for
/// the end, so that pieces of both may arrive in any order.
#[derive(Debug)]
pub struct Encoder {
    model: String,
    id: String,
    out: Vec<u8>,
    is_started: bool,
    open: Open,
    /// Of the next block.
    index: u32,
    waiting: Vec<(u32, ToolCall)>,
    refusal: String,
    finish: Option<Finish>,
    usage: TokenUsage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Nothing,
    Text,
    Thinking,
    Tool(u32),
}

impl Encoder {
    /// A stream that says that `model` answers, under this id.
    pub fn new(model: &str, id: &str) -> Self {
        Self {
            model: model.to_owned(),
            id: id.to_owned(),
            out: Vec::new(),
            is_started: false,
            open: Open::Nothing,
            index: 0,
            waiting: Vec::new(),
            refusal: String::new(),
            finish: None,
            usage: TokenUsage::default(),
        }
    }

    /// The bytes for one piece of the answer; none for what is only told at the end.
    pub fn delta(&mut self, delta: &Delta) -> Vec<u8> {
        match delta {
            // Known before the first event, or told by the last one.
            Delta::Usage(usage) => self.usage = *usage,
            Delta::Finish(finish) => self.finish = Some(finish.clone()),
            Delta::Refusal(text) => self.refusal += text,
            Delta::Text(text) | Delta::Reasoning(text) | Delta::Arguments { text, .. } if text.is_empty() => {
            }
            Delta::Start { .. } => self.start(),
            Delta::Text(text) => self.text(text),
            Delta::Reasoning(text) => self.thinking(text),
            Delta::Opaque(block) => self.opaque(block),
            Delta::ToolCall { index, call } => self.tool_call(*index, call),
            Delta::Arguments { index, text } => self.arguments(*index, text),
        }
        std::mem::take(&mut self.out)
    }

    /// The bytes that end a whole answer.
    pub fn finish(&mut self) -> Vec<u8> {
        self.start();
        self.close();
        for (index, call) in std::mem::take(&mut self.waiting) {
            self.open_tool(index, &call);
            self.close();
        }
        let refusal = (!self.refusal.is_empty()).then_some(self.refusal.as_str());
        let mut end =
            json!({ "stop_reason": stop_reason(self.finish.as_ref(), refusal), "stop_sequence": null });
        if let Some(refusal) = refusal {
            end["stop_details"] = stop_details(refusal);
        }
        let usage = usage_json(&self.usage);
        self.emit("message_delta", json!({ "delta": end, "usage": usage }));
        self.emit("message_stop", json!({}));
        std::mem::take(&mut self.out)
    }

    /// The bytes that end an answer that failed on the way (F6).
    pub fn fail(&mut self, failure: &Failure) -> Vec<u8> {
        let data = super::encode_failure(failure.code, 200, &failure.message);
        [b"event: error\ndata: ".as_slice(), &data, b"\n\n"].concat()
    }

    fn emit(&mut self, name: &str, mut data: Value) {
        data["type"] = name.into();
        self.out.extend(sse(Some(name), &data));
    }

    fn start(&mut self) {
        if self.is_started {
            return;
        }
        self.is_started = true;
        let message = json!({
            "id": self.id, "type": "message", "role": "assistant", "model": self.model, "content": [],
            "stop_reason": null, "stop_sequence": null, "usage": usage_json(&self.usage),
        });
        self.emit("message_start", json!({ "message": message }));
    }

    /// Makes sure that `wanted` is the open block.
    fn open(&mut self, wanted: Open, block: &Value) {
        if self.open == wanted {
            return;
        }
        self.start();
        self.close();
        self.open = wanted;
        let index = self.index;
        self.emit("content_block_start", json!({ "index": index, "content_block": block }));
    }

    fn grow(&mut self, delta: &Value) {
        let index = self.index;
        self.emit("content_block_delta", json!({ "index": index, "delta": delta }));
    }

    fn close(&mut self) {
        if self.open == Open::Nothing {
            return;
        }
        self.open = Open::Nothing;
        let index = self.index;
        self.emit("content_block_stop", json!({ "index": index }));
        self.index += 1;
    }

    fn text(&mut self, text: &str) {
        self.open(Open::Text, &json!({ "type": "text", "text": "" }));
        self.grow(&json!({ "type": "text_delta", "text": text }));
    }

    fn thinking(&mut self, text: &str) {
        self.open(Open::Thinking, &json!({ "type": "thinking", "thinking": "", "signature": "" }));
        self.grow(&json!({ "type": "thinking_delta", "thinking": text }));
    }

    /// The thinking that was just streamed needs only its signature; other blocks go out whole.
    fn opaque(&mut self, block: &Value) {
        if !is_own_block(block) {
            return;
        }
        if block["type"] != "thinking" {
            self.close();
            self.open(Open::Thinking, block);
        } else if self.open != Open::Thinking {
            self.thinking(block["thinking"].as_str().unwrap_or_default());
        }
        if let Some(signature) = block["signature"].as_str() {
            self.grow(&json!({ "type": "signature_delta", "signature": signature }));
        }
        self.close();
    }

    fn tool_call(&mut self, index: u32, call: &ToolCall) {
        match self.open {
            Open::Tool(_) => self.waiting.push((index, call.clone())),
            _ => self.open_tool(index, call),
        }
    }

    fn open_tool(&mut self, index: u32, call: &ToolCall) {
        let block = json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": {} });
        self.open(Open::Tool(index), &block);
        if !call.arguments.is_empty() {
            self.grow(&json!({ "type": "input_json_delta", "partial_json": call.arguments }));
        }
    }

    fn arguments(&mut self, index: u32, text: &str) {
        if self.open == Open::Tool(index) {
            self.grow(&json!({ "type": "input_json_delta", "partial_json": text }));
        } else if let Some((_, call)) = self.waiting.iter_mut().find(|(waiting, _)| *waiting == index) {
            call.arguments += text;
        }
    }
}
