//! The conversation in Gemini's form: instructions apart, neighbours of one role in one content, results by name.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::thinking::{self, Style};
use super::turns::own_parts;
use crate::chat::{ChatRequest, Image, Message, Part, ToolCall, ToolResult, Turn};
use crate::dialect::Failure;
use crate::dialect::wire::{arguments, data_url, notice, put, refuse};

/// Google's own word for a call that never had a signature, because another model made it. Gemini 3 answers 400 without.
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// Adds `systemInstruction` and `contents`.
pub(super) fn write(
    body: &mut Map<String, Value>,
    request: &ChatRequest,
    notices: &mut Vec<String>,
) -> Result<(), Failure> {
    let mut draft =
        Draft { wants_signatures: thinking::style(&request.model) == Style::Level, ..Draft::default() };
    for message in &request.messages {
        draft.message(message, notices)?;
    }
    if draft.contents.is_empty() {
        return Err(refuse("`messages` holds nothing to answer."));
    }
    if !draft.system.is_empty() {
        let text = draft.system.join("\n\n");
        body.insert("systemInstruction".into(), json!({ "parts": [{ "text": text }] }));
    }
    let contents =
        draft.contents.into_iter().map(|(side, parts)| json!({ "role": side.role(), "parts": parts }));
    body.insert("contents".into(), contents.collect());
    Ok(())
}

#[derive(Default)]
struct Draft {
    wants_signatures: bool,
    system: Vec<String>,
    contents: Vec<(Side, Vec<Value>)>,
    /// The functions that were called, by the id of the call.
    names: HashMap<String, String>,
}

/// Who speaks. All results of a turn belong into one content, and the caller's words into another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    User,
    Results,
    Model,
}

impl Side {
    fn role(self) -> &'static str {
        match self {
            Self::User | Self::Results => "user",
            Self::Model => "model",
        }
    }
}

impl Draft {
    fn message(&mut self, message: &Message, notices: &mut Vec<String>) -> Result<(), Failure> {
        match message {
            Message::System(text) => self.system(text, notices),
            Message::User(parts) => {
                let parts = parts.iter().filter_map(part).collect::<Result<Vec<_>, _>>()?;
                if parts.is_empty() {
                    return Err(refuse("A user message in `messages` is empty, which Gemini does not take."));
                }
                self.add(Side::User, parts);
            }
            Message::Tool(result) => {
                let part = self.function_response(result)?;
                self.add(Side::Results, vec![part]);
            }
            Message::Assistant(turn) => {
                let parts = self.turn(turn, notices)?;
                self.add(Side::Model, parts);
            }
        }
        Ok(())
    }

    fn system(&mut self, text: &str, notices: &mut Vec<String>) {
        if text.is_empty() {
            return;
        }
        if !self.contents.is_empty() {
            notice(
                notices,
                "messages: an instruction in the middle was moved to the front, where Gemini takes them.",
            );
        }
        self.system.push(text.to_owned());
    }

    fn add(&mut self, side: Side, parts: Vec<Value>) {
        match self.contents.last_mut() {
            _ if parts.is_empty() => {}
            Some((last, before)) if *last == side => before.extend(parts),
            _ => self.contents.push((side, parts)),
        }
    }

    fn function_response(&self, result: &ToolResult) -> Result<Value, Failure> {
        let name = self.names.get(&result.call_id).or(result.name.as_ref()).ok_or_else(|| {
            refuse(format!(
                "The tool result for `{}` answers no call of the conversation, and Gemini wants the function's name.",
                result.call_id
            ))
        })?;
        Ok(
            json!({ "functionResponse": { "id": result.call_id, "name": name, "response": response(result) } }),
        )
    }

    fn turn(&mut self, turn: &Turn, notices: &mut Vec<String>) -> Result<Vec<Value>, Failure> {
        let (mut parts, lost) = own_parts(turn);
        if lost > 0 {
            notice(notices, "messages: thinking that Gemini cannot read back was left out.");
        }
        for (at, call) in turn.tool_calls.iter().enumerate() {
            self.names.insert(call.id.clone(), call.name.clone());
            let mut part = function_call(call)?;
            // Of several calls at once only the first one carries a signature.
            if at == 0 && call.signature.is_none() && self.wants_signatures {
                part["thoughtSignature"] = NO_SIGNATURE.into();
            }
            parts.push(part);
        }
        Ok(parts)
    }
}

/// `None` for no text at all, which Gemini refuses and which says nothing.
fn part(part: &Part) -> Option<Result<Value, Failure>> {
    match part {
        Part::Text(text) => (!text.is_empty()).then(|| Ok(json!({ "text": text }))),
        Part::Image(image) => Some(image_part(image)),
    }
}

fn image_part(image: &Image) -> Result<Value, Failure> {
    let inline =
        |media_type: &str, data: &str| json!({ "inlineData": { "mimeType": media_type, "data": data } });
    match image {
        Image::Inline { media_type, data } => Ok(inline(media_type, data)),
        Image::Url(url) if url.starts_with("data:") => data_url(url)
            .map(|(media_type, data)| inline(media_type, data))
            .ok_or_else(|| refuse("An image in `messages` is a data URL that is not base64.")),
        Image::Url(url) => {
            let mut file = Map::new();
            file.insert("fileUri".into(), url.as_str().into());
            put(&mut file, "mimeType", media_type(url));
            Ok(json!({ "fileData": file }))
        }
    }
}

/// By the ending of the address: Gemini asks for it and looks at nothing else.
fn media_type(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let (_, ending) = path.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "heic" => "image/heic",
        "heif" => "image/heif",
        _ => return None,
    })
}

/// Gemini wants an object: `{"result": …}` stands for anything else, `{"error": …}` for a failure.
fn response(result: &ToolResult) -> Value {
    if result.is_error {
        return json!({ "error": result.content });
    }
    match serde_json::from_str(&result.content) {
        Ok(object @ Value::Object(_)) => object,
        _ => json!({ "result": result.content }),
    }
}

fn function_call(call: &ToolCall) -> Result<Value, Failure> {
    let args = arguments(&call.arguments).ok_or_else(|| {
        refuse(format!(
            "The arguments of the tool call `{}` are no JSON object, which Gemini wants.",
            call.name
        ))
    })?;
    let mut part = json!({ "functionCall": { "id": call.id, "name": call.name, "args": args } });
    if let Some(signature) = &call.signature {
        part["thoughtSignature"] = signature.as_str().into();
    }
    Ok(part)
}
