//! Streamed answers of any protocol, into and out of the neutral form.

use super::openai::UsageChunk;
use super::{Failure, anthropic, gemini, openai, responses};
use crate::catalog::{Protocol, Quirks};
use crate::chat::Delta;
use crate::sse::Event;
use crate::usage::TokenUsage;

/// Reads a provider's stream.
#[derive(Debug)]
pub enum Decoder {
    /// Chat completions.
    Openai(openai::Decoder),
    /// OpenAI Responses.
    Responses(responses::Decoder),
    /// Anthropic Messages.
    Anthropic(anthropic::Decoder),
    /// Gemini.
    Gemini(gemini::Decoder),
}

/// Writes a stream for a caller.
#[derive(Debug)]
pub enum Encoder {
    /// Chat completions.
    Openai(openai::Encoder),
    /// OpenAI Responses.
    Responses(responses::Encoder),
    /// Anthropic Messages.
    Anthropic(anthropic::Encoder),
    /// Gemini.
    Gemini(gemini::Encoder),
}

impl Decoder {
    /// A decoder for a provider of this protocol, with these quirks.
    pub fn new(protocol: Protocol, quirks: Quirks) -> Self {
        match protocol {
            Protocol::Openai => Self::Openai(openai::Decoder::new(quirks)),
            Protocol::Responses => Self::Responses(responses::Decoder::default()),
            Protocol::Anthropic => Self::Anthropic(anthropic::Decoder::default()),
            Protocol::Gemini => Self::Gemini(gemini::Decoder::default()),
        }
    }

    /// Takes one event. An error event is an error, whatever the status was (F6).
    pub fn event(&mut self, event: &Event) -> Result<Vec<Delta>, Failure> {
        match self {
            Self::Openai(decoder) => decoder.event(event),
            Self::Responses(decoder) => decoder.event(event),
            Self::Anthropic(decoder) => decoder.event(event),
            Self::Gemini(decoder) => decoder.event(event),
        }
    }

    /// Whether the answer came to its end. Without it the stream was cut.
    pub fn is_complete(&self) -> bool {
        match self {
            Self::Openai(decoder) => decoder.is_complete(),
            Self::Responses(decoder) => decoder.is_complete(),
            Self::Anthropic(decoder) => decoder.is_complete(),
            Self::Gemini(decoder) => decoder.is_complete(),
        }
    }

    /// Whether nothing more may come. Chat completions and Gemini report tokens even after the finish reason.
    pub(super) fn is_over(&self, event: &Event) -> bool {
        match self {
            Self::Openai(_) => event.data.as_deref().is_some_and(|data| data.trim() == "[DONE]"),
            Self::Responses(_) | Self::Anthropic(_) => self.is_complete(),
            Self::Gemini(_) => false,
        }
    }

    /// What an error event told of the tokens, where the protocol can tell.
    pub(super) fn usage_of_failure(&self) -> Option<TokenUsage> {
        match self {
            Self::Openai(decoder) => Some(decoder.usage()),
            Self::Responses(decoder) => Some(decoder.usage()),
            Self::Anthropic(_) | Self::Gemini(_) => None,
        }
    }
}

/// What an encoder writes into every event.
#[derive(Clone, Copy, Debug)]
pub struct Stamp<'a> {
    /// The model that the caller asked for.
    pub model: &'a str,
    /// Names the answer.
    pub id: &'a str,
    /// Seconds since 1970.
    pub created: i64,
}

impl Encoder {
    /// An encoder for a caller of this protocol. Only chat completions leave the final report of tokens out unless it is
    /// asked for.
    pub fn new(protocol: Protocol, stamp: Stamp<'_>, usage: UsageChunk) -> Self {
        match protocol {
            Protocol::Openai => {
                Self::Openai(openai::Encoder::new(stamp.model, stamp.id, stamp.created).with(usage))
            }
            Protocol::Responses => {
                Self::Responses(responses::Encoder::new(stamp.model, stamp.id, stamp.created))
            }
            Protocol::Anthropic => Self::Anthropic(anthropic::Encoder::new(stamp.model, stamp.id)),
            Protocol::Gemini => Self::Gemini(gemini::Encoder::new(stamp.model, stamp.id)),
        }
    }

    /// The bytes for one piece of the answer; may be none.
    pub fn delta(&mut self, delta: &Delta) -> Vec<u8> {
        match self {
            Self::Openai(encoder) => encoder.delta(delta),
            Self::Responses(encoder) => encoder.delta(delta),
            Self::Anthropic(encoder) => encoder.delta(delta),
            Self::Gemini(encoder) => encoder.delta(delta),
        }
    }

    /// The bytes that end a whole answer.
    pub fn finish(&mut self) -> Vec<u8> {
        match self {
            Self::Openai(encoder) => encoder.finish(),
            Self::Responses(encoder) => encoder.finish(),
            Self::Anthropic(encoder) => encoder.finish(),
            Self::Gemini(encoder) => encoder.finish(),
        }
    }

    /// The bytes that end an answer that failed on the way (F6).
    pub fn fail(&mut self, failure: &Failure) -> Vec<u8> {
        match self {
            Self::Openai(encoder) => encoder.fail(failure),
            Self::Responses(encoder) => encoder.fail(failure),
            Self::Anthropic(encoder) => encoder.fail(failure),
            Self::Gemini(encoder) => encoder.fail(failure),
        }
    }
}
