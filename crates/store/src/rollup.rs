//! Sums by quarter of an hour and series, made with each row and read by every card, chart and table.

mod by_model;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use patchbay_core::ledger::{Outcome, Position, UsageRow};
use patchbay_core::money::NanoUsd;
use patchbay_core::report::{Filter, Group, GroupBy, Totals};
use patchbay_core::rollup::Latencies;
use patchbay_core::time::{HOUR_MS, Timestamp};
use patchbay_core::usage::CostSource;
use rusqlite::{Connection as Db, OptionalExtension, Row, ToSql, named_params};

use crate::error::StoreError;
use crate::series;

pub use by_model::{ModelUse, by_model};

/// Adds a row to its bucket, in the transaction of the row.
pub(crate) fn add(db: &Db, row: &UsageRow, series_id: i64) -> Result<(), StoreError> {
    let bucket = row.at.bucket().0;
    let (latency, first_token) = stored_latencies(db, bucket, series_id)?;
    let latency = with(latency, Some(row.total_ms));
    let first_token = with(first_token, row.first_token_ms);
    let mut statement = db.prepare_cached(
        "INSERT INTO rollup (bucket, series_id, attempts, calls, saved_calls, input_tokens, output_tokens, cached_tokens,
             cache_write_tokens, reasoning_tokens, cost_nano_usd, unpriced_attempts, latency, first_token)
         VALUES (:bucket, :series, 1, :calls, :saved, :input, :output, :cached, :cache_write, :reasoning, :cost, :unpriced,
             :latency, :first_token)
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
             latency = excluded.latency,
             first_token = excluded.first_token",
    )?;
    statement.execute(named_params! {
        ":bucket": bucket, ":series": series_id, ":calls": row.position == Position::Final, ":saved": row.saved_its_call(),
        ":input": row.usage.input.unwrap_or(0), ":output": row.usage.output.unwrap_or(0),
        ":cached": row.usage.cached.unwrap_or(0), ":cache_write": row.usage.cache_write.unwrap_or(0),
        ":reasoning": row.usage.reasoning.unwrap_or(0), ":cost": row.cost.amount.unwrap_or_default().0,
        ":unpriced": row.cost.source == CostSource::Unknown, ":latency": latency, ":first_token": first_token,
    })?;
    Ok(())
}

type Stored = (Option<Vec<u8>>, Option<Vec<u8>>);

fn stored_latencies(db: &Db, bucket: i64, series_id: i64) -> Result<Stored, StoreError> {
    let mut statement =
        db.prepare_cached("SELECT latency, first_token FROM rollup WHERE bucket = ?1 AND series_id = ?2")?;
    let stored =
        statement.query_row((bucket, series_id), |row| Ok((row.get("latency")?, row.get("first_token")?)));
    Ok(stored.optional()?.unwrap_or_default())
}

fn with(stored: Option<Vec<u8>>, ms: Option<u64>) -> Option<Vec<u8>> {
    let Some(ms) = ms else { return stored };
    let mut latencies = stored.map(|bytes| read_latencies(&bytes)).unwrap_or_default();
    latencies.record(ms);
    Some(latencies.to_bytes())
}

/// A histogram that cannot be read counts as empty: the sums beside it are still right, and percentiles start anew.
fn read_latencies(bytes: &[u8]) -> Latencies {
    Latencies::from_bytes(bytes).unwrap_or_else(|error| {
        tracing::warn!(%error, "a bucket of the rollup starts its latencies anew");
        Latencies::default()
    })
}

/// One bucket of one series.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// Where it begins.
    pub at: Timestamp,
    /// The connection key.
    pub connection: String,
    /// The provider's slug.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The feature.
    pub feature: String,
    /// The app.
    pub app: String,
    /// Its sums.
    pub totals: Totals,
}

/// Calls `each` for every bucket that the filter admits, oldest first.
pub fn scan(db: &Db, filter: &Filter, mut each: impl FnMut(Bucket)) -> Result<(), StoreError> {
    let (conditions, mut parameters) = series::conditions(filter);
    let span = series::span(filter);
    let sql = format!(
        "SELECT r.*, s.connection_key, s.provider, s.model, s.feature, s.app, s.outcome
         FROM rollup r JOIN series s ON s.id = r.series_id
         WHERE {conditions} AND r.bucket >= ? AND r.bucket < ? ORDER BY r.bucket"
    );
    let edges: [&dyn ToSql; 2] = [&span.0, &span.1];
    parameters.extend(edges);
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(parameters.as_slice())?;
    while let Some(row) = rows.next()? {
        each(from_row(row)?);
    }
    Ok(())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Bucket> {
    let calls: u64 = row.get("calls")?;
    let answered = row.get::<_, String>("outcome")? == Outcome::Answered.as_str();
    let latency =
        if answered { read_latencies(row.get_ref("latency")?.as_blob()?) } else { Latencies::default() };
    Ok(Bucket {
        at: Timestamp(row.get("bucket")?),
        connection: row.get("connection_key")?,
        provider: row.get("provider")?,
        model: row.get("model")?,
        feature: row.get("feature")?,
        app: row.get("app")?,
        totals: Totals {
            calls,
            attempts: row.get("attempts")?,
            succeeded: if answered { calls } else { 0 },
            failed: if answered { 0 } else { calls },
            saved_by_failover: row.get("saved_calls")?,
            input_tokens: row.get("input_tokens")?,
            output_tokens: row.get("output_tokens")?,
            cost: NanoUsd(row.get("cost_nano_usd")?),
            unpriced_attempts: row.get("unpriced_attempts")?,
            latency,
        },
    })
}

/// The sums of everything that the filter admits.
pub fn totals(db: &Db, filter: &Filter) -> Result<Totals, StoreError> {
    let mut totals = Totals::default();
    scan(db, filter, |bucket| totals.merge(&bucket.totals))?;
    Ok(totals)
}

/// The sums by group, in the order of their keys.
pub fn groups(db: &Db, filter: &Filter, by: GroupBy, zone: &TimeZone) -> Result<Vec<Group>, StoreError> {
    let mut groups: BTreeMap<String, Totals> = BTreeMap::new();
    scan(db, filter, |bucket| {
        groups.entry(key(&bucket, by, zone)).or_default().merge(&bucket.totals);
    })?;
    Ok(groups.into_iter().map(|(key, totals)| Group { key, totals }).collect())
}

fn key(bucket: &Bucket, by: GroupBy, zone: &TimeZone) -> String {
    match by {
        GroupBy::Connection => bucket.connection.clone(),
        GroupBy::Provider => bucket.provider.clone(),
        GroupBy::Model => bucket.model.clone(),
        GroupBy::Feature => bucket.feature.clone(),
        GroupBy::App => bucket.app.clone(),
        GroupBy::Day => bucket.at.day(zone).to_string(),
        GroupBy::Hour => Timestamp(bucket.at.0.div_euclid(HOUR_MS) * HOUR_MS).to_rfc3339(),
    }
}
