//! How closely a report has to look: which sums it needs, and of which spans of time. What it does not need is not read.

use super::Totals;
use crate::money::NanoUsd;
use crate::rollup::Histogram;
use crate::time::Range;

/// A sum that the rollup keeps, or a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// Calls, and with the outcome those that were answered and those that failed.
    Calls,
    /// Attempts, and with the outcome those that were answered.
    Attempts,
    /// The sum of all known costs.
    Cost,
    /// Calls that a later attempt answered.
    SavedCalls,
    /// Input tokens.
    InputTokens,
    /// Output tokens.
    OutputTokens,
    /// Of the input.
    CachedTokens,
    /// Of the input.
    CacheWriteTokens,
    /// Of the output.
    ReasoningTokens,
    /// Attempts whose cost is not known.
    UnpricedAttempts,
    /// Signals that begin here.
    Signals,
    /// What attempts cost that name a signal.
    SignalCost,
    /// The histogram of answered attempts' times.
    Latency,
    /// The histogram of answered attempts' times to the first piece.
    FirstToken,
    /// The histogram of attempts' tokens.
    Sizes,
}

impl Column {
    /// Numbers.
    pub const SUMS: [Self; 12] = [
        Self::Calls,
        Self::Attempts,
        Self::Cost,
        Self::SavedCalls,
        Self::InputTokens,
        Self::OutputTokens,
        Self::CachedTokens,
        Self::CacheWriteTokens,
        Self::ReasoningTokens,
        Self::UnpricedAttempts,
        Self::Signals,
        Self::SignalCost,
    ];
    /// Histograms.
    pub const HISTOGRAMS: [Self; 3] = [Self::Latency, Self::FirstToken, Self::Sizes];

    /// As the database names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Attempts => "attempts",
            Self::Cost => "cost_nano_usd",
            Self::SavedCalls => "saved_calls",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::CachedTokens => "cached_tokens",
            Self::CacheWriteTokens => "cache_write_tokens",
            Self::ReasoningTokens => "reasoning_tokens",
            Self::UnpricedAttempts => "unpriced_attempts",
            Self::Signals => "signals",
            Self::SignalCost => "signal_cost_nano_usd",
            Self::Latency => "latency",
            Self::FirstToken => "first_token",
            Self::Sizes => "sizes",
        }
    }
}

/// Some columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns(u16);

impl Columns {
    /// Everything.
    pub const ALL: Self = Self(u16::MAX);

    /// These.
    pub const fn of(columns: &[Column]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < columns.len() {
            bits |= 1 << columns[at] as u16;
            at += 1;
        }
        Self(bits)
    }

    /// All but these.
    #[must_use]
    pub const fn without(self, columns: &[Column]) -> Self {
        Self(self.0 & !Self::of(columns).0)
    }

    /// Whether it is among these.
    pub fn has(self, column: Column) -> bool {
        self.0 & Self::of(&[column]).0 != 0
    }

    /// Whether all of these are among the others.
    pub fn are_in(self, others: Self) -> bool {
        self.0 & !others.0 == 0
    }

    /// Those of them that are numbers.
    pub fn sums(self) -> impl Iterator<Item = Column> {
        Column::SUMS.into_iter().filter(move |column| self.has(*column))
    }

    /// Those of them that are histograms.
    pub fn histograms(self) -> impl Iterator<Item = Column> {
        Column::HISTOGRAMS.into_iter().filter(move |column| self.has(*column))
    }
}

/// Whose sums are to be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Those of each combination of labels.
    Each,
    /// Those of attempts that were answered, and those of all others: other labels may be empty, and series may have any number.
    All,
}

/// What is to be told: of each span of time one bucket, with these columns and nothing in the others.
#[derive(Clone, Copy)]
pub struct Detail<'a> {
    /// Which columns.
    pub columns: Columns,
    /// Whether one bucket is enough for all of a span; a quarter of an hour is never divided. A bucket tells where its span begins.
    pub as_one: &'a dyn Fn(Range) -> bool,
    /// Whose.
    pub whose: Whose,
}

