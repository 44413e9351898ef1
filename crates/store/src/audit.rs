//! The audit log: written in the transaction of the change, chained by hashes, append-only (behaviours A1 to A3).
//! [`crate::Store::change`] is the way in: its work cannot end without saying what is to be noted.

mod chain;
mod list;

use patchbay_core::audit::{Change, Entry};
use patchbay_core::time::Timestamp;
use rusqlite::Connection as Db;

pub use chain::{Verdict, verify};
pub use list::{AuditFilter, Page, Written, list, scan};

use crate::error::StoreError;
use chain::Link;

/// What a change answers, together with its entries for the audit log.
#[derive(Debug)]
#[must_use = "a change that is not recorded is not in the audit log"]
pub struct Recorded<T> {
    value: T,
    entries: Vec<Entry>,
}

impl<T> Recorded<T> {
    /// A change and its entry.
    pub fn new(value: T, entry: Entry) -> Self {
        Self { value, entries: vec![entry] }
    }

    /// A change of several things.
    pub fn all(value: T, entries: Vec<Entry>) -> Self {
        Self { value, entries }
    }

    /// Nothing changed, so there is nothing to note.
    pub fn unchanged(value: T) -> Self {
        Self { value, entries: Vec::new() }
    }

    /// With another entry.
    pub fn and(mut self, entry: Entry) -> Self {
        self.entries.push(entry);
        self
    }

    /// Appends the entries, in the caller's transaction.
    pub fn write(self, db: &Db, at: Timestamp) -> Result<T, StoreError> {
        for entry in &self.entries {
            append(db, entry, at)?;
        }
        Ok(self.value)
    }
}

/// Appends an entry, in the caller's transaction. Its number follows the last one's.
pub fn append(db: &Db, entry: &Entry, at: Timestamp) -> Result<(), StoreError> {
    let (last, previous): (i64, [u8; 32]) = db
        .prepare_cached("SELECT last_id, last_hash FROM audit_chain")?
        .query_row([], |row| Ok((row.get("last_id")?, row.get("last_hash")?)))?;
    let link = Link::of(last + 1, at, entry)?;
    let hash = link.hash(&previous);
    db.prepare_cached(
        "INSERT INTO audit (id, at, actor, action, kind, name, change, reason, previous, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute((
        link.id,
        link.at,
        &link.actor,
        &link.action,
        &link.kind,
        &link.name,
        &link.change,
        &link.reason,
        previous,
        hash,
    ))?;
    db.prepare_cached("UPDATE audit_chain SET last_id = ?1, last_hash = ?2")?.execute((link.id, hash))?;
    Ok(())
}

/// Lets go of the entries before `until`, and answers how many there were. The chain then begins after them.
pub fn retain(db: &Db, until: Timestamp) -> Result<usize, StoreError> {
    let kept: i64 = db.query_row(
        "SELECT coalesce(min(id), (SELECT last_id + 1 FROM audit_chain)) AS kept FROM audit WHERE at >= ?1",
        [until.0],
        |row| row.get("kept"),
    )?;
    db.execute(
        "UPDATE audit_chain SET (first_id, first_hash) = (SELECT id, hash FROM audit WHERE id = ?1)
         WHERE EXISTS (SELECT 1 FROM audit WHERE id = ?1)",
        [kept - 1],
    )?;
    Ok(db.execute("DELETE FROM audit WHERE id < ?1", [kept])?)
}

/// When the oldest entry was written.
pub fn oldest(db: &Db) -> Result<Option<Timestamp>, StoreError> {
    let oldest: Option<i64> = db.query_row("SELECT min(at) AS at FROM audit", [], |row| row.get("at"))?;
    Ok(oldest.map(Timestamp))
}

fn to_json(change: &Change) -> Result<String, StoreError> {
    serde_json::to_string(change).map_err(|error| StoreError::Sqlite(error.to_string()))
}
