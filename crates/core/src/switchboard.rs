//! The live state of routing in one value: what the engine holds behind its lock. How it is driven is told in
//! [`admission`](crate::admission).

mod queue;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};

use jiff::tz::TimeZone;

pub use self::queue::Ticket;
use self::queue::{LONGEST, Queue, Waiter, Wish};
use crate::admission::{
    Admission, Allowed, Ask, Estimate, Gate, Refusal, Released, Reservation, Seat, Spent, Subject, Why,
};
use crate::breaker::Pass;
use crate::connection::ConnectionStatus;
use crate::id::ConnectionId;
use crate::route::{Candidate, Directory, Fleet};
use crate::standing::{Change, Hurdle, Naming, Signal, Standing, Verdict};
use crate::time::{Mono, Now};

/// Who calls, what for, and what it may take.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caller<'a> {
    /// Its profile's seat.
    pub profile: Option<Seat>,
    /// Its app's seat.
    pub app: Option<Seat>,
    /// What the call is for; may be empty.
    pub feature: &'a str,
    /// What it may take.
    pub estimate: Estimate,
}

/// A wish to make one attempt at one candidate.
#[derive(Clone, Copy, Debug)]
pub struct Bid<'a> {
    seats: [Option<Seat>; 4],
    model: &'a str,
    naming: Naming,
    feature: &'a str,
    estimate: Estimate,
}

impl<'a> Bid<'a> {
    /// That caller at that candidate.
    pub fn new(candidate: &Candidate<'a>, caller: &Caller<'a>) -> Self {
        let [provider, connection] = candidate.seats;
        Self {
            seats: [provider, connection, caller.profile, caller.app],
            model: candidate.model,
            naming: candidate.naming,
            feature: caller.feature,
            estimate: caller.estimate,
        }
    }

    fn ask(&self, pass: Pass) -> Ask<'a> {
        Ask { seats: self.seats, feature: self.feature, estimate: self.estimate, pass }
    }
}

/// Why an attempt may not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The connection does not take it: for [`Pursuit::barred`](crate::route::Pursuit::barred).
    Barred(Hurdle),
    /// There is no room: for [`Pursuit::refused`](crate::route::Pursuit::refused).
    Refused(Refusal),
}

/// What became of the wish to wait.
#[derive(Debug)]
pub enum Wait {
    /// It was over at once: there is room by now, or no candidate takes calls any more.
    Over(Wake),
    /// In the queue.
    Queued(Ticket),
    /// Too many wait already.
    Crowded,
}

/// What became of a caller that waits.
#[derive(Debug)]
pub enum Wake {
    /// There is room at that candidate, counted as in its plan.
    Granted(usize, Reservation),
    /// Its time is over, or what it waited for was used up meanwhile; that was in the way last.
    TimedOut(Option<Refusal>),
    /// None of its candidates takes calls any more.
    Barred(Hurdle),
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug)]
pub struct Ending<'a> {
    /// The model that was asked for.
    pub model: &'a str,
    /// What it took.
    pub spent: Spent,
    /// What it says of the connection.
    pub verdict: Verdict,
    /// What the provider told of its own limits.
    pub signal: Signal,
}

/// Something that a person may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whose.
    pub connection: ConnectionId,
    /// At which of its models.
    pub model: String,
    /// What.
    pub change: Change,
}

/// Admission, standings and queue together.
#[derive(Debug)]
pub struct Switchboard {
    admission: Admission,
    /// By seat; none for what is no connection.
    standings: Vec<Option<Standing>>,
    queue: Queue,
    wakes_at: Option<Mono>,
    attempts: u64,
    events: Vec<Event>,
}

impl Switchboard {
    /// Nothing is known yet. Days are cut in `zone`.
    pub fn new(zone: TimeZone) -> Self {
        Self {
            admission: Admission::new(zone),
            standings: Vec::new(),
            queue: Queue::default(),
            wakes_at: None,
            attempts: 0,
            events: Vec::new(),
        }
    }

    /// Takes the configuration as it is now. What was counted and learnt stays.
    pub fn configure(&mut self, fleet: Fleet) -> Directory {
        self.admission.configure(limits_of(&fleet), fleet.budgets.clone());
        let mut here = BTreeSet::new();
        for connection in &fleet.connections {
            let subject = Subject::Connection(connection.id);
            let Some(seat) = self.admission.seat(&subject) else { continue };
            here.insert(seat);
            if self.standings.len() <= seat.index() {
                self.standings.resize(seat.index() + 1, None);
            }
            let credential = connection.credential.as_ref().map(|credential| credential.version);
            match &mut self.standings[seat.index()] {
                Some(standing) => {
                    let change = standing.configure(connection.status, credential, connection.cleared_at);
                    self.events.extend(change.map(|change| event(connection.id, "", change)));
                }
                empty => {
                    let mut standing = Standing::new(connection.status, credential);
                    standing.configure(connection.status, credential, connection.cleared_at);
                    *empty = Some(standing);
                }
            }
        }
        for (index, standing) in self.standings.iter_mut().enumerate() {
            let seat = Seat(u32::try_from(index).unwrap_or(u32::MAX));
            if let Some(standing) = standing.as_mut().filter(|_| !here.contains(&seat)) {
                // A connection that was deleted: a call that was planned before must not reach it.
                standing.configure(ConnectionStatus::Inactive, None, None);
            }
        }
        Directory::new(fleet, |subject| self.admission.seat(subject))
    }

