//! A prompt by hand, on the same path as every bot's: the playground and `patchbay run`.

mod asking;
mod attachment;
mod estimate;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use patchbay_core::chat::Delivery;
use patchbay_core::code::Code;
use patchbay_core::dialect::Inbound;
use patchbay_core::money::DecimalUsd;
use patchbay_core::usage::CostSource;
use serde::Serialize;
use tokio::sync::{Notify, mpsc};

use crate::Engine;
use crate::call::{AttemptSeen, Call, Caller};
use crate::error::{Error, remedy};
use crate::pipeline::{self, Answer, CallError, End, Head, Piece};

pub use asking::{PlaygroundRequest, inbound};
pub use attachment::{Attachment, AttachmentKind, look};
pub use estimate::{PlaygroundEstimate, estimate};

/// What happens while it is answered.
#[derive(Clone, Debug, Serialize, specta::Type)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum PlaygroundEvent {
    /// The call has its id.
    Started {
        /// The id.
        call: String,
    },
    /// An attempt began or changed.
    Attempt {
        /// As it is now.
        attempt: RouteAttempt,
    },
    /// A piece of the answer.
    Delta {
        /// Plain text.
        text: String,
    },
    /// The whole answer is there and in the ledger.
    Finished {
        /// Its figures.
        result: PlaygroundResult,
    },
    /// There is no answer, or no more of it.
    Failed {
        /// Why.
        error: Error,
    },
}

/// How an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum AttemptState {
    /// Asked.
    Running,
    /// Answering.
    Streaming,
    /// Done.
    Answered,
    /// Ended with an error.
    Failed,
    /// Refused by a limit.
    Limited,
    /// Not tried.
    Skipped,
    /// Broken off by the user.
    Cancelled,
}

/// An attempt on the route.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct RouteAttempt {
    /// From 1.
    pub number: u32,
    /// The connection key.
    pub connection: String,
    /// The connection's name.
    pub connection_name: String,
    /// The model asked of it.
    pub model: String,
    /// How it is.
    pub state: AttemptState,
    /// Since the call began.
    pub started_ms: u32,
    /// `None` while it runs.
    pub took_ms: Option<u32>,
    /// Until the first piece of the answer.
    pub first_token_ms: Option<u32>,
    /// Why it failed; empty otherwise.
    pub message: String,
}

/// The figures of an answer.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct PlaygroundResult {
    /// The call.
    pub call: String,
    /// The connection key.
    pub connection: String,
    /// The model asked of it.
    pub model: String,
    /// Until the first piece of the answer.
    pub first_token_ms: Option<u32>,
    /// The whole call.
    pub total_ms: u32,
    /// All input tokens.
    pub input_tokens: Option<u32>,
    /// All output tokens.
    pub output_tokens: Option<u32>,
    /// `None` = unknown price.
    pub cost: Option<DecimalUsd>,
    /// Where the cost comes from.
    pub cost_source: CostSource,
    /// Why the model stopped.
    pub finish_reason: Option<String>,
}

/// Runs that can be stopped, by the name that the window gave them.
#[derive(Debug, Default)]
pub struct Runs(Mutex<HashMap<String, Arc<Notify>>>);

impl Runs {
    fn begin(&self, run: &str) -> Arc<Notify> {
        let stop = Arc::new(Notify::new());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(run.to_owned(), Arc::clone(&stop));
        stop
    }

    fn end(&self, run: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(run);
    }

    fn stop(&self, run: &str) {
        if let Some(stop) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(run) {
            stop.notify_one();
        }
    }
}

/// Asks, and tells what happens until the end or until [`Runs::stop`].
pub async fn run(
    engine: &Arc<Engine>,
    run: &str,
    caller: Caller,
    request: PlaygroundRequest,
    events: mpsc::Sender<PlaygroundEvent>,
) -> Result<(), Error> {
    let inbound = engine.blocking(move |_| inbound(&request, Delivery::Streamed)).await?;
    let stop = engine.runs.begin(run);
    tokio::select! {
        () = answer(engine, inbound, caller, &events) => {}
        () = stop.notified() => {
            let gone = Error::new(Code::Cancelled, "You stopped it.", "");
            tell(&events, PlaygroundEvent::Failed { error: gone }).await;
        }
    }
    engine.runs.end(run);
    Ok(())
}

/// Stops a run by its name; fine where it has ended.
pub fn stop(engine: &Engine, run: &str) {
    engine.runs.stop(run);
}

async fn answer(
    engine: &Arc<Engine>,
    inbound: Inbound,
    caller: Caller,
    events: &mpsc::Sender<PlaygroundEvent>,
) {
    let (watcher, mut seen) = mpsc::channel(16);
    let call = Call { watcher: Some(watcher), ..Call::new(inbound, caller) };
    tell(events, PlaygroundEvent::Started { call: call.id.to_string() }).await;
    let mut route = Route::default();
    let mut serving = std::pin::pin!(pipeline::serve(engine, call));
    let answered = loop {
        tokio::select! {
            biased;
            Some(attempt) = seen.recv() => tell(events, route.seen(&attempt)).await,
            answered = &mut serving => break answered,
        }
    };
    while let Ok(attempt) = seen.try_recv() {
        tell(events, route.seen(&attempt)).await;
    }
    match answered {
        Ok(Answer::Stream(answer)) => relay(answer.head, answer.pieces, &mut route, events).await,
        Ok(Answer::Whole(answer)) => {
            tell(events, PlaygroundEvent::Delta { text: answer.text }).await;
            finish(&answer.head, &answer.end, &mut route, events).await;
        }
        Err(error) => {
            tell(events, PlaygroundEvent::Failed { error: call_error(&error) }).await;
        }
    }
}

