//! How much of the disk the database takes, and giving back what it does not need any more.

use rusqlite::Connection as Db;

use crate::error::StoreError;

/// Pages that are given back in one go: about a megabyte.
const SOME: i64 = 256;
/// `PRAGMA auto_vacuum`: pages are given back when asked for.
const INCREMENTAL: i64 = 2;

/// Bytes of the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    /// The whole file.
    pub file: u64,
    /// Of these, what rows that are gone have left.
    pub free: u64,
}

/// How much of the disk the database takes.
pub fn used(db: &Db) -> Result<Space, StoreError> {
    let [pages, free, size] = ["page_count", "freelist_count", "page_size"].map(|name| pragma(db, name));
    let size = size?;
    let bytes = |pages: i64| u64::try_from(pages * size).unwrap_or(0);
    Ok(Space { file: bytes(pages?), free: bytes(free?) })
}

fn pragma(db: &Db, name: &str) -> Result<i64, StoreError> {
    Ok(db.pragma_query_value(None, name, |row| row.get(0))?)
}

/// Gives some unused pages back to the disk, and answers whether more are there. It takes some milliseconds.
pub fn give_back_some(db: &Db) -> Result<bool, StoreError> {
    let free = pragma(db, "freelist_count")?;
    if free == 0 || pragma(db, "auto_vacuum")? != INCREMENTAL {
        return Ok(false);
    }
    db.execute_batch(&format!("PRAGMA incremental_vacuum({SOME})"))?;
    // Without progress it would go on for ever.
    let left = pragma(db, "freelist_count")?;
    Ok(left > 0 && left < free)
}

/// Lets a database that has no tables yet give pages back later.
pub(crate) fn prepare(db: &Db) -> Result<(), StoreError> {
    Ok(db.pragma_update(None, "auto_vacuum", INCREMENTAL)?)
}

/// The same for one that has tables: it is written anew, which takes a while and happens once.
pub(crate) fn make_able(db: &Db) -> Result<(), StoreError> {
    if pragma(db, "auto_vacuum")? != INCREMENTAL {
        db.execute_batch(&format!("PRAGMA auto_vacuum = {INCREMENTAL}; VACUUM"))?;
    }
    Ok(())
}
