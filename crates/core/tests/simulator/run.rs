//! One run: events in virtual time, each carried out as the engine would.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use patchbay_core::admission::{Refusal, Reservation, Sent, Spent, Subject, Why};
use patchbay_core::code::Code;
use patchbay_core::connection::ConnectionStatus;
use patchbay_core::dialect::Failure;
use patchbay_core::money::NanoUsd;
use patchbay_core::route::{
    Candidate, Directory, Failed, Fleet, Needs, Next, Pursuit, SkipReason, Standby, Terms, plan,
};
use patchbay_core::standing::{Hurdle, Signal, Verdict};
use patchbay_core::switchboard::{Bid, Caller, Denial, Ending, Switchboard, Ticket, Wait, Wake};

use crate::book::{Book, Wish};
use crate::clock::Clock;
use crate::evidence::Evidence;
use crate::rng::Rng;
use crate::scene::{Behaviour, CallSpec, Fate, Scene};
use crate::tally::Tally;

/// Which rule was broken, if one was.
pub type Broken = Result<(), String>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrives(usize),
    /// The attempt of that number of the call is over.
    Ends(usize, u32),
    Retries(usize, u32),
    Leaves(usize),
    Changes(usize),
    Wakes,
}

pub enum Phase {
    Ahead,
    InFlight { reservation: Reservation, entry: usize, behaviour: Behaviour },
    BacksOff,
    Waits(Ticket),
    Over,
}

pub struct Live<'a> {
    pub phase: Phase,
    pub candidates: Vec<Candidate<'a>>,
    caller: Caller<'a>,
    subjects: Vec<Subject>,
    pub pursuit: Pursuit,
    /// Counts what was begun, so that an event of something that is over is known.
    step: u32,
    /// Candidates in the order of their attempts, and how each ended.
    pub tried: Vec<(usize, Option<Code>)>,
    pub passed_by: Vec<usize>,
}

pub struct Run<'a> {
    pub scene: &'a Scene,
    pub cells: &'a [OnceCell<Directory>],
    pub directory: &'a Directory,
    pub fleet: Fleet,
    pub configured: usize,
    pub board: Switchboard,
    pub clock: Clock,
    pub book: Book,
    pub evidence: Evidence,
    rng: Rng,
    heap: BinaryHeap<Reverse<(u64, u64, Event)>>,
    sequence: u64,
    pub calls: Vec<Live<'a>>,
    pub tally: Tally,
}

impl<'a> Run<'a> {
    pub fn new(scene: &'a Scene, cells: &'a [OnceCell<Directory>]) -> Self {
        let zone = patchbay_core::time::zone(scene.zone).expect("a zone");
        let mut board = Switchboard::new(zone.clone());
        let directory = cells[0].get_or_init(|| board.configure(scene.fleet.clone()));
        let live = |_: &CallSpec| Live {
            phase: Phase::Ahead,
            candidates: Vec::new(),
            caller: Caller::default(),
            subjects: Vec::new(),
            pursuit: Pursuit::default(),
            step: 0,
            tried: Vec::new(),
            passed_by: Vec::new(),
        };
        let mut run = Self {
            scene,
            cells,
            directory,
            fleet: scene.fleet.clone(),
            configured: 0,
            board,
            clock: Clock::new(scene.starts_at.0),
            book: Book::new(&scene.fleet, zone),
            evidence: Evidence::default(),
            rng: Rng(scene.seed ^ 0x5eed),
            heap: BinaryHeap::new(),
            sequence: 0,
            calls: scene.calls.iter().map(live).collect(),
            tally: Tally::default(),
        };
        for (index, call) in scene.calls.iter().enumerate() {
            run.schedule(call.at, Event::Arrives(index));
            if let Fate::Leaves(after) = call.fate {
                run.schedule(call.at + after, Event::Leaves(index));
            }
        }
        for (index, (at, _)) in scene.changes.iter().enumerate() {
            run.schedule(*at, Event::Changes(index));
        }
        run
    }

    pub fn play(mut self) -> Result<Tally, String> {
        while let Some(Reverse((t, _, event))) = self.heap.pop() {
            self.clock.t = t;
            self.happen(event)?;
            if let Some(wakes_at) = self.board.wakes_at() {
                let t = self.clock.true_time(wakes_at).max(t);
                self.schedule(t, Event::Wakes);
            }
        }
        self.recover()?;
        Ok(self.tally)
    }

    fn schedule(&mut self, t: u64, event: Event) {
        let is_known =
            event == Event::Wakes && self.heap.iter().any(|Reverse((at, _, e))| (*at, *e) == (t, event));
        if !is_known {
            self.sequence += 1;
            self.heap.push(Reverse((t, self.sequence, event)));
        }
    }

