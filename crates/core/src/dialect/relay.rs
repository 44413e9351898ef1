//! An answer on its way from a provider to a caller, whole or streamed. Where both speak the same protocol its bytes pass
//! through and are only looked at; between protocols it is translated. Either way the ledger learns the same.

use super::fields::echo_model;
use super::inbound::{Inbound, Target, Task};
use super::keepsake::Keepsake;
use super::openai::{Seen, StreamDecoder, UsageChunk};
use super::stream::{Decoder, Encoder, Stamp};
use super::wire::malformed;
use super::{Failure, anthropic, gemini, openai, responses};
use crate::catalog::{Protocol, Quirks};
use crate::chat::{Delta, Finish, Reply};
use crate::sse::Event;
use crate::usage::TokenUsage;

/// A whole answer as it goes to the caller, with what the ledger keeps of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Relayed {
    /// In the caller's protocol, with the model that the caller asked for.
    pub body: Vec<u8>,
    /// The text in it.
    pub text: String,
    /// Why the model stopped, in OpenAI's word.
    pub finish_reason: Option<String>,
    /// Tokens and reported cost.
    pub usage: TokenUsage,
    /// What the caller cannot keep and the provider wants back; empty where the caller can.
    pub keepsake: Keepsake,
}

impl Relayed {
    /// An answer that is no text.
    pub(super) fn without_text(body: Vec<u8>, usage: TokenUsage) -> Self {
        Self { body, text: String::new(), finish_reason: None, usage, keepsake: Keepsake::default() }
    }
}

/// Takes a whole 200 answer to the caller. An error inside it, or something that is no answer, is a failure.
pub fn whole(
    inbound: &Inbound,
    target: &Target<'_>,
    body: Vec<u8>,
    stamp: Stamp<'_>,
) -> Result<Relayed, Failure> {
    match inbound.task {
        Task::Chat => whole_chat(inbound, target, body, stamp),
        Task::Embed(form) => inbound.relay_embeddings(form, target, body),
        Task::Count => inbound.relay_count(target, body),
    }
}

fn whole_chat(
    inbound: &Inbound,
    target: &Target<'_>,
    body: Vec<u8>,
    stamp: Stamp<'_>,
) -> Result<Relayed, Failure> {
    let passes_through = inbound.passes_through(target);
    if passes_through && target.protocol == Protocol::Openai {
        let reply = openai::decode_reply(&body, target.quirks)?;
        let body = echoed(body, reply.model.as_deref(), &inbound.model);
        let openai::Reply { text, finish_reason, usage, .. } = reply;
        return Ok(Relayed { body, text, finish_reason, usage, keepsake: Keepsake::default() });
    }
    let reply = decode_reply(target.protocol, &body, target.quirks)?;
    let body = match (passes_through, target.protocol) {
        // Gemini's caller named the model in the path, and finds the version of it in the answer.
        (true, Protocol::Gemini) => body,
        (true, _) => echoed(body, reply.model.as_deref(), &inbound.model),
        (false, _) => encode_reply(inbound.protocol, &reply, stamp),
    };
    Ok(Relayed {
        body,
        finish_reason: reply.finish.as_ref().map(|finish| finish.as_str().to_owned()),
        usage: reply.usage,
        keepsake: if passes_through { Keepsake::default() } else { Keepsake::of(&reply.turn) },
        text: reply.turn.text,
    })
}

pub(super) fn echoed(body: Vec<u8>, served: Option<&str>, asked: &str) -> Vec<u8> {
    if served == Some(asked) {
        return body;
    }
    let echoed = std::str::from_utf8(&body).ok().and_then(|json| echo_model(json, None, asked));
    echoed.map_or(body, String::into_bytes)
}

/// Reads all of a 200 answer into the neutral form.
pub fn decode_reply(protocol: Protocol, body: &[u8], quirks: Quirks) -> Result<Reply, Failure> {
    match protocol {
        Protocol::Openai => openai::decode_neutral_reply(body, quirks),
        Protocol::Responses => responses::decode_reply(body),
        Protocol::Anthropic => anthropic::decode_reply(body),
        Protocol::Gemini => gemini::decode_reply(body),
    }
}

/// Writes an answer for a caller.
pub fn encode_reply(protocol: Protocol, reply: &Reply, stamp: Stamp<'_>) -> Vec<u8> {
    match protocol {
        Protocol::Openai => openai::encode_reply(reply, stamp.model, stamp.created),
        Protocol::Responses => responses::encode_reply(reply, stamp.model, stamp.created),
        Protocol::Anthropic => anthropic::encode_reply(reply, stamp.model),
        Protocol::Gemini => gemini::encode_reply(reply, stamp.model),
    }
}

