//! One attempt from its beginning to its row. A trail that is dropped unfinished (its caller went away) leaves a row too:
//! exactly one per attempt, whatever happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use patchbay_core::admission::Spent;
use patchbay_core::code::Code;
use patchbay_core::connection::Connection;
use patchbay_core::dialect::{Failure, RateLimits};
use patchbay_core::ledger::{Detours, Origin, Outcome, Position, Series, UsageRow, UsageType};
use patchbay_core::money::NanoUsd;
use patchbay_core::standing::{Signal, Verdict};
use patchbay_core::switchboard::Ending;
use patchbay_core::usage::{Cost, CostSource, TokenUsage, estimate_tokens};

use crate::board::Place;
use crate::call::Call;
use crate::ledger::Ledger;
use crate::snapshot::Snapshot;

/// An attempt on its way.
#[derive(Debug)]
pub struct Trail {
    ledger: Arc<Ledger>,
    snapshot: Arc<Snapshot>,
    row: Option<UsageRow>,
    started: Instant,
    times: Times,
    /// Whether anything was sent: before that, an attempt costs nothing.
    sent: Sent,
    /// Whether the tokens are the provider's or an estimate.
    source: CostSource,
    prompt_bytes: usize,
    output_bytes: usize,
    /// The right to make it; none for a test beyond its connection's limits.
    place: Option<Place>,
    /// What the provider told of its own limits.
    limits: RateLimits,
    end: End,
    /// Where two attempts were made at the same time: whether the other one has answered.
    race: Option<Race>,
}

/// Two attempts of one call at the same time: the first to answer wins.
#[derive(Clone, Debug, Default)]
pub struct Race(Arc<AtomicBool>);

impl Race {
    /// One has answered: the other is to end.
    pub fn decide(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_decided(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// When Patchbay's own work on a call ended and began again.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// The call was read; or, where it waited or was tried before, this attempt began.
    began: Instant,
    /// The request went out.
    sent: Option<Instant>,
    /// The whole answer was here.
    received: Option<Instant>,
}

/// Whether it is known how the attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    Failed,
}

/// The way to an attempt: its number, the right to make it, and what was met before.
#[derive(Debug, Default)]
pub struct Approach {
    /// From 1.
    pub attempt: u32,
    /// See [`Place`].
    pub place: Option<Place>,
    /// See [`Detours`].
    pub detours: Option<Detours>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Nothing,
    Request,
}

impl Trail {
    /// Begins an attempt and notes it as open.
    pub fn begin(
        ledger: &Arc<Ledger>,
        snapshot: &Arc<Snapshot>,
        call: &Call,
        target: (&Connection, &str),
        approach: Approach,
    ) -> Self {
        let (connection, model) = target;
        let series = Series {
            connection_id: connection.id,
            connection_key: connection.key.clone(),
            connection_name: connection.name.clone(),
            provider: connection.provider.clone(),
            model: model.to_owned(),
            app: call.caller.app.clone(),
            feature: call.caller.feature.clone(),
            profile: call.profile.as_ref().map_or_else(String::new, |profile| profile.name.clone()),
            usage_type: call.usage_type,
            outcome: Outcome::Interrupted,
            origin: Origin::Real,
        };
        let row = UsageRow {
            call: call.id,
            attempt: approach.attempt,
            at: crate::clock::now(),
            series,
            position: Position::Final,
            signal: call.caller.signal.clone(),
            profile_version: call.profile.as_ref().map(|profile| profile.version),
            requested_model: call.inbound.model.clone(),
            credential_version: connection.credential.as_ref().map(|credential| credential.version),
            usage: TokenUsage::default(),
            cost: Cost::UNKNOWN,
            total_ms: 0,
            first_token_ms: None,
            status: None,
            error: None,
            message: None,
            finish_reason: None,
            streamed: call.inbound.delivery.is_streamed(),
            upstream_id: None,
            detours: approach.detours,
        };
        let started = Instant::now();
        let was_late = |detours: &Detours| detours.waited_ms > 0 || detours.held_ms > 0;
        let has_waited = row.attempt > 1 || row.detours.as_ref().is_some_and(was_late);
        let began = if has_waited { started } else { call.arrived };
        ledger.open(row.clone());
        Self {
            ledger: Arc::clone(ledger),
            snapshot: Arc::clone(snapshot),
            row: Some(row),
            started,
            times: Times { began, sent: None, received: None },
            sent: Sent::Nothing,
            source: CostSource::Priced,
            prompt_bytes: call.inbound.prompt_bytes(),
            output_bytes: 0,
            place: approach.place,
            limits: RateLimits::default(),
            end: End::Open,
            race: None,
        }
    }

