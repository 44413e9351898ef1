//! A streamed answer: held back until its first token, so that another connection can still take over, then handed on event
//! by event. Its end is handed on after the commit.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use patchbay_core::catalog::{Protocol, Quirks};
use patchbay_core::code::Code;
use patchbay_core::dialect::relay::{Relay, Said, Step, stray};
use patchbay_core::dialect::{Failure, Target};
use patchbay_core::ledger::Position;
use patchbay_core::route::Candidate;
use patchbay_core::sse::{Event, Reader};
use reqwest::Response;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use super::{Answer, End, Head, Piece, Streamed};
use crate::call::Call;
use crate::error::{remedy, told};
use crate::gauges::InFlight;
use crate::pass::Pass;
use crate::trail::Trail;
use crate::upstream::redacted;
use crate::{Engine, clock};

/// Events that may wait for a slow caller before the provider is made to wait too.
const AHEAD: usize = 64;

/// A stream whose first token has arrived.
pub(super) struct Opened {
    source: Source,
    /// What came up to the first token.
    first: VecDeque<Piece>,
    pass: Pass,
    caller: Protocol,
}

/// Events of a provider's answer with everything learned from them.
struct Source {
    response: Response,
    reader: Option<Reader>,
    relay: Relay,
    protocol: Protocol,
    quirks: Quirks,
    name: String,
    idle: Duration,
    deadline: Instant,
    /// Everything of an answer that is no stream at all, for its error text.
    stray: Vec<u8>,
}

/// Reads up to the first token. An error before it is a failure of the attempt, and another connection may answer.
pub(super) async fn open(
    response: Response,
    call: &Call,
    candidate: &Candidate<'_>,
    target: &Target<'_>,
    pass: Pass,
    trail: &mut Trail,
) -> Result<Opened, Failure> {
    let connection = candidate.connection;
    let mut source = Source {
        response,
        reader: Some(Reader::default()),
        relay: Relay::new(&call.inbound, target, &call.id.to_string(), clock::now().0 / 1_000),
        protocol: target.protocol,
        quirks: target.quirks,
        name: connection.name.clone(),
        idle: Duration::from_millis(connection.timeouts.idle_ms.into()),
        deadline: Instant::now() + Duration::from_millis(connection.timeouts.total_ms.into()),
        stray: Vec::new(),
    };
    let mut first = VecDeque::new();
    let first_byte = Duration::from_millis(candidate.first_byte_ms.into());
    let waiting = async {
        loop {
            match source.look().await.map_err(|failure| redacted(failure, &pass))? {
                Step::Nothing => {}
                Step::Piece { raw, text, said } => {
                    first.push_back(event(raw, text));
                    if said == Said::Something {
                        return Ok(());
                    }
                }
                Step::End if source.relay.is_complete() => return Ok(()),
                Step::End => return Err(redacted(source.cut(), &pass)),
            }
        }
    };
    match timeout(first_byte, waiting).await {
        Ok(result) => result?,
        Err(_) => {
            return Err(Failure::new(
                Code::TimedOut,
                format!("{} sent no first token in time.", connection.name),
            ));
        }
    }
    trail.first_token();
    trail.progress(source.relay.usage(), source.relay.output_bytes());
    Ok(Opened { source, first, pass, caller: call.inbound.protocol })
}

fn event(raw: Vec<u8>, text: String) -> Piece {
    Piece::Event { raw: Bytes::from(raw), text }
}

impl Opened {
    /// Hands the rest on from a task of its own, which ends when the stream or its receiver does.
    pub(super) fn run(self, engine: &Arc<Engine>, head: Head, trail: Trail, guard: InFlight) -> Answer {
        let (pieces, receiver) = mpsc::channel(AHEAD);
        let protocol = self.caller;
        let engine = Arc::clone(engine);
        tokio::spawn(async move {
            tokio::select! {
                () = self.hand_on(&engine, &pieces, trail) => {}
                // The trail goes with the task and leaves a row: cancelled.
                () = pieces.closed() => {}
            }
            drop(guard);
        });
        Answer::Stream(Streamed { head, protocol, pieces: receiver })
    }

