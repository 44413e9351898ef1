//! What the ledger says: totals and groups. Every card, chart, table and export is made of these, so their sums agree (C5).

mod bucket;
mod detail;
mod filter;
mod metric;
mod pace;
mod what_if;

use serde::{Deserialize, Serialize};

use crate::money::NanoUsd;
use crate::rollup::Histogram;

pub use bucket::{Bucket, Labels, Values};
pub use detail::{Column, Columns, Detail, Whose};
pub use filter::{Condition, Field, Filter, Relation};
pub use metric::{Metric, basis_points};
pub use pace::Usual;
pub use what_if::{Alternative, Traffic};

/// What rows are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// The connection key.
    Connection,
    /// The provider's slug.
    Provider,
    /// The model asked of the provider.
    Model,
    /// The feature.
    Feature,
    /// The app.
    App,
    /// The profile.
    Profile,
    /// What was called.
    Type,
    /// How attempts ended.
    Outcome,
    /// The class of the error; empty for answers.
    Error,
    /// First attempts, and those after another failed.
    Route,
    /// The calendar day in the trader's zone.
    Day,
    /// The week in the trader's zone, by its Monday.
    Week,
    /// The month in the trader's zone.
    Month,
    /// The hour, UTC.
    Hour,
}

impl GroupBy {
    /// The label that it goes by; `None` where it goes by time.
    pub fn field(self) -> Option<Field> {
        Some(match self {
            Self::Connection => Field::Connection,
            Self::Provider => Field::Provider,
            Self::Model => Field::Model,
            Self::Feature => Field::Feature,
            Self::App => Field::App,
            Self::Profile => Field::Profile,
            Self::Type => Field::Type,
            Self::Outcome => Field::Outcome,
            Self::Error => Field::Error,
            Self::Route => Field::Route,
            Self::Day | Self::Week | Self::Month | Self::Hour => return None,
        })
    }
}

/// Sums over rows of the ledger.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Requests as their callers saw them.
    pub calls: u64,
    /// Tries at connections.
    pub attempts: u64,
    /// Calls that ended with an answer.
    pub succeeded: u64,
    /// Calls that ended without one.
    pub failed: u64,
    /// Attempts that brought an answer, whether or not it ended its call.
    pub answered_attempts: u64,
    /// Calls that a later attempt answered.
    pub saved_by_failover: u64,
    /// All input tokens.
    pub input_tokens: u64,
    /// All output tokens.
    pub output_tokens: u64,
    /// Of the input: read from a cache.
    pub cached_tokens: u64,
    /// Of the input: written to a cache.
    pub cache_write_tokens: u64,
    /// Of the output: reasoning.
    pub reasoning_tokens: u64,
    /// The sum of all known costs.
    pub cost: NanoUsd,
    /// Attempts whose cost is not known.
    pub unpriced_attempts: u64,
    /// Signals whose first attempt is among these.
    pub signals: u64,
    /// The cost of attempts that name a signal.
    pub signal_cost: NanoUsd,
    /// Milliseconds of answered attempts only (C5).
    pub latency: Histogram,
    /// Milliseconds to the first piece of answered attempts.
    pub first_token: Histogram,
    /// Tokens in and out of each attempt that told them: what a context has to hold.
    pub sizes: Histogram,
}

impl Totals {
    /// Adds another's sums.
    pub fn merge(&mut self, other: &Self) {
        self.count(other);
        self.latency.merge(&other.latency);
        self.first_token.merge(&other.first_token);
        self.sizes.merge(&other.sizes);
    }

    /// Adds a bucket's sums and histograms.
    pub fn add(&mut self, bucket: &Bucket<'_>) {
        self.count(bucket.counts);
        bucket.latency.add_to(&mut self.latency);
        bucket.first_token.add_to(&mut self.first_token);
        bucket.sizes.add_to(&mut self.sizes);
    }

