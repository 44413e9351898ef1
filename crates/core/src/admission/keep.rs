//! What survives a restart (R3, R6).

use serde::{Deserialize, Serialize};

use super::allowance::Kept;
use super::calendar::{Period, PeriodKey};
use super::meter::KeptMeter;
use super::{Admission, Estimate, Seat, Subject};
use crate::budget::Announced;
use crate::id::BudgetId;
use crate::time::{Now, Timestamp};

/// All counters at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    at: Timestamp,
    subjects: Vec<(Subject, Kept)>,
    budgets: Vec<KeptMeter>,
}

impl Counters {
    /// When they were kept: later rows of the ledger are recalled.
    pub fn at(&self) -> Timestamp {
        self.at
    }
}

/// An attempt that the ledger knows and the kept counters do not.
#[derive(Clone, Copy, Debug)]
pub struct Recalled {
    /// Provider, connection, profile, app.
    pub seats: [Option<Seat>; 4],
    /// When it began.
    pub at: Timestamp,
    /// Its tokens.
    pub tokens: u64,
}

/// What the ledger holds of attempts with the same labels.
#[derive(Clone, Copy, Debug)]
pub struct Booked<'a> {
    /// Provider, connection, profile, app.
    pub seats: [Option<Seat>; 4],
    /// Their feature.
    pub feature: &'a str,
    /// How many.
    pub requests: u64,
    /// What they took, as far as it is known.
    pub used: Estimate,
}

impl Admission {
    /// The counters as they are now.
    pub fn keep(&mut self, now: Now) -> Counters {
        let (now, _) = self.moment(now);
        let subjects = self.subjects.iter().zip(&self.allowances);
        Counters {
            at: now.wall,
            subjects: subjects
                .map(|(subject, allowance)| (subject.clone(), allowance.keep(now.mono)))
                .collect(),
            budgets: self.meters.keep(),
        }
    }

    /// Takes up the counters of an earlier run, after [`Admission::configure`]. The wall clock tells how long nobody ran; if it was
    /// set back meanwhile, no time has passed, which is too strict and never too lenient.
    pub fn restore(&mut self, counters: &Counters, now: Now) {
        let (now, _) = self.moment(now);
        let away_ms = now.wall.since_ms(counters.at);
        for (subject, kept) in &counters.subjects {
            let seat = self.seat_for(subject.clone());
            self.allowances[seat.index()].restore(kept, away_ms, now.mono);
        }
        self.meters.restore(&counters.budgets);
    }

    /// Counts an attempt of the past against limits. Attempts are recalled oldest first, before the first call is admitted.
    pub fn recall(&mut self, past: &Recalled, now: Now) {
        let ago = now.wall.since_ms(past.at);
        let today = self.calendar.at(past.at);
        let mono = crate::time::Mono(now.mono.0.saturating_sub(ago));
        for seat in past.seats.into_iter().flatten() {
            let allowance = &mut self.allowances[seat.index()];
            let entry = allowance.take(past.tokens, mono, today);
            allowance.settle(entry, Some(past.tokens));
        }
    }

    /// Budgets begin to be told anew what the ledger holds.
    pub fn close_books(&mut self) {
        self.meters.close_books();
    }

    /// Tells budgets what the ledger holds, of the day and the month that hold `at`, or of one of the two only.
    pub fn book(&mut self, booked: &Booked<'_>, only: Option<Period>, at: Timestamp) {
        let today = self.calendar.at(at);
        self.meters.book(booked, only, today);
    }

    /// Budgets have been told everything that the ledger holds now.
    pub fn balance_books(&mut self) {
        self.meters.balance();
    }

    /// What a budget has spoken of in that period before this process began.
    pub fn announced(&mut self, budget: BudgetId, period: PeriodKey, level: u16) {
        self.meters.announced(budget, Announced::known(period, level));
    }
}
