//! From one place to the next: admission, backoff, the line of those who wait, and what a call met on its way.

pub(super) mod drill;

use std::sync::Arc;
use std::time::Duration;

use patchbay_core::admission::{Ask, Estimate, Reach, Refusal, Seat, Why};
use patchbay_core::breaker::Pass;
use patchbay_core::code::Code;
use patchbay_core::dialect::{Failure, Task};
use patchbay_core::ledger::{Detours, Skipped};
use patchbay_core::money::NanoUsd;
use patchbay_core::profile::WhenSlow;
use patchbay_core::route::{
    Candidate, DEADLINE_MS, Failed, MAX_ATTEMPTS, Next, Plan, Pursuit, SkipReason, Standby, Terms,
};
use patchbay_core::switchboard::{Bid, Caller, Denial};
use patchbay_core::time::Mono;
use patchbay_core::usage::{TokenUsage, estimate_tokens};

use super::{CallError, Tried};
use crate::Engine;
use crate::board::{Place, Waited};
use crate::call::Call;
use crate::clock;
use crate::gauges::Traffic;
use crate::snapshot::Snapshot;
use crate::trail::Approach;

/// How long an answer usually is, in tokens, where its caller sets no bound.
const USUAL_ANSWER: u64 = 1_000;
/// How long an answer may become whose caller sets no bound, in tokens: what is reserved of a budget for it.
const LONG_ANSWER: u64 = 8_192;
/// When to come back, where only the end of another call makes room.
const SOON_MS: u64 = 1_000;

/// Two candidates that are asked at the same time, by their places in the plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beside {
    /// The slow one.
    pub(super) first: usize,
    /// The other one.
    pub(super) second: usize,
}

/// A call on its way through its candidates.
pub(super) struct Chase<'a> {
    engine: &'a Arc<Engine>,
    snapshot: &'a Arc<Snapshot>,
    call: &'a Arc<Call>,
    plan: &'a Plan<'a>,
    pursuit: Pursuit,
    next: Next,
    /// What was met since the last attempt.
    detours: Detours,
    /// Everybody who was passed by, for the caller.
    passed: Vec<String>,
    /// The soonest that somebody without room may have some.
    opens_after_ms: Option<u64>,
    /// The first budget that is spent.
    over_budget: Option<Refusal>,
    traffic: Traffic,
    /// Whom a drill held back already, by their places in the plan.
    held: Vec<usize>,
}

impl<'a> Chase<'a> {
    /// At the first candidate.
    pub(super) fn new(
        engine: &'a Arc<Engine>,
        snapshot: &'a Arc<Snapshot>,
        call: &'a Arc<Call>,
        plan: &'a Plan<'a>,
    ) -> Self {
        let deadline = engine.board.now().mono.plus_ms(DEADLINE_MS);
        let skipped = skipped(plan);
        Self {
            engine,
            snapshot,
            call,
            plan,
            pursuit: Pursuit::new(terms(plan, deadline)),
            next: Next::Candidate,
            passed: told(&skipped),
            detours: Detours { skipped, ..Detours::default() },
            opens_after_ms: None,
            over_budget: None,
            traffic: Traffic::Flows,
            held: Vec::new(),
        }
    }

    /// The candidate to try now.
    pub(super) fn candidate(&self) -> &'a Candidate<'a> {
        &self.plan.candidates[self.pursuit.candidate()]
    }

    /// The right to make the next attempt, once somebody has room; `None` when nobody will.
    pub(super) async fn place(&mut self) -> Option<Place> {
        loop {
            match self.next {
                Next::GiveUp => return None,
                Next::Same { after_ms } => self.back_off(after_ms).await,
                Next::Candidate | Next::Standby => {}
                Next::Wait { up_to_ms } => match self.queue(up_to_ms).await {
                    Some(place) if self.sits_out_drill().await => return Some(place),
                    _ => continue,
                },
            }
            if !self.sits_out_drill().await {
                continue;
            }
            let caller = caller(self.call, self.candidate(), self.snapshot);
            match self.engine.board.admit(&Bid::new(self.candidate(), &caller)) {
                Ok(place) => return Some(place),
                Err(denial) => self.next = self.denied(denial),
            }
        }
    }

    /// The way to the attempt that begins now.
    pub(super) fn approach(&mut self, place: Place) -> Approach {
        let detours = std::mem::take(&mut self.detours).told();
        Approach { attempt: self.pursuit.attempt(), place: Some(place), detours }
    }

    /// What the call's attempts are made of.
    pub(super) fn parts(&self) -> (&'a Arc<Engine>, &'a Arc<Snapshot>, &'a Arc<Call>) {
        (self.engine, self.snapshot, self.call)
    }

    /// Whether the next target is to be asked beside a slow one, and there is one that may be.
    pub(super) fn may_ask_beside(&self) -> bool {
        let wants = self.plan.profile.is_some_and(|profile| profile.conduct.when_slow == WhenSlow::AskNext);
        wants && self.call.inbound.task == Task::Chat && self.pursuit.beside(&self.plan.candidates).is_some()
    }

