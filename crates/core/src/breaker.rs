//! The breaker of a connection: stops asking what does not answer, and finds out by itself when it does again (F4).

use std::collections::VecDeque;

use crate::health::Trial;
use crate::time::Mono;

/// So many failures …
const FAILURES: usize = 5;
/// … within so many milliseconds …
const WITHIN_MS: u64 = 5 * 60_000;
/// … among so many attempts that count: five failures in five minutes of a thousand answers are no outage.
const AMONG: usize = 2 * FAILURES;
/// The first rest; each probe that fails doubles it …
const COOLDOWN_MS: u64 = 30_000;
/// … up to here.
const COOLDOWN_CAP_MS: u64 = 15 * 60_000;

/// How a breaker let an attempt through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pass {
    /// It is closed.
    #[default]
    Free,
    /// As the one probe of a half-open breaker.
    Probe,
}

/// What an attempt did to its breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It opened, or stays open for longer.
    Opened {
        /// No attempt before.
        until: Mono,
    },
    /// It closed.
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open {
        until: Mono,
        cooldown_ms: u64,
    },
    /// The probe is on its way.
    Probing {
        cooldown_ms: u64,
    },
}

/// A breaker.
#[derive(Clone, Debug)]
pub struct Breaker {
    state: State,
    /// The last attempts that counted: when, and whether they failed.
    recent: VecDeque<(Mono, Trial)>,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { state: State::Closed, recent: VecDeque::new() }
    }
}

impl Breaker {
    /// How an attempt would pass now, or from when on one may.
    pub fn pass(&self, now: Mono) -> Result<Pass, Mono> {
        match self.state {
            State::Closed => Ok(Pass::Free),
            State::Open { until, .. } if now >= until => Ok(Pass::Probe),
            State::Open { until, .. } => Err(until),
            // How long a probe takes nobody knows; in a second it is worth asking again.
            State::Probing { .. } => Err(now.plus_ms(1_000)),
        }
    }

    /// An attempt begins with that pass. From here on there is no second probe until this one has ended.
    pub fn enter(&mut self, pass: Pass) {
        if let (Pass::Probe, State::Open { cooldown_ms, .. }) = (pass, self.state) {
            self.state = State::Probing { cooldown_ms };
        }
    }

    /// An attempt was answered. One that had begun before the breaker opened proves nothing about now.
    pub fn answered(&mut self, pass: Pass, now: Mono) -> Option<Turn> {
        match (pass, self.state) {
            (Pass::Probe, State::Probing { .. }) => {
                *self = Self::default();
                Some(Turn::Closed)
            }
            (_, State::Closed) => {
                self.note(now, Trial::Answered);
                None
            }
            _ => None,
        }
    }

    /// An attempt failed, and it was the connection's fault.
    pub fn failed(&mut self, pass: Pass, now: Mono) -> Option<Turn> {
        match (pass, self.state) {
            (Pass::Probe, State::Probing { cooldown_ms }) => {
                Some(self.open(now, (cooldown_ms * 2).min(COOLDOWN_CAP_MS)))
            }
            (_, State::Closed) => {
                self.note(now, Trial::Failed);
                let failures = self
                    .recent
                    .iter()
                    .filter(|(at, trial)| *trial == Trial::Failed && now.since_ms(*at) <= WITHIN_MS);
                (failures.count() >= FAILURES).then(|| self.open(now, COOLDOWN_MS))
            }
            _ => None,
        }
    }

    /// An attempt ended without telling anything: cancelled, or a mistake of its caller's. The next one may probe.
    pub fn abandoned(&mut self, pass: Pass, now: Mono) {
        if let (Pass::Probe, State::Probing { cooldown_ms }) = (pass, self.state) {
            self.state = State::Open { until: now, cooldown_ms };
        }
    }

    /// Until when it rests; `None` while it is closed.
    pub fn open_until(&self, now: Mono) -> Option<Mono> {
        match self.state {
            State::Closed => None,
            State::Open { until, .. } => Some(until),
            State::Probing { .. } => Some(now),
        }
    }

