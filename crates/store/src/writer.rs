//! The one thread that writes. Jobs that arrive while a transaction is being committed share the next one (group commit);
//! each runs in its own savepoint, so that one that fails takes nobody with it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use patchbay_core::ledger::UsageRow;
use rusqlite::{Connection, TransactionBehavior};

use crate::checkpoint::Checkpoints;
use crate::database::BUSY;
use crate::error::StoreError;
use crate::usage;

/// How many jobs may wait: beyond it, whoever submits waits too (back-pressure).
const QUEUE: usize = 4_096;
/// How many jobs share a transaction at most, so that readers of other processes get their turn.
const GROUP: usize = 256;

/// Tells a job's submitter how it ended, after the commit.
type Settle = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// Runs on the group's transaction, or learns why there is none.
type Work = Box<dyn FnOnce(Result<&Connection, StoreError>) -> Settle + Send>;
/// Told what became of a row, which comes back with it.
type Entered = Box<dyn FnOnce(UsageRow, Result<(), StoreError>) + Send>;

enum Job {
    Work(Work),
    /// Rows that follow each other are entered together, which costs a fraction of one after the other.
    Row(Box<UsageRow>, Entered),
}

/// The submitting end.
#[derive(Clone, Debug)]
pub(crate) struct Writer(Arc<Thread>);

/// Both are there until the last submitter goes.
#[derive(Debug)]
struct Thread {
    /// Held for each group; free while nothing is to be written.
    db: Arc<Mutex<Connection>>,
    /// Jobs that are not committed yet.
    pending: Arc<AtomicUsize>,
    /// Jobs other than rows that have ended.
    done: Arc<AtomicU64>,
    checkpoints: Arc<Checkpoints>,
    jobs: Option<SyncSender<Job>>,
    handle: Option<JoinHandle<()>>,
}

/// Waits until everything is written and the database is closed, so that a process that ends leaves one whole file behind.
impl Drop for Thread {
    fn drop(&mut self) {
        drop(self.jobs.take());
        let Some(handle) = self.handle.take() else { return };
        // The last submitter may go in a job: then the thread is on its way to its end already.
        if handle.thread().id() != thread::current().id() && handle.join().is_err() {
            tracing::error!("the thread that writes had panicked");
        }
    }
}

impl Writer {
    /// Starts the thread. It ends when all jobs are done; dropping the last `Writer` waits for that.
    pub(crate) fn start(db: Connection, checkpoints: Checkpoints) -> Result<Self, StoreError> {
        let (jobs, queue) = sync_channel(QUEUE);
        let db = Arc::new(Mutex::new(db));
        let checkpoints = Arc::new(checkpoints);
        let shared = (Arc::clone(&db), Arc::clone(&checkpoints));
        let handle = thread::Builder::new()
            .name("patchbay-writer".to_owned())
            .spawn(move || serve(&shared.0, &shared.1, &queue))
            .map_err(|error| StoreError::Sqlite(error.to_string()))?;
        let (pending, done) = Default::default();
        Ok(Self(Arc::new(Thread { db, pending, done, checkpoints, jobs: Some(jobs), handle: Some(handle) })))
    }

    /// How many jobs are not committed yet.
    pub(crate) fn pending(&self) -> usize {
        self.0.pending.load(Ordering::Relaxed)
    }

    /// How many jobs other than rows have ended: what was read before the last of them may be old.
    pub(crate) fn done(&self) -> u64 {
        self.0.done.load(Ordering::Acquire)
    }

    /// Queues `work`; `done` is called on the writer's thread once it is committed, or has failed.
    pub(crate) fn submit<T, W, D>(&self, work: W, done: D) -> Result<(), StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        D: FnOnce(Result<T, StoreError>) + Send + 'static,
    {
        let (pending, ended) = (Arc::clone(&self.0.pending), Arc::clone(&self.0.done));
        self.send(Job::Work(Box::new(move |db| {
            let result = db.and_then(|db| in_savepoint(db, work));
            Box::new(move |commit| {
                pending.fetch_sub(1, Ordering::Relaxed);
                ended.fetch_add(1, Ordering::Release);
                done(result.and_then(|value| commit.map(|()| value)));
            })
        })))
    }

