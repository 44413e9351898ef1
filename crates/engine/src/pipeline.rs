//! The life of a call: plan, attempt, decode, price, enter into the ledger, answer.

mod attempt;
mod chase;
mod hedge;
mod stream;

use std::sync::Arc;

use bytes::Bytes;
use patchbay_core::catalog::Protocol;
use patchbay_core::code::{Blame, Code};
use patchbay_core::connection::Connection;
use patchbay_core::diagnose::ToldLimit;
use patchbay_core::dialect::Failure;
use patchbay_core::id::CallId;
use patchbay_core::ledger::{Detours, Position};
use patchbay_core::route::{Candidate, Plan, SkipReason, Standby};
use patchbay_core::switchboard::Bid;
use patchbay_core::time::Timestamp;
use patchbay_core::usage::{Cost, TokenUsage};
use tokio::sync::mpsc;

use self::attempt::Opened;
pub(crate) use self::chase::bound;
use self::chase::{Chase, drill, skipped, told};
use crate::Engine;
use crate::call::{AttemptSeen, Call};
use crate::desk::credentials;
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::trail::{Approach, Race, Trail};

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
    let id = call.id;
    let refused = |failure, skipped| CallError { failure, call: id, head: None, skipped };
    let snapshot = engine.snapshot().map_err(|error| refused(internal(&error), Vec::new()))?;
    if let Some(stopped) = &snapshot.stopped {
        return Err(refused(
            Failure::new(Code::Stopped, format!("All traffic was stopped by {}.", stopped.by)),
            Vec::new(),
        ));
    }
    engine.board.recall(&snapshot);
    let call = Arc::new(call.by_profile(&snapshot.directory));
    engine.watch.asked(&call, &snapshot);
    let cheaper = engine.board.detour(&chase::ask(&call, &snapshot));
    let model = cheaper.as_deref().unwrap_or(&call.inbound.model);
    let plan = engine.board.plan(&snapshot.directory, model, &call.inbound.needs());
    if plan.candidates.is_empty() {
        let failure = nobody(model, &plan, engine.board.now().wall);
        let failure = drill::unserved((engine, &snapshot), &call, failure, drill::has_part_in(&plan));
        return Err(refused(failure, told(&skipped(&plan))));
    }
    let mut chase = Chase::new(engine, &snapshot, &call, &plan);
    let mut tried: Option<Tried> = None;
    let mut stand_in: Option<Connection> = None;
    loop {
        let Some(place) = chase.place().await else {
            return Err(chase.give_up(tried).await);
        };
        let earlier = match tried {
            Some(tried) => Some(tried.earlier().await),
            None => None,
        };
        let candidate = by_standby(chase.candidate(), stand_in.as_ref());
        let approach = chase.approach(place);
        let answered = if chase.may_ask_beside() {
            Box::pin(hedge::run(&mut chase, candidate, approach)).await
        } else {
            attempt(engine, (&snapshot, &call), candidate, approach, None).await
        };
        let Lost { trail, failure, head, candidate } = match answered {
            Ok(opened) => return Ok(opened.answer(engine, guard).await),
            Err(lost) => *lost,
        };
        let standby = standby_for(engine, candidate.connection, &failure).await;
        chase.failed(&failure, standby.as_ref().map_or(Standby::Absent, |_| Standby::Ready));
        stand_in = standby.or(stand_in);
        tried = Some(Tried { trail, head, failure, earlier });
    }
}

/// An attempt that failed, with what it was.
struct Lost<'a> {
    trail: Trail,
    failure: Failure,
    head: Head,
    candidate: Candidate<'a>,
}

/// One attempt from its beginning to its first token or its failure.
async fn attempt<'a>(
    engine: &Arc<Engine>,
    (snapshot, call): (&Arc<Snapshot>, &Arc<Call>),
    candidate: Candidate<'a>,
    approach: Approach,
    race: Option<&Race>,
) -> Result<Opened, Box<Lost<'a>>> {
    let head = head(call, &candidate, approach.attempt);
    let mut trail = begin(engine, snapshot, call, &candidate, approach);
    if let Some(race) = race {
        trail.enter_race(race);
    }
    watch(call, &head, &candidate, None, 0).await;
    let (mut trail, failure) = match attempt::attempt(engine, call, &candidate, &head, trail).await {
        Ok(opened) => return Ok(opened),
        Err(failed) => failed,
    };
    let took_ms = trail.elapsed_ms();
    trail.failed(&failure);
    watch(call, &head, &candidate, Some(&failure), took_ms).await;
    Err(Box::new(Lost { trail, failure, head, candidate }))
}

