//! What groups are compared by: one number of a group's sums.

use serde::{Deserialize, Serialize};

use super::{Column, Columns, Totals};
use crate::chart::Unit;
use crate::money::NanoUsd;

/// A number of a group. Sums add up over groups; shares, averages and times do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// The sum of all known costs.
    Spend,
    /// Requests as their callers saw them.
    Requests,
    /// Tries at connections.
    Attempts,
    /// Tries without an answer.
    FailedAttempts,
    /// Their share of all tries.
    FailedShare,
    /// All input tokens.
    InputTokens,
    /// All output tokens.
    OutputTokens,
    /// Of the input: read from a cache.
    CachedTokens,
    /// What a request cost on average.
    CostPerRequest,
    /// What a thousand requests cost.
    CostPerThousand,
    /// What the requests of one signal cost on average.
    CostPerSignal,
    /// Median time of answered attempts.
    LatencyP50,
    /// Its 95th percentile.
    LatencyP95,
    /// Its 99th percentile.
    LatencyP99,
    /// Median time to the first piece of answered attempts.
    FirstTokenP50,
    /// Its 95th percentile.
    FirstTokenP95,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Spend,
        Self::Requests,
        Self::Attempts,
        Self::FailedAttempts,
        Self::FailedShare,
        Self::InputTokens,
        Self::OutputTokens,
        Self::CachedTokens,
        Self::CostPerRequest,
        Self::CostPerThousand,
        Self::CostPerSignal,
        Self::LatencyP50,
        Self::LatencyP95,
        Self::LatencyP99,
        Self::FirstTokenP50,
        Self::FirstTokenP95,
    ];

    /// As scripts write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spend => "spend",
            Self::Requests => "requests",
            Self::Attempts => "attempts",
            Self::FailedAttempts => "failed_attempts",
            Self::FailedShare => "failed_share",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::CachedTokens => "cached_tokens",
            Self::CostPerRequest => "cost_per_request",
            Self::CostPerThousand => "cost_per_thousand",
            Self::CostPerSignal => "cost_per_signal",
            Self::LatencyP50 => "latency_p50",
            Self::LatencyP95 => "latency_p95",
            Self::LatencyP99 => "latency_p99",
            Self::FirstTokenP50 => "first_token_p50",
            Self::FirstTokenP95 => "first_token_p95",
        }
    }

    /// Whether the numbers of groups make up the number of the whole.
    pub fn adds_up(self) -> bool {
        match self {
            Self::Spend
            | Self::Requests
            | Self::Attempts
            | Self::FailedAttempts
            | Self::InputTokens
            | Self::OutputTokens
            | Self::CachedTokens => true,
            Self::FailedShare
            | Self::CostPerRequest
            | Self::CostPerThousand
            | Self::CostPerSignal
            | Self::LatencyP50
            | Self::LatencyP95
            | Self::LatencyP99
            | Self::FirstTokenP50
            | Self::FirstTokenP95 => false,
        }
    }

    /// What its numbers count.
    pub fn unit(self) -> Unit {
        match self {
            Self::Spend | Self::CostPerRequest | Self::CostPerThousand | Self::CostPerSignal => Unit::Usd,
            Self::FailedShare => Unit::Share,
            Self::LatencyP50
            | Self::LatencyP95
            | Self::LatencyP99
            | Self::FirstTokenP50
            | Self::FirstTokenP95 => Unit::Ms,
            _ => Unit::Count,
        }
    }

    /// The number of some sums; `None` where there is nothing that it could be of.
    pub fn of(self, totals: &Totals) -> Option<i64> {
        let count = |count: u64| Some(i64::try_from(count).unwrap_or(i64::MAX));
        let nano = |amount: Option<NanoUsd>| amount.map(|amount| amount.0);
        let latency = |percent| totals.latency.percentile(percent).map(i64::from);
        let first_token = |percent| totals.first_token.percentile(percent).map(i64::from);
        match self {
            Self::Spend => Some(totals.cost.0),
            Self::Requests => count(totals.calls),
            Self::Attempts => count(totals.attempts),
            Self::FailedAttempts => count(totals.failed_attempts()),
            Self::FailedShare => basis_points(totals.failed_attempts(), totals.attempts).map(i64::from),
            Self::InputTokens => count(totals.input_tokens),
            Self::OutputTokens => count(totals.output_tokens),
            Self::CachedTokens => count(totals.cached_tokens),
            Self::CostPerRequest => nano(totals.per_call()),
            Self::CostPerThousand => nano(totals.per_thousand()),
            Self::CostPerSignal => nano(totals.per_signal()),
            Self::LatencyP50 => latency(50.0),
            Self::LatencyP95 => latency(95.0),
            Self::LatencyP99 => latency(99.0),
            Self::FirstTokenP50 => first_token(50.0),
            Self::FirstTokenP95 => first_token(95.0),
        }
    }

    /// What it is made of, and what groups are weighed by: histograms are large, and most numbers need none.
    pub fn columns(self) -> Columns {
        let of =
            |more: &[Column]| Columns::of(&[&[Column::Calls, Column::Attempts, Column::Cost], more].concat());
        match self {
            Self::InputTokens => of(&[Column::InputTokens]),
            Self::OutputTokens => of(&[Column::OutputTokens]),
            Self::CachedTokens => of(&[Column::CachedTokens]),
            Self::CostPerSignal => of(&[Column::Signals, Column::SignalCost]),
            Self::LatencyP50 | Self::LatencyP95 | Self::LatencyP99 => of(&[Column::Latency]),
            Self::FirstTokenP50 | Self::FirstTokenP95 => of(&[Column::FirstToken]),
            _ => of(&[]),
        }
    }

    /// How much a group weighs where only the first ones are shown: its number, or, where that is a share, an average or a
    /// time, how many attempts it is of. One slow answer does not make a group that matters.
    pub fn weight(self, totals: &Totals) -> i64 {
        let number = if self.adds_up() { self.of(totals) } else { Self::Attempts.of(totals) };
        number.unwrap_or(0)
    }
}