    fn happen(&mut self, event: Event) -> Broken {
        match event {
            Event::Arrives(call) => self.arrive(call),
            Event::Ends(call, step) if self.calls[call].step == step => self.end_attempt(call),
            Event::Retries(call, step) if self.calls[call].step == step => self.attempt(call),
            Event::Ends(..) | Event::Retries(..) => Ok(()),
            Event::Leaves(call) => self.leave(call),
            Event::Changes(change) => self.change(change),
            Event::Wakes => self.wake(),
        }
    }

    fn arrive(&mut self, call: usize) -> Broken {
        let spec = &self.scene.calls[call];
        let now = self.clock.now();
        let plan = plan(self.directory, &spec.target, &Needs::default(), &self.board, now);
        for (connection, reason) in &plan.skipped {
            self.tally.skipped += 1;
            let model = spec.target.rsplit('/').next().unwrap_or_default();
            let models: Vec<&str> =
                crate::scene::MODELS.into_iter().filter(|known| *known == model).collect();
            let models = if models.is_empty() { crate::scene::MODELS.to_vec() } else { models };
            let is_known = |model: &&str| self.evidence.allows(*reason, (connection.id, model), self.clock.t);
            let is_right = match reason {
                SkipReason::Paused => connection.status != ConnectionStatus::Active,
                SkipReason::OtherProvider => plan.candidates[0].connection.provider != connection.provider,
                _ => models.iter().any(is_known),
            };
            if !is_right {
                return Err(format!("{} was skipped without a cause: {reason:?}", connection.key));
            }
        }
        let live = &mut self.calls[call];
        let profile = plan.profile.map(|profile| profile.id);
        live.subjects = profile.map(Subject::Profile).into_iter().chain(spec.app.map(Subject::App)).collect();
        live.caller = Caller {
            profile: profile.and_then(|profile| self.directory.profile_seat(profile)),
            app: spec.app.and_then(|app| self.directory.app_seat(app)),
            feature: spec.feature,
            estimate: spec.estimate,
        };
        live.candidates = plan.candidates;
        let deadline = now.mono.plus_ms(spec.patience_ms);
        live.pursuit = Pursuit::new(Terms { deadline, when_full: spec.when_full, ..Terms::default() });
        if live.candidates.is_empty() {
            self.tally.nobody += 1;
            live.phase = Phase::Over;
            return Ok(());
        }
        self.attempt(call)
    }