    /// Queues a row of the ledger; `done` is called on the writer's thread once it is committed, or has failed.
    pub(crate) fn enter(
        &self,
        row: UsageRow,
        done: impl FnOnce(UsageRow, Result<(), StoreError>) + Send + 'static,
    ) -> Result<(), StoreError> {
        let pending = Arc::clone(&self.0.pending);
        let done = move |row, result| {
            pending.fetch_sub(1, Ordering::Relaxed);
            done(row, result);
        };
        self.send(Job::Row(Box::new(row), Box::new(done)))
    }

    /// Enters a row on the caller's own thread, which saves a lonely call two changes of threads; `None` where somebody writes or
    /// anything is queued: then it has to be queued, too.
    pub(crate) fn enter_here(&self, row: &UsageRow) -> Option<Result<(), StoreError>> {
        if self.pending() > 0 {
            return None;
        }
        let mut db = self.0.db.try_lock().ok()?;
        // Another process's turn is waited for where waiting holds nobody up.
        db.busy_timeout(Duration::ZERO).ok()?;
        let begun = db.transaction_with_behavior(TransactionBehavior::Immediate);
        let entered = begun.ok().map(|transaction| {
            usage::append(&transaction, row)?;
            transaction.commit()?;
            self.0.checkpoints.committed();
            Ok(())
        });
        db.busy_timeout(BUSY).ok()?;
        entered
    }

    fn send(&self, job: Job) -> Result<(), StoreError> {
        let jobs = self.0.jobs.as_ref().ok_or(StoreError::Closed)?;
        self.0.pending.fetch_add(1, Ordering::Relaxed);
        jobs.send(job).map_err(|_| StoreError::Closed)
    }
}

fn serve(db: &Mutex<Connection>, checkpoints: &Checkpoints, queue: &Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        // Whoever is about to hand in a row gets to do so: where the processor is busy, the group grows, and each of its rows costs
        // less; where it is idle, this returns at once.
        thread::yield_now();
        let group = std::iter::once(first).chain(queue.try_iter().take(GROUP - 1)).collect();
        commit(&mut held(db), group);
        checkpoints.committed();
    }
}

fn held(db: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    db.lock().unwrap_or_else(PoisonError::into_inner)
}

fn commit(db: &mut Connection, group: Vec<Job>) {
    let transaction = match db.transaction_with_behavior(TransactionBehavior::Immediate) {
        Ok(transaction) => transaction,
        Err(error) => {
            let error = StoreError::from(error);
            tracing::error!(%error, "the store could not begin a transaction");
            for job in group {
                match job {
                    Job::Work(work) => work(Err(error.clone()))(Ok(())),
                    Job::Row(row, done) => done(*row, Err(error.clone())),
                }
            }
            return;
        }
    };
    let mut settles = Vec::with_capacity(group.len());
    let mut rows = Vec::new();
    for job in group {
        match job {
            Job::Row(row, done) => rows.push((*row, done)),
            Job::Work(work) => {
                enter(&transaction, std::mem::take(&mut rows), &mut settles);
                settles.push(work(Ok(&transaction)));
            }
        }
    }
    enter(&transaction, rows, &mut settles);
    let result = if transaction.is_autocommit() {
        Err(rolled_back())
    } else {
        transaction.commit().map_err(StoreError::from)
    };
    if let Err(error) = &result {
        tracing::error!(%error, "the store could not commit");
    }
    for settle in settles {
        settle(result.clone());
    }
}

/// Enters rows that follow each other.
fn enter(db: &Connection, rows: Vec<(UsageRow, Entered)>, settles: &mut Vec<Settle>) {
    if rows.is_empty() {
        return;
    }
    let (rows, dones): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    let entered = usage::append_group(db, &rows);
    let entered = entered.unwrap_or_else(|error| rows.iter().map(|_| Err(error.clone())).collect());
    for ((row, done), entered) in rows.into_iter().zip(dones).zip(entered) {
        settles.push(Box::new(move |commit| done(row, entered.and(commit))));
    }
}

