//! The conversation in Anthropic's form: instructions apart, roles in turn, all tool results of a turn in one message.

use serde_json::{Map, Value, json};

use crate::chat::{Image, Message, Part, ToolCall, ToolResult, Turn};
use crate::dialect::Failure;
use crate::dialect::wire::{arguments, data_url, notice, plain_id, refuse};

/// Adds `system` and `messages`.
pub(super) fn write(
    body: &mut Map<String, Value>,
    messages: &[Message],
    notices: &mut Vec<String>,
) -> Result<(), Failure> {
    let mut draft = Draft::default();
    for message in messages {
        draft.message(message, notices)?;
    }
    let written = draft.written();
    match written.first() {
        None => return Err(refuse("`messages` holds nothing to answer.")),
        Some(first) if first["role"] == "assistant" => {
            return Err(refuse(
                "`messages` begins with an assistant message, which Anthropic does not take: begin with the user.",
            ));
        }
        Some(_) => {}
    }
    if !draft.system.is_empty() {
        body.insert("system".into(), draft.system.join("\n\n").into());
    }
    body.insert("messages".into(), written.into());
    Ok(())
}

/// Whether a block that a provider wants back is Anthropic's.
pub(super) fn is_own_block(block: &Value) -> bool {
    let kind = block.get("type").and_then(Value::as_str).unwrap_or_default();
    matches!(kind, "thinking" | "redacted_thinking" | "compaction")
        || kind.ends_with("_tool_use")
        || kind.ends_with("_tool_result")
}

#[derive(Default)]
struct Draft {
    system: Vec<String>,
    sides: Vec<Side>,
}

/// One message of the wire. Results of tools come first in it, whatever was said around them.
struct Side {
    role: &'static str,
    results: Vec<Value>,
    content: Vec<Value>,
}

impl Draft {
    fn message(&mut self, message: &Message, notices: &mut Vec<String>) -> Result<(), Failure> {
        match message {
            Message::System(text) => self.system(text, notices),
            Message::User(parts) => {
                let blocks = parts.iter().filter_map(part).collect::<Result<Vec<_>, _>>()?;
                if blocks.is_empty() {
                    return Err(refuse(
                        "A user message in `messages` is empty, which Anthropic does not take.",
                    ));
                }
                self.side("user").content.extend(blocks);
            }
            Message::Tool(result) => self.side("user").results.push(tool_result(result)),
            Message::Assistant(turn) => {
                let blocks = turn_blocks(turn, notices)?;
                if !blocks.is_empty() {
                    self.side("assistant").content.extend(blocks);
                }
            }
        }
        Ok(())
    }

    fn system(&mut self, text: &str, notices: &mut Vec<String>) {
        if text.trim().is_empty() {
            return;
        }
        if !self.sides.is_empty() {
            notice(
                notices,
                "messages: an instruction in the middle was moved to the front, where Anthropic takes them.",
            );
        }
        self.system.push(text.to_owned());
    }

    /// The message that is being written, or a new one where the other side spoke last.
    fn side(&mut self, role: &'static str) -> &mut Side {
        if self.sides.last().is_none_or(|side| side.role != role) {
            self.sides.push(Side { role, results: Vec::new(), content: Vec::new() });
        }
        let last = self.sides.len() - 1;
        &mut self.sides[last]
    }

    fn written(&self) -> Vec<Value> {
        self.sides.iter().map(Side::written).collect()
    }
}

impl Side {
    fn written(&self) -> Value {
        let blocks: Vec<&Value> = self.results.iter().chain(&self.content).collect();
        json!({ "role": self.role, "content": blocks })
    }
}

/// `None` for blank text, which Anthropic refuses and which says nothing.
fn part(part: &Part) -> Option<Result<Value, Failure>> {
    match part {
        Part::Text(text) => text_block(text).map(Ok),
        Part::Image(image) => Some(image_block(image)),
    }
}

fn text_block(text: &str) -> Option<Value> {
    (!text.trim().is_empty()).then(|| json!({ "type": "text", "text": text }))
}

fn image_block(image: &Image) -> Result<Value, Failure> {
    let inline =
        |media_type: &str, data: &str| json!({ "type": "base64", "media_type": media_type, "data": data });
    let source = match image {
        Image::Inline { media_type, data } => inline(media_type, data),
        Image::Url(url) if url.starts_with("data:") => {
            let (media_type, data) = data_url(url)
                .ok_or_else(|| refuse("An image in `messages` is a data URL that is not base64."))?;
            inline(media_type, data)
        }
        Image::Url(url) => json!({ "type": "url", "url": url }),
    };
    Ok(json!({ "type": "image", "source": source }))
}

fn tool_result(result: &ToolResult) -> Value {
    let mut block =
        json!({ "type": "tool_result", "tool_use_id": plain_id(&result.call_id), "content": result.content });
    if result.is_error {
        block["is_error"] = true.into();
    }
    block
}

fn turn_blocks(turn: &Turn, notices: &mut Vec<String>) -> Result<Vec<Value>, Failure> {
    let (own, foreign): (Vec<&Value>, Vec<&Value>) =
        turn.opaque.iter().partition(|block| is_own_block(block));
    if !foreign.is_empty() {
        notice(notices, "messages: thinking of another provider was left out, which Anthropic cannot read.");
    }
    let calls = turn.tool_calls.iter().map(tool_use).collect::<Result<Vec<_>, _>>()?;
    Ok(own.into_iter().cloned().chain(text_block(&turn.text)).chain(calls).collect())
}

fn tool_use(call: &ToolCall) -> Result<Value, Failure> {
    let input = arguments(&call.arguments).ok_or_else(|| {
        refuse(format!(
            "The arguments of the tool call `{}` are no JSON object, which Anthropic wants.",
            call.name
        ))
    })?;
    Ok(json!({ "type": "tool_use", "id": plain_id(&call.id), "name": call.name, "input": input }))
}
