//! How long a model keeps its callers waiting.

use patchbay_core::id::ConnectionId;
use patchbay_core::time::Timestamp;
use rusqlite::Connection as Db;

use crate::error::StoreError;

/// How long the latest answers of a connection's model kept their callers waiting, in milliseconds: until the first token where
/// they were streamed, else until all of it was there. At most `most` of each series, none from before `since`.
pub fn waits(
    db: &Db,
    (connection, model): (ConnectionId, &str),
    streamed: bool,
    (since, most): (Timestamp, u32),
) -> Result<Vec<u64>, StoreError> {
    let mut series = db.prepare_cached(
        "SELECT id FROM series
         WHERE connection_id = ?1 AND model = ?2 AND outcome = 'answered' AND usage_type = 'chat' AND sample = 0",
    )?;
    let series: Vec<i64> =
        series.query_map((connection.0, model), |row| row.get("id"))?.collect::<Result<_, _>>()?;
    let mut latest = db.prepare_cached(
        "SELECT first_token_ms FROM usage
         WHERE series_id = ?1 AND at >= ?2 AND streamed = ?3 AND first_token_ms IS NOT NULL ORDER BY at DESC LIMIT ?4",
    )?;
    let mut waits = Vec::new();
    for id in series {
        let rows = latest.query_map((id, since.0, streamed, most), |row| row.get("first_token_ms"))?;
        for row in rows {
            waits.push(row?);
        }
    }
    Ok(waits)
}