    /// The candidate to ask beside the current one, which has taken so long, with the way there; `None` where it has no room now.
    pub(super) fn beside(&mut self, after_ms: u64) -> Option<(Beside, Candidate<'a>, Approach)> {
        let candidates = &self.plan.candidates;
        let (first, second) = (self.pursuit.candidate(), self.pursuit.beside(candidates)?);
        let candidate = candidates[second];
        let caller = caller(self.call, &candidate, self.snapshot);
        let place = self.engine.board.admit(&Bid::new(&candidate, &caller)).ok()?;
        self.pursuit.went_beside(second);
        let detours = Detours { beside_after_ms: Some(after_ms), ..Detours::default() };
        let approach =
            Approach { attempt: self.pursuit.attempt() + 1, place: Some(place), detours: Some(detours) };
        Some((Beside { first, second }, candidate, approach))
    }

    /// Of two candidates that were asked at the same time only that one is left.
    pub(super) fn left_with(&mut self, left: usize, failed: usize) {
        self.pursuit.left_with(left, failed);
    }

    /// The attempt failed, and its place is free again.
    pub(super) fn failed(&mut self, failure: &Failure, standby: Standby) {
        let failed = Failed { failure, standby, jitter: fastrand::u64(..) };
        self.next = self.pursuit.failed(&failed, &self.plan.candidates, self.engine.board.now().mono);
    }

    /// Nobody will have room, or answer.
    pub(super) async fn give_up(self, tried: Option<Tried>) -> CallError {
        let call = self.call.id;
        let Some(tried) = tried else {
            let failure =
                drill::unserved((self.engine, self.snapshot), self.call, self.full(), self.part_of_drill());
            return CallError { failure, call, head: None, skipped: self.passed };
        };
        let (head, failure) = tried.last(self.detours.told()).await;
        CallError { failure, call, head: Some(head), skipped: self.passed }
    }

    fn denied(&mut self, denial: Denial) -> Next {
        let now = self.engine.board.now();
        let candidates = &self.plan.candidates;
        match denial {
            Denial::Barred(hurdle) => {
                self.pass_by(self.candidate(), SkipReason::of_hurdle(hurdle, now));
                self.pursuit.barred(candidates, now.mono)
            }
            Denial::Refused(refusal) if refusal.why == Why::Budget && !refusal.may_pass_soon() => {
                self.over_budget.get_or_insert(refusal);
                self.pass_by(self.candidate(), SkipReason::of_refusal(&refusal, now));
                self.pursuit.refused(&refusal, candidates, now.mono)
            }
            Denial::Refused(refusal) => {
                let after_ms = refusal.after_ms.unwrap_or(SOON_MS);
                self.opens_after_ms = Some(self.opens_after_ms.map_or(after_ms, |known| known.min(after_ms)));
                self.pass_by(self.candidate(), SkipReason::of_refusal(&refusal, now));
                self.pursuit.refused(&refusal, candidates, now.mono)
            }
        }
    }

    async fn back_off(&mut self, after_ms: u64) {
        self.detours.waited_ms += after_ms;
        tokio::time::sleep(Duration::from_millis(after_ms)).await;
    }

    /// Waits in line for whoever has room first. Traffic that is stopped ends the wait.
    async fn queue(&mut self, up_to_ms: u64) -> Option<Place> {
        let began = self.engine.board.now().mono;
        // A window that opens only after the wait is over is not worth it: the caller is told at once when to come back.
        if self.opens_after_ms.is_some_and(|after_ms| after_ms > up_to_ms) {
            self.next = self.pursuit.waited(&self.plan.candidates, began);
            return None;
        }
        let callers: Vec<_> = self.pursuit.full().iter().map(|index| self.caller_at(*index)).collect();
        let bids: Vec<_> = callers
            .iter()
            .map(|(index, caller)| (*index, Bid::new(&self.plan.candidates[*index], caller)))
            .collect();
        let waited = tokio::select! {
            waited = self.engine.board.wait(&bids, up_to_ms) => waited,
            () = self.engine.gauges.stopped() => {
                (self.traffic, self.next) = (Traffic::Stopped, Next::GiveUp);
                return None;
            }
        };
        let now = self.engine.board.now().mono;
        self.detours.waited_ms += now.since_ms(began);
        match waited {
            Waited::Granted(index, place) => {
                self.pursuit.granted(index);
                Some(place)
            }
            Waited::InVain(refusal) => {
                let spent = refusal.filter(|refusal| refusal.why == Why::Budget && !refusal.may_pass_soon());
                self.over_budget = self.over_budget.or(spent);
                self.next = self.pursuit.waited(&self.plan.candidates, now);
                None
            }
        }
    }

    fn caller_at(&self, index: usize) -> (usize, Caller<'a>) {
        (index, caller(self.call, &self.plan.candidates[index], self.snapshot))
    }

