//! Whole copies of the database, and putting one in its place. A copy holds no secrets: those are in the vault.

use std::path::{Path, PathBuf};

use patchbay_core::time::Timestamp;
use rusqlite::backup::Progress;
use rusqlite::{Connection as Db, OpenFlags};
use tempfile::TempDir;
/// A file that is removed when it is dropped.
pub use tempfile::TempPath as Scratch;

use crate::database::{FILE, Store};
use crate::error::StoreError;
use crate::{files, kept_body, migrate, setting};

/// Copies the open database into a file by SQLite's own online backup: consistent while others write. The file is there
/// whole or not at all, and only its owner can read it.
pub fn copy_to(store: &Store, file: &Path) -> Result<(), StoreError> {
    let copy = scratch(file)?;
    store.read(|db| Ok(db.backup("main", &copy, None)?))?;
    // One file, without a log of changes beside it.
    let db = Db::open(&copy)?;
    kept_body::leave_out(&db)?;
    db.pragma_update(None, "journal_mode", "delete")?;
    db.close().map_err(|(_, error)| error)?;
    keep(copy, file)
}

/// An empty file beside `file`, which vanishes unless it is kept.
pub fn scratch(file: &Path) -> Result<Scratch, StoreError> {
    let full = |_| StoreError::DiskFull { path: file.to_owned() };
    Ok(tempfile::Builder::new().tempfile_in(files::folder_of(file)).map_err(full)?.into_temp_path())
}

/// Puts what was written beside a file in its place.
pub fn keep(scratch: Scratch, file: &Path) -> Result<(), StoreError> {
    files::keep(scratch, file).map_err(|_| StoreError::DiskFull { path: file.to_owned() })
}

/// Refuses a file that is no whole database of Patchbay's, or one of a newer Patchbay.
pub fn inspect(file: &Path) -> Result<(), StoreError> {
    let bad = |why: &str| StoreError::BadFile { path: file.to_owned(), why: why.to_owned() };
    let db = Db::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(|_| bad("it cannot be opened"))?;
    let format: i64 = db
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|_| bad("it is no database"))?;
    if format > migrate::newest() {
        return Err(StoreError::Newer { path: file.to_owned(), found: format, known: migrate::newest() });
    }
    let found: String =
        db.pragma_query_value(None, "quick_check", |row| row.get(0)).map_err(|_| bad("it is damaged"))?;
    if found != "ok" {
        return Err(bad("it is damaged"));
    }
    setting::configuration_version(&db).map_err(|_| bad("it is not a database of Patchbay's"))?;
    Ok(())
}

/// A copy that was opened beside everything, and is thrown away when dropped.
#[derive(Debug)]
pub struct Aside {
    store: Store,
    _folder: TempDir,
}

impl Aside {
    /// Opens what is in `file` in a folder of its own, brought up to date there.
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        let full = |_| StoreError::DiskFull { path: std::env::temp_dir() };
        let folder = tempfile::tempdir().map_err(full)?;
        restore(folder.path(), file, Timestamp::default())?;
        Ok(Self { store: Store::open(folder.path())?, _folder: folder })
    }

    /// To be read.
    pub fn store(&self) -> &Store {
        &self.store
    }
}

/// Puts the contents of `file` in the place of the data folder's database, in one transaction, and answers where the
/// database before was copied to; `None` where there was none. No other process may work on the folder.
pub fn restore(data_dir: &Path, file: &Path, now: Timestamp) -> Result<Option<PathBuf>, StoreError> {
    inspect(file)?;
    let full = |_| StoreError::DiskFull { path: data_dir.to_owned() };
    std::fs::create_dir_all(data_dir).map_err(full)?;
    let mut db = Db::open(data_dir.join(FILE))?;
    let format: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let (mut safe, mut version) = (None, 0);
    if format > 0 {
        version = setting::configuration_version(&db)?;
        let folder = data_dir.join("backups");
        std::fs::create_dir_all(&folder).map_err(full)?;
        let copy = folder.join(format!("before-restore-{}.db", now.0));
        db.backup("main", &copy, None)?;
        kept_body::leave_out(&Db::open(&copy)?)?;
        safe = Some(copy);
    }
    db.restore("main", file, None::<fn(Progress)>)?;
    // Whoever remembers the configuration of before must not take this one for it.
    db.execute("UPDATE configuration SET version = max(version, ?1) + 1", [version])?;
    Ok(safe)
}
