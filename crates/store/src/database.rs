//! Opening the database, and its two doors.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use patchbay_core::ledger::UsageRow;
use patchbay_core::time::Timestamp;
use rusqlite::{Connection, OpenFlags};

use crate::audit::Recorded;
use crate::checkpoint::Checkpoints;
use crate::error::StoreError;
use crate::writer::Writer;
use crate::{migrate, rollup};

/// The database's file name inside the data folder.
pub(crate) const FILE: &str = "patchbay.db";
/// How long a statement waits for another process's transaction.
pub(crate) const BUSY: Duration = Duration::from_secs(10);
/// A log that never came to its end beside those who write is moved by them when it has so many pages of 4 kB.
const LOG_PAGES: u32 = 8_000;
/// Readers that are kept open between uses.
const IDLE_READERS: usize = 4;

/// The open store. Clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
    writer: Writer,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    readers: Mutex<Vec<Connection>>,
}

impl Store {
    /// Opens the store in `folder`, creating or migrating it where needed.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let full = || StoreError::DiskFull { path: folder.to_owned() };
        std::fs::create_dir_all(folder).map_err(|_| full())?;
        let path = folder.join(FILE);
        let at_path = |error: rusqlite::Error| match StoreError::from(error) {
            StoreError::DiskFull { .. } => full(),
            other => other,
        };
        let mut db = connect(&path, OpenFlags::default()).map_err(at_path)?;
        // A newer database is refused before anything about it is changed.
        migrate::to_newest(&mut db, &path)?;
        db.pragma_update(None, "journal_mode", "wal").map_err(at_path)?;
        db.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
        rollup::fill_if_empty(&mut db)?;
        let checkpoints = Checkpoints::start(connect(&path, OpenFlags::default())?)?;
        Ok(Self {
            inner: Arc::new(Inner { path, readers: Mutex::default() }),
            writer: Writer::start(db, checkpoints)?,
        })
    }

    /// Runs a query on a reader of its own; it sees what was committed before it began.
    pub fn read<T>(&self, query: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let idle = self.readers().pop();
        let db = match idle {
            Some(db) => db,
            None => {
                connect(&self.inner.path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?
            }
        };
        let result = query(&db);
        let mut readers = self.readers();
        if readers.len() < IDLE_READERS {
            readers.push(db);
        }
        result
    }

    /// Runs `work` on the writer's thread and waits until it is committed. Not for async tasks: see [`Store::submit`].
    pub fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (done, result) = std::sync::mpsc::sync_channel(1);
        self.submit(work, move |outcome| {
            // The receiver waits below; it is gone only if its thread is.
            let _ = done.send(outcome);
        })?;
        result.recv().map_err(|_| StoreError::Closed)?
    }

    /// The same for a change of configuration: what it notes in the audit log is committed with it, or neither is.
    pub fn change<T: Send + 'static>(
        &self,
        at: Timestamp,
        work: impl FnOnce(&Connection) -> Result<Recorded<T>, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write(move |db| work(db)?.write(db, at))
    }

    /// Queues `work` for the writer's thread; `done` is called there after the commit.
    pub fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        done: impl FnOnce(Result<T, StoreError>) + Send + 'static,
    ) -> Result<(), StoreError> {
        self.writer.submit(work, done)
    }

    /// Queues a row of the ledger for the writer's thread; `done` is called there after the commit, and has the row again.
    pub fn enter(
        &self,
        row: UsageRow,
        done: impl FnOnce(UsageRow, Result<(), StoreError>) + Send + 'static,
    ) -> Result<(), StoreError> {
        self.writer.enter(row, done)
    }

    /// Enters a row of the ledger on the caller's own thread; `None` where somebody else writes: then [`Store::enter`] it.
    pub fn enter_here(&self, row: &UsageRow) -> Option<Result<(), StoreError>> {
        self.writer.enter_here(row)
    }

    /// How many jobs other than rows of the ledger have ended in this process: what was read before the last of them may be old.
    pub fn jobs_done(&self) -> u64 {
        self.writer.done()
    }

    /// How many jobs are queued and not committed yet.
    pub fn pending(&self) -> usize {
        self.writer.pending()
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    fn readers(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.inner.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `synchronous = NORMAL` in WAL: a killed process loses nothing that was committed; a power cut may lose the last
/// transactions but never damages the file.
fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY)?;
    db.pragma_update(None, "synchronous", "normal")?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(db)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("opens");
        (folder, store)
    }

    fn count(store: &Store) -> i64 {
        store
            .read(|db| Ok(db.query_row("SELECT count(*) FROM alias", [], |row| row.get(0))?))
            .expect("counts")
    }

    #[test]
    fn a_store_that_is_closed_leaves_one_whole_file_with_everything_in_it() {
        for _ in 0..20 {
            let (folder, store) = store();
            store
                .submit(|db| Ok(db.execute("INSERT INTO alias VALUES ('a', 'x')", [])?), |_| {})
                .expect("queued");
            drop(store);
            let beside = folder.path().join(format!("{FILE}-wal"));
            assert!(!beside.exists(), "closed by the time that it is dropped");
            assert_eq!(count(&Store::open(folder.path()).expect("opens")), 1);
        }
    }

    #[test]
    fn a_job_that_fails_changes_nothing_and_takes_nobody_with_it() {
        let (_folder, store) = store();
        let add = |alias: &'static str| {
            move |db: &Connection| {
                db.execute("INSERT INTO alias VALUES (?1, 'x')", [alias])?;
                Ok(())
            }
        };
        store.write(add("a")).expect("written");
        let failed = store.write(move |db| {
            add("b")(db)?;
            add("a")(db)
        });
        assert!(failed.is_err());
        store.write(add("c")).expect("written");
        assert_eq!(count(&store), 2);
    }

    #[test]
    fn many_writers_at_once_all_get_through() {
        let (_folder, store) = store();
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let store = &store;
                scope.spawn(move || {
                    for n in 0..50 {
                        store
                            .write(move |db| {
                                db.execute("INSERT INTO alias VALUES (?1, 'x')", [format!("{thread}-{n}")])?;
                                Ok(())
                            })
                            .expect("written");
                    }
                });
            }
        });
        assert_eq!(count(&store), 400);
    }

    #[test]
    fn two_stores_share_one_folder() {
        let (folder, first) = store();
        let second = Store::open(folder.path()).expect("opens too");
        first.write(|db| Ok(db.execute("INSERT INTO alias VALUES ('a', 'x')", [])?)).expect("written");
        second.write(|db| Ok(db.execute("INSERT INTO alias VALUES ('b', 'x')", [])?)).expect("written");
        assert_eq!((count(&first), count(&second)), (2, 2));
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_told() {
        let error = Store::open(Path::new("/dev/null/patchbay")).expect_err("no folder");
        assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
        assert!(!error.hint().is_empty());
    }

    #[test]
    fn foreign_keys_are_on() {
        let (_folder, store) = store();
        let orphan =
            store.write(|db| Ok(db.execute("INSERT INTO connection_model VALUES (99, 'm', 1, 0)", [])?));
        assert!(orphan.is_err());
    }
}
