//! An exchange as its provider plays it, and what must come of it.

use std::path::Path;

use patchbay_core::catalog::{Protocol, Quirks, provider};
use patchbay_core::chat::Finish;
use patchbay_core::dialect::{self, Failure};
use patchbay_engine::desk::log::Line;

use super::caller::{Said, ask, message_of, read};
use crate::exchanges::recorded::{self, Exchange};
use crate::upstream::Upstream;
use crate::world::World;

pub struct Played {
    pub exchange: Exchange,
    /// Of the provider.
    pub protocol: Protocol,
    quirks: Quirks,
}

impl Played {
    /// The chat exchanges of all protocols below a folder.
    pub fn all(folder: &Path) -> Vec<Self> {
        let played = recorded::every(folder).into_iter().filter_map(|exchange| {
            let protocol = protocol_of(&exchange)?;
            let quirks = provider(&exchange.provider).map(|row| row.quirks).unwrap_or_default();
            Some(Self { exchange, protocol, quirks })
        });
        played.collect()
    }

    /// Whether the provider is asked in the protocol of this exchange when such a caller asks.
    pub fn is_asked_by(&self, caller: Protocol) -> bool {
        let row = provider(&self.exchange.provider).unwrap_or_else(|| panic!("{}", self.exchange.name));
        let asked_in = if row.also.contains(&caller) { caller } else { row.protocol };
        asked_in == self.protocol
    }

    pub async fn check(&self, world: &World, upstream: &Upstream, caller: Protocol) {
        let name = format!("{} to {}", self.exchange.name, caller.as_str());
        let streamed = self.exchange.is_stream();
        let response = ask(world, caller, streamed).send().await.unwrap();
        let status = response.status().as_u16();
        let body = response.bytes().await.unwrap();
        let row = world.last().await;
        self.check_sent(&name, &upstream.seen().pop().unwrap());
        match self.expected() {
            Ok(expected) => {
                assert_eq!(status, 200, "{name}: {}", String::from_utf8_lossy(&body));
                let said = read(caller, Quirks::default(), streamed, &body).unwrap_or_else(|failure| {
                    panic!("{name}: {failure:?}: {}", String::from_utf8_lossy(&body))
                });
                check_said(&name, &said, &expected);
                assert_eq!((row.outcome.as_str(), row.status), ("answered", Some(200)), "{name}");
                check_row(&name, &row, &expected);
            }
            Err(expected) => {
                assert_eq!(row.error_class.as_deref(), Some(expected.code.as_str()), "{name}: {row:?}");
                if status == 200 {
                    assert!(read(caller, Quirks::default(), streamed, &body).is_err(), "{name}: no end");
                } else {
                    assert!(!message_of(caller, &body).is_empty(), "{name}");
                }
            }
        }
    }

    /// What the provider said, read without the gateway.
    fn expected(&self) -> Result<Said, Failure> {
        let answer = self.exchange.answer();
        match self.exchange.status() {
            200 => read(self.protocol, self.quirks, self.exchange.is_stream(), answer.as_bytes()),
            status => Err(dialect::failure(self.protocol, status, None, answer.as_bytes())),
        }
    }

    /// The provider was asked in its own protocol, at its own path, with the key where it looks for it.
    fn check_sent(&self, name: &str, seen: &str) {
        let head = seen.split("\r\n\r\n").next().unwrap_or_default();
        let (path, key) = match self.protocol {
            Protocol::Openai => ("POST /v1/chat/completions HTTP", "authorization: Bearer sk-of-the-test"),
            Protocol::Responses => ("POST /v1/responses HTTP", "authorization: Bearer sk-of-the-test"),
            Protocol::Anthropic => ("POST /v1/messages HTTP", "x-api-key: sk-of-the-test"),
            Protocol::Gemini if self.exchange.is_stream() => (
                "POST /v1/models/some-model:streamGenerateContent?alt=sse HTTP",
                "x-goog-api-key: sk-of-the-test",
            ),
            Protocol::Gemini => {
                ("POST /v1/models/some-model:generateContent HTTP", "x-goog-api-key: sk-of-the-test")
            }
        };
        assert!(head.starts_with(path), "{name}: {head}");
        assert!(head.contains(key), "{name}: {head}");
        assert!(!seen.contains("pb_"), "{name}: the app's token stays here");
        assert_eq!(head.contains("anthropic-version: "), self.protocol == Protocol::Anthropic, "{name}");
    }
}

/// C1: the ledger keeps the tokens that the provider reported, whoever asked.
fn check_row(name: &str, row: &Line, expected: &Said) {
    if expected.usage.is_reported() {
        let usage = expected.usage;
        let kept = (
            row.input_tokens,
            row.output_tokens,
            row.cached_tokens,
            row.cache_write_tokens,
            row.reasoning_tokens,
        );
        assert_eq!(
            kept,
            (usage.input, usage.output, usage.cached, usage.cache_write, usage.reasoning),
            "{name}"
        );
    } else {
        assert!(row.input_tokens > Some(0) && row.output_tokens > Some(0), "{name}: estimated");
    }
}

fn check_said(name: &str, said: &Said, expected: &Said) {
    assert_eq!(said.text, expected.text, "{name}");
    assert_eq!(said.calls, expected.calls, "{name}");
    // Protocols have no word for another's own reasons.
    if !matches!(expected.finish, Some(Finish::Other(_)) | None) {
        assert_eq!(said.finish, expected.finish, "{name}");
    }
}

/// The protocol of an exchange by its path; by its provider and its body where no request was recorded. `None` for what is
/// no chat: lists, embeddings, counts, old completions, Ollama's own protocol.
fn protocol_of(exchange: &Exchange) -> Option<Protocol> {
    let path = exchange.file["request"]["path"].as_str().unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let by_path = [
        ("/chat/completions", Protocol::Openai),
        ("/responses", Protocol::Responses),
        ("/v1/messages", Protocol::Anthropic),
        (":generateContent", Protocol::Gemini),
        (":streamGenerateContent", Protocol::Gemini),
    ];
    if !path.is_empty() {
        return by_path.iter().find(|(end, _)| path.ends_with(end)).map(|(_, protocol)| *protocol);
    }
    Some(match exchange.provider.as_str() {
        "anthropic" => Protocol::Anthropic,
        "gemini" => Protocol::Gemini,
        _ if exchange.name.contains("responses") || exchange.name.contains("temperature-unsupported") => {
            Protocol::Responses
        }
        _ => Protocol::Openai,
    })
}