/// Takes a streamed answer to the caller, event by event.
#[derive(Debug)]
pub struct Relay {
    way: Way,
    protocol: Protocol,
    model: String,
    id: String,
    created: i64,
    wants_usage: UsageChunk,
    /// The provider's, from any protocol but the scanned one.
    observed: Observed,
}

#[derive(Debug)]
enum Way {
    /// Chat completions to chat completions: the fast one, which most bots use.
    Scanned(StreamDecoder),
    /// Another protocol, the same on both sides. What ends the answer is held until it is in the ledger.
    Watched { decoder: Box<Decoder>, held: Vec<u8> },
    /// Between protocols.
    Translated { decoder: Box<Decoder>, encoder: Box<Encoder>, keepsake: Keepsake },
}

/// What the ledger keeps of a stream so far.
#[derive(Debug, Default)]
struct Observed {
    usage: TokenUsage,
    finish: Option<Finish>,
    output_bytes: usize,
    served: Option<String>,
}

/// What an event is for the caller.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Something to hand on.
    Piece {
        /// In the caller's protocol; may be empty.
        raw: Vec<u8>,
        /// The text in it; empty for tool calls and reasoning.
        text: String,
        /// Whether the model has said something in it.
        said: Said,
    },
    /// Nothing for the caller.
    Nothing,
    /// The answer is over.
    End,
}

/// Whether a piece holds something that the model said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Text, reasoning or a tool call: from here on no other connection can take over.
    Something,
    /// A role, a finish reason, a keep-alive.
    Nothing,
}

impl Relay {
    /// A relay for the answer to this request.
    pub fn new(inbound: &Inbound, target: &Target<'_>, id: &str, created: i64) -> Self {
        let wants_usage = if inbound.wants_usage { UsageChunk::Sent } else { UsageChunk::Left };
        let stamp = Stamp { model: &inbound.model, id, created };
        let decoder = || Box::new(Decoder::new(target.protocol, target.quirks));
        let way = match (inbound.passes_through(target), target.protocol) {
            (true, Protocol::Openai) => Way::Scanned(StreamDecoder::new(target.quirks)),
            (true, _) => Way::Watched { decoder: decoder(), held: Vec::new() },
            (false, _) => Way::Translated {
                decoder: decoder(),
                encoder: Box::new(Encoder::new(inbound.protocol, stamp, wants_usage)),
                keepsake: Keepsake::default(),
            },
        };
        Self {
            way,
            protocol: inbound.protocol,
            model: inbound.model.clone(),
            id: id.to_owned(),
            created,
            wants_usage,
            observed: Observed::default(),
        }
    }

    /// Takes one event. An error event is an error, whatever the status was (F6).
    pub fn event(&mut self, event: Event) -> Result<Step, Failure> {
        match &mut self.way {
            Way::Scanned(decoder) => {
                let seen = decoder.event(event.data.as_deref());
                self.scanned(seen, event)
            }
            Way::Watched { decoder, held } => {
                let (text, said) = self.observed.watch(decoder, &event)?;
                let raw = echo_event(event, self.protocol, self.observed.served.as_deref(), &self.model);
                if decoder.is_complete() || !held.is_empty() {
                    held.extend(raw);
                    return Ok(Step::Nothing);
                }
                Ok(Step::Piece { raw, text, said })
            }
            Way::Translated { decoder, encoder, keepsake } => {
                let deltas = self.observed.read(decoder, &event)?;
                for delta in &deltas {
                    keepsake.note(delta);
                }
                let raw = deltas.iter().flat_map(|delta| encoder.delta(delta)).collect();
                let (text, said) = self.observed.note(deltas);
                Ok(if decoder.is_over(&event) { Step::End } else { Step::Piece { raw, text, said } })
            }
        }
    }

    fn scanned(&self, seen: Seen, event: Event) -> Result<Step, Failure> {
        let (text, said) = match seen {
            Seen::Token(text) => (text, Said::Something),
            Seen::Other => (String::new(), Said::Nothing),
            Seen::UsageOnly if self.wants_usage == UsageChunk::Sent => (String::new(), Said::Nothing),
            Seen::UsageOnly => return Ok(Step::Nothing),
            Seen::Done => return Ok(Step::End),
            Seen::Failed(failure) => return Err(failure),
        };
        let raw = echo_event(event, self.protocol, self.served(), &self.model);
        Ok(Step::Piece { raw, text, said })
    }

    fn served(&self) -> Option<&str> {
        match &self.way {
            Way::Scanned(decoder) => decoder.model(),
            _ => self.observed.served.as_deref(),
        }
    }