    /// What survives a restart: until when it rests, and for how long it rested.
    pub fn keep(&self, now: Mono) -> Option<(Mono, u64)> {
        match self.state {
            State::Closed => None,
            State::Open { until, cooldown_ms } => Some((until, cooldown_ms)),
            State::Probing { cooldown_ms } => Some((now, cooldown_ms)),
        }
    }

    /// A breaker that was open when the last run ended. A rest longer than the cap is a clock that was set.
    pub fn restored(until: Mono, cooldown_ms: u64, now: Mono) -> Self {
        let until = until.min(now.plus_ms(COOLDOWN_CAP_MS));
        Self { state: State::Open { until, cooldown_ms }, recent: VecDeque::new() }
    }

    fn open(&mut self, now: Mono, cooldown_ms: u64) -> Turn {
        let until = now.plus_ms(cooldown_ms);
        self.recent.clear();
        self.state = State::Open { until, cooldown_ms };
        Turn::Opened { until }
    }

    fn note(&mut self, now: Mono, trial: Trial) {
        if self.recent.len() == AMONG {
            self.recent.pop_front();
        }
        self.recent.push_back((now, trial));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(from: u64, step: u64) -> (Breaker, Option<Turn>) {
        let mut breaker = Breaker::default();
        let turns = (0..5).map(|n| breaker.failed(Pass::Free, Mono(from + n * step)));
        let last = turns.last().flatten();
        (breaker, last)
    }

    #[test]
    fn f4_five_failures_within_five_minutes_open_it_and_not_slower_ones() {
        assert_eq!(broken(0, 75_000).1, Some(Turn::Opened { until: Mono(330_000) }));
        assert_eq!(broken(0, 75_001).1, None);
    }

    #[test]
    fn f4_few_failures_among_many_answers_are_no_outage() {
        let mut breaker = Breaker::default();
        for n in 0..1_000 {
            let turn = breaker.failed(Pass::Free, Mono(n));
            assert_eq!(turn, None);
            for _ in 0..2 {
                breaker.answered(Pass::Free, Mono(n));
            }
        }
    }

    #[test]
    fn f4_half_open_lets_exactly_one_probe_through() {
        let (mut breaker, _) = broken(0, 0);
        assert_eq!(breaker.pass(Mono(29_999)), Err(Mono(30_000)));
        assert_eq!(breaker.pass(Mono(30_000)), Ok(Pass::Probe));
        breaker.enter(Pass::Probe);
        assert!(breaker.pass(Mono(30_001)).is_err());
        breaker.abandoned(Pass::Probe, Mono(30_002));
        assert_eq!(breaker.pass(Mono(30_002)), Ok(Pass::Probe), "a probe that told nothing makes way");
    }

    #[test]
    fn trap4_a_connection_in_error_heals_by_itself() {
        let (mut breaker, _) = broken(0, 0);
        let mut now = Mono(0);
        for rest_ms in [30_000, 60_000, 120_000, 240_000, 480_000, 900_000, 900_000] {
            assert_eq!(breaker.pass(now.plus_ms(rest_ms - 1)), Err(now.plus_ms(rest_ms)));
            now = now.plus_ms(rest_ms);
            assert_eq!(breaker.pass(now), Ok(Pass::Probe));
            breaker.enter(Pass::Probe);
            assert!(matches!(breaker.failed(Pass::Probe, now), Some(Turn::Opened { .. })));
        }
        now = now.plus_ms(900_000);
        breaker.enter(Pass::Probe);
        assert_eq!(breaker.answered(Pass::Probe, now), Some(Turn::Closed));
        assert_eq!(breaker.pass(now), Ok(Pass::Free));
        assert_eq!(broken(0, 0).1, Some(Turn::Opened { until: Mono(30_000) }), "and begins anew");
    }

    #[test]
    fn f4_a_late_answer_from_before_the_outage_closes_nothing() {
        let (mut breaker, _) = broken(0, 0);
        assert_eq!(breaker.answered(Pass::Free, Mono(10)), None);
        assert_eq!(breaker.failed(Pass::Free, Mono(20)), None, "nor does a late failure prolong it");
        assert_eq!(breaker.pass(Mono(30_000)), Ok(Pass::Probe));
    }
}
