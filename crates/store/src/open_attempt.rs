//! Attempts on their way, so that one that a crash cut off is seen at the next start (C4).

use patchbay_core::id::CallId;
use patchbay_core::ledger::UsageRow;
use rusqlite::Connection as Db;

use crate::error::StoreError;

/// Notes that an attempt has begun. `row` is what its usage row would be, had it been interrupted at once.
pub fn open(db: &Db, owner: &str, row: &UsageRow) -> Result<(), StoreError> {
    let record = serde_json::to_string(row).map_err(|error| StoreError::Sqlite(error.to_string()))?;
    let mut statement =
        db.prepare_cached("INSERT INTO open_attempt (call, attempt, owner, record) VALUES (?1, ?2, ?3, ?4)")?;
    statement.execute((row.call.as_bytes(), row.attempt, owner, record))?;
    Ok(())
}

/// Notes that it has its usage row.
pub(crate) fn close(db: &Db, call: CallId, attempt: u32) -> Result<(), StoreError> {
    let mut statement = db.prepare_cached("DELETE FROM open_attempt WHERE call = ?1 AND attempt = ?2")?;
    statement.execute((call.as_bytes(), attempt))?;
    Ok(())
}

/// An attempt on its way, or cut off.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenAttempt {
    /// The process that makes it.
    pub owner: String,
    /// What it was noted with when it began.
    pub row: UsageRow,
}

/// All that are noted, the newest first. One that another version wrote and this one cannot read is left out.
pub fn all(db: &Db) -> Result<Vec<OpenAttempt>, StoreError> {
    let mut statement = db.prepare_cached("SELECT owner, record FROM open_attempt")?;
    let rows = statement.query_map([], |row| Ok((row.get("owner")?, row.get("record")?)))?;
    let noted: Vec<(String, String)> = rows.collect::<Result<_, _>>()?;
    let read = |(owner, record): (String, String)| {
        serde_json::from_str(&record).ok().map(|row| OpenAttempt { owner, row })
    };
    let mut open: Vec<OpenAttempt> = noted.into_iter().filter_map(read).collect();
    open.sort_unstable_by_key(|open| std::cmp::Reverse((open.row.at, open.row.call, open.row.attempt)));
    Ok(open)
}

/// The processes that have attempts open, or had.
pub fn owners(db: &Db) -> Result<Vec<String>, StoreError> {
    let mut statement = db.prepare("SELECT DISTINCT owner FROM open_attempt")?;
    let rows = statement.query_map([], |row| row.get("owner"))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Enters what a dead process left open into the ledger, and answers how many attempts that were.
pub fn interrupt(db: &Db, owner: &str) -> Result<usize, StoreError> {
    let mut statement = db.prepare("SELECT record FROM open_attempt WHERE owner = ?1")?;
    let records: Vec<String> =
        statement.query_map([owner], |row| row.get("record"))?.collect::<Result<_, _>>()?;
    for record in &records {
        match serde_json::from_str::<UsageRow>(record) {
            Ok(row) => crate::usage::append(db, &row)?,
            Err(error) => tracing::warn!(%error, "an interrupted attempt cannot be read and is left out"),
        }
    }
    db.execute("DELETE FROM open_attempt WHERE owner = ?1", [owner])?;
    Ok(records.len())
}
