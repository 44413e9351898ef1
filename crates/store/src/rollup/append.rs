//! Adding rows to their buckets: one row or very many, by the same code.

use std::collections::BTreeMap;

use patchbay_core::ledger::{Outcome, Position, UsageRow};
use patchbay_core::money::NanoUsd;
use patchbay_core::report::Totals;
use patchbay_core::rollup::Histogram;
use rusqlite::{Connection as Db, OptionalExtension, params};

use crate::error::StoreError;

/// What buckets count of a row.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// It ended its call.
    pub(crate) is_final: bool,
    /// It answered a call that an earlier attempt had not.
    pub(crate) saved: bool,
    pub(crate) input: Option<u64>,
    pub(crate) output: Option<u64>,
    pub(crate) cached: Option<u64>,
    pub(crate) cache_write: Option<u64>,
    pub(crate) reasoning: Option<u64>,
    /// `None` = unknown.
    pub(crate) cost: Option<i64>,
    pub(crate) signal: OfSignal,
    pub(crate) total_ms: u64,
    pub(crate) first_token_ms: Option<u64>,
}

/// A signal is counted once: with its first row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OfSignal {
    /// Of none.
    #[default]
    None,
    /// Its first.
    First,
    /// A later one.
    Later,
}

impl OfSignal {
    /// Of a row that names a signal, and may be its first.
    pub(crate) fn new(signal: Option<&str>, is_first: bool) -> Self {
        match signal {
            None => Self::None,
            Some(_) if is_first => Self::First,
            Some(_) => Self::Later,
        }
    }
}

impl Tally {
    pub(crate) fn of(row: &UsageRow, begins_signal: bool) -> Self {
        Self {
            is_final: row.position == Position::Final,
            saved: row.saved_its_call(),
            input: row.usage.input,
            output: row.usage.output,
            cached: row.usage.cached,
            cache_write: row.usage.cache_write,
            reasoning: row.usage.reasoning,
            cost: row.cost.amount.map(|amount| amount.0),
            signal: OfSignal::new(row.signal.as_deref(), begins_signal),
            total_ms: row.total_ms,
            first_token_ms: row.first_token_ms,
        }
    }

    /// Whether a call's last attempt answered it after an earlier one had failed, by its columns. One that was asked beside a slow
    /// one was only faster.
    pub(crate) fn saves(outcome: &str, attempt: u32, beside_after_ms: Option<u64>) -> bool {
        attempt > 1 && beside_after_ms.is_none() && outcome == Outcome::Answered.as_str()
    }

    /// Its sums alone.
    pub(crate) fn totals(&self, answered: bool) -> Totals {
        let calls = u64::from(self.is_final);
        let cost = NanoUsd(self.cost.unwrap_or(0));
        Totals {
            calls,
            attempts: 1,
            succeeded: if answered { calls } else { 0 },
            failed: if answered { 0 } else { calls },
            answered_attempts: u64::from(answered),
            saved_by_failover: u64::from(self.saved),
            input_tokens: self.input.unwrap_or(0),
            output_tokens: self.output.unwrap_or(0),
            cached_tokens: self.cached.unwrap_or(0),
            cache_write_tokens: self.cache_write.unwrap_or(0),
            reasoning_tokens: self.reasoning.unwrap_or(0),
            cost,
            unpriced_attempts: u64::from(self.cost.is_none()),
            signals: u64::from(self.signal == OfSignal::First),
            signal_cost: if self.signal == OfSignal::None { NanoUsd::ZERO } else { cost },
            ..Totals::default()
        }
    }

    /// Tokens in and out; `None` where nobody told.
    pub(crate) fn size(&self) -> Option<u64> {
        let told = self.input.is_some() || self.output.is_some();
        told.then(|| self.input.unwrap_or(0) + self.output.unwrap_or(0))
    }
}

/// Sums of rows that are not in their buckets yet.
#[derive(Default)]
pub(crate) struct Batch(BTreeMap<(i64, i64), Sums>);

impl Batch {
    /// Counts a row that began at `at`.
    pub(crate) fn add(&mut self, at: i64, series_id: i64, row: &Tally) {
        let bucket = patchbay_core::time::Timestamp(at).bucket().0;
        self.0.entry((bucket, series_id)).or_default().add(row);
    }

