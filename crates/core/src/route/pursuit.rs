//! A call on its way through its candidates: a loop, each at most once per round, under a cap of attempts and a deadline (F2).

use super::Candidate;
use crate::admission::{Reach, Refusal};
use crate::code::{Blame, Code, Retry, Rotate};
use crate::dialect::Failure;
use crate::profile::WhenFull;
use crate::time::Mono;

/// Attempts of one call at most, unless its profile says otherwise (F2).
pub const MAX_ATTEMPTS: u32 = 4;
/// No attempt and no wait of a call begins later than so many milliseconds after its arrival.
pub const DEADLINE_MS: u64 = 300_000;
/// A provider's wish to wait is followed at the same connection only when it is as short as this, in milliseconds.
const SHORT_WAIT_MS: u64 = 2_000;
const BACKOFF_MS: u64 = 250;
const BACKOFF_CAP_MS: u64 = 4_000;

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The same connection again, after so many milliseconds.
    Same {
        /// Wait so long first.
        after_ms: u64,
    },
    /// The same connection at once, with its standby credential (K3).
    Standby,
    /// The candidate that [`Pursuit::candidate`] names now, at once.
    Candidate,
    /// Wait in the queue for one of [`Pursuit::full`], for so many milliseconds at most.
    Wait {
        /// At most.
        up_to_ms: u64,
    },
    /// Tell the caller.
    GiveUp,
}

/// Whether a connection has a standby credential that was not tried in this call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standby {
    /// None.
    #[default]
    Absent,
    /// One that is ready.
    Ready,
}

/// Under which terms a call is pursued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Attempts at most.
    pub attempts: u32,
    /// No attempt, and no wait, begins later.
    pub deadline: Mono,
    /// What happens when a connection is full.
    pub when_full: WhenFull,
}

impl Default for Terms {
    fn default() -> Self {
        Self { attempts: MAX_ATTEMPTS, deadline: Mono(u64::MAX), when_full: WhenFull::default() }
    }
}

/// What a failed attempt is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Failed<'a> {
    /// Why it failed.
    pub failure: &'a Failure,
    /// Whether another credential is at hand.
    pub standby: Standby,
    /// A random number, from which full jitter is taken.
    pub jitter: u64,
}

/// The state of one call.
#[derive(Clone, Debug, Default)]
pub struct Pursuit {
    terms: Terms,
    candidate: usize,
    /// All candidates before this one had their turn.
    frontier: usize,
    tries_here: u32,
    standby_used: bool,
    attempts: u32,
    full: Vec<usize>,
    /// Connections whose own fault or account ended an attempt: another model there is no way out.
    failed_at: Vec<usize>,
    /// All waits of a call together end then.
    wait_until: Option<Mono>,
}

impl Pursuit {
    /// A call that begins at its first candidate.
    pub fn new(terms: Terms) -> Self {
        Self { terms, ..Self::default() }
    }

    /// The candidate to try now, counted from 0.
    pub fn candidate(&self) -> usize {
        self.candidate
    }