    /// The bytes that end a whole answer.
    pub fn finish(&mut self) -> Vec<u8> {
        match &mut self.way {
            Way::Scanned(_) => b"data: [DONE]\n\n".to_vec(),
            Way::Watched { held, .. } => std::mem::take(held),
            Way::Translated { encoder, .. } => encoder.finish(),
        }
    }

    /// The bytes that end an answer that failed on the way. No end mark is among them: it is not whole.
    pub fn fail(&mut self, failure: &Failure) -> Vec<u8> {
        if let Way::Translated { encoder, .. } = &mut self.way {
            return encoder.fail(failure);
        }
        let stamp = Stamp { model: &self.model, id: &self.id, created: self.created };
        Encoder::new(self.protocol, stamp, self.wants_usage).fail(failure)
    }

    /// What the caller cannot keep and the provider wants back, once the answer is over.
    pub fn take_keepsake(&mut self) -> Keepsake {
        match &mut self.way {
            Way::Translated { keepsake, .. } => std::mem::take(keepsake),
            Way::Scanned(_) | Way::Watched { .. } => Keepsake::default(),
        }
    }

    /// Whether the answer came to its end. Without it the stream was cut.
    pub fn is_complete(&self) -> bool {
        match &self.way {
            Way::Scanned(decoder) => decoder.is_complete(),
            Way::Watched { decoder, .. } | Way::Translated { decoder, .. } => decoder.is_complete(),
        }
    }

    /// Tokens and reported cost so far.
    pub fn usage(&self) -> TokenUsage {
        match &self.way {
            Way::Scanned(decoder) => decoder.usage(),
            _ => self.observed.usage,
        }
    }

    /// Why the model stopped, in OpenAI's word or the provider's own.
    pub fn finish_reason(&self) -> Option<&str> {
        match &self.way {
            Way::Scanned(decoder) => decoder.finish_reason(),
            _ => self.observed.finish.as_ref().map(Finish::as_str),
        }
    }

    /// Bytes of text so far: a base for an estimate where usage never came.
    pub fn output_bytes(&self) -> usize {
        match &self.way {
            Way::Scanned(decoder) => decoder.output_bytes(),
            _ => self.observed.output_bytes,
        }
    }
}

impl Observed {
    fn read(&mut self, decoder: &mut Decoder, event: &Event) -> Result<Vec<Delta>, Failure> {
        decoder.event(event).inspect_err(|_| self.usage = decoder.usage_of_failure().unwrap_or(self.usage))
    }

    fn watch(&mut self, decoder: &mut Decoder, event: &Event) -> Result<(String, Said), Failure> {
        self.read(decoder, event).map(|deltas| self.note(deltas))
    }

    fn note(&mut self, deltas: Vec<Delta>) -> (String, Said) {
        let (mut all, mut said) = (String::new(), Said::Nothing);
        for delta in deltas {
            match delta {
                Delta::Text(text) | Delta::Refusal(text) => all += &text,
                Delta::Reasoning(text) | Delta::Arguments { text, .. } if text.is_empty() => {}
                Delta::Reasoning(_) | Delta::Arguments { .. } | Delta::ToolCall { .. } => {
                    said = Said::Something;
                }
                Delta::Start { model, .. } => self.served = model,
                Delta::Finish(finish) => self.finish = Some(finish),
                Delta::Usage(usage) => self.usage = usage,
                Delta::Opaque(_) => {}
            }
        }
        self.output_bytes += all.len();
        if !all.is_empty() {
            said = Said::Something;
        }
        (all, said)
    }
}

/// An event with the model that the caller asked for, where another one served it and the event names it.
fn echo_event(event: Event, protocol: Protocol, served: Option<&str>, asked: &str) -> Vec<u8> {
    let differs = served.is_some_and(|served| served != asked);
    let Some(data) = event.data.as_deref().filter(|_| differs) else {
        return event.raw;
    };
    let echoed = match protocol {
        Protocol::Openai => echo_model(data, None, asked),
        Protocol::Anthropic if event.name.as_deref() == Some("message_start") => {
            echo_model(data, Some("message"), asked)
        }
        Protocol::Responses => echo_model(data, Some("response"), asked),
        Protocol::Anthropic | Protocol::Gemini => None,
    };
    let name = event.name.as_deref().map(|name| format!("event: {name}\n")).unwrap_or_default();
    echoed.map_or(event.raw, |json| format!("{name}data: {json}\n\n").into_bytes())
}

/// The failure that an answer is which was to be a stream and is none.
pub fn stray(protocol: Protocol, quirks: Quirks, name: &str, body: &[u8]) -> Failure {
    match decode_reply(protocol, body, quirks) {
        Err(failure) => failure,
        Ok(_) => malformed(format!("{name} answered a request for a stream without one.")),
    }
}

#[cfg(test)]
mod tests;
