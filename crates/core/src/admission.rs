//! May an attempt start now? Limits, windows, budgets, and the reservation that counts against all of them (behaviours R, N1).
//!
//! # The life of a reservation
//!
//! The engine holds one [`Switchboard`](crate::switchboard::Switchboard), which holds the one [`Admission`], behind one lock. It
//! never awaits with the lock held; every call below takes a few microseconds.
//!
//! 1. **Configure.** When the configuration's version changed: `Switchboard::configure(fleet)`. Counters, breakers and waiting
//!    callers stay; the answer is the [`Directory`](crate::route::Directory) that plans are made from until the next change.
//! 2. **Plan** the call ([`plan`](crate::route::plan)) and begin a [`Pursuit`](crate::route::Pursuit) of it.
//! 3. **Admit** the pursuit's candidate: `Switchboard::admit(&ask)`. All or nothing: every limit is asked in the fixed order
//!    concurrency, windows, day, tokens, budget, and for each of them provider, connection, profile, app; only if none refuses is
//!    anything counted. The answer is a [`Reservation`], or why not; a refusal goes to `Pursuit::refused`.
//! 4. **Wait** where the pursuit says so: `Switchboard::wait(…)` gives a ticket. After every settlement, and at the moment that
//!    `Switchboard::wakes_at` names, the engine calls `Switchboard::wake` and hands each verdict to its ticket's caller. A caller
//!    that leaves cancels its ticket; one that lost that race drops the reservation that came for it.
//! 5. **Send.** The engine keeps the reservation in the guard that makes the call's row in the ledger. Immediately before the
//!    first byte may leave: [`Reservation::mark_sent`].
//! 6. **Settle**, on success, error and cancel alike: `Switchboard::settle(reservation, ending)`. What was used replaces the
//!    estimate; what is not known leaves the estimate standing; what was not sent is refunded. The guard's `Drop` settles too, as
//!    cancelled. Where even that does not run, the reservation's own `Drop` reports it, and it is given back at the next touch.
//! 7. **Recall.** After a restart, [`Admission::recall`] counts what the ledger has of the day and of the longest window, before
//!    the first call: not even a crash forgives a request. Budgets are told what the ledger holds of their period by
//!    [`Admission::book`], again and again: what it holds beyond this process's own was spent by others on the folder.

mod allowance;
pub mod calendar;
mod keep;
mod meter;
mod refusal;
mod reservation;
#[cfg(test)]
mod tests;
mod window;

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender, channel};

use jiff::tz::TimeZone;

pub use allowance::{Allowed, Used};
pub use keep::{Booked, Counters, Recalled};
pub use meter::{BudgetUse, LevelEvent};
pub use refusal::{Gate, Reach, Refusal, Why};
pub use reservation::{Estimate, Reservation, Sent, Spent};
pub use window::Rate;

use self::allowance::{Allowance, Full};
use self::calendar::{Calendar, PeriodKey, Today};
use self::meter::Meters;
use self::reservation::Stray;
use crate::breaker::Pass;
use crate::budget::Budget;
use crate::id::{AppId, BudgetId, ConnectionId, ProfileId};
use crate::time::{Mono, Now};

/// What limits belong to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Subject {
    /// By its slug.
    Provider(String),
    /// By its row.
    Connection(ConnectionId),
    /// By its row.
    Profile(ProfileId),
    /// By its row.
    App(AppId),
}

impl Subject {
    /// How far a refusal by its limits reaches.
    pub fn reach(&self) -> Reach {
        match self {
            Self::Provider(_) | Self::Connection(_) => Reach::Candidate,
            Self::Profile(_) | Self::App(_) => Reach::Call,
        }
    }
}

/// A subject's place in the tables; good until the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seat(pub(crate) u32);

impl Seat {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A budget's place in the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BudgetSeat(u32);

/// What one attempt asks for.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Provider, connection, profile, app: those that it has.
    pub seats: [Option<Seat>; 4],
    /// What the call is for; may be empty.
    pub feature: &'a str,
    /// What it may take.
    pub estimate: Estimate,
    /// How its connection's breaker let it through.
    pub pass: Pass,
}

impl Ask<'_> {
    /// The connection.
    pub fn connection(&self) -> Option<Seat> {
        self.seats[1]
    }
}

/// A reservation as the tables know it.
#[derive(Clone, Debug)]
struct Hold {
    is_open: Openness,
    seats: [Option<Seat>; 4],
    entries: [u64; 4],
    budgets: Vec<BudgetSeat>,
    estimate: Estimate,
    pass: Pass,
    at: Mono,
    days: (PeriodKey, PeriodKey),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Openness {
    Open,
    Free,
}

/// What a settled reservation was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Released {
    /// Its connection.
    pub connection: Option<Seat>,
    /// How its breaker had let it through.
    pub pass: Pass,
    /// When it was taken.
    pub at: Mono,
}

