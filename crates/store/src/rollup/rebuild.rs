//! Making the rollup anew from the rows, archived ones too (T2): after a migration that changed its form, or to prove that it is right.

use patchbay_core::report::Filter;
use rusqlite::{Connection as Db, Row, TransactionBehavior};

use super::append::{Batch, OfSignal, Tally};
use crate::error::StoreError;
use crate::{archive, series};

/// How many buckets are summed up before they are written.
const BUCKETS: usize = 20_000;

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
    let sql = "SELECT (EXISTS (SELECT 1 FROM usage) OR EXISTS (SELECT 1 FROM archive)) AND NOT EXISTS (SELECT 1 FROM rollup) AS missing";
    Ok(db.query_row(sql, [], |row| row.get("missing"))?)
}

/// Makes all buckets anew from the rows that are there. It can be done at any time and as often as one likes.
pub fn rebuild(db: &Db) -> Result<(), StoreError> {
    db.execute("DELETE FROM rollup", [])?;
    of_archives(db)?;
    let mut rows = db.prepare(
        "SELECT u.at, u.series_id, u.attempt, u.final, s.outcome, u.input_tokens, u.output_tokens, u.cached_tokens,
             u.cache_write_tokens, u.reasoning_tokens, u.cost_nano_usd, u.signal, u.total_ms,
             u.first_token_ms, u.detours ->> 'beside_after_ms' AS beside_after_ms,
             u.signal IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM usage e WHERE e.signal = u.signal AND e.id < u.id)
                 AND NOT EXISTS (SELECT 1 FROM archived_signal a WHERE a.signal = u.signal) AS begins_signal
         FROM usage u JOIN series s ON s.id = u.series_id ORDER BY u.at",
    )?;
    let mut rows = rows.query([])?;
    let mut batch = Batch::default();
    while let Some(row) = rows.next()? {
        batch.add(row.get("at")?, row.get("series_id")?, &counted(row)?);
        if batch.len() >= BUCKETS {
            std::mem::take(&mut batch).write(db)?;
        }
    }
    batch.write(db)
}

fn of_archives(db: &Db) -> Result<(), StoreError> {
    let ids = series::by_labels(db)?;
    let mut batch = Batch::default();
    archive::scan(db, &Filter::default(), |archived| {
        if let Some(id) = ids.get(&archived.series()) {
            batch.add(archived.row.at.0, *id, &archived.counted());
        }
        if batch.len() >= BUCKETS { std::mem::take(&mut batch).write(db) } else { Ok(()) }
    })?;
    batch.write(db)
}

fn counted(row: &Row<'_>) -> Result<Tally, StoreError> {
    let is_final: bool = row.get("final")?;
    let outcome = row.get_ref("outcome")?.as_str().map_err(rusqlite::Error::from)?;
    Ok(Tally {
        is_final,
        saved: is_final && Tally::saves(outcome, row.get("attempt")?, row.get("beside_after_ms")?),
        input: row.get("input_tokens")?,
        output: row.get("output_tokens")?,
        cached: row.get("cached_tokens")?,
        cache_write: row.get("cache_write_tokens")?,
        reasoning: row.get("reasoning_tokens")?,
        cost: row.get("cost_nano_usd")?,
        signal: OfSignal::new(
            row.get_ref("signal")?.as_str_or_null().map_err(rusqlite::Error::from)?,
            row.get("begins_signal")?,
        ),
        total_ms: row.get("total_ms")?,
        first_token_ms: row.get("first_token_ms")?,
    })
}
