//! What the ledger holds, as budgets count it. Sample data counts for nobody.

use patchbay_core::id::ConnectionId;
use patchbay_core::money::NanoUsd;
use patchbay_core::time::{Range, Timestamp};
use rusqlite::{Connection as Db, Row};

use crate::error::StoreError;

/// Sums of attempts with the same labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookedRow {
    /// The connection's row at the time.
    pub connection: ConnectionId,
    /// The provider's slug.
    pub provider: String,
    /// The profile; may be empty.
    pub profile: String,
    /// The app.
    pub app: String,
    /// The feature; may be empty.
    pub feature: String,
    /// When: of sums over a span, its start.
    pub at: Timestamp,
    /// How many.
    pub requests: u64,
    /// Input and output, as far as they are known.
    pub tokens: u64,
    /// As far as it is known.
    pub cost: NanoUsd,
}

/// The sums of a span that begins and ends with a bucket, as every day and month does.
pub fn during(db: &Db, range: Range) -> Result<Vec<BookedRow>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT s.connection_id, s.provider, s.profile, s.app, s.feature, ?1 AS at, sum(r.attempts) AS requests,
             sum(r.input_tokens + r.output_tokens) AS tokens, sum(r.cost_nano_usd) AS cost
         FROM rollup r JOIN series s ON s.id = r.series_id
         WHERE r.bucket >= ?1 AND r.bucket < ?2 AND s.sample = 0
         GROUP BY s.connection_id, s.provider, s.profile, s.app, s.feature",
    )?;
    let rows = statement.query_map((range.from.0, range.to.0), from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The attempts that were entered after that row, and the newest row. One of which nothing was sent is not among them.
pub fn after(db: &Db, row: i64) -> Result<(Vec<BookedRow>, i64), StoreError> {
    let newest = newest(db)?;
    let mut statement = db.prepare_cached(
        "SELECT s.connection_id, s.provider, s.profile, s.app, s.feature, u.at, 1 AS requests,
             coalesce(u.input_tokens, 0) + coalesce(u.output_tokens, 0) AS tokens, coalesce(u.cost_nano_usd, 0) AS cost
         FROM usage u JOIN series s ON s.id = u.series_id
         WHERE u.id > ?1 AND u.id <= ?2 AND s.sample = 0
           AND NOT (u.error_class IS NOT NULL AND u.status IS NULL AND u.cost_nano_usd IS 0)",
    )?;
    let rows = statement.query_map((row, newest), from_row)?;
    Ok((rows.collect::<Result<_, _>>()?, newest))
}

/// The newest row of the ledger.
pub fn newest(db: &Db) -> Result<i64, StoreError> {
    let sql = "SELECT coalesce(max(id), 0) AS newest FROM usage";
    Ok(db.prepare_cached(sql)?.query_row([], |row| row.get("newest"))?)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<BookedRow> {
    Ok(BookedRow {
        connection: ConnectionId(row.get("connection_id")?),
        provider: row.get("provider")?,
        profile: row.get("profile")?,
        app: row.get("app")?,
        feature: row.get("feature")?,
        at: Timestamp(row.get("at")?),
        requests: row.get("requests")?,
        tokens: row.get("tokens")?,
        cost: NanoUsd(row.get("cost")?),
    })
}
