//! What every dialect must do with every recorded exchange.

use patchbay_core::catalog::Quirks;
use patchbay_core::chat::{ChatRequest, Delta, Reply};
use patchbay_core::code::Code;
use patchbay_core::dialect::{Encoded, Failure};
use patchbay_core::sse::Event;
use patchbay_core::usage::TokenUsage;
use serde_json::Value;

use super::{Exchange, events};

/// A dialect, and what is known of it without its decoders.
pub struct Dialect {
    pub decode_request: fn(&[u8]) -> Result<ChatRequest, Failure>,
    pub encode_request: fn(&ChatRequest, Quirks) -> Result<Encoded, Failure>,
    pub decode_reply: fn(&[u8], Quirks) -> Result<Reply, Failure>,
    pub encode_reply: fn(&Reply) -> Vec<u8>,
    pub decode_stream: fn(&[Event], Quirks) -> Outcome,
    pub encode_stream: fn(&[Delta]) -> Vec<u8>,
    pub failure: fn(u16, Option<u64>, &[u8]) -> Failure,
    /// The parts of a request that have a meaning, in one form.
    pub meaning: fn(&Value) -> Value,
    /// What an answer says, read off its JSON.
    pub said: fn(&Exchange) -> Said,
    /// What the events of a stream say, and after how many of them the answer is whole.
    pub streamed: fn(&Exchange, &[String]) -> (Said, Option<usize>),
}

/// What came out of a stream.
pub struct Outcome {
    pub deltas: Vec<Delta>,
    pub failure: Option<Failure>,
    pub is_complete: bool,
}

/// What an answer says.
#[derive(Debug, Default, PartialEq)]
pub struct Said {
    pub text: String,
    pub refusal: String,
    pub reasoning: String,
    /// Id, name and arguments.
    pub calls: Vec<(String, String, String)>,
    pub finish: Option<String>,
    pub usage: TokenUsage,
}

impl Said {
    pub fn of(reply: &Reply) -> Self {
        let calls = reply.turn.tool_calls.iter();
        Self {
            text: reply.turn.text.clone(),
            refusal: reply.refusal.clone().unwrap_or_default(),
            reasoning: reply.reasoning.clone(),
            calls: calls.map(|call| (call.id.clone(), call.name.clone(), call.arguments.clone())).collect(),
            finish: reply.finish.as_ref().map(|finish| finish.as_str().to_owned()),
            usage: reply.usage,
        }
    }

    /// What a caller is told of it: no price, and 0 where a provider said nothing.
    fn told(mut self) -> Self {
        let usage = &mut self.usage;
        usage.reported_cost = None;
        if usage.is_reported() {
            usage.cached = usage.cached.or(Some(0));
            usage.reasoning = usage.reasoning.or(Some(0));
        }
        self
    }
}

/// The request of an exchange means the same after a journey through the neutral form.
pub fn request(dialect: &Dialect, exchange: &Exchange) -> bool {
    let (name, Some(body)) = (&exchange.name, exchange.request()) else {
        return false;
    };
    let request = (dialect.decode_request)(body.to_string().as_bytes())
        .unwrap_or_else(|failure| panic!("{name}: {}", failure.message));
    let encoded = (dialect.encode_request)(&request, exchange.quirks())
        .unwrap_or_else(|failure| panic!("{name}: {}", failure.message));
    assert_eq!(encoded.notices, Vec::<String>::new(), "{name}");
    let written: Value = serde_json::from_slice(&encoded.body).unwrap();
    assert_eq!((dialect.meaning)(&written), (dialect.meaning)(body), "{name}");
    true
}

/// An answer, whole or streamed, says what its JSON says.
pub fn answer(dialect: &Dialect, exchange: &Exchange) -> Reply {
    match exchange.stream() {
        Some(data) => stream(dialect, exchange, &data),
        None => whole(dialect, exchange),
    }
}

