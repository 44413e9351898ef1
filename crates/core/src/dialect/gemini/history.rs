//! The conversation of a caller that speaks Gemini.

use serde::Deserialize;
use serde_json::Value;

use super::inbound::one_or_many;
use super::part::{FileData, FunctionResponse, InlineData, Said, WirePart, read};
use crate::chat::{Image, Message, Part, ToolCall, ToolResult, Turn};
use crate::dialect::Failure;
use crate::dialect::wire::{read_part, unreadable};

/// One entry of `contents`.
#[derive(Deserialize)]
pub(super) struct WireContent {
    role: Option<String>,
    #[serde(default, deserialize_with = "one_or_many")]
    parts: Vec<Value>,
}

/// Calls that wait for their results. Gemini may leave out the ids, which other protocols need: results then answer the
/// calls of their function in order.
#[derive(Default)]
pub(super) struct Calls {
    made: usize,
    waiting: Vec<(String, String)>,
}

impl WireContent {
    /// What is to be embedded.
    pub(super) fn into_text(self) -> Result<String, Failure> {
        let texts = self.parts.into_iter().map(|part| {
            let part: WirePart = read_part("content", part)?;
            part.text.ok_or_else(|| unreadable("`content` can only hold text to be embedded."))
        });
        texts.collect()
    }
}

/// Reads `systemInstruction`.
pub(super) fn system(content: WireContent) -> Result<Vec<Message>, Failure> {
    let texts = content.parts.into_iter().map(|part| {
        let part: WirePart = read_part("systemInstruction", part)?;
        part.text.ok_or_else(|| unreadable("`systemInstruction` can only hold text."))
    });
    let texts = texts.collect::<Result<Vec<_>, _>>()?;
    Ok(texts.into_iter().filter(|text| !text.is_empty()).map(Message::System).collect())
}

impl Calls {
    /// Reads one entry.
    pub(super) fn content(&mut self, content: WireContent) -> Result<Vec<Message>, Failure> {
        match content.role.as_deref() {
            Some("model") => Ok(vec![Message::Assistant(self.turn(content.parts)?)]),
            None | Some("" | "user" | "function") => self.user(content.parts),
            Some(other) => Err(unreadable(format!("There is no role `{other}` in `contents`."))),
        }
    }

    fn user(&mut self, parts: Vec<Value>) -> Result<Vec<Message>, Failure> {
        let mut messages = Vec::new();
        let mut said = Vec::new();
        for value in parts {
            let names = value.as_object().map(|part| part.keys().cloned().collect::<Vec<_>>().join(", "));
            let part: WirePart = read_part("contents", value)?;
            match part {
                WirePart { function_response: Some(response), .. } => {
                    messages.push(Message::Tool(self.result(response)?));
                }
                WirePart { text: Some(text), .. } => said.push(Part::Text(text)),
                WirePart { inline_data: Some(data), .. } => said.push(Part::Image(inline(data)?)),
                WirePart { file_data: Some(file), .. } => said.push(Part::Image(file_image(file)?)),
                _ => {
                    let names = names.unwrap_or_default();
                    return Err(unreadable(format!(
                        "A part `{names}` in `contents` cannot be said in any other protocol."
                    )));
                }
            }
        }
        if !said.is_empty() {
            messages.push(Message::User(said));
        }
        Ok(messages)
    }

    fn turn(&mut self, parts: Vec<Value>) -> Result<Turn, Failure> {
        let mut turn = Turn::default();
        for part in parts {
            let (said, kept) = read(part).map_err(|error| {
                unreadable(format!("The request cannot be translated: contents: {error}."))
            })?;
            turn.opaque.extend(kept);
            match said {
                Said::Text(text) => turn.text += &text,
                Said::Call { id, name, arguments, signature } => {
                    let id = self.called(id, &name);
                    turn.tool_calls.push(ToolCall { id, name, arguments, signature });
                }
                Said::Thought(_) | Said::Other => {}
            }
        }
        Ok(turn)
    }

    fn called(&mut self, id: Option<String>, name: &str) -> String {
        let id = id.unwrap_or_else(|| format!("call_{}", self.made));
        self.made += 1;
        self.waiting.push((name.to_owned(), id.clone()));
        id
    }

    fn result(&mut self, response: FunctionResponse) -> Result<ToolResult, Failure> {
        let FunctionResponse { id, name, response } = response;
        let given = id.filter(|id| !id.is_empty());
        let at = self.waiting.iter().position(|(function, call)| match &given {
            Some(id) => call == id,
            None => *function == name,
        });
        let waiting = at.map(|at| self.waiting.remove(at).1);
        let call_id = given.or(waiting).ok_or_else(|| {
            unreadable(format!("The `functionResponse` of `{name}` answers no call in `contents`."))
        })?;
        let (content, is_error) = unwrapped(&response);
        Ok(ToolResult { call_id, name: Some(name), content, is_error })
    }
}

/// `{"result": "…"}` stands for text and `{"error": "…"}` for a failure; anything else is JSON.
fn unwrapped(response: &Value) -> (String, bool) {
    let only = |field: &str| match response.as_object() {
        Some(object) if object.len() == 1 => object.get(field).and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    match (only("result"), only("error")) {
        (Some(text), _) => (text, false),
        (None, Some(text)) => (text, true),
        (None, None) => (response.to_string(), false),
    }
}

/// Google takes both alphabets of base64; everybody else only the first.
fn inline(data: InlineData) -> Result<Image, Failure> {
    if !data.mime_type.starts_with("image/") {
        return Err(unreadable(format!(
            "An `inlineData` of {} in `contents` cannot be translated: only text and pictures can.",
            data.mime_type
        )));
    }
    Ok(Image::Inline { media_type: data.mime_type, data: data.data.replace('-', "+").replace('_', "/") })
}

fn file_image(file: FileData) -> Result<Image, Failure> {
    match file.mime_type.as_deref() {
        Some(other) if !other.starts_with("image/") => Err(unreadable(format!(
            "A `fileData` of {other} in `contents` cannot be translated: only text and pictures can."
        ))),
        _ => Ok(Image::Url(file.file_uri)),
    }
}
