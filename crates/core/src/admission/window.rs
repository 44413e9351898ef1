//! Sliding logs. A bucket of N tokens lets nearly 2 N through around its refill; a log of the starts themselves never lets
//! more than N into any window of the stated length (R2).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::time::Mono;

const MINUTE_MS: u64 = 60_000;

/// So many requests in any window of that length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// At most so many starts.
    pub requests: u32,
    /// The length of the window.
    pub period_ms: u64,
}

impl Rate {
    /// So many in any minute.
    pub fn per_minute(requests: u32) -> Self {
        Self { requests, period_ms: MINUTE_MS }
    }
}

/// The starts of one subject, oldest first. One log serves all its rates.
#[derive(Clone, Debug, Default)]
pub(super) struct StartLog {
    starts: VecDeque<Mono>,
}

impl StartLog {
    /// How long until one more start fits; zero for now. Only the Nth newest start matters: the next one has to come a whole
    /// period after it. One millisecond more, because both moments are rounded down.
    pub(super) fn wait_ms(&self, rate: Rate, now: Mono) -> u64 {
        let Some(nth) = self.starts.len().checked_sub(rate.requests as usize) else {
            return 0;
        };
        let Some(start) = self.starts.get(nth) else {
            return rate.period_ms; // a rate of nothing
        };
        start.plus_ms(rate.period_ms + 1).since_ms(now)
    }

    /// Notes a start, and forgets those that no rate can ask for any more.
    pub(super) fn push(&mut self, now: Mono, rates: &[Option<Rate>]) {
        let rates = rates.iter().flatten();
        let longest = rates.clone().map(|rate| rate.period_ms).max();
        let Some(longest) = longest else { return };
        let most = rates.map(|rate| rate.requests as usize).max().unwrap_or(0);
        self.starts.push_back(self.starts.back().map_or(now, |last| now.max(*last)));
        while self.starts.len() > most
            && self.starts.front().is_some_and(|start| now.since_ms(*start) > longest)
        {
            self.starts.pop_front();
        }
    }

    /// Takes a start back: nothing was sent.
    pub(super) fn remove(&mut self, at: Mono) {
        if let Ok(index) = self.starts.binary_search(&at) {
            self.starts.remove(index);
        }
    }

    /// How many of the starts still count against a window of that length.
    pub(super) fn within(&self, period_ms: u64, now: Mono) -> u32 {
        let recent = self.starts.iter().rev().take_while(|start| now.since_ms(**start) <= period_ms);
        u32::try_from(recent.count()).unwrap_or(u32::MAX)
    }

    /// How long ago each start was, oldest first.
    pub(super) fn ages(&self, now: Mono) -> Vec<u64> {
        self.starts.iter().map(|start| now.since_ms(*start)).collect()
    }

    /// A log from ages.
    pub(super) fn from_ages(ages: &[u64], now: Mono) -> Self {
        Self { starts: ages.iter().map(|age| Mono(now.0.saturating_sub(*age))).collect() }
    }
}

/// The tokens of one subject in the last minute: first as estimated, then as used.
#[derive(Clone, Debug, Default)]
pub(super) struct TokenLog {
    entries: VecDeque<(Mono, u64)>,
    /// The number of the oldest entry, so that numbers stay good while old entries go.
    first: u64,
    sum: u64,
}

impl TokenLog {
    /// How long until so many tokens more fit; zero for now. A call larger than the whole limit takes a minute for itself.
    pub(super) fn wait_ms(&mut self, limit: u64, tokens: u64, now: Mono) -> u64 {
        self.forget_old(now);
        let room = limit.saturating_sub(tokens.min(limit));
        let mut sum = self.sum;
        for (at, amount) in &self.entries {
            if sum <= room {
                return 0;
            }
            sum = sum.saturating_sub(*amount);
            if sum <= room {
                return at.plus_ms(MINUTE_MS + 1).since_ms(now);
            }
        }
        0
    }

    /// Notes tokens and returns the number of the entry.
    pub(super) fn push(&mut self, tokens: u64, now: Mono) -> u64 {
        let at = self.entries.back().map_or(now, |(last, _)| now.max(*last));
        self.entries.push_back((at, tokens));
        self.sum = self.sum.saturating_add(tokens);
        self.first + self.entries.len() as u64 - 1
    }

