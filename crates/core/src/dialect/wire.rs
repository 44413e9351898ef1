//! What the dialects share when they read and write JSON.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::chat::Sampling;
use crate::code::Code;
use crate::dialect::{Failure, shorten};

/// A request that the target's protocol cannot say.
pub(super) fn refuse(why: impl Into<String>) -> Failure {
    Failure::new(Code::BadRequest, why)
}

/// A caller's request that cannot be read, or cannot be said in any other protocol.
pub(super) fn unreadable(why: impl Into<String>) -> Failure {
    Failure { status: Some(400), ..Failure::new(Code::BadRequest, why) }
}

/// A 200 that is no answer.
pub(super) fn malformed(why: impl Into<String>) -> Failure {
    Failure { status: Some(200), ..Failure::new(Code::MalformedAnswer, why) }
}

/// Reads a caller's request; the message names the field that nobody knows, without the list of those that are known.
pub(super) fn read_request<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        let why = error.to_string();
        let short = why.split(", expected").next().unwrap_or_default();
        unreadable(format!("The request cannot be translated: {short}."))
    })
}

/// Reads one part of a caller's request.
pub(super) fn read_part<T: DeserializeOwned>(what: &str, value: Value) -> Result<T, Failure> {
    serde_json::from_value(value)
        .map_err(|error| unreadable(format!("The request cannot be translated: {what}: {error}.")))
}

/// No JSON holds a number that is none.
pub(super) fn refuse_non_numbers(sampling: &Sampling) -> Result<(), Failure> {
    let numbers = [
        ("temperature", sampling.temperature),
        ("top_p", sampling.top_p),
        ("presence_penalty", sampling.presence_penalty),
        ("frequency_penalty", sampling.frequency_penalty),
    ];
    match numbers.iter().find(|(_, number)| number.is_some_and(|number| !number.is_finite())) {
        Some((name, _)) => Err(refuse(format!("`{name}` must be a number."))),
        None => Ok(()),
    }
}

/// Tells of a thing once, however often it happened.
pub(super) fn notice(notices: &mut Vec<String>, text: &str) {
    if !notices.iter().any(|told| told == text) {
        notices.push(text.to_owned());
    }
}

/// The most calls of tools, or blocks, in one answer. Models make a few dozen.
pub(super) const MOST_CALLS: usize = 1_000;
/// The most that a decoder remembers of one answer, in bytes. No model comes near it.
const MOST_KEPT: usize = 16 * 1024 * 1024;

/// How much a decoder remembers: a stream without end must not fill the memory.
#[derive(Debug, Default)]
pub(super) struct Kept(usize);

impl Kept {
    /// Counts what is about to be remembered.
    pub(super) fn add(&mut self, bytes: usize) -> Result<(), Failure> {
        self.0 = self.0.saturating_add(bytes);
        if self.0 > MOST_KEPT { Err(endless()) } else { Ok(()) }
    }
}

/// An answer that would have to be remembered without end.
pub(super) fn endless() -> Failure {
    malformed("The provider's answer has more calls or blocks than any model makes.")
}

/// Adds a field where there is something to say.
pub(super) fn put(object: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), value.into());
    }
}

/// The arguments of a tool call as the object that they have to be; a call without any is sent as no text at all.
pub(super) fn arguments(text: &str) -> Option<Map<String, Value>> {
    if text.trim().is_empty() {
        return Some(Map::new());
    }
    serde_json::from_str(text).ok()
}

/// The media type and the base64 of a `data:` URL.
pub(super) fn data_url(url: &str) -> Option<(&str, &str)> {
    let (kind, data) = url.strip_prefix("data:")?.split_once(',')?;
    let kind = kind.strip_suffix(";base64")?;
    Some((kind.split(';').next().unwrap_or(kind), data))
}

/// An id of letters, digits, `_` and `-`, which is all that every protocol takes.
pub(super) fn plain_id(id: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let plain: String = id.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    if plain.is_empty() { "_".to_owned() } else { plain }
}

/// A value for the query of a URL.
pub(super) fn query_value(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// One server-sent event.
pub(super) fn sse(name: Option<&str>, data: &Value) -> Vec<u8> {
    let name = name.map(|name| format!("event: {name}\n")).unwrap_or_default();
    format!("{name}data: {data}\n\n").into_bytes()
}

/// Whether a message says that the prompt is too long, for providers that have no code for it.
pub(super) fn says_too_long(message: &str) -> bool {
    let words = ["context length", "maximum context", "too long", "too many tokens", "exceeds the maximum"];
    let message = message.to_ascii_lowercase();
    words.iter().any(|word| message.contains(word))
}

/// What to show of an error body that is not in the provider's own shape.
pub(super) fn plain_message(status: u16, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(4_096)]);
    if text.trim_start().starts_with('<') {
        format!("The provider answered {status} with a web page instead of JSON.")
    } else if text.trim().is_empty() {
        format!("The provider answered {status} without a word.")
    } else {
        shorten(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_urls_are_taken_apart() {
        assert_eq!(data_url("data:image/png;base64,AAAA"), Some(("image/png", "AAAA")));
        assert_eq!(data_url("data:image/png;charset=x;base64,AA=="), Some(("image/png", "AA==")));
        for other in ["data:image/png,AAAA", "https://example.com/a.png", "data:", ""] {
            assert_eq!(data_url(other), None, "{other}");
        }
    }

    #[test]
    fn arguments_are_an_object_or_nothing() {
        assert_eq!(arguments(" "), Some(Map::new()));
        assert_eq!(arguments(r#"{"a":1}"#).map(|map| map.len()), Some(1));
        for bad in ["[1]", "{\"a\":", "1"] {
            assert_eq!(arguments(bad), None, "{bad}");
        }
    }

    #[test]
    fn ids_keep_to_letters_every_protocol_takes() {
        assert_eq!(plain_id("functions.get:0"), "functions_get_0");
        assert_eq!(plain_id("toolu_1-A"), "toolu_1-A");
        assert_eq!(plain_id(""), "_");
    }
}
