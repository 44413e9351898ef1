//! Prices of the user's and the providers' own. The bundled table is in the program.

use patchbay_core::money::NanoUsd;
use patchbay_core::price::{Price, PriceRow, PriceSource, PriceVersion};
use patchbay_core::time::Timestamp;
use rusqlite::{Connection as Db, Row, named_params};

use crate::error::StoreError;

/// All rows.
pub fn all(db: &Db) -> Result<Vec<PriceRow>, StoreError> {
    let mut statement = db.prepare(
        "SELECT provider_slug, model, source, effective_from, input, output, cached_input, cache_write, above_tokens
         FROM price ORDER BY effective_from, above_tokens",
    )?;
    let rows = statement.query_map([], from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<PriceRow> {
    Ok(PriceRow {
        provider: row.get("provider_slug")?,
        model: row.get("model")?,
        source: PriceSource::parse(&row.get::<_, String>("source")?),
        effective_from: Timestamp(row.get("effective_from")?),
        price: Price {
            input: NanoUsd(row.get("input")?),
            output: NanoUsd(row.get("output")?),
            cached_input: row.get::<_, Option<i64>>("cached_input")?.map(NanoUsd),
            cache_write: row.get::<_, Option<i64>>("cache_write")?.map(NanoUsd),
            above_tokens: row.get("above_tokens")?,
        },
    })
}

/// Sets a version of a model's price, in place of one of the same source and moment. What was priced before stays as it
/// was (C3): rows of the ledger hold their cost.
pub fn set(
    db: &Db,
    provider: &str,
    model: &str,
    version: &PriceVersion,
    now: Timestamp,
) -> Result<(), StoreError> {
    unset(db, provider, model, version.source, Some(version.effective_from))?;
    let mut statement = db.prepare_cached(
        "INSERT INTO price (provider_slug, model, effective_from, input, output, cached_input, cache_write, above_tokens,
             source, created_at)
         VALUES (:provider, :model, :from, :input, :output, :cached, :write, :above, :source, :now)",
    )?;
    for price in &version.prices {
        statement.execute(named_params! {
            ":provider": provider, ":model": model, ":from": version.effective_from.0, ":input": price.input.0,
            ":output": price.output.0, ":cached": price.cached_input.map(|amount| amount.0),
            ":write": price.cache_write.map(|amount| amount.0), ":above": price.above_tokens,
            ":source": version.source.as_str(), ":now": now.0,
        })?;
    }
    Ok(())
}

/// Takes one version of a source away, or all of them, and answers how many rows those were.
pub fn unset(
    db: &Db,
    provider: &str,
    model: &str,
    source: PriceSource,
    from: Option<Timestamp>,
) -> Result<usize, StoreError> {
    let mut statement = db.prepare_cached(
        "DELETE FROM price WHERE provider_slug = ?1 AND model = ?2 AND source = ?3
           AND (?4 IS NULL OR effective_from = ?4)",
    )?;
    Ok(statement.execute((provider, model, source.as_str(), from.map(|from| from.0)))?)
}
