//! Streamed answers for callers that speak Gemini.

use serde_json::{Value, json};

use super::reply::{candidate, function_call, wire_reply};
use super::turns::is_own_part;
use crate::chat::{Delta, Finish, ToolCall};
use crate::dialect::Failure;
use crate::dialect::wire::sse;
use crate::usage::TokenUsage;

/// Writes a stream. Gemini's calls are whole, so that they wait for the end of the answer.
#[derive(Debug)]
pub struct Encoder {
    model: String,
    id: String,
    calls: Vec<(u32, ToolCall)>,
    refusal: String,
    finish: Option<Finish>,
    usage: TokenUsage,
}

impl Encoder {
    /// A stream that says that `model` answers, under this id.
    pub fn new(model: &str, id: &str) -> Self {
        Self {
            model: model.to_owned(),
            id: id.to_owned(),
            calls: Vec::new(),
            refusal: String::new(),
            finish: None,
            usage: TokenUsage::default(),
        }
    }

    /// The bytes for one piece of the answer; none for what is only told at the end.
    pub fn delta(&mut self, delta: &Delta) -> Vec<u8> {
        match delta {
            Delta::Text(text) if !text.is_empty() => return self.part(&json!({ "text": text })),
            Delta::Reasoning(text) if !text.is_empty() => {
                return self.part(&json!({ "text": text, "thought": true }));
            }
            Delta::Opaque(block) if is_own_part(block) => return self.part(&without_text(block)),
            Delta::Usage(usage) => self.usage = *usage,
            Delta::Finish(finish) => self.finish = Some(finish.clone()),
            Delta::Refusal(text) => self.refusal += text,
            Delta::ToolCall { index, call } => self.calls.push((*index, call.clone())),
            Delta::Arguments { index, text } => self.arguments(*index, text),
            Delta::Start { .. } | Delta::Text(_) | Delta::Reasoning(_) | Delta::Opaque(_) => {}
        }
        Vec::new()
    }

    /// The bytes that end a whole answer.
    pub fn finish(&mut self) -> Vec<u8> {
        let calls: Vec<Value> = self.calls.drain(..).map(|(_, call)| function_call(&call)).collect();
        let finish = self.finish.clone().unwrap_or(Finish::Stop);
        let refusal = (!self.refusal.is_empty()).then_some(self.refusal.as_str());
        let end = candidate(&calls, Some(&finish), refusal);
        sse(None, &wire_reply(&end, &self.model, &self.id, Some(&self.usage)))
    }

    /// The bytes that end an answer that failed on the way (F6).
    pub fn fail(&mut self, failure: &Failure) -> Vec<u8> {
        [b"data: ".as_slice(), &super::encode_failure(failure.code, 200, &failure.message), b"\n\n"].concat()
    }

    fn part(&self, part: &Value) -> Vec<u8> {
        let candidate = candidate(std::slice::from_ref(part), None, None);
        sse(None, &wire_reply(&candidate, &self.model, &self.id, None))
    }

    fn arguments(&mut self, index: u32, text: &str) {
        if let Some((_, call)) = self.calls.iter_mut().find(|(known, _)| *known == index) {
            call.arguments += text;
        }
    }
}

/// The signature of a text that was streamed already.
fn without_text(part: &Value) -> Value {
    let mut part = part.clone();
    if part.get("text").is_some() {
        part["text"] = "".into();
    }
    part
}