/// A part in basis points of the whole, rounded once; `None` where there is no whole.
pub fn basis_points(part: u64, whole: u64) -> Option<u32> {
    let share = (u128::from(part) * 10_000 + u128::from(whole) / 2).checked_div(u128::from(whole))?;
    u32::try_from(share).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_called_the_same_everywhere() {
        for metric in Metric::ALL {
            assert_eq!(serde_json::json!(metric), metric.as_str());
        }
    }

    fn totals() -> Totals {
        let mut totals = Totals {
            calls: 8,
            attempts: 10,
            answered_attempts: 7,
            input_tokens: 900,
            output_tokens: 80,
            cached_tokens: 100,
            cost: NanoUsd(4_000),
            signals: 2,
            signal_cost: NanoUsd(3_000),
            ..Totals::default()
        };
        for ms in 1..=100 {
            totals.latency.record(ms);
            totals.first_token.record(ms + 100);
        }
        totals
    }

    #[test]
    fn each_number_is_that_of_its_sums() {
        for (metric, expected) in [
            (Metric::Spend, 4_000),
            (Metric::Requests, 8),
            (Metric::Attempts, 10),
            (Metric::FailedAttempts, 3),
            (Metric::FailedShare, 3_000),
            (Metric::InputTokens, 900),
            (Metric::OutputTokens, 80),
            (Metric::CachedTokens, 100),
            (Metric::CostPerRequest, 500),
            (Metric::CostPerThousand, 500_000),
            (Metric::CostPerSignal, 1_500),
            (Metric::LatencyP50, 50),
            (Metric::LatencyP95, 95),
            (Metric::LatencyP99, 99),
            (Metric::FirstTokenP50, 150),
            (Metric::FirstTokenP95, 195),
        ] {
            assert_eq!(metric.of(&totals()), Some(expected), "{metric:?}");
            let weight = if metric.adds_up() { expected } else { 10 };
            assert_eq!(metric.weight(&totals()), weight, "{metric:?}");
        }
    }

    #[test]
    fn of_nothing_sums_are_zero_and_all_else_is_unknown() {
        for metric in Metric::ALL {
            let expected = metric.adds_up().then_some(0);
            assert_eq!(metric.of(&Totals::default()), expected, "{metric:?}");
        }
    }

    #[test]
    fn c5_sums_of_parts_are_the_sum_of_the_whole() {
        let mut whole = totals();
        whole.merge(&totals());
        for metric in Metric::ALL.into_iter().filter(|metric| metric.adds_up()) {
            assert_eq!(metric.of(&whole), metric.of(&totals()).map(|part| 2 * part), "{metric:?}");
        }
    }
}
