//! A streamed answer: held back until its first token, so that another connection can still take over, then handed on event
//! by event. Its end is handed on after the commit.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use patchbay_core::code::Code;
use patchbay_core::connection::Connection;
use patchbay_core::dialect::Failure;
use patchbay_core::dialect::openai::{Seen, StreamDecoder, echo_model};
use patchbay_core::ledger::Position;
use patchbay_core::secret::Secret;
use patchbay_core::sse::{Event, Reader};
use reqwest::Response;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use super::{Answer, End, Head, Piece, Streamed};
use crate::Engine;
use crate::call::Call;
use crate::gauges::InFlight;
use crate::trail::Trail;
use crate::upstream::redacted;

/// Events that may wait for a slow caller before the provider is made to wait too.
const AHEAD: usize = 64;

/// A stream whose first token has arrived.
pub(super) struct Opened {
    source: Source,
    /// What came up to the first token.
    first: VecDeque<Piece>,
    key: Option<Secret>,
}

/// Events of a provider's answer with everything learned from them.
struct Source {
    response: Response,
    reader: Option<Reader>,
    decoder: StreamDecoder,
    name: String,
    idle: Duration,
    deadline: Instant,
    /// Replaces the provider's model in each event, where the two differ.
    requested: String,
    /// The caller asked for usage itself and gets the chunk that carries it.
    wants_usage: bool,
    /// Everything of an answer that is no stream at all, for its error text.
    stray: Vec<u8>,
}

/// What a look at the stream found.
enum Look {
    Piece(Piece, FirstToken),
    Skip,
    End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FirstToken {
    Yes,
    No,
}

/// Reads up to the first token. An error before it is a failure of the attempt, and another connection may answer.
pub(super) async fn open(
    response: Response,
    call: &Call,
    connection: &Connection,
    key: Option<Secret>,
    trail: &mut Trail,
) -> Result<Opened, Failure> {
    let mut source = Source {
        response,
        reader: Some(Reader::default()),
        decoder: StreamDecoder::new(connection.quirks),
        name: connection.name.clone(),
        idle: Duration::from_millis(connection.timeouts.idle_ms.into()),
        deadline: Instant::now() + Duration::from_millis(connection.timeouts.total_ms.into()),
        requested: call.inbound.model.clone(),
        wants_usage: call.inbound.wants_usage,
        stray: Vec::new(),
    };
    let mut first = VecDeque::new();
    let first_byte = Duration::from_millis(connection.timeouts.first_byte_ms.into());
    let waiting = async {
        loop {
            match source.look().await.map_err(|failure| redacted(failure, key.as_ref()))? {
                Look::Skip => {}
                Look::Piece(piece, FirstToken::No) => first.push_back(piece),
                Look::Piece(piece, FirstToken::Yes) => {
                    first.push_back(piece);
                    return Ok(());
                }
                Look::End if source.decoder.is_complete() => return Ok(()),
                Look::End => return Err(redacted(source.cut(), key.as_ref())),
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
    Ok(Opened { source, first, key })
}

impl Opened {
    /// Hands the rest on from a task of its own, which ends when the stream or its receiver does.
    pub(super) fn run(
        self,
        engine: &Arc<Engine>,
        head: Head,
        trail: Trail,
        guard: Option<InFlight>,
    ) -> Answer {
        let (pieces, receiver) = mpsc::channel(AHEAD);
        let engine = Arc::clone(engine);
        tokio::spawn(async move {
            tokio::select! {
                () = self.hand_on(&engine, &pieces, trail) => {}
                // The trail goes with the task and leaves a row: cancelled.
                () = pieces.closed() => {}
            }
            drop(guard);
        });
        Answer::Stream(Streamed { head, pieces: receiver })
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
            trail.progress(self.source.decoder.usage(), self.source.decoder.output_bytes());
            match look {
                Ok(Look::Skip) => {}
                Ok(Look::Piece(piece, _)) => {
                    if pieces.send(piece).await.is_err() {
                        return;
                    }
                }
                Ok(Look::End) if self.source.decoder.is_complete() => break None,
                Ok(Look::End) => break Some(redacted(self.source.cut(), self.key.as_ref())),
                Err(failure) => break Some(redacted(failure, self.key.as_ref())),
            }
        };
        let last = match failure {
            None => self.source.finish(trail).await,
            Some(failure) => {
                trail.failed(&failure, Position::Final).await;
                Piece::Failed(failure)
            }
        };
        // The receiver may have gone in this very moment; the row is written.
        let _ = pieces.send(last).await;
    }
}

impl Source {
    /// Looks at the next event.
    async fn look(&mut self) -> Result<Look, Failure> {
        let Some(event) = self.next_event().await? else {
            return Ok(Look::End);
        };
        match self.decoder.event(event.data.as_deref()) {
            Seen::Token(text) => Ok(Look::Piece(self.piece(event, text), FirstToken::Yes)),
            Seen::Other => Ok(Look::Piece(self.piece(event, String::new()), FirstToken::No)),
            Seen::UsageOnly if self.wants_usage => {
                Ok(Look::Piece(self.piece(event, String::new()), FirstToken::No))
            }
            Seen::UsageOnly => Ok(Look::Skip),
            Seen::Done => Ok(Look::End),
            Seen::Failed(failure) => Err(failure),
        }
    }

    fn piece(&self, event: Event, text: String) -> Piece {
        let differs = self.decoder.model().is_some_and(|served| served != self.requested);
        let echoed =
            event.data.as_deref().filter(|_| differs).and_then(|data| echo_model(data, &self.requested));
        let raw = match echoed {
            Some(json) => format!("data: {json}\n\n").into_bytes(),
            None => event.raw,
        };
        Piece::Event { raw: Bytes::from(raw), text }
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
        if self.decoder.output_bytes() == 0 && text.trim_start().starts_with(['{', '[', '<']) {
            return match patchbay_core::dialect::openai::decode_reply(
                &self.stray,
                patchbay_core::catalog::Quirks::default(),
            ) {
                Err(failure) => failure,
                Ok(_) => Failure::new(
                    Code::MalformedAnswer,
                    format!("{} answered a request for a stream without one.", self.name),
                ),
            };
        }
        Failure::new(Code::StreamCut, format!("{} ended the stream before its end.", self.name))
    }

    async fn finish(&self, mut trail: Trail) -> Piece {
        let decoder = &self.decoder;
        trail.progress(decoder.usage(), decoder.output_bytes());
        trail.estimate_where_unreported();
        let end = End {
            usage: trail.usage(),
            cost: trail.cost(),
            total_ms: trail.elapsed_ms(),
            first_token_ms: trail.first_token_ms(),
            finish_reason: decoder.finish_reason().map(str::to_owned),
        };
        trail.answered(end.finish_reason.clone()).await;
        Piece::Answered(end)
    }
}