/// All limits and what is used of them.
#[derive(Debug)]
pub struct Admission {
    calendar: Calendar,
    allowances: Vec<Allowance>,
    subjects: Vec<Subject>,
    seats: HashMap<Subject, Seat>,
    meters: Meters,
    holds: Vec<Hold>,
    free: Vec<u32>,
    latest: Mono,
    strays: (Sender<Stray>, Receiver<Stray>),
    level_events: Vec<LevelEvent>,
}

/// The order in which limits are asked (R1); budgets come last.
const KINDS: [Why; 4] = [Why::Concurrency, Why::Rate, Why::Day, Why::Tokens];

impl Admission {
    /// Nothing is limited yet. Days are cut in `zone`.
    pub fn new(zone: TimeZone) -> Self {
        Self {
            calendar: Calendar::new(zone),
            allowances: Vec::new(),
            subjects: Vec::new(),
            seats: HashMap::new(),
            meters: Meters::default(),
            holds: Vec::new(),
            free: Vec::new(),
            latest: Mono(0),
            strays: channel(),
            level_events: Vec::new(),
        }
    }

    /// Sets all limits and budgets. Subjects that are not named keep their counters and lose their limits.
    pub fn configure(&mut self, limits: impl IntoIterator<Item = (Subject, Allowed)>, budgets: Vec<Budget>) {
        for allowance in &mut self.allowances {
            allowance.allowed = Allowed::default();
        }
        for (subject, allowed) in limits {
            let seat = self.seat_for(subject);
            self.allowances[seat.index()].allowed = allowed;
        }
        let seats = &self.seats;
        self.meters.configure(budgets, |subject| seats.get(subject).copied());
    }

    /// Cuts days in another zone from now on.
    pub fn set_zone(&mut self, zone: TimeZone) {
        self.calendar = Calendar::new(zone);
    }

    /// The seat of a subject that was configured.
    pub fn seat(&self, subject: &Subject) -> Option<Seat> {
        self.seats.get(subject).copied()
    }

    /// Who sits there.
    pub fn subject(&self, seat: Seat) -> Option<&Subject> {
        self.subjects.get(seat.index())
    }

    /// Whose budget that is.
    pub fn budget(&self, seat: BudgetSeat) -> Option<BudgetId> {
        self.meters.id(seat)
    }

    /// How far a refusal there reaches; `None` where the attempt does not meet that limit or budget.
    pub(crate) fn reach(&self, gate: Gate, ask: &Ask<'_>) -> Option<Reach> {
        match gate {
            Gate::Seat(seat) => ask
                .seats
                .contains(&Some(seat))
                .then(|| self.subjects.get(seat.index()).map(Subject::reach))?,
            Gate::Budget(budget) => self.meters.reach(budget, ask),
        }
    }

    /// In how many milliseconds a budget begins anew; `None` of a limit.
    pub(crate) fn resets_in(&mut self, gate: Gate, now: Now) -> Option<u64> {
        let Gate::Budget(budget) = gate else { return None };
        let (_, today) = self.moment(now);
        Some(today.span(self.meters.period(budget)?).range.to.since_ms(now.wall))
    }

    fn seat_for(&mut self, subject: Subject) -> Seat {
        let next = Seat(u32::try_from(self.allowances.len()).unwrap_or(u32::MAX));
        let seat = *self.seats.entry(subject.clone()).or_insert(next);
        if seat == next {
            self.allowances.push(Allowance::default());
            self.subjects.push(subject);
        }
        seat
    }

    /// Why this attempt may not start now. Nothing is counted.
    pub fn refusal(&mut self, ask: &Ask<'_>, now: Now) -> Option<Refusal> {
        let (now, today) = self.moment(now);
        for why in KINDS {
            for seat in ask.seats.into_iter().flatten() {
                let full = self.allowances[seat.index()].check(why, ask.estimate.tokens, now, today);
                if let Some(Full { after_ms }) = full {
                    let reach = self.subjects[seat.index()].reach();
                    return Some(Refusal { why, gate: Gate::Seat(seat), reach, after_ms });
                }
            }
        }
        self.meters.check(ask, now, today)
    }

    /// Reserves everything, or nothing.
    pub fn admit(&mut self, ask: &Ask<'_>, now: Now) -> Result<Reservation, Refusal> {
        match self.refusal(ask, now) {
            Some(refusal) => Err(refusal),
            None => Ok(self.take(ask, now)),
        }
    }

