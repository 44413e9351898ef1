//! What one subject (a provider, a connection, a profile, an app) may do, and what it has done.

use serde::{Deserialize, Serialize};

use super::calendar::{PeriodKey, Tally, Today};
use super::refusal::Why;
use super::window::{Rate, StartLog, TokenLog};
use crate::connection::Limits;
use crate::time::{Mono, Now};

/// The limits of a subject; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Requests at the same time.
    pub concurrent: Option<u32>,
    /// Requests in any window of each length.
    pub rates: [Option<Rate>; 2],
    /// Requests in a local calendar day.
    pub per_day: Option<u32>,
    /// Tokens in any minute.
    pub tokens_per_minute: Option<u32>,
}

impl From<Limits> for Allowed {
    fn from(limits: Limits) -> Self {
        let period = limits.rate_limit_period_s.map(|seconds| u64::from(seconds) * 1_000);
        let rate = limits.rate_limit_requests.zip(period);
        Self {
            concurrent: limits.max_concurrent_requests,
            rates: [
                rate.map(|(requests, period_ms)| Rate { requests, period_ms }),
                limits.rate_limit_per_minute.map(Rate::per_minute),
            ],
            per_day: limits.rate_limit_per_day,
            tokens_per_minute: limits.tokens_per_minute,
        }
    }
}

/// How much of a subject's allowance is used, for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// On their way now.
    pub in_flight: u32,
    /// Started in the last minute; counted only where a limit asks for it.
    pub minute: u32,
    /// Started in the window of the limit by period; counted only where there is one.
    pub period: u32,
    /// Started this local day.
    pub today: u64,
    /// Tokens of the last minute, those of calls on their way as estimated; counted only where there is a limit.
    pub tokens: u64,
}

/// There is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full {
    /// Milliseconds until there may be; `None` where only the end of another call tells.
    pub(super) after_ms: Option<u64>,
}

/// Limits and what has been used of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Allowance {
    pub(super) allowed: Allowed,
    in_flight: u32,
    starts: StartLog,
    days: Tally,
    tokens: TokenLog,
}

/// What survives a restart: ages instead of moments, because the steady clock begins anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    starts: Vec<u64>,
    days: Tally,
    tokens: Vec<(u64, u64)>,
}

impl Allowance {
    /// Whether limits of that kind leave no room for one more start.
    pub(super) fn check(&mut self, kind: Why, tokens: u64, now: Now, today: Today) -> Option<Full> {
        let full_for = |wait: u64| (wait > 0).then_some(Full { after_ms: Some(wait) });
        match kind {
            Why::Concurrency => {
                let is_over = self.allowed.concurrent.is_some_and(|most| self.in_flight >= most);
                is_over.then_some(Full { after_ms: None })
            }
            Why::Rate => {
                let waits = self.allowed.rates.iter().flatten();
                waits.map(|rate| self.starts.wait_ms(*rate, now.mono)).max().and_then(full_for)
            }
            Why::Day => {
                let is_over =
                    self.allowed.per_day.is_some_and(|most| self.days.of(today.day.key) >= u64::from(most));
                is_over.then(|| Full { after_ms: Some(today.day.range.to.since_ms(now.wall)) })
            }
            Why::Tokens => {
                let limit = u64::from(self.allowed.tokens_per_minute?);
                full_for(self.tokens.wait_ms(limit, tokens, now.mono))
            }
            _ => None,
        }
    }

    /// Takes one start. The number is that of the tokens' entry, for [`Self::settle`].
    pub(super) fn take(&mut self, tokens: u64, now: Mono, today: Today) -> u64 {
        self.in_flight += 1;
        self.starts.push(now, &self.allowed.rates);
        self.days.add(today.day.key, 1);
        match self.allowed.tokens_per_minute {
            Some(limit) => self.tokens.push(tokens.min(limit.into()), now),
            None => u64::MAX,
        }
    }

    /// Ends a start: it is no longer on its way. `used` is what is known of its tokens.
    pub(super) fn settle(&mut self, tokens_entry: u64, used: Option<u64>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if let Some(used) = used {
            self.tokens.correct(tokens_entry, used);
        }
    }

    /// Undoes a start of which nothing was sent.
    pub(super) fn refund(&mut self, tokens_entry: u64, at: Mono, day: PeriodKey) {
        self.settle(tokens_entry, Some(0));
        self.starts.remove(at);
        self.days.subtract(day, 1);
    }

    pub(super) fn used(&mut self, now: Mono, today: Today) -> Used {
        let within = |rate: Option<Rate>| rate.map_or(0, |rate| self.starts.within(rate.period_ms, now));
        let [period, minute] = self.allowed.rates.map(within);
        Used {
            in_flight: self.in_flight,
            minute,
            period,
            today: self.days.of(today.day.key),
            tokens: self.tokens.sum(now),
        }
    }

    pub(super) fn keep(&self, now: Mono) -> Kept {
        Kept { starts: self.starts.ages(now), days: self.days.clone(), tokens: self.tokens.ages(now) }
    }

    /// Takes up what an earlier run kept. What is on its way is not: it ended with that run.
    pub(super) fn restore(&mut self, kept: &Kept, away_ms: u64, now: Mono) {
        let starts: Vec<u64> = kept.starts.iter().map(|age| age.saturating_add(away_ms)).collect();
        let tokens: Vec<_> =
            kept.tokens.iter().map(|(age, amount)| (age.saturating_add(away_ms), *amount)).collect();
        self.starts = StartLog::from_ages(&starts, now);
        self.tokens = TokenLog::from_ages(&tokens, now);
        self.days = kept.days.clone();
    }
}
