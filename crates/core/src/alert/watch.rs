//! What is noticed only by watching over time: spend while nobody should spend, an app that asks the same in a circle, a key that
//! grows old.

use std::collections::{HashMap, VecDeque};

use super::{Severity, Sign};
use crate::id::AppId;
use crate::money::NanoUsd;
use crate::time::{HOUR_MS, Mono, Timestamp};

/// Notices money that is spent in hours in which the trader expects none: a bot that was forgotten.
#[derive(Clone, Debug)]
pub struct IdleSpend {
    threshold: NanoUsd,
    spent: NanoUsd,
    is_told: Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    No,
    Yes,
}

/// Whether the trader expects calls now: by the hours that were set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hours {
    /// Bots are at work.
    Busy,
    /// Nothing should be spent.
    Idle,
}

impl IdleSpend {
    /// Speaks when so much was spent in one idle time.
    pub fn new(threshold: NanoUsd) -> Self {
        Self { threshold, spent: NanoUsd::ZERO, is_told: Told::No }
    }

    /// An attempt cost so much. Busy hours end the idle time and the alert.
    pub fn spend(&mut self, cost: NanoUsd, hours: Hours) -> Option<Sign> {
        if hours == Hours::Busy {
            let was_told = std::mem::replace(self, Self::new(self.threshold)).is_told;
            return (was_told == Told::Yes).then_some(Sign::Clear);
        }
        self.spent += cost;
        let is_news = self.spent >= self.threshold && self.is_told == Told::No;
        is_news.then(|| {
            self.is_told = Told::Yes;
            let title = format!("{} was spent in your idle hours", self.spent.in_dollars());
            Sign::raise(Severity::Warn, title, format!("more than {}", self.threshold.in_dollars()))
        })
    }
}

/// So many apps and prompts are remembered.
const PROMPTS: usize = 4_096;

/// Notices an app that sends the same prompt again and again. It is given keyed hashes and never sees a prompt.
#[derive(Clone, Debug)]
pub struct LoopWatch {
    times: usize,
    within_ms: u64,
    seen: HashMap<(AppId, u64), VecDeque<Mono>>,
    looping: HashMap<AppId, u64>,
}

impl LoopWatch {
    /// Speaks when the same prompt came `times` times within so many milliseconds.
    pub fn new(times: u32, within_ms: u64) -> Self {
        Self { times: times.max(2) as usize, within_ms, seen: HashMap::new(), looping: HashMap::new() }
    }

    /// An app sent a prompt with that hash.
    pub fn see(&mut self, app: AppId, prompt: u64, now: Mono) -> Option<Sign> {
        let (times, within_ms) = (self.times, self.within_ms);
        if self.seen.len() >= PROMPTS {
            self.forget_old(now);
        }
        let moments = self.seen.entry((app, prompt)).or_default();
        moments.push_back(now);
        while moments.front().is_some_and(|first| now.since_ms(*first) > within_ms) {
            moments.pop_front();
        }
        if moments.len() > times {
            moments.pop_front();
        }
        let is_looping = moments.len() >= times;
        (is_looping && self.looping.insert(app, prompt).is_none()).then(|| {
            let minutes = within_ms.div_ceil(60_000);
            let title = "An app asks the same again and again".to_owned();
            Sign::raise(Severity::Warn, title, format!("the same prompt {times} times within {minutes} min"))
        })
    }

    /// Apps whose circle has ended: their alerts close. Asked from time to time.
    pub fn ended(&mut self, now: Mono) -> Vec<AppId> {
        self.forget_old(now);
        let (seen, times) = (&self.seen, self.times);
        let is_over =
            |app: &AppId, prompt: &u64| seen.get(&(*app, *prompt)).is_none_or(|at| at.len() < times);
        let over: Vec<AppId> =
            self.looping.iter().filter(|(app, prompt)| is_over(app, prompt)).map(|(app, _)| *app).collect();
        self.looping.retain(|app, _| !over.contains(app));
        over
    }