fn whole(dialect: &Dialect, exchange: &Exchange) -> Reply {
    let name = &exchange.name;
    let reply = (dialect.decode_reply)(&exchange.answer(), exchange.quirks())
        .unwrap_or_else(|failure| panic!("{name}: {}", failure.message));
    assert_eq!(Said::of(&reply), (dialect.said)(exchange), "{name}");
    let again = (dialect.decode_reply)(&(dialect.encode_reply)(&reply), Quirks::default()).unwrap();
    assert_eq!(Said::of(&again), Said::of(&reply).told(), "{name}, for a caller");
    reply
}

fn stream(dialect: &Dialect, exchange: &Exchange, data: &[String]) -> Reply {
    let (name, bytes) = (&exchange.name, exchange.answer());
    let (said, end) = (dialect.streamed)(exchange, data);
    let whole = (dialect.decode_stream)(&events(&bytes, usize::MAX), exchange.quirks());
    assert!(whole.failure.is_none() && whole.is_complete && end.is_some(), "{name}");
    let reply = gather(&whole.deltas);
    assert_eq!(Said::of(&reply), said, "{name}");
    let by_bytes = (dialect.decode_stream)(&events(&bytes, 1), exchange.quirks());
    assert_eq!(by_bytes.deltas, whole.deltas, "{name}, byte by byte");
    cut(dialect, exchange, &whole, end.unwrap());
    let again = (dialect.encode_stream)(&whole.deltas);
    let again = (dialect.decode_stream)(&events(&again, usize::MAX), Quirks::default());
    assert!(again.is_complete, "{name}, for a caller");
    assert_eq!(Said::of(&gather(&again.deltas)), Said::of(&reply).told(), "{name}, for a caller");
    reply
}

/// Cut after each event: what came is a beginning of the whole, and it is complete only after its end.
fn cut(dialect: &Dialect, exchange: &Exchange, whole: &Outcome, end: usize) {
    let events: Vec<Event> =
        events(&exchange.answer(), usize::MAX).into_iter().filter(|event| event.data.is_some()).collect();
    for length in 0..events.len() {
        let part = (dialect.decode_stream)(&events[..length], exchange.quirks());
        assert!(part.failure.is_none(), "{}: cut after {length}", exchange.name);
        assert!(whole.deltas.starts_with(&part.deltas), "{}: cut after {length}", exchange.name);
        assert_eq!(part.is_complete, length >= end, "{}: cut after {length} of {end}", exchange.name);
    }
}

/// An error answer, or a stream that fails or is cut: its class comes from a table.
pub fn error(dialect: &Dialect, exchange: &Exchange, expected: Option<Code>) {
    let name = &exchange.name;
    if exchange.status() >= 400 {
        let failure = (dialect.failure)(exchange.status(), None, &exchange.answer());
        assert_eq!((failure.code, failure.status), (expected.unwrap(), Some(exchange.status())), "{name}");
        assert!(
            !failure.message.is_empty() && !failure.message.starts_with('{'),
            "{name}: {}",
            failure.message
        );
        return;
    }
    for length in [1, 7, usize::MAX] {
        let outcome = (dialect.decode_stream)(&events(&exchange.answer(), length), exchange.quirks());
        let code = outcome.failure.map(|failure| failure.code);
        assert_eq!(code, expected, "{name}");
        assert!(expected.is_some() || !outcome.is_complete, "{name}: it was cut");
    }
}

fn gather(deltas: &[Delta]) -> Reply {
    let mut reply = Reply::default();
    for delta in deltas.iter().cloned() {
        match delta {
            Delta::Start { id, model } => (reply.id, reply.model) = (id, model),
            Delta::Text(text) => reply.turn.text += &text,
            Delta::Refusal(text) => *reply.refusal.get_or_insert_default() += &text,
            Delta::Reasoning(text) => reply.reasoning += &text,
            Delta::ToolCall { index, call } => {
                assert_eq!(index as usize, reply.turn.tool_calls.len(), "calls are counted from 0");
                reply.turn.tool_calls.push(call);
            }
            Delta::Arguments { index, text } => reply.turn.tool_calls[index as usize].arguments += &text,
            Delta::Opaque(block) => reply.turn.opaque.push(block),
            Delta::Finish(finish) => reply.finish = Some(finish),
            Delta::Usage(usage) => reply.usage = usage,
        }
    }
    reply
}
