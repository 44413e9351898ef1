//! Raw rows that were moved to Parquet files (T3): one file for each month (UTC), real rows and sample data apart. What files
//! there are is told by the database alone, in the transaction that makes a file count. Until a row of a file is deleted from
//! the ledger, it counts there; so at every moment each row counts once.

mod moving;
mod read;
mod row;

use std::path::PathBuf;

use patchbay_core::time::{Range, Timestamp};
use rusqlite::{Connection as Db, Row, named_params};

use crate::error::StoreError;

pub use moving::{Draft, Plan, delete_some, draft, note, plan, sum_of, sweep, unfinished, verify};
pub(crate) use read::{Rows, newest, starts};
pub use read::{of_call, rows, scan};
pub use row::Archived;

/// The folder of the files, beside the database.
pub const FOLDER: &str = "archives";

/// A file of archived rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// Its row.
    pub id: i64,
    /// 2026-08, UTC.
    pub month: String,
    /// Whether it holds sample data.
    pub sample: bool,
    /// Its name in the folder.
    pub file: String,
    /// How often the month's file was written.
    pub version: i64,
    /// From its first attempt to just after its last.
    pub range: Range,
    /// How many.
    pub rows: u64,
    /// How large the file is.
    pub bytes: u64,
    /// Over the whole file.
    pub sha256: [u8; 32],
    /// When it was written.
    pub created_at: Timestamp,
    /// It holds no row of the ledger after this one.
    pub upto_id: i64,
    /// Whether rows that it holds are still in the ledger.
    pub moving: bool,
}

/// All of them, the oldest month first.
pub fn all(db: &Db) -> Result<Vec<Archive>, StoreError> {
    during(db, (i64::MIN, i64::MAX))
}

/// Those with attempts of a span.
pub(crate) fn during(db: &Db, (from, to): (i64, i64)) -> Result<Vec<Archive>, StoreError> {
    let sql = "SELECT * FROM archive WHERE to_at > ?1 AND from_at < ?2 ORDER BY month, sample";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map((from, to), from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn of_month(db: &Db, month: &str, sample: bool) -> Result<Option<Archive>, StoreError> {
    Ok(all(db)?.into_iter().find(|archive| archive.month == month && archive.sample == sample))
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Archive> {
    Ok(Archive {
        id: row.get("id")?,
        month: row.get("month")?,
        sample: row.get("sample")?,
        file: row.get("file")?,
        version: row.get("version")?,
        range: Range { from: Timestamp(row.get("from_at")?), to: Timestamp(row.get("to_at")?) },
        rows: row.get("rows")?,
        bytes: row.get("bytes")?,
        sha256: row.get("sha256")?,
        created_at: Timestamp(row.get("created_at")?),
        upto_id: row.get("upto_id")?,
        moving: row.get("moving")?,
    })
}

/// Puts a file in the place of the month's file before.
fn replace(db: &Db, archive: &Archive) -> Result<(), StoreError> {
    let sql = "INSERT INTO archive (month, sample, file, version, from_at, to_at, rows, bytes, sha256, created_at, upto_id,
                   moving)
               VALUES (:month, :sample, :file, :version, :from, :to, :rows, :bytes, :sha256, :created, :upto, :moving)
               ON CONFLICT (month, sample) DO UPDATE SET file = excluded.file, version = excluded.version,
                   from_at = excluded.from_at, to_at = excluded.to_at, rows = excluded.rows, bytes = excluded.bytes,
                   sha256 = excluded.sha256, created_at = excluded.created_at, upto_id = excluded.upto_id,
                   moving = excluded.moving";
    db.execute(
        sql,
        named_params! {
            ":month": archive.month, ":sample": archive.sample, ":file": archive.file, ":version": archive.version,
            ":from": archive.range.from.0, ":to": archive.range.to.0, ":rows": archive.rows, ":bytes": archive.bytes,
            ":sha256": archive.sha256, ":created": archive.created_at.0, ":upto": archive.upto_id,
            ":moving": archive.moving,
        },
    )?;
    Ok(())
}

/// Forgets the archives of the sample data. Their files are swept later.
pub(crate) fn forget_sample(db: &Db) -> Result<(), StoreError> {
    db.execute("DELETE FROM archive WHERE sample = 1", [])?;
    Ok(())
}

/// Where the files are, by where the database is.
fn folder(db: &Db) -> Result<PathBuf, StoreError> {
    let database = db.path().filter(|path| !path.is_empty());
    let database = database.ok_or_else(|| StoreError::Sqlite("a database without a file".to_owned()))?;
    Ok(PathBuf::from(database).with_file_name(FOLDER))
}
