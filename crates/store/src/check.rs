//! Reports of connection tests, kept for 30 days.

use patchbay_core::id::ConnectionId;
use patchbay_core::time::Timestamp;
use rusqlite::{Connection as Db, OptionalExtension};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::StoreError;

const KEEP_MS: i64 = 30 * 24 * patchbay_core::time::HOUR_MS;

/// From when on reports are kept.
pub fn oldest_kept(now: Timestamp) -> Timestamp {
    now.plus_ms(-KEEP_MS)
}

/// Keeps a report and forgets those that are too old. Of a connection's older ones the list of models goes: it is by far the
/// largest part, and only the newest is ever looked at.
pub fn insert<R: Serialize>(
    db: &Db,
    connection: ConnectionId,
    at: Timestamp,
    took_ms: u32,
    verdict: &str,
    report: &R,
) -> Result<(), StoreError> {
    db.execute(
        "UPDATE connection_check SET report = json_set(report, '$.models', json('[]'))
         WHERE connection_id = ?1 AND json_array_length(report, '$.models') > 0",
        [connection.0],
    )?;
    let report = serde_json::to_string(report).map_err(|error| StoreError::Sqlite(error.to_string()))?;
    db.execute(
        "INSERT INTO connection_check (connection_id, at, took_ms, verdict, report) VALUES (?1, ?2, ?3, ?4, ?5)",
        (connection.0, at.0, took_ms, verdict, report),
    )?;
    db.execute("DELETE FROM connection_check WHERE at < ?1", [at.0 - KEEP_MS])?;
    Ok(())
}

/// The newest report of a connection.
pub fn latest<R: DeserializeOwned>(db: &Db, connection: ConnectionId) -> Result<Option<R>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT report FROM connection_check WHERE connection_id = ?1 ORDER BY at DESC, id DESC LIMIT 1",
    )?;
    let report: Option<String> = statement.query_row([connection.0], |row| row.get("report")).optional()?;
    Ok(report.and_then(|json| serde_json::from_str(&json).ok()))
}

/// The reports of a connection from that moment on, oldest first; those of another shape are left out.
pub fn since<R: DeserializeOwned>(
    db: &Db,
    connection: ConnectionId,
    since: Timestamp,
) -> Result<Vec<R>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT report FROM connection_check WHERE connection_id = ?1 AND at >= ?2 ORDER BY at, id",
    )?;
    let reports = statement.query_map((connection.0, since.0), |row| row.get::<_, String>("report"))?;
    let mut all = Vec::new();
    for report in reports {
        all.extend(serde_json::from_str(&report?).ok());
    }
    Ok(all)
}
