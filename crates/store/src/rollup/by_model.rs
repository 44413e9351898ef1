//! The rollup by provider and model: what a price has to be weighed by.

use std::collections::BTreeMap;

use patchbay_core::report::{Bucket, Column, Columns, Detail, Filter};
use patchbay_core::rollup::Histogram;
use patchbay_core::time::{Range, Timestamp};
use patchbay_core::usage::TokenUsage;
use rusqlite::Connection as Db;

use super::scan;
use crate::error::StoreError;
use crate::series::{self, Matching};
use crate::usage::snapshot;

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

    fn add(&mut self, bucket: &Bucket<'_>) {
        let counts = bucket.counts;
        self.calls += counts.calls;
        self.attempts += counts.attempts;
        self.unpriced_attempts += counts.unpriced_attempts;
        self.input += counts.input_tokens;
        self.output += counts.output_tokens;
        self.cached += counts.cached_tokens;
        self.cache_write += counts.cache_write_tokens;
        bucket.first_token.add_to(&mut self.first_token);
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
    let db = snapshot(db)?;
    let filter = Filter::during(range);
    let series = Matching::read(&db, &filter)?;
    let mut sums: BTreeMap<usize, ModelUse> = BTreeMap::new();
    scan::with(&db, &series, &filter, &Detail::whole(COLUMNS), &mut |bucket| {
        sums.entry(bucket.series).or_default().add(bucket);
    })?;
    let span = series::span(&filter);
    let mut newest = db.prepare_cached(
        "SELECT max(bucket) AS newest FROM rollup WHERE series_id = ?1 AND bucket >= ?2 AND bucket < ?3",
    )?;
    let mut models: BTreeMap<(String, String), ModelUse> = BTreeMap::new();
    for (number, mut sum) in sums {
        let Some((id, labels)) = series.id(number).and_then(|id| Some((id, series.find(id)?.1))) else {
            continue;
        };
        let last: Option<i64> = newest.query_row((id, span.0, span.1), |row| row.get("newest"))?;
        sum.last_at = last.map(Timestamp);
        models.entry((labels.provider.clone(), labels.model.clone())).or_default().merge(&sum);
    }
    Ok(models)
}

const COLUMNS: Columns = Columns::of(&[
    Column::Calls,
    Column::Attempts,
    Column::UnpricedAttempts,
    Column::InputTokens,
    Column::OutputTokens,
    Column::CachedTokens,
    Column::CacheWriteTokens,
    Column::FirstToken,
]);