    /// Replaces an estimate by what was used, where it still counts.
    pub(super) fn correct(&mut self, number: u64, tokens: u64) {
        let index = number.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
        if let Some((_, amount)) = index.and_then(|index| self.entries.get_mut(index)) {
            self.sum = self.sum.saturating_sub(*amount).saturating_add(tokens);
            *amount = tokens;
        }
    }

    /// Tokens of the last minute.
    pub(super) fn sum(&mut self, now: Mono) -> u64 {
        self.forget_old(now);
        self.sum
    }

    fn forget_old(&mut self, now: Mono) {
        while let Some((at, amount)) = self.entries.front()
            && now.since_ms(*at) > MINUTE_MS
        {
            self.sum = self.sum.saturating_sub(*amount);
            self.entries.pop_front();
            self.first += 1;
        }
    }

    /// How long ago, and how many.
    pub(super) fn ages(&self, now: Mono) -> Vec<(u64, u64)> {
        self.entries.iter().map(|(at, amount)| (now.since_ms(*at), *amount)).collect()
    }

    /// A log from ages.
    pub(super) fn from_ages(ages: &[(u64, u64)], now: Mono) -> Self {
        let entries: VecDeque<_> =
            ages.iter().map(|(age, amount)| (Mono(now.0.saturating_sub(*age)), *amount)).collect();
        let sum = entries.iter().map(|(_, amount)| amount).sum();
        Self { entries, first: 0, sum }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn r2_a_full_window_says_when_the_next_start_fits() {
        let rate = Rate { requests: 2, period_ms: 1_000 };
        let mut log = StartLog::default();
        log.push(Mono(10), &[Some(rate)]);
        assert_eq!(log.wait_ms(rate, Mono(10)), 0);
        log.push(Mono(500), &[Some(rate)]);
        assert_eq!(log.wait_ms(rate, Mono(600)), 411);
        assert_eq!([600, 1_010, 1_011].map(|now| log.within(1_000, Mono(now))), [2, 2, 1]);
        assert_eq!(log.wait_ms(rate, Mono(1_010)), 1, "a whole period, whatever was rounded off");
        assert_eq!(log.wait_ms(rate, Mono(1_011)), 0);
    }

    proptest! {
        #[test]
        fn r2_no_window_ever_holds_more_than_its_limit(
            steps in prop::collection::vec((0_u64..400, any::<bool>()), 1..300),
            short in 1_u32..6, long in 1_u32..20,
        ) {
            let rates = [Some(Rate { requests: short, period_ms: 500 }), Some(Rate { requests: long, period_ms: 3_000 })];
            let (mut log, mut now, mut starts) = (StartLog::default(), Mono(0), Vec::new());
            for (step, refund) in steps {
                now = now.plus_ms(step);
                if rates.iter().flatten().all(|rate| log.wait_ms(*rate, now) == 0) {
                    log.push(now, &rates);
                    if refund { log.remove(now) } else { starts.push(now) }
                }
            }
            for rate in rates.iter().flatten() {
                for (index, first) in starts.iter().enumerate() {
                    let inside = starts[index..].iter().filter(|at| at.since_ms(*first) <= rate.period_ms).count();
                    prop_assert!(inside <= rate.requests as usize);
                }
            }
        }
    }

    #[test]
    fn tokens_are_reserved_by_estimate_and_settled_by_use() {
        let mut log = TokenLog::default();
        let entry = log.push(900, Mono(0));
        assert_eq!(log.wait_ms(1_000, 200, Mono(100)), 59_901);
        log.correct(entry, 300);
        assert_eq!(log.sum(Mono(100)), 300);
        assert_eq!(log.wait_ms(1_000, 200, Mono(100)), 0);
        assert_eq!(
            log.wait_ms(1_000, 5_000, Mono(100)),
            59_901,
            "larger than the limit: alone in its minute"
        );
        assert_eq!(log.wait_ms(1_000, 5_000, Mono(60_001)), 0);
        log.correct(entry, 5_000);
        assert_eq!(log.sum, 0, "an entry that is out of the window stays out");
    }
}