    /// Adds everything but histograms.
    pub fn count(&mut self, other: &Self) {
        self.calls += other.calls;
        self.attempts += other.attempts;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.answered_attempts += other.answered_attempts;
        self.saved_by_failover += other.saved_by_failover;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.cached_tokens += other.cached_tokens;
        self.cache_write_tokens += other.cache_write_tokens;
        self.reasoning_tokens += other.reasoning_tokens;
        self.cost += other.cost;
        self.unpriced_attempts += other.unpriced_attempts;
        self.signals += other.signals;
        self.signal_cost += other.signal_cost;
    }

    /// Tries without an answer.
    pub fn failed_attempts(&self) -> u64 {
        self.attempts - self.answered_attempts
    }

    /// What a call cost on average, to the nano-dollar; `None` without calls.
    pub fn per_call(&self) -> Option<NanoUsd> {
        share(self.cost, 1, self.calls)
    }

    /// What a thousand calls cost; `None` without calls.
    pub fn per_thousand(&self) -> Option<NanoUsd> {
        share(self.cost, 1_000, self.calls)
    }

    /// What the calls of one signal cost on average; `None` where no call names one.
    pub fn per_signal(&self) -> Option<NanoUsd> {
        share(self.signal_cost, 1, self.signals)
    }
}

/// `amount * times / of`, rounded half up once.
fn share(amount: NanoUsd, times: i128, of: u64) -> Option<NanoUsd> {
    let of = i128::from(of);
    let nano = (of > 0).then(|| (i128::from(amount.0) * times + of / 2) / of)?;
    i64::try_from(nano).ok().map(NanoUsd)
}

/// Sums of one group.
#[derive(Clone, Debug)]
pub struct Group {
    /// The group's name: a key, a slug, a model, a day (2026-11-22), a month (2026-11), an hour (RFC 3339).
    pub key: String,
    /// Its sums.
    pub totals: Totals,
}

/// The groups with the highest cost (then the most calls), at most `most` of them, and the sum of all others where there
/// are any.
pub fn top(groups: Vec<Group>, most: usize) -> (Vec<Group>, Option<Totals>) {
    top_by(groups, most, |totals| (totals.cost, totals.calls))
}

/// The same with the groups that weigh most.
pub fn top_by<W: Ord>(
    mut groups: Vec<Group>,
    most: usize,
    weight: impl Fn(&Totals) -> W,
) -> (Vec<Group>, Option<Totals>) {
    groups.sort_by(|a, b| weight(&b.totals).cmp(&weight(&a.totals)).then_with(|| a.key.cmp(&b.key)));
    let rest = groups.split_off(most.min(groups.len()));
    let other = rest.into_iter().reduce(|mut sum, group| {
        sum.totals.merge(&group.totals);
        sum
    });
    (groups, other.map(|group| group.totals))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(key: &str, cost: i64, calls: u64) -> Group {
        Group { key: key.to_owned(), totals: Totals { cost: NanoUsd(cost), calls, ..Totals::default() } }
    }

    #[test]
    fn c5_top_and_other_are_together_the_whole() {
        let groups = vec![group("a", 5, 1), group("b", 9, 1), group("c", 5, 4), group("d", 1, 1)];
        let (kept, other) = top(groups.clone(), 2);
        assert_eq!(kept.iter().map(|group| group.key.as_str()).collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(other.map(|totals| (totals.cost, totals.calls)), Some((NanoUsd(6), 2)));
        assert!(top(groups, 4).1.is_none());
    }

    #[test]
    fn averages_are_rounded_once_and_need_something_to_be_of() {
        let totals =
            Totals { cost: NanoUsd(10), calls: 3, signals: 4, signal_cost: NanoUsd(2), ..Totals::default() };
        assert_eq!(totals.per_call(), Some(NanoUsd(3)));
        assert_eq!(totals.per_thousand(), Some(NanoUsd(3_333)));
        assert_eq!(totals.per_signal(), Some(NanoUsd(1)));
        let nothing = Totals::default();
        assert_eq!((nothing.per_call(), nothing.per_thousand(), nothing.per_signal()), (None, None, None));
    }
}
