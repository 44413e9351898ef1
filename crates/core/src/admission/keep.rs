//! What survives a restart (R3, R6).

use serde::{Deserialize, Serialize};

use super::allowance::Kept;
use super::meter::KeptMeter;
use super::{Admission, Ask, Estimate, Seat, Subject};
use crate::breaker::Pass;
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
pub struct Recalled<'a> {
    /// Provider, connection, profile, app.
    pub seats: [Option<Seat>; 4],
    /// Its feature.
    pub feature: &'a str,
    /// When it began.
    pub at: Timestamp,
    /// What it took.
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

    /// Counts an attempt of the past. Attempts are recalled oldest first, before the first call is admitted.
    pub fn recall(&mut self, past: &Recalled<'_>, now: Now) {
        let ago = now.wall.since_ms(past.at);
        let today = self.calendar.at(past.at);
        let mono = crate::time::Mono(now.mono.0.saturating_sub(ago));
        for seat in past.seats.into_iter().flatten() {
            let allowance = &mut self.allowances[seat.index()];
            let entry = allowance.take(past.used.tokens, mono, today);
            allowance.settle(entry, Some(past.used.tokens));
        }
        let ask = Ask { seats: past.seats, feature: past.feature, estimate: past.used, pass: Pass::Free };
        let mut held = Vec::new();
        self.meters.take(&ask, today, &mut held, &mut self.level_events);
        for budget in held {
            let days = (today.day.key, today.month.key);
            self.meters.settle(budget, past.used, Some(past.used), days);
        }
    }
}
