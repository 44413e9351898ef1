//! Prices of the user's and the providers' own. The bundled table is in the program.

use patchbay_core::money::NanoUsd;
use patchbay_core::price::{Price, PriceRow};
use patchbay_core::time::Timestamp;
use rusqlite::Connection as Db;

use crate::error::StoreError;

/// All rows. The user's come last, so that of two with the same date theirs is taken.
pub fn all(db: &Db) -> Result<Vec<PriceRow>, StoreError> {
    let mut statement = db.prepare(
        "SELECT provider_slug, model, effective_from, input, output, cached_input, cache_write, above_tokens
         FROM price ORDER BY source = 'user', effective_from",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(PriceRow {
            provider: row.get("provider_slug")?,
            model: row.get("model")?,
            effective_from: Timestamp(row.get("effective_from")?),
            price: Price {
                input: NanoUsd(row.get("input")?),
                output: NanoUsd(row.get("output")?),
                cached_input: row.get::<_, Option<i64>>("cached_input")?.map(NanoUsd),
                cache_write: row.get::<_, Option<i64>>("cache_write")?.map(NanoUsd),
                above_tokens: row.get("above_tokens")?,
            },
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
