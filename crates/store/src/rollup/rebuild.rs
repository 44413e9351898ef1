//! Making the rollup anew from the rows (T2): after a migration that changed its form, or to prove that it is right.

use std::collections::BTreeMap;

use rusqlite::{Connection as Db, Row, TransactionBehavior, named_params};

use super::append::Histograms;
use crate::error::StoreError;

/// Fills a rollup that is empty beside a ledger that is not: a migration has changed its form.
pub(crate) fn fill_if_empty(db: &mut Db) -> Result<(), StoreError> {
    if !is_missing(db)? {
        return Ok(());
    }
    // Another process may have been first.
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if is_missing(&transaction)? {
        rebuild(&transaction)?;
    }
    Ok(transaction.commit()?)
}

fn is_missing(db: &Db) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM usage) AND NOT EXISTS (SELECT 1 FROM rollup) AS missing";
    Ok(db.query_row(sql, [], |row| row.get("missing"))?)
}

/// Makes all buckets anew from the rows that are there. It can be done at any time and as often as one likes.
pub fn rebuild(db: &Db) -> Result<(), StoreError> {
    db.execute("DELETE FROM rollup", [])?;
    let mut rows = db.prepare(
        "SELECT u.at - u.at % 900000 AS bucket, u.series_id, u.attempt, u.final, s.outcome = 'answered' AS answered,
             u.input_tokens, u.output_tokens, u.cached_tokens, u.cache_write_tokens, u.reasoning_tokens, u.cost_nano_usd,
             u.signal IS NOT NULL AS has_signal, u.total_ms, u.first_token_ms,
             u.signal IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM usage e WHERE e.signal = u.signal AND e.id < u.id) AS begins_signal
         FROM usage u JOIN series s ON s.id = u.series_id ORDER BY u.at",
    )?;
    let mut rows = rows.query([])?;
    let mut open: BTreeMap<i64, Sums> = BTreeMap::new();
    let mut bucket = i64::MIN;
    while let Some(row) = rows.next()? {
        let next = row.get("bucket")?;
        if next != bucket {
            write(db, bucket, &mut open)?;
            bucket = next;
        }
        open.entry(row.get("series_id")?).or_default().add(row)?;
    }
    write(db, bucket, &mut open)
}

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
    histograms: Histograms,
}

impl Sums {
    fn add(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        let count = |column: &str| Ok::<_, rusqlite::Error>(row.get::<_, Option<u64>>(column)?.unwrap_or(0));
        let (is_final, answered): (bool, bool) = (row.get("final")?, row.get("answered")?);
        let (input, output) =
            (row.get::<_, Option<u64>>("input_tokens")?, row.get::<_, Option<u64>>("output_tokens")?);
        let cost: Option<i64> = row.get("cost_nano_usd")?;
        self.attempts += 1;
        self.calls += u64::from(is_final);
        self.saved += u64::from(is_final && answered && row.get::<_, u32>("attempt")? > 1);
        self.input += input.unwrap_or(0);
        self.output += output.unwrap_or(0);
        self.cached += count("cached_tokens")?;
        self.cache_write += count("cache_write_tokens")?;
        self.reasoning += count("reasoning_tokens")?;
        self.cost += cost.unwrap_or(0);
        self.unpriced += u64::from(cost.is_none());
        self.signals += u64::from(row.get::<_, bool>("begins_signal")?);
        self.signal_cost += if row.get("has_signal")? { cost.unwrap_or(0) } else { 0 };
        self.histograms.latency.record(row.get("total_ms")?);
        if let Some(ms) = row.get("first_token_ms")? {
            self.histograms.first_token.record(ms);
        }
        if input.is_some() || output.is_some() {
            self.histograms.sizes.record(input.unwrap_or(0) + output.unwrap_or(0));
        }
        Ok(())
    }
}

/// Writes the buckets of one quarter of an hour, and forgets them.
fn write(db: &Db, bucket: i64, open: &mut BTreeMap<i64, Sums>) -> Result<(), StoreError> {
    let mut statement = db.prepare_cached(
        "INSERT INTO rollup (bucket, series_id, attempts, calls, saved_calls, input_tokens, output_tokens, cached_tokens,
             cache_write_tokens, reasoning_tokens, cost_nano_usd, unpriced_attempts, signals, signal_cost_nano_usd,
             latency, first_token, sizes)
         VALUES (:bucket, :series, :attempts, :calls, :saved, :input, :output, :cached, :cache_write, :reasoning, :cost,
             :unpriced, :signals, :signal_cost, :latency, :first_token, :sizes)",
    )?;
    for (series, sums) in std::mem::take(open) {
        statement.execute(named_params! {
            ":bucket": bucket, ":series": series, ":attempts": sums.attempts, ":calls": sums.calls, ":saved": sums.saved,
            ":input": sums.input, ":output": sums.output, ":cached": sums.cached, ":cache_write": sums.cache_write,
            ":reasoning": sums.reasoning, ":cost": sums.cost, ":unpriced": sums.unpriced, ":signals": sums.signals,
            ":signal_cost": sums.signal_cost, ":latency": sums.histograms.latency.to_bytes(),
            ":first_token": sums.histograms.first_token.to_bytes(), ":sizes": sums.histograms.sizes.to_bytes(),
        })?;
    }
    Ok(())
}
