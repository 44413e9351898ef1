//! Streamed answers, one event at a time.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::reply::{StopDetails, WireUsage, finish};
use crate::chat::{Delta, ToolCall};
use crate::dialect::Failure;
use crate::dialect::wire::{Kept, malformed};
use crate::sse::Event;

/// Reads a stream.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The blocks that have begun and not ended, by Anthropic's index.
    open: HashMap<u64, Block>,
    tool_calls: u32,
    usage: WireUsage,
    kept: Kept,
    is_complete: bool,
}

#[derive(Debug)]
enum Block {
    Text,
    Tool {
        index: u32,
        arguments: Arguments,
    },
    /// To be sent back as it came; the input of a tool that runs at Anthropic arrives in pieces of text.
    Kept {
        block: Value,
        input: String,
    },
}

/// Whether anything of a call's arguments has been seen: none at all stands for `{}`.
#[derive(Debug, PartialEq, Eq)]
enum Arguments {
    Unseen,
    Seen,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WireEvent {
    MessageStart {
        message: WireStart,
    },
    ContentBlockStart {
        index: u64,
        content_block: Value,
    },
    ContentBlockDelta {
        index: u64,
        delta: WireDelta,
    },
    ContentBlockStop {
        index: u64,
    },
    MessageDelta {
        delta: WireEnd,
        usage: Option<WireUsage>,
    },
    MessageStop,
    Error,
    /// `ping`, and what is not known yet.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct WireStart {
    id: Option<String>,
    model: Option<String>,
    usage: Option<WireUsage>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WireDelta {
    TextDelta {
        text: String,
    },
    InputJsonDelta {
        partial_json: String,
    },
    ThinkingDelta {
        thinking: String,
    },
    SignatureDelta {
        signature: String,
    },
    /// `citations_delta`, and what is not known yet.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct WireEnd {
    stop_reason: Option<String>,
    stop_details: Option<StopDetails>,
}

impl Decoder {
    /// Takes one event. An error event is an error, whatever the status was (F6).
    pub fn event(&mut self, event: &Event) -> Result<Vec<Delta>, Failure> {
        let Some(data) = event.data.as_deref().map(str::trim).filter(|data| !data.is_empty()) else {
            return Ok(Vec::new());
        };
        if event.name.as_deref() == Some("error") {
            return Err(super::failure(200, None, data.as_bytes()));
        }
        if data == "[DONE]" || self.is_complete {
            return Ok(Vec::new());
        }
        let event = serde_json::from_str(data)
            .map_err(|error| malformed(format!("An event of the stream is none of Anthropic's: {error}.")))?;
        match event {
            WireEvent::MessageStart { message } => Ok(self.started(message)),
            WireEvent::ContentBlockStart { index, content_block } => {
                self.kept.add(data.len())?;
                self.block_started(index, content_block)
            }
            WireEvent::ContentBlockDelta { index, delta } => self.block_grew(index, delta),
            WireEvent::ContentBlockStop { index } => Ok(self.block_ended(index)),
            WireEvent::MessageDelta { delta, usage } => Ok(self.ended(delta, usage)),
            WireEvent::MessageStop => {
                self.is_complete = true;
                Ok(Vec::new())
            }
            WireEvent::Error => Err(super::failure(200, None, data.as_bytes())),
            WireEvent::Other => Ok(Vec::new()),
        }
    }

    /// Whether `message_stop` came. Without it the stream was cut.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    fn started(&mut self, message: WireStart) -> Vec<Delta> {
        let start = Delta::Start { id: message.id, model: message.model };
        [start].into_iter().chain(message.usage.map(|usage| self.used(usage))).collect()
    }

    /// Reports are cumulative, and later ones leave out what did not change.
    fn used(&mut self, usage: WireUsage) -> Delta {
        self.usage.overwrite(usage);
        Delta::Usage(self.usage.into_usage())
    }

    fn block_started(&mut self, index: u64, block: Value) -> Result<Vec<Delta>, Failure> {
        let text = |field: &str| block.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        match text("type").as_str() {
            "text" => {
                self.open.insert(index, Block::Text);
                Ok(some_text(text("text")).map(Delta::Text).into_iter().collect())
            }
            "tool_use" => {
                let call = ToolCall { id: text("id"), name: text("name"), ..empty_call() };
                if call.name.is_empty() {
                    return Err(malformed("A tool call in the stream has no name."));
                }
                Ok(self.tool_started(index, call, block.get("input")))
            }
            _ => {
                let thinking = some_text(text("thinking")).map(Delta::Reasoning);
                self.open.insert(index, Block::Kept { block, input: String::new() });
                Ok(thinking.into_iter().collect())
            }
        }
    }

    /// The input is empty here and follows in pieces; some proxies send it whole.
    fn tool_started(&mut self, at: u64, call: ToolCall, input: Option<&Value>) -> Vec<Delta> {
        let index = self.tool_calls;
        self.tool_calls += 1;
        let whole = input.filter(|input| input.as_object().is_some_and(|input| !input.is_empty()));
        let arguments = if whole.is_some() { Arguments::Seen } else { Arguments::Unseen };
        self.open.insert(at, Block::Tool { index, arguments });
        let whole = whole.map(|input| Delta::Arguments { index, text: input.to_string() });
        [Delta::ToolCall { index, call }].into_iter().chain(whole).collect()
    }

    fn block_grew(&mut self, index: u64, delta: WireDelta) -> Result<Vec<Delta>, Failure> {
        let delta = match (delta, self.open.get_mut(&index)) {
            (WireDelta::TextDelta { text }, _) => some_text(text).map(Delta::Text),
            (WireDelta::InputJsonDelta { partial_json }, Some(Block::Tool { index, arguments })) => {
                some_text(partial_json).map(|text| {
                    *arguments = Arguments::Seen;
                    Delta::Arguments { index: *index, text }
                })
            }
            (WireDelta::InputJsonDelta { partial_json }, Some(Block::Kept { input, .. })) => {
                self.kept.add(partial_json.len())?;
                input.push_str(&partial_json);
                None
            }
            (WireDelta::ThinkingDelta { thinking }, Some(Block::Kept { block, .. })) => {
                self.kept.add(thinking.len())?;
                append(block, "thinking", &thinking);
                some_text(thinking).map(Delta::Reasoning)
            }
            (WireDelta::SignatureDelta { signature }, Some(Block::Kept { block, .. })) => {
                self.kept.add(signature.len())?;
                append(block, "signature", &signature);
                None
            }
            _ => None,
        };
        Ok(delta.into_iter().collect())
    }

    fn block_ended(&mut self, index: u64) -> Vec<Delta> {
        let delta = match self.open.remove(&index) {
            Some(Block::Tool { index, arguments: Arguments::Unseen }) => {
                Some(Delta::Arguments { index, text: "{}".to_owned() })
            }
            Some(Block::Kept { mut block, input }) => {
                if let Ok(input) = serde_json::from_str(&input) {
                    set(&mut block, "input", input);
                }
                Some(Delta::Opaque(block))
            }
            _ => None,
        };
        delta.into_iter().collect()
    }

    fn ended(&mut self, end: WireEnd, usage: Option<WireUsage>) -> Vec<Delta> {
        let refusal = end.stop_details.and_then(|details| details.explanation).map(Delta::Refusal);
        let finish = end.stop_reason.as_deref().map(finish).map(Delta::Finish);
        let usage = usage.map(|usage| self.used(usage));
        refusal.into_iter().chain(finish).chain(usage).collect()
    }
}

fn some_text(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn empty_call() -> ToolCall {
    ToolCall { id: String::new(), name: String::new(), arguments: String::new(), signature: None }
}

fn append(block: &mut Value, field: &str, text: &str) {
    match block.get_mut(field) {
        Some(Value::String(before)) => before.push_str(text),
        _ => set(block, field, json!(text)),
    }
}

fn set(block: &mut Value, field: &str, value: Value) {
    if let Value::Object(fields) = block {
        fields.insert(field.to_owned(), value);
    }
}