/// Runs work that is undone as a whole where it fails, and takes nobody else with it.
pub(crate) fn in_savepoint<T>(
    db: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    if db.is_autocommit() {
        // What follows would commit on its own, while its submitter is told that the group failed.
        return Err(rolled_back());
    }
    run(db, "SAVEPOINT job")?;
    let result = work(db);
    let undone = if result.is_err() { run(db, "ROLLBACK TO job") } else { Ok(()) };
    let ended = undone.and_then(|()| run(db, "RELEASE job"));
    result.and_then(|value| ended.map(|()| value))
}

/// A statement that every job runs: it is compiled once.
fn run(db: &Connection, sql: &str) -> Result<(), StoreError> {
    db.prepare_cached(sql)?.execute([])?;
    Ok(())
}

/// A disk that is full or fails makes SQLite itself throw the whole transaction away, in the middle of a job.
fn rolled_back() -> StoreError {
    StoreError::DiskFull { path: crate::database::FILE.into() }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    type Outcomes = Arc<Mutex<Vec<(u32, bool)>>>;

    /// A job that inserts rows of a page each, and notes how it was settled.
    fn job(number: u32, rows: u32, outcomes: &Outcomes) -> Job {
        let outcomes = Arc::clone(outcomes);
        Job::Work(Box::new(move |db| {
            let result = db.and_then(|db| {
                in_savepoint(db, |db| {
                    for _ in 0..rows {
                        db.execute("INSERT INTO filled VALUES (?1, zeroblob(4000))", [number])?;
                    }
                    Ok(())
                })
            });
            Box::new(move |commit| {
                let settled = result.and(commit);
                outcomes.lock().expect("held").push((number, settled.is_ok()));
            })
        }))
    }

    /// Runs groups of (job, rows) on a disk of 20 pages, and answers how each job was settled and which rows are there.
    fn run_groups(groups: &[&[(u32, u32)]]) -> (Vec<(u32, bool)>, Vec<u32>) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut db = Connection::open(folder.path().join("small.db")).expect("opens");
        db.execute_batch(
            "PRAGMA journal_mode = wal; PRAGMA max_page_count = 20; CREATE TABLE filled (n INTEGER, blob BLOB)",
        )
        .expect("a table");
        let outcomes = Outcomes::default();
        for group in groups {
            commit(&mut db, group.iter().map(|(number, rows)| job(*number, *rows, &outcomes)).collect());
        }
        let mut statement = db.prepare("SELECT DISTINCT n FROM filled ORDER BY n").expect("a query");
        let rows = statement.query_map([], |row| row.get(0)).expect("rows");
        let there = rows.collect::<Result<_, _>>().expect("numbers");
        let settled = outcomes.lock().expect("held").clone();
        (settled, there)
    }

    #[test]
    fn c4_on_a_full_disk_what_is_told_is_what_is_there() {
        let (settled, there) = run_groups(&[&[(1, 1)], &[(2, 1), (3, 99), (4, 1)], &[(5, 1)]]);
        let told: Vec<u32> = settled.iter().filter(|(_, ok)| *ok).map(|(number, _)| *number).collect();
        assert_eq!(told, there, "{settled:?}");
        assert_eq!(settled.len(), 5);
        assert!(!told.contains(&3) && told.contains(&1) && told.contains(&5));
    }

    #[test]
    fn a_group_that_cannot_begin_tells_everybody_why() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("busy.db");
        let mut db = Connection::open(&path).expect("opens");
        let other = Connection::open(&path).expect("opens");
        db.busy_timeout(std::time::Duration::ZERO).expect("set");
        other.execute_batch("BEGIN IMMEDIATE").expect("begun");
        let (told, heard) = std::sync::mpsc::channel();
        let job = Job::Work(Box::new(move |db| {
            let result = db.map(drop);
            Box::new(move |commit| told.send(result.and(commit)).expect("sent"))
        }));
        commit(&mut db, vec![job]);
        let error = heard.recv().expect("told").expect_err("busy");
        assert!(error.to_string().contains("locked"), "{error}");
    }
}