    /// The number of the attempt that is being made now, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempts + 1
    }

    /// The candidates that were full and were not tried, in their order.
    pub fn full(&self) -> &[usize] {
        &self.full
    }

    /// How many milliseconds are left until no attempt and no wait begins any more.
    pub fn left_ms(&self, now: Mono) -> u64 {
        self.terms.deadline.since_ms(now)
    }

    /// The current candidate has no room now.
    pub fn refused(&mut self, refusal: &Refusal, candidates: &[Candidate<'_>], now: Mono) -> Next {
        if self.terms.when_full == WhenFull::Fail {
            return Next::GiveUp;
        }
        let was_tried = self.tries_here > 0;
        if refusal.may_pass_soon() && !was_tried {
            self.full.push(self.candidate);
        }
        if refusal.reach == Reach::Call {
            // No other connection would change it; when it is over, any of them will do.
            if refusal.may_pass_soon() {
                self.full.extend(self.frontier + 1..candidates.len());
                self.forget_spoilt(candidates);
            }
            self.frontier = candidates.len();
            return self.wait(now).unwrap_or(Next::GiveUp);
        }
        match self.terms.when_full {
            WhenFull::Wait { .. } => self.wait(now).unwrap_or_else(|| self.rotate(candidates, now)),
            _ => self.rotate(candidates, now),
        }
    }

    /// The current candidate is no longer one: it was paused, its breaker opened, it rests.
    pub fn barred(&mut self, candidates: &[Candidate<'_>], now: Mono) -> Next {
        self.rotate(candidates, now)
    }

    /// The candidate to ask beside the current one, because that one is slow: the next, where it is another connection and two
    /// more attempts may be made.
    pub fn beside(&self, candidates: &[Candidate<'_>]) -> Option<usize> {
        let next = self.frontier + 1;
        let id = |index: usize| candidates.get(index).map(|candidate| candidate.connection.id);
        let is_another = id(next).is_some_and(|there| Some(there) != id(self.candidate));
        let may_be = self.attempts + 2 <= self.terms.attempts && !self.is_spoilt(next, candidates);
        (is_another && may_be).then_some(next)
    }

    /// It is asked: from now on it has had its turn.
    pub fn went_beside(&mut self, candidate: usize) {
        self.frontier = self.frontier.max(candidate);
    }

    /// Of two candidates that were asked at the same time one failed; the other is the current one now.
    pub fn left_with(&mut self, other: usize, failed: usize) {
        self.attempts += 1;
        self.failed_at.push(failed);
        self.begin_at(other);
    }

    /// The queue had room for the call at that candidate, which is now the current one.
    pub fn granted(&mut self, candidate: usize) {
        self.full.retain(|full| *full != candidate);
        self.begin_at(candidate);
    }

    /// The wait was in vain. The next candidate, where the call waited for this one only; else that was all.
    pub fn waited(&mut self, candidates: &[Candidate<'_>], now: Mono) -> Next {
        self.full.clear();
        match self.terms.when_full {
            WhenFull::Wait { .. } => self.rotate(candidates, now),
            _ => Next::GiveUp,
        }
    }

    /// The current attempt failed, before the caller had anything of it.
    pub fn failed(&mut self, failed: &Failed<'_>, candidates: &[Candidate<'_>], now: Mono) -> Next {
        self.attempts += 1;
        self.tries_here += 1;
        if self.attempts >= self.terms.attempts || now >= self.terms.deadline {
            return Next::GiveUp;
        }
        let code = failed.failure.code;
        let policy = code.policy();
        if !matches!(code, Code::RateLimited | Code::ModelNotFound | Code::ContextTooLong) {
            self.failed_at.push(self.candidate);
            self.forget_spoilt(candidates);
        }
        if policy.health == Blame::Account && failed.standby == Standby::Ready && !self.standby_used {
            self.standby_used = true;
            return Next::Standby;
        }
        let retries = candidates.get(self.candidate).map_or(0, |here| here.connection.max_retries);
        let after = self.same_after(failed.failure, policy.retry_same, retries, failed.jitter);
        if let Some(after_ms) = after.filter(|after_ms| now.plus_ms(*after_ms) < self.terms.deadline) {
            return Next::Same { after_ms };
        }
        if code == Code::ContextTooLong {
            return self.rotate_to_larger(candidates);
        }
        if policy.rotate == Rotate::Stop {
            return Next::GiveUp;
        }
        self.rotate(candidates, now)
    }

    fn same_after(&self, failure: &Failure, retry: Retry, max_retries: u32, jitter: u64) -> Option<u64> {
        if failure.code == Code::RateLimited {
            return failure.retry_after_ms.filter(|wait| *wait <= SHORT_WAIT_MS && self.tries_here == 1);
        }
        let allowed = match retry {
            Retry::Never => 0,
            Retry::Once => max_retries.min(1),
            Retry::Backoff => max_retries,
        };
        (self.tries_here <= allowed).then(|| {
            let ceiling = (BACKOFF_MS << (self.tries_here - 1).min(10)).min(BACKOFF_CAP_MS);
            jitter % (ceiling + 1)
        })
    }

    fn rotate(&mut self, candidates: &[Candidate<'_>], now: Mono) -> Next {
        let next = (self.frontier + 1..candidates.len()).find(|index| !self.is_spoilt(*index, candidates));
        if let Some(next) = next {
            self.begin_at(next);
            return Next::Candidate;
        }
        self.frontier = candidates.len();
        self.wait(now).unwrap_or(Next::GiveUp)
    }

    /// Only to a model that is declared larger (F3).
    fn rotate_to_larger(&mut self, candidates: &[Candidate<'_>]) -> Next {
        let context = |index: usize| candidates.get(index).and_then(|candidate| candidate.context);
        let here = context(self.candidate);
        let is_larger = |index: &usize| here.zip(context(*index)).is_some_and(|(here, there)| there > here);
        match (self.frontier + 1..candidates.len()).find(is_larger) {
            Some(next) => {
                self.begin_at(next);
                Next::Candidate
            }
            None => Next::GiveUp,
        }
    }

    fn is_spoilt(&self, index: usize, candidates: &[Candidate<'_>]) -> bool {
        let id = |index: usize| candidates.get(index).map(|candidate| candidate.connection.id);
        self.failed_at.iter().any(|failed| id(*failed) == id(index))
    }

    /// Nobody waits for a connection that has failed meanwhile under another of its models.
    fn forget_spoilt(&mut self, candidates: &[Candidate<'_>]) {
        let full = std::mem::take(&mut self.full);
        self.full = full.into_iter().filter(|index| !self.is_spoilt(*index, candidates)).collect();
    }

    /// Waits for what was full, if there is anything, and time left for it.
    fn wait(&mut self, now: Mono) -> Option<Next> {
        let wait_ms = match self.terms.when_full {
            WhenFull::Rotate { wait_ms } | WhenFull::Wait { wait_ms } => wait_ms,
            WhenFull::Fail => 0,
        };
        if self.full.is_empty() {
            return None;
        }
        let until = *self.wait_until.get_or_insert(now.plus_ms(wait_ms).min(self.terms.deadline));
        Some(until.since_ms(now)).filter(|left| *left > 0).map(|up_to_ms| Next::Wait { up_to_ms })
    }

    fn begin_at(&mut self, candidate: usize) {
        self.candidate = candidate;
        self.frontier = self.frontier.max(candidate);
        self.tries_here = 0;
        self.standby_used = false;
    }
}