    fn bid(&self, call: usize, candidate: usize) -> Bid<'a> {
        let live = &self.calls[call];
        Bid::new(&live.candidates[candidate], &live.caller)
    }

    pub fn wish(&self, call: usize, candidate: usize) -> Wish {
        let live = &self.calls[call];
        let connection = live.candidates[candidate].connection;
        let own = [Subject::Provider(connection.provider.clone()), Subject::Connection(connection.id)];
        let spec = &self.scene.calls[call];
        Wish {
            subjects: own.into_iter().chain(live.subjects.iter().cloned()).collect(),
            feature: spec.feature,
            estimate: spec.estimate,
        }
    }

    fn attempt(&mut self, call: usize) -> Broken {
        let candidate = self.calls[call].pursuit.candidate();
        let bid = self.bid(call, candidate);
        match self.board.admit(&bid, self.clock.now()) {
            Ok(reservation) => {
                self.check_overtaking(call, candidate)?;
                self.begin(call, candidate, reservation)
            }
            Err(Denial::Barred(hurdle)) => self.barred(call, hurdle),
            Err(Denial::Refused(refusal)) => self.refused(call, &refusal),
        }
    }

    fn barred(&mut self, call: usize, hurdle: Hurdle) -> Broken {
        self.tally.barred += 1;
        let live = &mut self.calls[call];
        let here = live.candidates[live.pursuit.candidate()];
        let is_paused =
            hurdle == Hurdle::Paused && self.status(here.connection.id) != ConnectionStatus::Active;
        if !is_paused && !self.evidence.allows_hurdle(hurdle, (here.connection.id, here.model), self.clock.t)
        {
            return Err(format!("{} was barred without a cause: {hurdle:?}", here.connection.key));
        }
        let live = &mut self.calls[call];
        live.passed_by.push(live.pursuit.candidate());
        let next = live.pursuit.barred(&live.candidates, self.clock.now().mono);
        self.follow(call, next)
    }

    fn refused(&mut self, call: usize, refusal: &Refusal) -> Broken {
        self.tally.refused += 1;
        let candidate = self.calls[call].pursuit.candidate();
        let is_right = if refusal.why == Why::Queue {
            self.board.waiting() > 0
        } else {
            self.book.is_full(refusal.why, &self.wish(call, candidate), self.clock.t, self.clock.wall())
        };
        if !is_right {
            return Err(format!(
                "at {} ms a call was refused where there was room: {refusal:?}",
                self.clock.t
            ));
        }
        let live = &mut self.calls[call];
        live.passed_by.push(candidate);
        let next = live.pursuit.refused(refusal, &live.candidates, self.clock.now().mono);
        if refusal.reach == patchbay_core::admission::Reach::Call {
            live.passed_by.extend(0..live.candidates.len());
        }
        self.follow(call, next)
    }

    fn follow(&mut self, call: usize, next: Next) -> Broken {
        match next {
            Next::Same { after_ms } => {
                self.tally.retried += 1;
                self.calls[call].phase = Phase::BacksOff;
                let step = self.next_step(call);
                self.schedule(self.clock.t + after_ms, Event::Retries(call, step));
                Ok(())
            }
            Next::Candidate => self.attempt(call),
            Next::Wait { up_to_ms } => self.queue(call, up_to_ms),
            Next::GiveUp => self.give_up(call),
            Next::Standby => Err("there is no standby credential".to_owned()),
        }
    }

    fn queue(&mut self, call: usize, up_to_ms: u64) -> Broken {
        let full = self.calls[call].pursuit.full().to_vec();
        let bids: Vec<_> = full.iter().map(|candidate| (*candidate, self.bid(call, *candidate))).collect();
        let now = self.clock.now();
        match self.board.wait(&bids, now.mono.plus_ms(up_to_ms), now) {
            Wait::Over(Wake::Granted(candidate, reservation)) => {
                self.calls[call].pursuit.granted(candidate);
                self.begin(call, candidate, reservation)
            }
            Wait::Over(wake) => self.waited_in_vain(call, &wake),
            Wait::Queued(ticket) => {
                self.calls[call].phase = Phase::Waits(ticket);
                Ok(())
            }
            Wait::Crowded => Err("the queue is full with so few calls".to_owned()),
        }
    }

    fn begin(&mut self, call: usize, candidate: usize, mut reservation: Reservation) -> Broken {
        let (t, wall) = (self.clock.t, self.clock.wall());
        let entry = self.book.start(&self.wish(call, candidate), t, wall)?;
        let connection = self.calls[call].candidates[candidate].connection;
        if self.status(connection.id) != ConnectionStatus::Active {
            return Err(format!("{} is paused and was called", connection.key));
        }
        self.check_order(call, candidate)?;
        let live = &mut self.calls[call];
        live.tried.push((candidate, None));
        let index = usize::try_from(connection.id.0 - 1).expect("small");
        let mut behaviour = self.scene.behaviour(index, t);
        if behaviour == Behaviour::Answers && self.scene.calls[call].is_bad {
            behaviour = Behaviour::Fails(Code::BadRequest);
        }
        // A connection that cannot be made is the one failure of which nothing was sent.
        if behaviour != Behaviour::Fails(Code::NetworkFailed) {
            reservation.mark_sent();
        }
        live.phase = Phase::InFlight { reservation, entry, behaviour };
        let step = self.next_step(call);
        let took = self.rng.between(1, self.scene.slowest_ms);
        self.schedule(t + took, Event::Ends(call, step));
        if self.scene.calls[call].fate == Fate::Vanishes {
            self.schedule(t + took / 2, Event::Leaves(call));
        }
        Ok(())
    }

    fn end_attempt(&mut self, call: usize) -> Broken {
        let Phase::InFlight { reservation, entry, behaviour } =
            std::mem::replace(&mut self.calls[call].phase, Phase::BacksOff)
        else {
            return Err("an attempt ended that was not made".to_owned());
        };
        let spent = self.spent(call, behaviour);
        self.enter(&reservation, entry, spent);
        let here = self.here(call);
        let (verdict, failure) = match behaviour {
            Behaviour::Answers => (Verdict::Answered, None),
            Behaviour::Fails(code) => {
                (Verdict::Failed { code, retry_after_ms: None }, Some(Failure::new(code, "x")))
            }
            Behaviour::Limits(retry_after_ms) => {
                let code = Code::RateLimited;
                let failure = Failure { retry_after_ms, ..Failure::new(code, "x") };
                (Verdict::Failed { code, retry_after_ms }, Some(failure))
            }
        };
        let ending = Ending { model: here.model, spent, verdict, signal: Signal::default() };
        self.board.settle(reservation, &ending, self.clock.now());
        let at = (here.connection.id, here.model);
        if let Some(failure) = &failure {
            self.evidence.failed(self.clock.t, at, failure.code, failure.retry_after_ms);
        }
        // Between the end of one call and the look at who waits, others may come.
        let gap = self.rng.below(3) * self.rng.below(200);
        self.schedule(self.clock.t + gap, Event::Wakes);
        if let Some(failure) = failure {
            return self.attempt_failed(call, &failure);
        }
        self.tally.answered += 1;
        let live = &mut self.calls[call];
        self.tally.failed_over += u64::from(live.tried.len() > 1);
        live.phase = Phase::Over;
        Ok(())
    }

    fn attempt_failed(&mut self, call: usize, failure: &Failure) -> Broken {
        let jitter = self.rng.next();
        let live = &mut self.calls[call];
        if let Some((_, code)) = live.tried.last_mut() {
            *code = Some(failure.code);
        }
        let failed = Failed { failure, standby: Standby::Absent, jitter };
        let next = live.pursuit.failed(&failed, &live.candidates, self.clock.now().mono);
        self.follow(call, next)
    }

    fn here(&self, call: usize) -> Candidate<'a> {
        let live = &self.calls[call];
        live.candidates[live.pursuit.candidate()]
    }

    /// Never more than the estimate: what an estimate is worth is not admission's affair.
    fn spent(&mut self, call: usize, behaviour: Behaviour) -> Spent {
        let estimate = self.scene.calls[call].estimate;
        match behaviour {
            Behaviour::Answers => Spent {
                tokens: Some(self.rng.between(0, estimate.tokens)),
                cost: self.rng.chance(80).then(|| {
                    NanoUsd(
                        i64::try_from(self.rng.between(0, estimate.cost.0.unsigned_abs())).expect("small"),
                    )
                }),
            },
            Behaviour::Fails(Code::TimedOut) => Spent::default(),
            _ => Spent { tokens: Some(0), cost: Some(NanoUsd::ZERO) },
        }
    }

    pub fn enter(&mut self, reservation: &Reservation, entry: usize, spent: Spent) {
        match reservation.sent() {
            Sent::Nothing => self.book.refund(entry),
            Sent::Something => self.book.settle(entry, spent),
        }
    }

    pub fn wake(&mut self) -> Broken {
        let mut in_vain = Vec::new();
        for (ticket, wake) in self.board.wake(self.clock.now()) {
            let is_its = |live: &Live<'_>| matches!(live.phase, Phase::Waits(known) if known == ticket);
            let call = self.calls.iter().position(is_its).ok_or("a ticket of nobody was called")?;
            if let Wake::Granted(candidate, reservation) = wake {
                self.tally.waited += 1;
                self.check_fifo(call, ticket)?;
                self.calls[call].pursuit.granted(candidate);
                self.begin(call, candidate, reservation)?;
            } else {
                in_vain.push((call, wake));
            }
        }
        // What was granted was granted before the others look further.
        in_vain.into_iter().try_for_each(|(call, wake)| self.waited_in_vain(call, &wake))
    }

    fn waited_in_vain(&mut self, call: usize, wake: &Wake) -> Broken {
        self.tally.timed_out += 1;
        if matches!(wake, Wake::TimedOut(_)) && self.board.waiting() == 0 {
            for candidate in self.calls[call].pursuit.full() {
                let here = self.calls[call].candidates[*candidate];
                let seat = here.seats[1].ok_or("no seat")?;
                let is_open = self.board.hurdle(seat, here.model, here.naming, self.clock.now()).is_ok();
                let wish = self.wish(call, *candidate);
                if is_open && !self.book.is_any_full(&wish, self.clock.t, self.clock.wall()) {
                    return Err(format!(
                        "call {call} waited in vain for {} which has room",
                        here.connection.key
                    ));
                }
            }
        }
        let live = &mut self.calls[call];
        let next = live.pursuit.waited(&live.candidates, self.clock.now().mono);
        self.follow(call, next)
    }

    fn leave(&mut self, call: usize) -> Broken {
        let vanishes = self.scene.calls[call].fate == Fate::Vanishes;
        let here = (!self.calls[call].candidates.is_empty()).then(|| self.here(call));
        match std::mem::replace(&mut self.calls[call].phase, Phase::Over) {
            Phase::Over | Phase::Ahead => return Ok(()),
            Phase::BacksOff => {}
            Phase::Waits(ticket) => self.board.cancel(ticket, self.clock.now()),
            Phase::InFlight { reservation, entry, .. } => {
                self.enter(&reservation, entry, Spent::default());
                if let (false, Some(here)) = (vanishes, here) {
                    let (spent, verdict) = (Spent::default(), Verdict::Unknown);
                    let ending = Ending { model: here.model, spent, verdict, signal: Signal::default() };
                    self.board.settle(reservation, &ending, self.clock.now());
                }
            }
        }
        *(if vanishes { &mut self.tally.vanished } else { &mut self.tally.left }) += 1;
        self.next_step(call);
        self.wake()
    }

    pub fn status(&self, id: patchbay_core::id::ConnectionId) -> ConnectionStatus {
        let known = self.fleet.connections.iter().find(|connection| connection.id == id);
        known.map_or(ConnectionStatus::Inactive, |connection| connection.status)
    }

    pub fn next_step(&mut self, call: usize) -> u32 {
        self.calls[call].step += 1;
        self.calls[call].step
    }
}