    /// Why an attempt would not be made now, limits apart.
    pub fn hurdle(&self, seat: Seat, model: &str, naming: Naming, now: Now) -> Result<Pass, Hurdle> {
        self.standing(seat).map_or(Ok(Pass::Free), |standing| standing.hurdle(model, naming, now.mono))
    }

    /// The number of the last attempt there; smaller is longer ago.
    pub fn last_use(&self, seat: Seat) -> u64 {
        self.standing(seat).map_or(0, Standing::last_use)
    }

    /// A connection is used past admission: by a test of it.
    pub fn touch(&mut self, connection: ConnectionId) {
        let seat = self.admission.seat(&Subject::Connection(connection));
        if let Some(standing) = seat.and_then(|seat| self.standings.get_mut(seat.index())?.as_mut()) {
            self.attempts += 1;
            standing.touch(self.attempts);
        }
    }

    /// What calls have taught of a connection.
    pub fn standing(&self, seat: Seat) -> Option<&Standing> {
        self.standings.get(seat.index()).and_then(Option::as_ref)
    }

    /// The same, to take up what an earlier run knew, to clear it, or to note what a connection test found.
    pub fn standing_mut(&mut self, seat: Seat) -> Option<&mut Standing> {
        self.standings.get_mut(seat.index()).and_then(Option::as_mut)
    }

    /// Limits, counters and budgets.
    pub fn admission(&mut self) -> &mut Admission {
        &mut self.admission
    }

    /// Reserves everything for one attempt, or says why not. Nobody overtakes those who wait.
    pub fn admit(&mut self, bid: &Bid<'_>, now: Now) -> Result<Reservation, Denial> {
        self.reclaim(now);
        self.try_bid(bid, now)
    }

    fn try_bid(&mut self, bid: &Bid<'_>, now: Now) -> Result<Reservation, Denial> {
        let seat = bid.seats[1];
        let pass = match seat {
            Some(seat) => self.hurdle(seat, bid.model, bid.naming, now).map_err(Denial::Barred)?,
            None => Pass::Free,
        };
        let ask = bid.ask(pass);
        if let Some(refusal) = self.admission.refusal(&ask, now) {
            return Err(Denial::Refused(refusal));
        }
        if let Some(refusal) = self.behind(&ask) {
            return Err(Denial::Refused(refusal));
        }
        let reservation = self.admission.take(&ask, now);
        if let Some(standing) = seat.and_then(|seat| self.standings.get_mut(seat.index())?.as_mut()) {
            self.attempts += 1;
            standing.enter(bid.model, pass, self.attempts, now.mono);
        }
        Ok(reservation)
    }

    /// Somebody waits for a limit or a budget that this attempt would use too.
    fn behind(&self, ask: &Ask<'_>) -> Option<Refusal> {
        let met = |gate: &Gate| Some((*gate, self.admission.reach(*gate, ask)?));
        let (gate, reach) = self.queue.claims().iter().find_map(met)?;
        Some(Refusal { why: Why::Queue, gate, reach, after_ms: None })
    }

    /// Ends an attempt. Then [`Switchboard::wake`] who waited for its place.
    pub fn settle(&mut self, reservation: Reservation, ending: &Ending<'_>, now: Now) {
        let released = self.admission.settle(reservation, ending.spent, now);
        self.learn(released, ending, now);
        self.reclaim(now);
    }

    fn learn(&mut self, released: Released, ending: &Ending<'_>, now: Now) {
        let Some(seat) = released.connection else { return };
        let Some(standing) = self.standings.get_mut(seat.index()).and_then(Option::as_mut) else { return };
        let rests = standing.observe(ending.model, ending.signal, now.mono);
        let learnt = standing.learn(ending.model, ending.verdict, (released.pass, released.at), now);
        if let Some(Subject::Connection(id)) = self.admission.subject(seat) {
            let changes = learnt.into_iter().chain([rests]).flatten();
            self.events.extend(changes.map(|change| event(*id, ending.model, change)));
        }
    }

    /// Gives back what was dropped instead of settled.
    fn reclaim(&mut self, now: Now) {
        while let Some(released) = self.admission.reclaim(now) {
            let ending = Ending {
                model: "",
                spent: Spent::default(),
                verdict: Verdict::Unknown,
                signal: Signal::default(),
            };
            self.learn(released, &ending, now);
            self.wakes_at = (self.waiting() > 0).then_some(now.mono).or(self.wakes_at);
        }
    }