    async fn hand_on(mut self, engine: &Engine, pieces: &mpsc::Sender<Piece>, mut trail: Trail) {
        for piece in self.first.drain(..) {
            if pieces.send(piece).await.is_err() {
                return;
            }
        }
        let failure = loop {
            let look = tokio::select! {
                look = self.source.look() => look,
                () = engine.gauges.stopped() => Err(Failure::new(Code::Stopped, "All traffic was stopped.")),
            };
            trail.progress(self.source.relay.usage(), self.source.relay.output_bytes());
            match look {
                Ok(Step::Nothing) => {}
                Ok(Step::Piece { raw, text, .. }) => {
                    if pieces.send(event(raw, text)).await.is_err() {
                        return;
                    }
                }
                Ok(Step::End) if self.source.relay.is_complete() => break None,
                Ok(Step::End) => break Some(redacted(self.source.cut(), &self.pass)),
                Err(failure) => break Some(redacted(failure, &self.pass)),
            }
        };
        let last = match failure {
            None => {
                engine.keepsakes.keep(self.source.relay.take_keepsake());
                self.source.finish(trail).await
            }
            Some(failure) => {
                trail.failed(&failure);
                trail.close(Position::Final, None).await;
                self.source.failed(failure)
            }
        };
        // The receiver may have gone in this very moment; the row is written.
        let _ = pieces.send(last).await;
    }
}

impl Source {
    /// Looks at the next event.
    async fn look(&mut self) -> Result<Step, Failure> {
        match self.next_event().await? {
            Some(event) => self.relay.event(event),
            None => Ok(Step::End),
        }
    }

    async fn next_event(&mut self) -> Result<Option<Event>, Failure> {
        loop {
            let Some(reader) = &mut self.reader else {
                return Ok(None);
            };
            if let Some(event) = reader.next_event() {
                return Ok(Some(event));
            }
            match self.next_bytes().await? {
                Some(bytes) => {
                    if self.stray.len() < 4_096 {
                        self.stray.extend_from_slice(&bytes);
                    }
                    let Some(reader) = &mut self.reader else {
                        return Ok(None);
                    };
                    reader
                        .push(&bytes)
                        .map_err(|error| Failure::new(Code::MalformedAnswer, error.to_string()))?;
                }
                None => return Ok(self.reader.take().and_then(Reader::finish)),
            }
        }
    }

    async fn next_bytes(&mut self) -> Result<Option<Bytes>, Failure> {
        let until = self.deadline.min(Instant::now() + self.idle);
        match timeout_at(until, self.response.chunk()).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(_)) => Err(self.cut()),
            Err(_) => {
                let seconds = self.idle.as_secs_f32();
                Err(Failure::new(
                    Code::TimedOut,
                    format!("{} sent nothing for {seconds} s in the middle of a stream.", self.name),
                ))
            }
        }
    }

    /// The stream ended without its end; or it never was one.
    fn cut(&self) -> Failure {
        let text = String::from_utf8_lossy(&self.stray);
        if self.relay.output_bytes() == 0 && text.trim_start().starts_with(['{', '[', '<']) {
            return stray(self.protocol, self.quirks, &self.name, &self.stray);
        }
        Failure::new(Code::StreamCut, format!("{} ended the stream before its end.", self.name))
    }

    async fn finish(&mut self, mut trail: Trail) -> Piece {
        trail.received();
        trail.progress(self.relay.usage(), self.relay.output_bytes());
        trail.estimate_where_unreported();
        let end = End {
            usage: trail.usage(),
            cost: trail.cost(),
            total_ms: trail.elapsed_ms(),
            first_token_ms: trail.first_token_ms(),
            finish_reason: self.relay.finish_reason().map(str::to_owned),
        };
        trail.answered(end.finish_reason.clone()).await;
        Piece::Answered { raw: self.relay.finish().into(), end }
    }

    /// What tells the caller that its answer is not whole: clients show the message and nothing else, so it names the remedy.
    fn failed(&mut self, failure: Failure) -> Piece {
        let message = told(&failure.message, remedy(failure.code));
        let raw = self.relay.fail(&Failure { message, ..failure.clone() });
        Piece::Failed { raw: raw.into(), failure }
    }
}
