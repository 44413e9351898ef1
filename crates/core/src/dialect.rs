//! Wire protocols, pure and in both directions. Decoders are fed events and hold no socket.
//!
//! A request comes in as [`Inbound`] and leaves for a [`Target`]; the answer comes back through [`relay`]. These decide
//! between passing bytes through and translating, so that nobody else has to know which protocol is spoken where.

pub mod anthropic;
mod fields;
pub mod gemini;
mod inbound;
mod keepsake;
pub mod models;
pub mod openai;
mod rate;
pub mod relay;
pub mod responses;
mod stream;
pub mod takes;
mod wire;

pub use inbound::{Inbound, Target, Task, encode_request, passed_on};
pub use keepsake::Keepsake;
pub use rate::{RateLimits, Window, retry_after_ms};
pub use stream::{Decoder, Encoder, Stamp};

use serde::{Deserialize, Serialize};

use crate::catalog::Protocol;
use crate::code::Code;

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

/// The class of an error answer. `status` is 200 for an error inside an answer or a stream.
pub fn failure(protocol: Protocol, status: u16, retry_after_ms: Option<u64>, body: &[u8]) -> Failure {
    match protocol {
        Protocol::Openai => openai::failure(status, retry_after_ms, body),
        Protocol::Responses => responses::failure(status, retry_after_ms, body),
        Protocol::Anthropic => anthropic::failure(status, retry_after_ms, body),
        Protocol::Gemini => gemini::failure(status, retry_after_ms, body),
    }
}

/// An error for a caller, in the envelope of its protocol.
pub fn encode_failure(protocol: Protocol, code: Code, status: u16, message: &str) -> Vec<u8> {
    match protocol {
        Protocol::Openai => openai::encode_failure(code, status, message),
        Protocol::Responses => responses::encode_failure(code, status, message),
        Protocol::Anthropic => anthropic::encode_failure(code, status, message),
        Protocol::Gemini => gemini::encode_failure(code, status, message),
    }
}

/// The header that carries the key, and what stands before the key in it. A key never goes into a URL.
pub fn auth_header(protocol: Protocol) -> (&'static str, &'static str) {
    match protocol {
        Protocol::Openai | Protocol::Responses => ("authorization", "Bearer "),
        Protocol::Anthropic => anthropic::auth_header(),
        Protocol::Gemini => gemini::auth_header(),
    }
}

/// The headers that every request carries.
pub fn fixed_headers(protocol: Protocol) -> &'static [(&'static str, &'static str)] {
    match protocol {
        Protocol::Anthropic => anthropic::fixed_headers(),
        Protocol::Openai | Protocol::Responses | Protocol::Gemini => &[],
    }
}

/// The URL of a route below a base URL. People paste bases with and without the version that a protocol's routes begin with.
pub fn url_of(base_url: &str, route: &str) -> String {
    let base = match route.split_once('/') {
        Some((version @ "v1", _)) => {
            base_url.strip_suffix(version).map_or(base_url, |base| base.trim_end_matches('/'))
        }
        _ => base_url,
    };
    format!("{base}/{route}")
}

/// One line of provider text, cut to a length that fits a log.
pub fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_MESSAGE) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_not_doubled() {
        for (base, route, url) in [
            ("https://api.anthropic.com", "v1/messages", "https://api.anthropic.com/v1/messages"),
            ("https://api.anthropic.com/v1", "v1/messages", "https://api.anthropic.com/v1/messages"),
            ("https://x.example/api/v1", "models", "https://x.example/api/v1/models"),
            (
                "https://x.example/v1beta",
                "models/m:generateContent",
                "https://x.example/v1beta/models/m:generateContent",
            ),
        ] {
            assert_eq!(url_of(base, route), url);
        }
    }
}