    fn forget_old(&mut self, now: Mono) {
        let within_ms = self.within_ms;
        self.seen.retain(|_, moments| {
            moments.retain(|at| now.since_ms(*at) <= within_ms);
            !moments.is_empty()
        });
        if self.seen.len() >= PROMPTS {
            self.seen.clear();
        }
    }
}

/// A credential's age (K3): told when it is older than the policy, or ends within a week; cleared when it was renewed.
pub fn credential_age(
    created: Timestamp,
    expires: Option<Timestamp>,
    most_days: Option<u32>,
    now: Timestamp,
) -> Sign {
    let day_ms = 24 * HOUR_MS;
    let left_ms = expires.map(|end| end.0.saturating_sub(now.0));
    if let Some(left_ms) = left_ms.filter(|left| *left < 7 * day_ms) {
        let severity = if left_ms <= 0 { Severity::Bad } else { Severity::Warn };
        let title = match left_ms {
            ..=0 => "A key has expired".to_owned(),
            _ => format!("A key expires in {} days", left_ms.div_euclid(day_ms) + 1),
        };
        return Sign::raise(severity, title, "");
    }
    let days = now.since_ms(created) / day_ms.unsigned_abs();
    match most_days.filter(|most| days >= u64::from(*most)) {
        Some(most) => {
            Sign::raise(Severity::Info, format!("A key is {days} days old"), format!("policy: {most}"))
        }
        None => Sign::Clear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_spend_speaks_once_an_idle_time() {
        let mut idle = IdleSpend::new(NanoUsd(100));
        assert_eq!(idle.spend(NanoUsd(1_000), Hours::Busy), None);
        assert_eq!(idle.spend(NanoUsd(99), Hours::Idle), None);
        assert!(matches!(idle.spend(NanoUsd(1), Hours::Idle), Some(Sign::Raise { .. })));
        assert_eq!(idle.spend(NanoUsd(500), Hours::Idle), None);
        assert_eq!(idle.spend(NanoUsd(1), Hours::Busy), Some(Sign::Clear));
        assert_eq!(idle.spend(NanoUsd(99), Hours::Idle), None, "counted anew");
    }

    #[test]
    fn a_circle_is_seen_and_its_end_too() {
        let mut watch = LoopWatch::new(3, 60_000);
        let app = AppId(1);
        assert_eq!(watch.see(app, 7, Mono(0)), None);
        assert_eq!(watch.see(app, 8, Mono(1)), None, "another prompt");
        assert_eq!(watch.see(AppId(2), 7, Mono(1)), None, "another app");
        assert_eq!(watch.see(app, 7, Mono(30_000)), None);
        assert_eq!(watch.see(app, 7, Mono(60_001)), None, "the first is too old");
        assert!(watch.see(app, 7, Mono(60_002)).is_some());
        assert_eq!(watch.see(app, 7, Mono(60_003)), None, "told once");
        assert!(watch.ended(Mono(60_004)).is_empty());
        assert_eq!(watch.ended(Mono(130_000)), [app]);
        for prompt in 0..50_000 {
            watch.see(app, prompt, Mono(130_000));
        }
        assert!(watch.seen.len() <= PROMPTS, "memory is bounded");
    }

    #[test]
    fn k3_an_old_key_is_told_of_and_a_new_one_is_not() {
        let day = 24 * HOUR_MS;
        let at = |days: i64| Timestamp(days * day);
        assert_eq!(credential_age(at(0), None, Some(90), at(89)), Sign::Clear);
        for (expires, now, expected) in [
            (None, at(90), Severity::Info),
            (Some(at(50)), at(44), Severity::Warn),
            (Some(at(50)), at(50), Severity::Bad),
        ] {
            let Sign::Raise { severity, .. } = credential_age(at(0), expires, Some(90), now) else {
                panic!("should be told");
            };
            assert_eq!(severity, expected);
        }
        assert_eq!(credential_age(at(0), Some(at(50)), None, at(42)), Sign::Clear);
    }
}