    /// From now on another attempt may answer instead.
    pub fn enter_race(&mut self, race: &Race) {
        self.race = Some(race.clone());
    }

    /// It has answered, and nobody instead of it.
    pub fn leave_race(&mut self) {
        self.race = None;
    }

    /// The request goes out now: from here on it may be billed.
    pub fn sent(&mut self) {
        self.sent = Sent::Request;
        self.times.sent = Some(Instant::now());
        self.place.iter_mut().for_each(Place::sent);
    }

    /// All of the answer is here: what follows is Patchbay's own time.
    pub fn received(&mut self) {
        self.times.received = Some(Instant::now());
    }

    /// It did not go out after all: no connection was made.
    pub fn not_sent(&mut self) {
        self.sent = Sent::Nothing;
        self.place.iter_mut().for_each(Place::not_sent);
    }

    /// The provider told so much of its own limits.
    pub fn heard(&mut self, limits: RateLimits) {
        self.limits = limits;
    }

    /// The provider answered with this status and request id.
    pub fn answered_with(&mut self, status: u16, upstream_id: Option<String>) {
        if let Some(row) = &mut self.row {
            row.status = Some(status);
            row.upstream_id = upstream_id;
        }
    }

    /// The first piece of the answer is here.
    pub fn first_token(&mut self) {
        let elapsed = self.elapsed_ms();
        if let Some(row) = &mut self.row {
            row.first_token_ms.get_or_insert(elapsed);
        }
    }

    /// What is known of the usage so far; kept for a caller that goes away.
    pub fn progress(&mut self, usage: TokenUsage, output_bytes: usize) {
        self.output_bytes = output_bytes;
        if let Some(row) = &mut self.row {
            row.usage = usage;
        }
    }

    /// For an answer whose usage nobody reported: tokens by the length of its text, marked as an estimate.
    pub fn estimate_where_unreported(&mut self) {
        let Some(row) = self.row.as_mut().filter(|row| !row.usage.is_reported()) else {
            return;
        };
        let output = match row.series.usage_type {
            UsageType::Count => return,
            UsageType::Embedding => 0,
            UsageType::Chat | UsageType::Test => estimate_tokens(self.output_bytes),
        };
        row.usage.input = Some(estimate_tokens(self.prompt_bytes));
        row.usage.output = Some(output);
        self.source = CostSource::Estimated;
    }

    /// The tokens known so far.
    pub fn usage(&self) -> TokenUsage {
        self.row.as_ref().map(|row| row.usage).unwrap_or_default()
    }

    /// When the first piece of the answer came, in milliseconds since the attempt began.
    pub fn first_token_ms(&self) -> Option<u64> {
        self.row.as_ref().and_then(|row| row.first_token_ms)
    }

    /// Milliseconds since the attempt began.
    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// What the attempt costs by what is known now.
    pub fn cost(&self) -> Cost {
        self.row.as_ref().map_or(Cost::UNKNOWN, |row| self.price(row))
    }

    /// The whole answer is here. Returns after the commit.
    pub async fn answered(mut self, finish_reason: Option<String>) {
        let Some(mut row) = self.row.take() else { return };
        row.finish_reason = finish_reason;
        row.cost = self.price(&row);
        let row = self.ended(row, Outcome::Answered);
        // A count that was made here says nothing of the connection.
        let verdict = if self.sent == Sent::Nothing { Verdict::Unknown } else { Verdict::Answered };
        self.settle(&row, verdict);
        self.ledger.append(row).await;
        self.tell_overhead();
    }

