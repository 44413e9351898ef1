//! The rollup by provider and model: what a price has to be weighed by.

use std::collections::BTreeMap;

use patchbay_core::ledger::Outcome;
use patchbay_core::rollup::Histogram;
use patchbay_core::time::{Range, Timestamp};
use patchbay_core::usage::TokenUsage;
use rusqlite::{Connection as Db, Row};

use super::append::read_histogram;
use crate::error::StoreError;

/// What was used of a model.
#[derive(Clone, Debug, Default)]
pub struct ModelUse {
    /// Requests as their callers saw them.
    pub calls: u64,
    /// Tries.
    pub attempts: u64,
    /// Tries whose cost is not known.
    pub unpriced_attempts: u64,
    /// All input tokens.
    pub input: u64,
    /// All output tokens.
    pub output: u64,
    /// Of the input: read from a cache.
    pub cached: u64,
    /// Of the input: written to a cache.
    pub cache_write: u64,
    /// Times to the first piece of answered attempts.
    pub first_token: Histogram,
    /// The newest bucket with any of it.
    pub last_at: Option<Timestamp>,
}

impl ModelUse {
    /// Adds another's sums.
    pub fn merge(&mut self, other: &Self) {
        self.calls += other.calls;
        self.attempts += other.attempts;
        self.unpriced_attempts += other.unpriced_attempts;
        self.input += other.input;
        self.output += other.output;
        self.cached += other.cached;
        self.cache_write += other.cache_write;
        self.first_token.merge(&other.first_token);
        self.last_at = self.last_at.max(other.last_at);
    }

    /// Its tokens as one usage, which a price can be asked of.
    pub fn tokens(&self) -> TokenUsage {
        TokenUsage {
            input: Some(self.input),
            output: Some(self.output),
            cached: Some(self.cached),
            cache_write: Some(self.cache_write),
            ..TokenUsage::default()
        }
    }
}

/// What was used of each (provider, model) in a span of time.
pub fn by_model(db: &Db, range: Range) -> Result<BTreeMap<(String, String), ModelUse>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT s.provider, s.model, s.outcome, r.bucket, r.calls, r.attempts, r.unpriced_attempts, r.input_tokens,
             r.output_tokens, r.cached_tokens, r.cache_write_tokens, r.first_token
         FROM rollup r JOIN series s ON s.id = r.series_id
         WHERE r.bucket >= ?1 AND r.bucket < ?2",
    )?;
    let mut sums: BTreeMap<(String, String), ModelUse> = BTreeMap::new();
    let mut rows = statement.query((range.from.bucket().0, range.to.0))?;
    while let Some(row) = rows.next()? {
        let key = (row.get("provider")?, row.get("model")?);
        sums.entry(key).or_default().merge(&from_row(row)?);
    }
    Ok(sums)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<ModelUse> {
    let answered = row.get::<_, String>("outcome")? == Outcome::Answered.as_str();
    let first_token = row.get_ref("first_token")?.as_blob_or_null()?.filter(|_| answered);
    Ok(ModelUse {
        calls: row.get("calls")?,
        attempts: row.get("attempts")?,
        unpriced_attempts: row.get("unpriced_attempts")?,
        input: row.get("input_tokens")?,
        output: row.get("output_tokens")?,
        cached: row.get("cached_tokens")?,
        cache_write: row.get("cache_write_tokens")?,
        first_token: first_token.map(read_histogram).unwrap_or_default(),
        last_at: Some(Timestamp(row.get("bucket")?)),
    })
}