impl std::fmt::Debug for Detail<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Detail").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl<'a> Detail<'a> {
    /// It does not matter when it was.
    pub fn whole(columns: Columns) -> Self {
        Self::spans(columns, &|_| true)
    }

    /// Each quarter of an hour.
    pub fn quarters(columns: Columns) -> Self {
        Self::spans(columns, &|_| false)
    }

    /// One bucket for each span that `as_one` admits.
    pub fn spans(columns: Columns, as_one: &'a dyn Fn(Range) -> bool) -> Self {
        Self { columns, as_one, whose: Whose::Each }
    }

    /// The same where labels do not matter.
    #[must_use]
    pub fn of_all(self) -> Self {
        Self { whose: Whose::All, ..self }
    }
}

impl Totals {
    /// Sets the sum of a column, and what follows from it where the attempts were answered, or were not.
    pub fn put(&mut self, column: Column, value: u64, answered: bool) {
        match column {
            Column::Calls => {
                self.calls = value;
                (self.succeeded, self.failed) = if answered { (value, 0) } else { (0, value) };
            }
            Column::Attempts => {
                self.attempts = value;
                self.answered_attempts = if answered { value } else { 0 };
            }
            Column::Cost => self.cost = NanoUsd(i64::try_from(value).unwrap_or(i64::MAX)),
            Column::SavedCalls => self.saved_by_failover = value,
            Column::InputTokens => self.input_tokens = value,
            Column::OutputTokens => self.output_tokens = value,
            Column::CachedTokens => self.cached_tokens = value,
            Column::CacheWriteTokens => self.cache_write_tokens = value,
            Column::ReasoningTokens => self.reasoning_tokens = value,
            Column::UnpricedAttempts => self.unpriced_attempts = value,
            Column::Signals => self.signals = value,
            Column::SignalCost => self.signal_cost = NanoUsd(i64::try_from(value).unwrap_or(i64::MAX)),
            Column::Latency | Column::FirstToken | Column::Sizes => {}
        }
    }

    /// The sum of a column; of a histogram, how much it counts.
    pub fn get(&self, column: Column) -> u64 {
        let cost = |amount: NanoUsd| u64::try_from(amount.0).unwrap_or(0);
        match column {
            Column::Calls => self.calls,
            Column::Attempts => self.attempts,
            Column::Cost => cost(self.cost),
            Column::SavedCalls => self.saved_by_failover,
            Column::InputTokens => self.input_tokens,
            Column::OutputTokens => self.output_tokens,
            Column::CachedTokens => self.cached_tokens,
            Column::CacheWriteTokens => self.cache_write_tokens,
            Column::ReasoningTokens => self.reasoning_tokens,
            Column::UnpricedAttempts => self.unpriced_attempts,
            Column::Signals => self.signals,
            Column::SignalCost => cost(self.signal_cost),
            Column::Latency | Column::FirstToken | Column::Sizes => {
                self.histogram(column).map_or(0, Histogram::count)
            }
        }
    }

    /// The histogram of a column; `None` for a number.
    pub fn histogram(&self, column: Column) -> Option<&Histogram> {
        match column {
            Column::Latency => Some(&self.latency),
            Column::FirstToken => Some(&self.first_token),
            Column::Sizes => Some(&self.sizes),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_put_where_it_is_found_again() {
        for column in Column::SUMS {
            let mut totals = Totals::default();
            totals.put(column, 7, true);
            let told: Vec<Column> =
                Column::SUMS.into_iter().filter(|other| totals.get(*other) == 7).collect();
            assert_eq!(told, [column]);
        }
    }

    #[test]
    fn columns_are_a_set() {
        let some = Columns::of(&[Column::Cost, Column::Latency]);
        assert_eq!(some.sums().chain(some.histograms()).collect::<Vec<_>>(), [Column::Cost, Column::Latency]);
        assert_eq!(some.without(&[Column::Cost]), Columns::of(&[Column::Latency]));
        assert!(some.are_in(Columns::ALL) && some.are_in(some) && !some.are_in(Columns::of(&[Column::Cost])));
    }
}
