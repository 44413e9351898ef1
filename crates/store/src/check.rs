//! Reports of connection tests, kept for 30 days.

use patchbay_core::id::ConnectionId;
use patchbay_core::time::Timestamp;
use rusqlite::{Connection as Db, OptionalExtension};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::StoreError;

const KEEP_MS: i64 = 30 * 24 * patchbay_core::time::HOUR_MS;

/// Keeps a report and forgets those that are too old.
pub fn insert<R: Serialize>(
    db: &Db,
    connection: ConnectionId,
    at: Timestamp,
    took_ms: u32,
    verdict: &str,
    report: &R,
) -> Result<(), StoreError> {
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
