//! Is a connection well? One value, the same in every place that shows it (behaviours F9).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The rolling window: so many attempts at most …
pub const WINDOW_ATTEMPTS: u32 = 50;
/// … and none older than this, in milliseconds.
pub const WINDOW_MS: i64 = 24 * crate::time::HOUR_MS;
const HEALTHY_BP: u32 = 9_500;
const WARNING_ERRORS: u32 = 5;

/// How well a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// No attempts in the window.
    Unknown,
    /// At least 95 % answered.
    Healthy,
    /// Less than that.
    Degraded,
    /// Five errors or more in a row.
    Warning,
    /// Its breaker is open, or it needs a person's attention.
    Critical,
}

/// What health is judged by. Only outcomes that count are counted: a bad prompt or a local limit is not here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    /// Answered within the window.
    pub answered: u32,
    /// Failed within the window.
    pub failed: u32,
    /// Errors since the last answer.
    pub consecutive_errors: u32,
    /// A refused key or an exhausted account.
    pub needs_attention: bool,
    /// The breaker is open.
    pub breaker_open: bool,
}

impl Vitals {
    /// Share answered in basis points (9,980 = 99.8 %); `None` without attempts.
    pub fn success_bp(&self) -> Option<u32> {
        let all = self.answered.checked_add(self.failed).filter(|all| *all > 0)?;
        u32::try_from(u64::from(self.answered) * 10_000 / u64::from(all)).ok()
    }

    /// The verdict.
    pub fn health(&self) -> Health {
        if self.breaker_open || self.needs_attention {
            return Health::Critical;
        }
        match self.success_bp() {
            None => Health::Unknown,
            Some(_) if self.consecutive_errors >= WARNING_ERRORS => Health::Warning,
            Some(share) if share >= HEALTHY_BP => Health::Healthy,
            Some(_) => Health::Degraded,
        }
    }
}

/// How an attempt that counts came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trial {
    /// The connection answered.
    Answered,
    /// It failed, and it was its own fault or its account's.
    Failed,
}

/// The last attempts of a connection that count, newest last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    trials: VecDeque<(Timestamp, Trial)>,
    consecutive_errors: u32,
}

impl Record {
    /// Notes an attempt.
    pub fn note(&mut self, at: Timestamp, trial: Trial) {
        if self.trials.len() == WINDOW_ATTEMPTS as usize {
            self.trials.pop_front();
        }
        self.trials.push_back((at, trial));
        self.consecutive_errors = match trial {
            Trial::Answered => 0,
            Trial::Failed => self.consecutive_errors.saturating_add(1),
        };
    }

    /// What the window holds now, apart from the connection's state.
    pub fn vitals(&self, now: Timestamp) -> Vitals {
        let mut vitals = Vitals { consecutive_errors: self.consecutive_errors, ..Vitals::default() };
        for (_, trial) in self.trials.iter().filter(|(at, _)| at.0 > now.0.saturating_sub(WINDOW_MS)) {
            match trial {
                Trial::Answered => vitals.answered += 1,
                Trial::Failed => vitals.failed += 1,
            }
        }
        vitals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vitals(answered: u32, failed: u32, consecutive_errors: u32) -> Vitals {
        Vitals { answered, failed, consecutive_errors, ..Vitals::default() }
    }

    #[test]
    fn f9_health_follows_the_window() {
        assert_eq!(vitals(0, 0, 0).health(), Health::Unknown);
        assert_eq!(vitals(95, 5, 0).health(), Health::Healthy);
        assert_eq!(vitals(94, 6, 4).health(), Health::Degraded);
        assert_eq!(vitals(95, 5, 5).health(), Health::Warning);
        assert_eq!(Vitals { needs_attention: true, ..vitals(50, 0, 0) }.health(), Health::Critical);
        assert_eq!(Vitals { breaker_open: true, ..vitals(50, 0, 0) }.health(), Health::Critical);
    }

    #[test]
    fn f9_the_window_holds_fifty_attempts_of_the_last_day() {
        let mut record = Record::default();
        for n in 0..60 {
            let trial = if n < 10 { Trial::Failed } else { Trial::Answered };
            record.note(Timestamp(n), trial);
        }
        assert_eq!(record.vitals(Timestamp(60)), vitals(50, 0, 0), "the first ten have left it");
        assert_eq!(
            record.vitals(Timestamp(WINDOW_MS + 29)),
            vitals(30, 0, 0),
            "and so does what is a day old"
        );
        for n in 0..5 {
            record.note(Timestamp(100 + n), Trial::Failed);
        }
        assert_eq!(record.vitals(Timestamp(105)).health(), Health::Warning);
        assert_eq!(record.vitals(Timestamp(105 + 2 * WINDOW_MS)).health(), Health::Unknown);
    }
}
