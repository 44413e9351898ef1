//! The parts that a model's turn is made of.

use serde::Deserialize;
use serde_json::Value;

/// One part, of any kind: what its kind does not have is absent.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WirePart {
    pub(super) text: Option<String>,
    pub(super) thought: Option<bool>,
    #[serde(alias = "thought_signature")]
    pub(super) thought_signature: Option<String>,
    #[serde(alias = "inline_data")]
    pub(super) inline_data: Option<InlineData>,
    #[serde(alias = "file_data")]
    pub(super) file_data: Option<FileData>,
    #[serde(alias = "function_call")]
    pub(super) function_call: Option<FunctionCall>,
    #[serde(alias = "function_response")]
    pub(super) function_response: Option<FunctionResponse>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InlineData {
    #[serde(alias = "mime_type", default)]
    pub(super) mime_type: String,
    #[serde(default)]
    pub(super) data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileData {
    #[serde(alias = "mime_type")]
    pub(super) mime_type: Option<String>,
    #[serde(alias = "file_uri")]
    pub(super) file_uri: String,
}

#[derive(Deserialize)]
pub(super) struct FunctionCall {
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) args: Option<Value>,
}

#[derive(Deserialize)]
pub(super) struct FunctionResponse {
    pub(super) id: Option<String>,
    pub(super) name: String,
    #[serde(default)]
    pub(super) response: Value,
}

/// What a part of a model's turn says.
pub(super) enum Said {
    Text(String),
    Thought(String),
    Call {
        id: Option<String>,
        name: String,
        arguments: String,
        signature: Option<String>,
    },
    /// Something of Google's own: a search, a program that ran, a picture.
    Other,
}

/// Reads a part of a model's turn, and whether it has to come back as it is.
pub(super) fn read(part: Value) -> Result<(Said, Option<Value>), serde_json::Error> {
    let wire = WirePart::deserialize(&part)?;
    let signature = wire.thought_signature.filter(|signature| !signature.is_empty());
    let said = match (wire.function_call, wire.text) {
        (Some(call), _) => {
            let arguments = call.args.filter(|args| !args.is_null());
            let arguments = arguments.map_or_else(|| "{}".to_owned(), |args| args.to_string());
            let id = call.id.filter(|id| !id.is_empty());
            return Ok((Said::Call { id, name: call.name, arguments, signature }, None));
        }
        (None, Some(text)) if wire.thought == Some(true) => Said::Thought(text),
        (None, Some(text)) => Said::Text(text),
        (None, None) => return Ok((Said::Other, Some(part))),
    };
    Ok((said, signature.map(|_| part)))
}