    /// Waits for room at any of these candidates, each with its number in the plan, until `until`.
    pub fn wait(&mut self, bids: &[(usize, Bid<'_>)], until: Mono, now: Now) -> Wait {
        let ticket = self.queue.next_ticket();
        let Some((_, first)) = bids.first().filter(|_| self.queue.waiters.len() < LONGEST) else {
            return Wait::Crowded;
        };
        let wish = |(candidate, bid): &(usize, Bid<'_>)| Wish {
            candidate: *candidate,
            seats: bid.seats,
            model: bid.model.to_owned(),
            naming: bid.naming,
        };
        let mut waiter = Waiter {
            ticket,
            wishes: bids.iter().map(wish).collect(),
            feature: first.feature.to_owned(),
            estimate: first.estimate,
            until,
            blocked: Vec::new(),
            refusal: None,
        };
        // Room may have come since the call was refused.
        if let Ok(wake) = self.look_at(&mut waiter, now) {
            return Wait::Over(wake);
        }
        self.queue.waiters.push_back(waiter);
        Wait::Queued(ticket)
    }

    /// A caller left. Then [`Switchboard::wake`] the others.
    pub fn cancel(&mut self, ticket: Ticket, now: Now) {
        self.queue.cancel(ticket);
        self.wakes_at = Some(now.mono);
    }

    /// Looks at everybody who waits, first come first served, and says what became of whom.
    pub fn wake(&mut self, now: Now) -> Vec<(Ticket, Wake)> {
        self.reclaim(now);
        self.wakes_at = None;
        self.queue.forget_claims();
        let waiters = std::mem::take(&mut self.queue.waiters);
        let mut still = VecDeque::with_capacity(waiters.len());
        let mut woken = Vec::new();
        for mut waiter in waiters {
            match self.look_at(&mut waiter, now) {
                Ok(wake) => woken.push((waiter.ticket, wake)),
                Err(()) => still.push_back(waiter),
            }
        }
        self.queue.waiters = still;
        woken
    }

    /// One look at one waiter: its end, or `Err` while it goes on waiting.
    fn look_at(&mut self, waiter: &mut Waiter, now: Now) -> Result<Wake, ()> {
        waiter.blocked.clear();
        let mut hurdle = None;
        let mut hope = Hope::Nobody;
        let mut soonest = waiter.until;
        for wish in &waiter.wishes {
            match self.try_bid(&waiter.bid(wish), now) {
                Ok(reservation) => return Ok(Wake::Granted(wish.candidate, reservation)),
                Err(Denial::Barred(why)) => hurdle = Some(why),
                Err(Denial::Refused(refusal)) => {
                    hope = hope.max(if refusal.may_pass_soon() { Hope::Soon } else { Hope::Later });
                    waiter.blocked.push(refusal.gate);
                    // A budget may also begin anew before a call that holds the rest of it ends.
                    let resets_ms = self.admission.resets_in(refusal.gate, now);
                    let opens_ms = refusal.after_ms.into_iter().chain(resets_ms).min();
                    soonest = opens_ms.map_or(soonest, |ms| soonest.min(now.mono.plus_ms(ms)));
                    waiter.refusal = Some(refusal);
                }
            }
        }
        if now.mono >= waiter.until {
            return Ok(Wake::TimedOut(waiter.refusal));
        }
        if let Some(hurdle) = hurdle.filter(|_| hope == Hope::Nobody) {
            return Ok(Wake::Barred(hurdle));
        }
        // What they waited for was used up meanwhile: a budget, a day.
        if hope == Hope::Later {
            return Ok(Wake::TimedOut(waiter.refusal));
        }
        // Only who goes on waiting claims: nobody queues behind somebody who has left.
        waiter.blocked.iter().for_each(|gate| self.queue.claim(*gate));
        self.wakes_at = Some(self.wakes_at.map_or(soonest, |known| known.min(soonest)));
        Err(())
    }

    /// When time alone may have something to say to somebody who waits.
    pub fn wakes_at(&self) -> Option<Mono> {
        self.wakes_at
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.queue.waiters.len()
    }

    /// What happened since the last time.
    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }
}

/// Whether a candidate may have room while somebody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hope {
    Nobody,
    Later,
    Soon,
}

fn event(connection: ConnectionId, model: &str, change: Change) -> Event {
    Event { connection, model: model.to_owned(), change }
}

fn limits_of(fleet: &Fleet) -> Vec<(Subject, Allowed)> {
    let concurrent = |most| Allowed { concurrent: most, ..Allowed::default() };
    let mut limits: Vec<(Subject, Allowed)> = Vec::new();
    for connection in &fleet.connections {
        let provider = Subject::Provider(connection.provider.clone());
        if !limits.iter().any(|(subject, _)| *subject == provider) {
            limits.push((provider, concurrent(connection.facts.max_concurrent_requests)));
        }
    }
    let connections = fleet.connections.iter();
    limits.extend(connections.map(|one| (Subject::Connection(one.id), one.limits.into())));
    let profiles = fleet.profiles.iter();
    limits.extend(profiles.map(|one| (Subject::Profile(one.id), one.conduct.limits.into())));
    limits.extend(fleet.apps.iter().map(|(app, allowed)| (Subject::App(*app), *allowed)));
    limits
}