    pub(crate) fn take(&mut self, ask: &Ask<'_>, now: Now) -> Reservation {
        let (now, today) = self.moment(now);
        let index = self.free.pop().unwrap_or_else(|| self.add_hold());
        let hold = &mut self.holds[index as usize];
        for (entry, seat) in hold.entries.iter_mut().zip(ask.seats) {
            if let Some(seat) = seat {
                *entry = self.allowances[seat.index()].take(ask.estimate.tokens, now.mono, today);
            }
        }
        hold.budgets.clear();
        self.meters.take(ask, today, &mut hold.budgets, &mut self.level_events);
        (hold.seats, hold.estimate, hold.pass) = (ask.seats, ask.estimate, ask.pass);
        (hold.at, hold.days) = (now.mono, (today.day.key, today.month.key));
        hold.is_open = Openness::Open;
        Reservation { index, sent: Sent::Nothing, strays: Some(self.strays.0.clone()) }
    }

    fn add_hold(&mut self) -> u32 {
        self.holds.push(Hold {
            is_open: Openness::Free,
            seats: [None; 4],
            entries: [0; 4],
            budgets: Vec::new(),
            estimate: Estimate::default(),
            pass: Pass::Free,
            at: Mono(0),
            days: (0, 0),
        });
        u32::try_from(self.holds.len() - 1).unwrap_or(u32::MAX)
    }

    /// Ends an attempt.
    pub fn settle(&mut self, mut reservation: Reservation, spent: Spent, now: Now) -> Released {
        reservation.strays = None;
        self.give_back(reservation.index, reservation.sent, spent, now)
    }

    /// Gives back one reservation that was dropped; `None` when there is none.
    pub fn reclaim(&mut self, now: Now) -> Option<Released> {
        let stray = self.strays.1.try_recv().ok()?;
        Some(self.give_back(stray.index, stray.sent, Spent::default(), now))
    }

    fn give_back(&mut self, index: u32, sent: Sent, known: Spent, now: Now) -> Released {
        let (_, today) = self.moment(now);
        let hold = &mut self.holds[index as usize];
        for (entry, seat) in hold.entries.into_iter().zip(hold.seats) {
            let Some(allowance) = seat.and_then(|seat| self.allowances.get_mut(seat.index())) else {
                continue;
            };
            match sent {
                Sent::Nothing => allowance.refund(entry, hold.at, hold.days.0),
                Sent::Something => allowance.settle(entry, known.tokens),
            }
        }
        for budget in &hold.budgets {
            let known = (sent == Sent::Something).then_some(known);
            self.meters.settle(*budget, hold.estimate, known, hold.days);
        }
        self.meters.look(&hold.budgets, today, &mut self.level_events);
        hold.is_open = Openness::Free;
        self.free.push(index);
        Released { connection: hold.seats[1], pass: hold.pass, at: hold.at }
    }

    /// How much of a subject's allowance is used.
    pub fn used(&mut self, seat: Seat, now: Now) -> Used {
        let (_, today) = self.moment(now);
        self.allowances
            .get_mut(seat.index())
            .map_or_else(Used::default, |allowance| allowance.used(now.mono, today))
    }

    /// How far a budget is used in its period.
    pub fn budget_used(&mut self, budget: BudgetId, now: Now) -> Option<BudgetUse> {
        let (_, today) = self.moment(now);
        self.meters.used(budget, today)
    }

    /// The cap of a budget in its period now, with what was added to it.
    pub fn budget_cap(&mut self, budget: BudgetId, now: Now) -> Option<u64> {
        let (_, today) = self.moment(now);
        self.meters.cap(budget, today)
    }

    /// The day and month of a moment: their ends are when counts begin anew.
    pub fn today(&mut self, now: Now) -> Today {
        self.calendar.at(now.wall)
    }

    /// Reservations that are not settled yet.
    pub fn open(&self) -> usize {
        self.holds.len() - self.free.len()
    }

    /// Where a call goes instead of where it wanted to, because a budget that degrades it is used up.
    pub fn detour(&mut self, ask: &Ask<'_>, now: Now) -> Option<&str> {
        let (_, today) = self.moment(now);
        self.meters.detour(ask, today)
    }

    /// What budgets have to say since the last time. Also called by a timer: a period ends without a call, too.
    pub fn level_events(&mut self, now: Now) -> Vec<LevelEvent> {
        let (_, today) = self.moment(now);
        self.meters.look_at_all(today, &mut self.level_events);
        std::mem::take(&mut self.level_events)
    }

    /// Threads read the clock before they take the lock, so moments may arrive in the wrong order by a little.
    fn moment(&mut self, now: Now) -> (Now, Today) {
        self.latest = self.latest.max(now.mono);
        (Now { mono: self.latest, wall: now.wall }, self.calendar.at(now.wall))
    }
}
