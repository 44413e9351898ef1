//! Settings that every process on this folder shares, and the configuration's version.

use patchbay_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::StoreError;

/// Settings of this store alone, which no export of the configuration holds: its identity, the key of its fingerprints,
/// and what is so only for the moment.
pub const PRIVATE: [&str; 7] =
    ["store_id", "fingerprint_key", "stopped", "drill", "demo_fault", "vault", "retention_last_run"];

/// The value of a setting; `None` where it was never set or has another shape.
pub fn get<T: DeserializeOwned>(db: &Connection, name: &str) -> Result<Option<T>, StoreError> {
    let mut statement = db.prepare_cached("SELECT value FROM setting WHERE name = ?1")?;
    let value: Option<String> = statement.query_row([name], |row| row.get("value")).optional()?;
    Ok(value.and_then(|json| serde_json::from_str(&json).ok()))
}

/// Sets a setting.
pub fn set<T: Serialize>(db: &Connection, name: &str, value: &T, now: Timestamp) -> Result<(), StoreError> {
    let json = serde_json::to_string(value).map_err(|error| StoreError::Sqlite(error.to_string()))?;
    db.execute(
        "INSERT INTO setting (name, value, changed_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at",
        (name, json, now.0),
    )?;
    Ok(())
}

/// Forgets a setting.
pub fn clear(db: &Connection, name: &str) -> Result<(), StoreError> {
    db.execute("DELETE FROM setting WHERE name = ?1", [name])?;
    Ok(())
}

/// Grows with every change of configuration, by whichever process.
pub fn configuration_version(db: &Connection) -> Result<i64, StoreError> {
    let mut statement = db.prepare_cached("SELECT version FROM configuration WHERE id = 1")?;
    Ok(statement.query_row([], |row| row.get("version"))?)
}