/// The connection with the credential that took over because the provider does not take this one any more (K3).
async fn standby_for(engine: &Arc<Engine>, connection: &Connection, failure: &Failure) -> Option<Connection> {
    let refused = connection.credential.as_ref()?.version;
    if failure.code.policy().health != Blame::Account || failure.status.is_none() {
        return None;
    }
    let taken = credentials::take_over(engine, &connection.key, refused, failure.code).await;
    let taken = taken.inspect_err(|error| tracing::warn!(%error, "the standby key could not take over"));
    taken.ok().flatten()?;
    engine.snapshot().ok()?.connection(&connection.key).cloned()
}

/// A candidate with the credential that took over in this call.
fn by_standby<'a>(candidate: &Candidate<'a>, stand_in: Option<&'a Connection>) -> Candidate<'a> {
    let stand_in = stand_in.filter(|other| other.id == candidate.connection.id);
    stand_in.map_or(*candidate, |connection| candidate.by(connection))
}

/// An attempt that failed, as long as nobody knows whether another one follows.
struct Tried {
    trail: Trail,
    head: Head,
    failure: Failure,
    /// Why those before it failed, by the most telling of them.
    earlier: Option<Failure>,
}

impl Tried {
    /// Another attempt follows.
    async fn earlier(self) -> Failure {
        self.trail.close(Position::Earlier, None).await;
        more_telling(self.earlier, self.failure)
    }

    /// It was the last one.
    async fn last(self, met: Option<Detours>) -> (Head, Failure) {
        self.trail.close(Position::Final, met).await;
        (self.head, more_telling(self.earlier, self.failure))
    }
}

/// Serves a call by one attempt at one connection, whether it may be routed to or not: for tests.
pub async fn attempt_once(
    engine: &Arc<Engine>,
    call: Call,
    connection: &Connection,
    model: &str,
) -> Result<Answer, Failure> {
    let guard = engine.gauges.enter();
    let snapshot = engine.snapshot().map_err(|error| internal(&error))?;
    let call = Arc::new(call);
    let candidate = Candidate::unlisted(connection, model).seated(&snapshot.directory);
    let approach = approach_of_test(engine, &snapshot, &call, &candidate);
    match attempt(engine, (&snapshot, &call), candidate, approach, None).await {
        Ok(opened) => Ok(opened.answer(engine, guard).await),
        Err(lost) => {
            lost.trail.close(Position::Final, None).await;
            Err(lost.failure)
        }
    }
}

/// The way to an attempt that a test makes. Somebody asked for it, so the connection's limits do not refuse it; where they have
/// room, it counts, and teaches what every attempt does.
pub(crate) fn approach_of_test(
    engine: &Engine,
    snapshot: &Snapshot,
    call: &Call,
    candidate: &Candidate<'_>,
) -> Approach {
    engine.board.recall(snapshot);
    let caller = chase::caller(call, candidate, snapshot);
    let place = engine.board.admit(&Bid::new(candidate, &caller)).ok();
    if place.is_none() {
        engine.board.touch(candidate.connection.id);
    }
    Approach { attempt: 1, place, detours: None }
}

fn begin(
    engine: &Arc<Engine>,
    snapshot: &Arc<Snapshot>,
    call: &Call,
    candidate: &Candidate<'_>,
    approach: Approach,
) -> Trail {
    Trail::begin(&engine.ledger, snapshot, call, (candidate.connection, candidate.model), approach)
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

fn nobody(model: &str, plan: &Plan<'_>, now: Timestamp) -> Failure {
    if plan.skipped.is_empty() {
        let status = Some(404);
        return Failure {
            status,
            ..Failure::new(Code::ModelNotFound, format!("No connection has the model \"{model}\"."))
        };
    }
    let rests = |(_, reason): &(_, SkipReason)| matches!(reason, SkipReason::Cooling(_));
    let failure = if plan.skipped.iter().all(rests) {
        Failure::new(Code::RateLimited, format!("The providers of \"{model}\" asked for a pause."))
    } else {
        Failure::new(Code::NoCandidate, format!("No connection may answer for \"{model}\" now."))
    };
    Failure { retry_after_ms: plan.opens_at().map(|at| at.since_ms(now)), ..failure }
}

fn internal(error: &Error) -> Failure {
    Failure::new(error.code, error.message.clone())
}
