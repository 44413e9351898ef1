//! Moving the log (WAL) into the database, on a thread beside those who write: a checkpoint waits for the disk, and they do not.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

use crate::error::StoreError;

/// After so many commits, of about six pages of 4 kB each.
const EVERY: u32 = 500;

/// Counts commits, and wakes the thread.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    commits: AtomicU32,
    /// Both are there until it is dropped.
    due: Option<SyncSender<()>>,
    handle: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// Starts the thread on a connection of its own.
    pub(crate) fn start(db: Connection) -> Result<Self, StoreError> {
        let (due, queue) = sync_channel(1);
        let handle = thread::Builder::new()
            .name("patchbay-log".to_owned())
            .spawn(move || {
                while queue.recv().is_ok() {
                    if let Err(error) = db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
                        tracing::warn!(%error, "the log of the database could not be moved into it; it is tried again");
                    }
                }
            })
            .map_err(|error| StoreError::Sqlite(error.to_string()))?;
        Ok(Self { commits: AtomicU32::new(0), due: Some(due), handle: Some(handle) })
    }

    /// A transaction was committed.
    pub(crate) fn committed(&self) {
        let is_due = self.commits.fetch_add(1, Ordering::Relaxed) % EVERY == EVERY - 1;
        if let Some(due) = self.due.as_ref().filter(|_| is_due) {
            // One that is due already is enough.
            let _ = due.try_send(());
        }
    }
}

/// Waits until its connection is closed.
impl Drop for Checkpoints {
    fn drop(&mut self) {
        drop(self.due.take());
        if self.handle.take().is_some_and(|handle| handle.join().is_err()) {
            tracing::error!("the thread that moves the log had panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use crate::Store;

    #[test]
    fn the_log_goes_into_the_database_while_rows_come() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("opens");
        let size = || std::fs::metadata(store.path()).expect("the database").len();
        let before = size();
        store.write(|db| Ok(db.execute_batch("CREATE TABLE filled (blob BLOB)")?)).expect("a table");
        let deadline = Instant::now() + Duration::from_mins(1);
        while size() < before + 1_000_000 {
            assert!(Instant::now() < deadline, "the log is never moved");
            store
                .write(|db| Ok(db.execute_batch("INSERT INTO filled VALUES (zeroblob(4000))")?))
                .expect("a row");
        }
    }
}