    fn pass_by(&mut self, candidate: &Candidate<'_>, reason: SkipReason) {
        let skipped = Skipped { connection: candidate.connection.name.clone(), reason: reason.to_string() };
        self.passed.extend(told(std::slice::from_ref(&skipped)));
        self.detours.skipped.push(skipped);
    }

    /// What the caller is told of a call that nobody had room for (R4): no error of anybody's.
    fn full(&self) -> Failure {
        if self.traffic == Traffic::Stopped {
            return Failure::new(Code::Stopped, "All traffic was stopped.");
        }
        let decides = |refusal: &Refusal| refusal.reach == Reach::Call || self.opens_after_ms.is_none();
        if let Some(refusal) = self.over_budget.filter(decides) {
            let words = self.engine.board.refusal_in_words(&refusal);
            let text = words.unwrap_or_else(|| "A budget is used up.".to_owned());
            return Failure { retry_after_ms: refusal.after_ms, ..Failure::new(Code::BudgetExceeded, text) };
        }
        let model = &self.call.inbound.model;
        if self.opens_after_ms.is_some() {
            let text = format!("Every connection that may answer for \"{model}\" is at its limit.");
            return Failure { retry_after_ms: self.opens_after_ms, ..Failure::new(Code::RateLimited, text) };
        }
        Failure::new(Code::NoCandidate, format!("No connection may answer for \"{model}\" now."))
    }
}

/// Who asks, before it is known whom.
pub(super) fn ask<'a>(call: &'a Call, snapshot: &Snapshot) -> Ask<'a> {
    let seats = [None, None, profile_seat(call, snapshot), app_seat(call, snapshot)];
    Ask { seats, feature: &call.caller.feature, estimate: Estimate::default(), pass: Pass::Free }
}

fn profile_seat(call: &Call, snapshot: &Snapshot) -> Option<Seat> {
    snapshot.directory.profile_seat(call.profile.as_ref()?.id)
}

fn app_seat(call: &Call, snapshot: &Snapshot) -> Option<Seat> {
    snapshot.directory.app_seat(snapshot.app_id(&call.caller.app)?)
}

/// Who asks at that candidate, and what the attempt may take.
pub(super) fn caller<'a>(call: &'a Call, candidate: &Candidate<'_>, snapshot: &Snapshot) -> Caller<'a> {
    let bound = bound(call, candidate, snapshot);
    Caller {
        profile: profile_seat(call, snapshot),
        app: app_seat(call, snapshot),
        feature: &call.caller.feature,
        estimate: Estimate {
            tokens: bound.input.saturating_add(bound.usual),
            cost: bound.cost.unwrap_or(NanoUsd::ZERO),
        },
    }
}

/// What an attempt may take, by the length of its prompt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    /// About so many tokens go in.
    pub(crate) input: u64,
    /// So many usually come out.
    pub(crate) usual: u64,
    /// So many may come out.
    pub(crate) longest: u64,
    /// What it costs at most; `None` where the model has no price.
    pub(crate) cost: Option<NanoUsd>,
}

/// What an attempt at that candidate may take.
pub(crate) fn bound(call: &Call, candidate: &Candidate<'_>, snapshot: &Snapshot) -> Bound {
    let input = estimate_tokens(call.inbound.prompt_bytes());
    let most = candidate.max_output.map_or(u64::MAX, u64::from);
    let told = match call.inbound.task {
        Task::Chat => call.inbound.longest_answer(),
        Task::Embed(_) | Task::Count => Some(0),
    };
    let usual = told.unwrap_or(USUAL_ANSWER).min(most);
    let longest = told.unwrap_or(LONG_ANSWER).min(most);
    let usage = TokenUsage { input: Some(input), output: Some(longest), ..TokenUsage::default() };
    let price = snapshot.prices.find(&candidate.connection.provider, candidate.model, clock::now(), input);
    Bound { input, usual, longest, cost: price.map(|price| price.cost(&usage)) }
}

/// As the profile says, else as every call.
fn terms(plan: &Plan<'_>, deadline: Mono) -> Terms {
    let conduct = plan.profile.map(|profile| profile.conduct).unwrap_or_default();
    Terms { attempts: conduct.attempts.unwrap_or(MAX_ATTEMPTS), deadline, when_full: conduct.when_full }
}

/// Whom the plan passed by.
pub(super) fn skipped(plan: &Plan<'_>) -> Vec<Skipped> {
    let skipped = |(connection, reason): &(&patchbay_core::connection::Connection, SkipReason)| Skipped {
        connection: connection.name.clone(),
        reason: reason.to_string(),
    };
    plan.skipped.iter().map(skipped).collect()
}

/// The same for the caller.
pub(super) fn told(skipped: &[Skipped]) -> Vec<String> {
    skipped.iter().map(|skipped| format!("{}: {}", skipped.connection, skipped.reason)).collect()
}
