//! Adding a row to its bucket.

use patchbay_core::ledger::{Position, UsageRow};
use patchbay_core::rollup::Histogram;
use patchbay_core::usage::{CostSource, TokenUsage};
use rusqlite::{Connection as Db, OptionalExtension, named_params};

use crate::error::StoreError;

/// Adds a row to its bucket, in the transaction of the row.
pub(crate) fn add(db: &Db, row: &UsageRow, series_id: i64, row_id: i64) -> Result<(), StoreError> {
    let bucket = row.at.bucket().0;
    let mut histograms = stored(db, bucket, series_id)?;
    histograms.latency.record(row.total_ms);
    row.first_token_ms.into_iter().for_each(|ms| histograms.first_token.record(ms));
    if let Some(tokens) = size(&row.usage) {
        histograms.sizes.record(tokens);
    }
    let cost = row.cost.amount.unwrap_or_default().0;
    let mut statement = db.prepare_cached(
        "INSERT INTO rollup (bucket, series_id, attempts, calls, saved_calls, input_tokens, output_tokens, cached_tokens,
             cache_write_tokens, reasoning_tokens, cost_nano_usd, unpriced_attempts, signals, signal_cost_nano_usd,
             latency, first_token, sizes)
         VALUES (:bucket, :series, 1, :calls, :saved, :input, :output, :cached, :cache_write, :reasoning, :cost, :unpriced,
             :signals, :signal_cost, :latency, :first_token, :sizes)
         ON CONFLICT (bucket, series_id) DO UPDATE SET
             attempts = attempts + 1,
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
             sizes = excluded.sizes",
    )?;
    statement.execute(named_params! {
        ":bucket": bucket, ":series": series_id, ":calls": row.position == Position::Final, ":saved": row.saved_its_call(),
        ":input": row.usage.input.unwrap_or(0), ":output": row.usage.output.unwrap_or(0),
        ":cached": row.usage.cached.unwrap_or(0), ":cache_write": row.usage.cache_write.unwrap_or(0),
        ":reasoning": row.usage.reasoning.unwrap_or(0), ":cost": cost,
        ":unpriced": row.cost.source == CostSource::Unknown, ":signals": begins_its_signal(db, row, row_id)?,
        ":signal_cost": if row.signal.is_some() { cost } else { 0 },
        ":latency": histograms.latency.to_bytes(), ":first_token": histograms.first_token.to_bytes(),
        ":sizes": histograms.sizes.to_bytes(),
    })?;
    Ok(())
}

/// Tokens in and out; `None` where nobody told.
pub(super) fn size(usage: &TokenUsage) -> Option<u64> {
    usage.is_reported().then(|| usage.input.unwrap_or(0) + usage.output.unwrap_or(0))
}

/// A signal is counted once: with its first row.
fn begins_its_signal(db: &Db, row: &UsageRow, row_id: i64) -> Result<bool, StoreError> {
    let Some(signal) = &row.signal else { return Ok(false) };
    let mut statement =
        db.prepare_cached("SELECT NOT EXISTS (SELECT 1 FROM usage WHERE signal = ?1 AND id < ?2) AS first")?;
    Ok(statement.query_row((signal, row_id), |row| row.get("first"))?)
}

/// The three histograms of a bucket.
#[derive(Default)]
pub(super) struct Histograms {
    pub(super) latency: Histogram,
    pub(super) first_token: Histogram,
    pub(super) sizes: Histogram,
}

fn stored(db: &Db, bucket: i64, series_id: i64) -> Result<Histograms, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT latency, first_token, sizes FROM rollup WHERE bucket = ?1 AND series_id = ?2",
    )?;
    let stored = statement.query_row((bucket, series_id), |row| {
        let read = |column: &str| Ok::<_, rusqlite::Error>(read_histogram(row.get_ref(column)?.as_blob()?));
        Ok(Histograms { latency: read("latency")?, first_token: read("first_token")?, sizes: read("sizes")? })
    });
    Ok(stored.optional()?.unwrap_or_default())
}

/// A histogram that cannot be read counts as empty: the sums beside it are still right, and percentiles start anew.
pub(super) fn read_histogram(bytes: &[u8]) -> Histogram {
    Histogram::from_bytes(bytes).unwrap_or_else(|error| {
        tracing::warn!(%error, "a bucket of the rollup starts a histogram anew");
        Histogram::default()
    })
}
