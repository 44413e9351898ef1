//! The life of a call: plan, attempt, decode, price, enter into the ledger, answer.

mod attempt;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use patchbay_core::catalog::Protocol;
use patchbay_core::code::Code;
use patchbay_core::connection::Connection;
use patchbay_core::diagnose::ToldLimit;
use patchbay_core::dialect::Failure;
use patchbay_core::id::CallId;
use patchbay_core::ledger::Position;
use patchbay_core::route::{Candidate, Failed, Needs, Next, Plan, Pursuit, Standby, plan};
use patchbay_core::usage::{Cost, TokenUsage};
use tokio::sync::mpsc;

use crate::Engine;
use crate::call::{AttemptSeen, Call};
use crate::clock;
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::trail::Trail;

/// Where an answer came from.
#[derive(Clone, Debug)]
pub struct Head {
    /// The call.
    pub call: CallId,
    /// The connection key.
    pub connection: String,
    /// The provider's slug.
    pub provider: String,
    /// The model that was asked of it.
    pub model: String,
    /// How many attempts it took.
    pub attempts: u32,
    /// What was changed or left out of the request on its way, by name, and why (M4).
    pub notices: Vec<String>,
}

/// An answer.
#[derive(Debug)]
pub enum Answer {
    /// In one piece; it is in the ledger.
    Whole(Box<Whole>),
    /// In events; it is in the ledger before the last of them arrives.
    Stream(Streamed),
}

/// An answer in one piece.
#[derive(Debug)]
pub struct Whole {
    /// Where it came from.
    pub head: Head,
    /// In the caller's protocol, with the model that the caller asked for.
    pub body: Bytes,
    /// The text in it.
    pub text: String,
    /// How it ended.
    pub end: End,
    /// The limits that the provider told; read for tests only.
    pub limits: Vec<ToldLimit>,
}

/// An answer in events.
#[derive(Debug)]
pub struct Streamed {
    /// Where it comes from.
    pub head: Head,
    /// What its events are written in.
    pub protocol: Protocol,
    /// Dropping the receiver cancels the call.
    pub pieces: mpsc::Receiver<Piece>,
}

/// A piece of a streamed answer. The last one is `Answered` or `Failed`.
#[derive(Debug)]
pub enum Piece {
    /// One event.
    Event {
        /// As it goes to the caller.
        raw: Bytes,
        /// The text in it; may be empty.
        text: String,
    },
    /// The end of a whole answer, which is now in the ledger.
    Answered {
        /// The events that end it, as they go to the caller.
        raw: Bytes,
        /// How it ended.
        end: End,
    },
    /// It broke off; what arrived is in the ledger.
    Failed {
        /// The event that tells the caller.
        raw: Bytes,
        /// Why.
        failure: Failure,
    },
}

/// How an answer ended.
#[derive(Clone, Debug)]
pub struct End {
    /// Tokens.
    pub usage: TokenUsage,
    /// Money.
    pub cost: Cost,
    /// Of the last attempt.
    pub total_ms: u64,
    /// Of the last attempt.
    pub first_token_ms: Option<u64>,
    /// Why the model stopped.
    pub finish_reason: Option<String>,
}

/// A call that got no answer.
#[derive(Clone, Debug)]
pub struct CallError {
    /// Why the last attempt failed, or why there was none.
    pub failure: Failure,
    /// The call.
    pub call: CallId,
    /// Who was asked last.
    pub head: Option<Head>,
    /// Who has the model and was not asked, with the reason.
    pub skipped: Vec<String>,
}