    /// It failed: its place is free from now on. Whether it ended its call is not known yet.
    pub fn failed(&mut self, failure: &Failure) {
        let Some(row) = self.row.take() else { return };
        let row = self.with_failure(row, failure);
        let (code, retry_after_ms) = (failure.code, failure.retry_after_ms);
        self.settle(&row, Verdict::Failed { code, retry_after_ms });
        self.row = Some(row);
        self.end = End::Failed;
    }

    /// After a failure: whether it ended its call, and whom the call met in vain afterwards. Returns after the commit.
    pub async fn close(mut self, position: Position, met: Option<Detours>) {
        let Some(mut row) = self.row.take() else { return };
        row.position = position;
        if let Some(met) = met {
            let detours = row.detours.get_or_insert_default();
            detours.waited_ms += met.waited_ms;
            detours.held_ms += met.held_ms;
            detours.in_vain.extend(met.skipped);
        }
        self.ledger.append(row).await;
    }

    /// Gives its place back with what it took. A refusal, and what was never sent, took nothing.
    fn settle(&mut self, row: &UsageRow, verdict: Verdict) {
        let Some(place) = self.place.take() else { return };
        let spent = match (verdict, row.cost) {
            (Verdict::Failed { .. }, Cost::NOTHING) => Spent { tokens: Some(0), cost: Some(NanoUsd::ZERO) },
            _ => Spent::new(&row.usage, row.cost.amount),
        };
        let signal = Signal::from(self.limits);
        place.settle(&Ending { model: &row.series.model, spent, verdict, signal });
    }

    /// What Patchbay added to the provider's own time: from the request's arrival to its way out, and from the last byte of
    /// the answer to its row in the ledger.
    fn tell_overhead(&self) {
        if let Times { began, sent: Some(sent), received: Some(received) } = self.times {
            self.ledger.metrics().overhead(sent.duration_since(began) + received.elapsed());
        }
    }

    fn with_failure(&mut self, mut row: UsageRow, failure: &Failure) -> UsageRow {
        let outcome = match failure.code {
            Code::RateLimited => Outcome::Limited,
            Code::Cancelled | Code::Stopped => Outcome::Cancelled,
            _ if row.first_token_ms.is_some() => Outcome::Cut,
            _ => Outcome::Failed,
        };
        row.status = failure.status.or(row.status);
        row.error = Some(failure.code);
        row.message = Some(failure.message.clone());
        let refused = row.status.is_some_and(|status| status >= 400);
        row.cost =
            if self.sent == Sent::Nothing || refused { Cost::NOTHING } else { self.cost_of_part(&mut row) };
        self.ended(row, outcome)
    }

    /// An answer that broke off: an estimate for what arrived; unknown where nothing did, for it may be billed (C3).
    fn cost_of_part(&mut self, row: &mut UsageRow) -> Cost {
        if row.first_token_ms.is_some() && !row.usage.is_reported() {
            row.usage.input = Some(estimate_tokens(self.prompt_bytes));
            row.usage.output = Some(estimate_tokens(self.output_bytes));
            self.source = CostSource::Estimated;
        }
        self.price(row)
    }

    fn price(&self, row: &UsageRow) -> Cost {
        // Nobody charges for counting.
        if row.series.usage_type == UsageType::Count {
            return Cost::NOTHING;
        }
        self.snapshot.prices.cost(&row.series.provider, &row.series.model, row.at, &row.usage, self.source)
    }

    fn ended(&self, mut row: UsageRow, outcome: Outcome) -> UsageRow {
        row.series.outcome = outcome;
        row.total_ms = self.elapsed_ms();
        row
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        let Some(row) = self.row.take() else { return };
        let row = match self.end {
            End::Failed => row,
            End::Open => {
                let is_overtaken = self.race.as_ref().is_some_and(Race::is_decided);
                let why = if is_overtaken { "Another one answered first." } else { "The caller went away." };
                let mut row = self.with_failure(row, &Failure::new(Code::Cancelled, why));
                if is_overtaken {
                    row.position = Position::Earlier;
                }
                self.settle(&row, Verdict::Unknown);
                row
            }
        };
        self.ledger.append_later(row);
    }
}