async fn relay(
    head: Head,
    mut pieces: mpsc::Receiver<Piece>,
    route: &mut Route,
    events: &mpsc::Sender<PlaygroundEvent>,
) {
    tell(events, route.streaming()).await;
    while let Some(piece) = pieces.recv().await {
        match piece {
            Piece::Event { text, .. } if text.is_empty() => {}
            Piece::Event { text, .. } => tell(events, PlaygroundEvent::Delta { text }).await,
            Piece::Answered { end, .. } => return finish(&head, &end, route, events).await,
            Piece::Failed { failure, .. } => {
                tell(events, route.ended(AttemptState::Failed, &failure.message)).await;
                let error = Error::from(failure);
                return tell(events, PlaygroundEvent::Failed { error }).await;
            }
        }
    }
}

async fn finish(head: &Head, end: &End, route: &mut Route, events: &mpsc::Sender<PlaygroundEvent>) {
    tell(events, route.ended(AttemptState::Answered, "")).await;
    let result = PlaygroundResult {
        call: head.call.to_string(),
        connection: head.connection.clone(),
        model: head.model.clone(),
        first_token_ms: end.first_token_ms.map(short),
        total_ms: route.elapsed(),
        input_tokens: end.usage.input.map(short),
        output_tokens: end.usage.output.map(short),
        cost: end.cost.amount.map(DecimalUsd::from),
        cost_source: end.cost.source,
        finish_reason: end.finish_reason.clone(),
    };
    tell(events, PlaygroundEvent::Finished { result }).await;
}

/// An error of a call, with the candidates that were not tried.
pub fn call_error(error: &CallError) -> Error {
    let mut message = error.failure.message.clone();
    if !error.skipped.is_empty() {
        message = format!("{message} Not tried: {}.", error.skipped.join("; "));
    }
    Error::new(error.failure.code, message, remedy(error.failure.code))
}

async fn tell(events: &mpsc::Sender<PlaygroundEvent>, event: PlaygroundEvent) {
    // A window that was closed listens no more; the call goes on into the ledger.
    let _ = events.send(event).await;
}

fn short(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// The attempt that is being made now, on the clock of the call.
#[derive(Debug)]
struct Route {
    began: std::time::Instant,
    now: Option<RouteAttempt>,
}

impl Default for Route {
    fn default() -> Self {
        Self { began: std::time::Instant::now(), now: None }
    }
}

impl Route {
    fn elapsed(&self) -> u32 {
        u32::try_from(self.began.elapsed().as_millis()).unwrap_or(u32::MAX)
    }

    fn seen(&mut self, attempt: &AttemptSeen) -> PlaygroundEvent {
        if let Some(failure) = &attempt.failure {
            let state =
                if failure.code == Code::RateLimited { AttemptState::Limited } else { AttemptState::Failed };
            return self.ended(state, &failure.message);
        }
        let running = RouteAttempt {
            number: attempt.number,
            connection: attempt.connection.clone(),
            connection_name: attempt.connection_name.clone(),
            model: attempt.model.clone(),
            state: AttemptState::Running,
            started_ms: self.elapsed(),
            took_ms: None,
            first_token_ms: None,
            message: String::new(),
        };
        self.now = Some(running.clone());
        PlaygroundEvent::Attempt { attempt: running }
    }

    fn streaming(&mut self) -> PlaygroundEvent {
        let elapsed = self.elapsed();
        self.change(|attempt| {
            attempt.state = AttemptState::Streaming;
            attempt.first_token_ms = Some(elapsed.saturating_sub(attempt.started_ms));
        })
    }

    fn ended(&mut self, state: AttemptState, message: &str) -> PlaygroundEvent {
        let elapsed = self.elapsed();
        self.change(|attempt| {
            attempt.state = state;
            attempt.took_ms = Some(elapsed.saturating_sub(attempt.started_ms));
            message.clone_into(&mut attempt.message);
        })
    }

    fn change(&mut self, change: impl FnOnce(&mut RouteAttempt)) -> PlaygroundEvent {
        let elapsed = self.elapsed();
        let attempt = self.now.get_or_insert_with(|| RouteAttempt {
            number: 1,
            connection: String::new(),
            connection_name: String::new(),
            model: String::new(),
            state: AttemptState::Running,
            started_ms: elapsed,
            took_ms: None,
            first_token_ms: None,
            message: String::new(),
        });
        change(attempt);
        PlaygroundEvent::Attempt { attempt: attempt.clone() }
    }
}
