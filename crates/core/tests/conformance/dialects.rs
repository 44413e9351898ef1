//! The dialects, seen from outside: one table row each, so that no test names a dialect's own functions.

use patchbay_core::catalog::{Protocol, Quirks};
use patchbay_core::chat::{ChatRequest, Delivery, Delta, Reply};
use patchbay_core::dialect::models::ModelLimits;
use patchbay_core::dialect::openai::UsageChunk;
use patchbay_core::dialect::takes::Parameters;
use patchbay_core::dialect::{
    self, Decoder, Encoded, Encoder, Failure, Stamp, Target, anthropic, gemini, openai, responses,
};
use patchbay_core::sse::Event;
use serde_json::Value;

use crate::exchange::Exchange;
use crate::reading;

/// A dialect, and what is known of it without its decoders.
pub struct Dialect {
    pub name: &'static str,
    pub protocol: Protocol,
    /// Of the path below the base URL, and the body.
    pub decode_request: fn(&str, &[u8]) -> Result<ChatRequest, Failure>,
    /// The fields of a body that go no further than Patchbay.
    pub unspoken: fn(&[u8]) -> Vec<String>,
    pub decode_reply: fn(&[u8], Quirks) -> Result<Reply, Failure>,
    pub encode_reply: fn(&Reply) -> Vec<u8>,
    /// The parts of a request that have a meaning, in one form.
    pub meaning: fn(&Value) -> Value,
    /// What an answer says, read off its JSON.
    pub said: fn(&Exchange) -> Reply,
    /// What the events of a stream say, and after how many of them the answer is whole.
    pub streamed: fn(&Exchange, &[String]) -> (Reply, Option<usize>),
}

/// What a model of the tests answers at most; Anthropic has to be told one.
pub const LIMITS: ModelLimits = ModelLimits { max_output: Some(64_000) };

pub static OPENAI: Dialect = Dialect {
    name: "openai",
    protocol: Protocol::Openai,
    decode_request: |_, body| openai::decode_request(body),
    unspoken: openai::unspoken_fields,
    decode_reply: openai::decode_neutral_reply,
    encode_reply: |reply| openai::encode_reply(reply, "m", 1),
    meaning: reading::chat_request::meaning,
    said: reading::chat::said,
    streamed: reading::chat::streamed,
};

pub static RESPONSES: Dialect = Dialect {
    name: "responses",
    protocol: Protocol::Responses,
    decode_request: |_, body| responses::decode_request(body),
    unspoken: responses::unspoken_fields,
    decode_reply: |body, _| responses::decode_reply(body),
    encode_reply: |reply| responses::encode_reply(reply, "m", 1),
    meaning: reading::responses::meaning,
    said: reading::responses::said,
    streamed: reading::responses::streamed,
};

pub static ANTHROPIC: Dialect = Dialect {
    name: "anthropic",
    protocol: Protocol::Anthropic,
    decode_request: |_, body| anthropic::decode_request(body),
    // Unknown fields are refused by name.
    unspoken: |_| Vec::new(),
    decode_reply: |body, _| anthropic::decode_reply(body),
    encode_reply: |reply| anthropic::encode_reply(reply, "m"),
    meaning: reading::anthropic::meaning,
    said: reading::anthropic::said,
    streamed: reading::anthropic::streamed,
};

pub static GEMINI: Dialect = Dialect {
    name: "gemini",
    protocol: Protocol::Gemini,
    decode_request: |route, body| {
        let last = route.rsplit('/').next().unwrap_or_default();
        let (model, method) = last.split_once(':').unwrap_or((last, ""));
        let is_streamed = method.starts_with("streamGenerateContent");
        let delivery = if is_streamed { Delivery::Streamed } else { Delivery::Whole };
        gemini::decode_request(body, model, delivery)
    },
    // Unknown fields are refused by name.
    unspoken: |_| Vec::new(),
    decode_reply: |body, _| gemini::decode_reply(body),
    encode_reply: |reply| gemini::encode_reply(reply, "m"),
    meaning: reading::gemini::meaning,
    said: reading::gemini::said,
    streamed: reading::gemini::streamed,
};

pub static ALL: [&Dialect; 4] = [&OPENAI, &RESPONSES, &ANTHROPIC, &GEMINI];

/// What came out of a stream.
pub struct Outcome {
    pub deltas: Vec<Delta>,
    pub failure: Option<Failure>,
    pub is_complete: bool,
}

impl Outcome {
    pub fn reply(&self) -> Reply {
        self.deltas.iter().cloned().collect()
    }
}

impl Dialect {
    pub fn encode_request(&self, request: &ChatRequest, quirks: Quirks) -> Result<Encoded, Failure> {
        let target = Target {
            protocol: self.protocol,
            model: &request.model,
            quirks,
            limits: LIMITS,
            untaken: Parameters::NONE,
        };
        dialect::encode_request(request, &target)
    }

    pub fn decoder(&self, quirks: Quirks) -> Decoder {
        Decoder::new(self.protocol, quirks)
    }

    pub fn failure(&self, status: u16, retry_after_ms: Option<u64>, body: &[u8]) -> Failure {
        dialect::failure(self.protocol, status, retry_after_ms, body)
    }

    /// Feeds events to a decoder until it fails.
    pub fn decode_stream(&self, events: &[Event], quirks: Quirks) -> Outcome {
        let mut decoder = self.decoder(quirks);
        let mut deltas = Vec::new();
        for event in events {
            match decoder.event(event) {
                Ok(more) => deltas.extend(more),
                Err(failure) => {
                    return Outcome { deltas, failure: Some(failure), is_complete: false };
                }
            }
        }
        Outcome { deltas, failure: None, is_complete: decoder.is_complete() }
    }

    pub fn encode_stream(&self, deltas: &[Delta]) -> Vec<u8> {
        let stamp = Stamp { model: "m", id: "a1", created: 1 };
        let mut encoder = Encoder::new(self.protocol, stamp, UsageChunk::Sent);
        let mut bytes: Vec<u8> = deltas.iter().flat_map(|delta| encoder.delta(delta)).collect();
        bytes.extend(encoder.finish());
        bytes
    }
}