    /// How many buckets they belong to.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds them to their buckets, in the transaction of the rows.
    pub(crate) fn write(self, db: &Db) -> Result<(), StoreError> {
        let mut find = db.prepare_cached(
            "SELECT latency, first_token, sizes FROM rollup WHERE bucket = ?1 AND series_id = ?2",
        )?;
        let mut upsert = db.prepare_cached(UPSERT)?;
        for ((bucket, series_id), mut sums) in self.0 {
            let stored = find.query_row((bucket, series_id), |row| {
                for (column, histogram) in sums.histograms().into_iter().enumerate() {
                    add_stored(row.get_ref(column)?.as_blob()?, histogram);
                }
                Ok(())
            });
            stored.optional()?;
            upsert.execute(params![
                bucket,
                series_id,
                sums.attempts,
                sums.calls,
                sums.saved,
                sums.input,
                sums.output,
                sums.cached,
                sums.cache_write,
                sums.reasoning,
                sums.cost,
                sums.unpriced,
                sums.signals,
                sums.signal_cost,
                sums.latency.to_bytes(),
                sums.first_token.to_bytes(),
                sums.sizes.to_bytes()
            ])?;
        }
        Ok(())
    }
}

const UPSERT: &str =
    "INSERT INTO rollup (bucket, series_id, attempts, calls, saved_calls, input_tokens, output_tokens,
        cached_tokens, cache_write_tokens, reasoning_tokens, cost_nano_usd, unpriced_attempts, signals,
        signal_cost_nano_usd, latency, first_token, sizes)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
    ON CONFLICT (bucket, series_id) DO UPDATE SET
        attempts = attempts + excluded.attempts,
        calls = calls + excluded.calls,
        saved_calls = saved_calls + excluded.saved_calls,
        input_tokens = input_tokens + excluded.input_tokens,
        output_tokens = output_tokens + excluded.output_tokens,
        cached_tokens = cached_tokens + excluded.cached_tokens,
        cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens,
        reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens,
        cost_nano_usd = cost_nano_usd + excluded.cost_nano_usd,
        unpriced_attempts = unpriced_attempts + excluded.unpriced_attempts,
        signals = signals + excluded.signals,
        signal_cost_nano_usd = signal_cost_nano_usd + excluded.signal_cost_nano_usd,
        latency = excluded.latency,
        first_token = excluded.first_token,
        sizes = excluded.sizes";

#[derive(Default)]
struct Sums {
    attempts: u64,
    calls: u64,
    saved: u64,
    input: u64,
    output: u64,
    cached: u64,
    cache_write: u64,
    reasoning: u64,
    cost: i64,
    unpriced: u64,
    signals: u64,
    signal_cost: i64,
    latency: Histogram,
    first_token: Histogram,
    sizes: Histogram,
}

impl Sums {
    fn add(&mut self, row: &Tally) {
        let cost = row.cost.unwrap_or(0);
        self.attempts += 1;
        self.calls += u64::from(row.is_final);
        self.saved += u64::from(row.saved);
        self.input += row.input.unwrap_or(0);
        self.output += row.output.unwrap_or(0);
        self.cached += row.cached.unwrap_or(0);
        self.cache_write += row.cache_write.unwrap_or(0);
        self.reasoning += row.reasoning.unwrap_or(0);
        self.cost += cost;
        self.unpriced += u64::from(row.cost.is_none());
        self.signals += u64::from(row.signal == OfSignal::First);
        self.signal_cost += if row.signal == OfSignal::None { 0 } else { cost };
        self.latency.record(row.total_ms);
        row.first_token_ms.into_iter().for_each(|ms| self.first_token.record(ms));
        row.size().into_iter().for_each(|tokens| self.sizes.record(tokens));
    }

    fn histograms(&mut self) -> [&mut Histogram; 3] {
        [&mut self.latency, &mut self.first_token, &mut self.sizes]
    }
}

/// A histogram that cannot be read counts as empty: the sums beside it are still right, and percentiles start anew.
fn add_stored(bytes: &[u8], histogram: &mut Histogram) {
    if bytes.is_empty() {
        return;
    }
    if let Err(error) = histogram.add_stored(bytes) {
        tracing::warn!(%error, "a bucket of the rollup starts a histogram anew");
    }
}
