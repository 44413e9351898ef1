//! Wire protocols, pure and in both directions. Decoders are fed events and hold no socket.

pub mod anthropic;
#[cfg(test)]
mod arbitrary;
pub mod gemini;
pub mod models;
pub mod openai;
pub mod responses;
mod wire;

use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::time::parse_go_duration;

/// The longest provider text that is kept of an error, in characters.
const MAX_MESSAGE: usize = 600;

/// Why an attempt failed, typed from status, code and body, never from a substring where a code says it (F3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The class.
    pub code: Code,
    /// What the provider said, or what happened; secrets already redacted by whoever holds them.
    pub message: String,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// When the provider says that trying again makes sense.
    pub retry_after_ms: Option<u64>,
}

impl Failure {
    /// A failure without an HTTP answer.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: shorten(&message.into()), status: None, retry_after_ms: None }
    }
}

/// A request as its protocol writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The path below the base URL.
    pub route: String,
    /// The body.
    pub body: Vec<u8>,
    /// What was dropped or changed because the protocol, or the provider, has no word for it: by name, and why (M4).
    pub notices: Vec<String>,
}

/// The provider's wish for a pause, from the headers of an answer: `retry-after-ms`, `retry-after` in seconds, or the
/// reset of an exhausted window as a Go duration ("6m0s", as OpenAI and Groq send it).
pub fn retry_after_ms<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Option<u64> {
    let millis = header("retry-after-ms").and_then(|ms| ms.trim().parse().ok());
    let seconds =
        || header("retry-after").and_then(|s| s.trim().parse::<u64>().ok()).map(|s| s.saturating_mul(1_000));
    let window = |kind: &str| {
        let remaining = header(&format!("x-ratelimit-remaining-{kind}"))?.trim();
        let reset = header(&format!("x-ratelimit-reset-{kind}"))?;
        (remaining == "0").then(|| parse_go_duration(reset)).flatten()
    };
    millis.or_else(seconds).or_else(|| window("requests")).or_else(|| window("tokens"))
}

/// One line of provider text, cut to a length that fits a log.
pub fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_MESSAGE) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}
