//! Saved views: what a person looks at again and again, under a name. What one shows is the engine's business.

use patchbay_core::time::Timestamp;
use rusqlite::{Connection as Db, OptionalExtension, Row};
use serde_json::Value;

use crate::error::StoreError;

const WHAT: &str = "saved view";
const TAKEN: &str = "a view named";

/// A saved view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedViewRow {
    /// Unique.
    pub name: String,
    /// What it shows: an object.
    pub shows: Value,
    /// When it was last saved or renamed.
    pub updated_at: Timestamp,
}

/// All of them by name.
pub fn all(db: &Db) -> Result<Vec<SavedViewRow>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT name, shows, updated_at FROM saved_view ORDER BY name COLLATE NOCASE, name",
    )?;
    let rows = statement.query_map([], from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The one of that name, or an error that names it.
pub fn get(db: &Db, name: &str) -> Result<SavedViewRow, StoreError> {
    let mut statement =
        db.prepare_cached("SELECT name, shows, updated_at FROM saved_view WHERE name = ?1")?;
    statement.query_row([name], from_row).optional()?.ok_or_else(|| missing(name))
}

/// Saves a new one.
pub fn add(db: &Db, name: &str, shows: &Value, now: Timestamp) -> Result<(), StoreError> {
    must_be_free(db, name)?;
    db.prepare_cached(
        "INSERT INTO saved_view (name, shows, created_at, updated_at) VALUES (?1, ?2, ?3, ?3)",
    )?
    .execute((name, shows.to_string(), now.0))?;
    Ok(())
}

/// Lets one show something else, and answers what it showed before.
pub fn replace(db: &Db, name: &str, shows: &Value, now: Timestamp) -> Result<Value, StoreError> {
    let before = get(db, name)?;
    db.prepare_cached("UPDATE saved_view SET shows = ?2, updated_at = ?3 WHERE name = ?1")?.execute((
        name,
        shows.to_string(),
        now.0,
    ))?;
    Ok(before.shows)
}

/// Gives one another name.
pub fn rename(db: &Db, name: &str, to: &str, now: Timestamp) -> Result<(), StoreError> {
    must_be_free(db, to)?;
    let renamed = db
        .prepare_cached("UPDATE saved_view SET name = ?2, updated_at = ?3 WHERE name = ?1")?
        .execute((name, to, now.0))?;
    if renamed == 0 { Err(missing(name)) } else { Ok(()) }
}

/// Deletes one, and answers what it showed.
pub fn remove(db: &Db, name: &str) -> Result<Value, StoreError> {
    let before = get(db, name)?;
    db.prepare_cached("DELETE FROM saved_view WHERE name = ?1")?.execute([name])?;
    Ok(before.shows)
}

fn must_be_free(db: &Db, name: &str) -> Result<(), StoreError> {
    let is_taken: bool = db
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM saved_view WHERE name = ?1)")?
        .query_row([name], |row| row.get(0))?;
    if is_taken { Err(StoreError::NameTaken { what: TAKEN, name: name.to_owned() }) } else { Ok(()) }
}

fn missing(name: &str) -> StoreError {
    StoreError::NotFound { what: WHAT, name: name.to_owned() }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<SavedViewRow> {
    let shows: String = row.get("shows")?;
    Ok(SavedViewRow {
        name: row.get("name")?,
        // The table takes nothing but objects.
        shows: serde_json::from_str(&shows).unwrap_or_default(),
        updated_at: Timestamp(row.get("updated_at")?),
    })
}