/// Serves a call.
pub async fn serve(engine: &Arc<Engine>, call: Call) -> Result<Answer, CallError> {
    let guard = engine.gauges.enter();
    let call = Arc::new(call);
    let refused = |failure, skipped| CallError { failure, call: call.id, head: None, skipped };
    let snapshot = engine.snapshot().map_err(|error| refused(internal(&error), Vec::new()))?;
    if let Some(stopped) = &snapshot.stopped {
        return Err(refused(
            Failure::new(Code::Stopped, format!("All traffic was stopped by {}.", stopped.by)),
            Vec::new(),
        ));
    }
    let needs = Needs { delivery: call.inbound.delivery, ..Needs::default() };
    let plan = plan(&snapshot.directory, &call.inbound.model, &needs, &engine.board(), clock::moment());
    let skipped = plan.skipped.iter().map(|(c, why)| format!("{}: {why}", c.name)).collect::<Vec<_>>();
    if plan.candidates.is_empty() {
        return Err(refused(nobody(&call.inbound.model, &plan), skipped));
    }
    let mut guard = Some(guard);
    let mut pursuit = Pursuit::default();
    let mut earlier = None;
    loop {
        let candidate = &plan.candidates[pursuit.candidate()];
        let head = head(&call, candidate, pursuit.attempt());
        let trail = begin(engine, &snapshot, &call, candidate, pursuit.attempt());
        watch(&call, &head, candidate, None, 0).await;
        let (trail, failure) =
            match attempt::attempt(engine, &call, candidate, &head, trail, &mut guard).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
        let took_ms = trail.elapsed_ms();
        let failed = Failed { failure: &failure, standby: Standby::Absent, jitter: fastrand::u64(..) };
        let next = pursuit.failed(&failed, &plan.candidates, clock::moment().mono);
        // Only a refusal makes a call wait, and none came before this attempt.
        let is_over = matches!(next, Next::GiveUp | Next::Wait { .. });
        let position = if is_over { Position::Final } else { Position::Earlier };
        trail.failed(&failure, position).await;
        watch(&call, &head, candidate, Some(&failure), took_ms).await;
        match next {
            Next::Same { after_ms } => pause(after_ms).await,
            Next::Candidate | Next::Standby => {}
            Next::GiveUp | Next::Wait { .. } => {
                let failure = more_telling(earlier, failure);
                return Err(CallError { failure, call: call.id, head: Some(head), skipped });
            }
        }
        earlier = Some(failure);
    }
}

/// Serves a call by one attempt at one connection, whether it may be routed to or not: for tests.
pub async fn attempt_once(
    engine: &Arc<Engine>,
    call: Call,
    connection: &Connection,
    model: &str,
) -> Result<Answer, Failure> {
    let mut guard = Some(engine.gauges.enter());
    let snapshot = engine.snapshot().map_err(|error| internal(&error))?;
    let call = Arc::new(call);
    let candidate = Candidate::unlisted(connection, model);
    let head = head(&call, &candidate, 1);
    let trail = begin(engine, &snapshot, &call, &candidate, 1);
    match attempt::attempt(engine, &call, &candidate, &head, trail, &mut guard).await {
        Ok(answer) => Ok(answer),
        Err((trail, failure)) => {
            trail.failed(&failure, Position::Final).await;
            Err(failure)
        }
    }
}

fn begin(
    engine: &Arc<Engine>,
    snapshot: &Arc<Snapshot>,
    call: &Call,
    candidate: &Candidate<'_>,
    attempt: u32,
) -> Trail {
    engine.board().touch(candidate.connection.id);
    Trail::begin(&engine.ledger, snapshot, call, (candidate.connection, candidate.model), attempt)
}

fn head(call: &Call, candidate: &Candidate<'_>, attempts: u32) -> Head {
    Head {
        call: call.id,
        connection: candidate.connection.key.clone(),
        provider: candidate.connection.provider.clone(),
        model: candidate.model.to_owned(),
        attempts,
        notices: Vec::new(),
    }
}

/// That the last connection could not be asked says less than why those before it failed.
fn more_telling(earlier: Option<Failure>, last: Failure) -> Failure {
    if last.code == Code::Untranslatable { earlier.unwrap_or(last) } else { last }
}

/// The backoff before the same connection is tried again.
async fn pause(after_ms: u64) {
    tokio::time::sleep(Duration::from_millis(after_ms)).await;
}

async fn watch(call: &Call, head: &Head, candidate: &Candidate<'_>, failure: Option<&Failure>, took_ms: u64) {
    let Some(watcher) = &call.watcher else { return };
    let seen = AttemptSeen {
        number: head.attempts,
        connection: head.connection.clone(),
        connection_name: candidate.connection.name.clone(),
        model: head.model.clone(),
        failure: failure.cloned(),
        took_ms,
    };
    // A watcher that left does not end the call.
    let _ = watcher.send(seen).await;
}

fn nobody(model: &str, plan: &Plan<'_>) -> Failure {
    if plan.skipped.is_empty() {
        let status = Some(404);
        return Failure {
            status,
            ..Failure::new(Code::ModelNotFound, format!("No connection has the model \"{model}\"."))
        };
    }
    Failure::new(Code::NoCandidate, format!("No connection may answer for \"{model}\" now."))
}

fn internal(error: &Error) -> Failure {
    Failure::new(error.code, error.message.clone())
}
