//! The naive bookkeeping: every attempt in one list, every question answered by counting it all again.

use std::collections::HashMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use patchbay_core::admission::{Allowed, Estimate, Spent, Subject, Why};
use patchbay_core::budget::{Budget, Measure, OnLimit, Period, Scope};
use patchbay_core::route::Fleet;
use patchbay_core::time::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Open,
    Settled,
    Refunded,
}

#[derive(Clone, Debug)]
pub struct Attempt {
    pub t: u64,
    pub subjects: Vec<Subject>,
    pub feature: &'static str,
    day: Date,
    estimate: Estimate,
    used: Estimate,
    pub state: State,
}

/// What is about to be attempted.
#[derive(Clone, Debug)]
pub struct Wish {
    pub subjects: Vec<Subject>,
    pub feature: &'static str,
    pub estimate: Estimate,
}

pub struct Book {
    zone: TimeZone,
    limits: HashMap<Subject, Allowed>,
    budgets: Vec<Budget>,
    pub attempts: Vec<Attempt>,
}

impl Book {
    pub fn new(fleet: &Fleet, zone: TimeZone) -> Self {
        let concurrent = |most| Allowed { concurrent: most, ..Allowed::default() };
        let mut limits: HashMap<_, _> = HashMap::new();
        for connection in &fleet.connections {
            let allowed = concurrent(connection.facts.max_concurrent_requests);
            limits.insert(Subject::Provider(connection.provider.clone()), allowed);
            limits.insert(Subject::Connection(connection.id), connection.limits.into());
        }
        for profile in &fleet.profiles {
            limits.insert(Subject::Profile(profile.id), profile.conduct.limits.into());
        }
        limits.extend(fleet.apps.iter().map(|(app, allowed)| (Subject::App(*app), *allowed)));
        Self { zone, limits, budgets: fleet.budgets.clone(), attempts: Vec::new() }
    }

    /// Whether that limit leaves no room for the wish.
    pub fn is_full(&self, why: Why, wish: &Wish, t: u64, wall: Timestamp) -> bool {
        let day = wall.day(&self.zone);
        match why {
            Why::Budget => self.budgets.iter().any(|budget| {
                budget.on_limit == OnLimit::Stop
                    && meets(budget, wish)
                    && self.spent(budget, day) >= budget.cap
            }),
            Why::Queue => false,
            _ => wish.subjects.iter().any(|subject| self.is_subject_full(why, subject, wish, t, day)),
        }
    }

    pub fn is_any_full(&self, wish: &Wish, t: u64, wall: Timestamp) -> bool {
        let kinds = [Why::Concurrency, Why::Rate, Why::Day, Why::Tokens, Why::Budget];
        kinds.into_iter().any(|why| self.is_full(why, wish, t, wall))
    }

    fn is_subject_full(&self, why: Why, subject: &Subject, wish: &Wish, t: u64, day: Date) -> bool {
        let Some(allowed) = self.limits.get(subject) else { return false };
        let of_subject = || {
            self.attempts.iter().filter(|one| one.state != State::Refunded && one.subjects.contains(subject))
        };
        let is_over = |count: usize, most: Option<u32>| most.is_some_and(|most| count >= most as usize);
        match why {
            Why::Concurrency => {
                is_over(of_subject().filter(|one| one.state == State::Open).count(), allowed.concurrent)
            }
            Why::Rate => allowed.rates.iter().flatten().any(|rate| {
                let inside = of_subject().filter(|one| t - one.t <= rate.period_ms).count();
                inside >= rate.requests as usize
            }),
            Why::Day => is_over(of_subject().filter(|one| one.day == day).count(), allowed.per_day),
            Why::Tokens => allowed.tokens_per_minute.is_some_and(|limit| {
                let limit = u64::from(limit);
                let inside = of_subject().filter(|one| t - one.t <= 60_000);
                let sum: u64 = inside.map(|one| one.used.tokens.min(limit)).sum();
                sum + wish.estimate.tokens.min(limit) > limit
            }),
            Why::Budget | Why::Queue => false,
        }
    }

    fn spent(&self, budget: &Budget, day: Date) -> u64 {
        let is_in_period = |other: Date| match budget.period {
            Period::Day => other == day,
            Period::Month => (other.year(), other.month()) == (day.year(), day.month()),
        };
        let counted =
            self.attempts.iter().filter(|one| one.state != State::Refunded && is_in_period(one.day));
        counted.filter(|one| meets_attempt(budget, one)).map(|one| amount(budget.measure, one.used)).sum()
    }

    /// An attempt begins: every rule is asked first, in its own words.
    pub fn start(&mut self, wish: &Wish, t: u64, wall: Timestamp) -> Result<usize, String> {
        for why in [Why::Concurrency, Why::Rate, Why::Day, Why::Tokens, Why::Budget] {
            if self.is_full(why, wish, t, wall) {
                return Err(format!("at {t} ms an attempt began over its limit: {why:?}, {wish:?}"));
            }
        }
        self.attempts.push(Attempt {
            t,
            subjects: wish.subjects.clone(),
            feature: wish.feature,
            day: wall.day(&self.zone),
            estimate: wish.estimate,
            used: wish.estimate,
            state: State::Open,
        });
        self.check_budgets(wish, wall)?;
        Ok(self.attempts.len() - 1)
    }

    /// N1: whatever runs side by side, a cap that stops is overshot by one call's estimate at most.
    fn check_budgets(&self, wish: &Wish, wall: Timestamp) -> Result<(), String> {
        for budget in self.budgets.iter().filter(|budget| budget.on_limit == OnLimit::Stop) {
            let spent = self.spent(budget, wall.day(&self.zone));
            if meets(budget, wish) && spent > budget.cap + amount(budget.measure, wish.estimate) {
                return Err(format!("{spent} is more than one estimate over {budget:?}"));
            }
        }
        Ok(())
    }

    pub fn refund(&mut self, attempt: usize) {
        self.attempts[attempt].state = State::Refunded;
    }

    pub fn settle(&mut self, attempt: usize, spent: Spent) {
        let attempt = &mut self.attempts[attempt];
        attempt.used = Estimate {
            tokens: spent.tokens.unwrap_or(attempt.estimate.tokens),
            cost: spent.cost.unwrap_or(attempt.estimate.cost),
        };
        attempt.state = State::Settled;
    }

    pub fn open(&self) -> usize {
        self.attempts.iter().filter(|one| one.state == State::Open).count()
    }

    pub fn budgets(&self, wall: Timestamp) -> impl Iterator<Item = (&Budget, u64)> {
        let day = wall.day(&self.zone);
        self.budgets.iter().map(move |budget| (budget, self.spent(budget, day)))
    }
}

fn meets(budget: &Budget, wish: &Wish) -> bool {
    does_meet(budget, &wish.subjects, wish.feature)
}

fn meets_attempt(budget: &Budget, attempt: &Attempt) -> bool {
    does_meet(budget, &attempt.subjects, attempt.feature)
}

fn does_meet(budget: &Budget, subjects: &[Subject], feature: &str) -> bool {
    match &budget.scope {
        Scope::All => true,
        Scope::Of(subject) => subjects.contains(subject),
        Scope::Feature(name) => name == feature,
    }
}

fn amount(measure: Measure, used: Estimate) -> u64 {
    match measure {
        Measure::Money => used.cost.0.unsigned_abs(),
        Measure::Requests => 1,
        Measure::Tokens => used.tokens,
    }
}
