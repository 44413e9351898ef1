//! The engine's end of the ledger: a row is committed before the caller sees the end of its answer. A ledger that fails
//! never fails a call: the row waits here and is tried again (C4).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use patchbay_core::id::CallId;
use patchbay_core::ledger::UsageRow;
use patchbay_store::{Store, StoreError, open_attempt, usage};
use tokio::sync::oneshot;

use crate::alerts::Watch;
use crate::changes::{Changed, Changes};
use crate::metrics::Metrics;

/// How often rows that could not be written are tried again.
const RETRY: Duration = Duration::from_secs(2);
/// Rows that wait at most; beyond it the oldest is given up, and that is logged.
const BACKLOG: usize = 100_000;

/// An attempt that ends sooner is not noted as open at all: its row is there as soon as the note would be.
const NOTED_AFTER: Duration = Duration::from_millis(5);

/// Who looks after them goes on so long without any.
const LOOKED_FOR: Duration = Duration::from_secs(1);

/// Appends rows.
#[derive(Debug)]
pub struct Ledger {
    store: Store,
    owner: String,
    changes: Changes,
    watch: Arc<Watch>,
    metrics: Arc<Metrics>,
    open: Mutex<Open>,
    waiting: Mutex<Waiting>,
}

/// Attempts that have begun and are not noted yet.
#[derive(Debug, Default)]
struct Open {
    begun: HashMap<(CallId, u32), (Instant, UsageRow)>,
    look: Look,
}

/// Whether a task looks after them.
#[derive(Debug, Default, PartialEq, Eq)]
enum Look {
    #[default]
    Off,
    On,
}

/// Whether other attempts began within the last milliseconds: their rows may come at any moment, and cost less together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Others {
    None,
    Some,
}

#[derive(Debug, Default)]
struct Waiting {
    rows: VecDeque<UsageRow>,
    reason: Option<StoreError>,
}

impl Ledger {
    /// A ledger of this process, known by `owner`.
    pub fn new(
        store: Store,
        owner: String,
        changes: Changes,
        (watch, metrics): (Arc<Watch>, Arc<Metrics>),
    ) -> Self {
        Self { store, owner, changes, watch, metrics, open: Mutex::default(), waiting: Mutex::default() }
    }

    /// Where its rows are counted too.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Notes that an attempt begins, without waiting: in a moment, unless it has ended by then.
    pub fn open(self: &Arc<Self>, row: UsageRow) {
        let mut open = held(&self.open);
        open.begun.insert((row.call, row.attempt), (Instant::now(), row));
        if open.look == Look::Off {
            open.look = Look::On;
            tokio::spawn(Arc::clone(self).note_open());
        }
    }

    /// Notes what is open, for as long as attempts come: to begin anew with each of them would wake another thread each time.
    async fn note_open(self: Arc<Self>) {
        let mut quiet = Duration::ZERO;
        loop {
            tokio::time::sleep(NOTED_AFTER).await;
            let mut open = held(&self.open);
            let due = open.begun.extract_if(|_, (began, _)| began.elapsed() >= NOTED_AFTER);
            let due: Vec<UsageRow> = due.map(|(_, (_, row))| row).collect();
            if !due.is_empty() {
                // Submitted while it is held: the row of an attempt that ends now comes after its note.
                self.note(due);
            }
            quiet = if open.begun.is_empty() { quiet + NOTED_AFTER } else { Duration::ZERO };
            if quiet >= LOOKED_FOR {
                open.look = Look::Off;
                return;
            }
        }
    }

    fn note(&self, rows: Vec<UsageRow>) {
        let owner = self.owner.clone();
        let changes = self.changes.clone();
        let submitted = self.store.submit(
            move |db| rows.iter().try_for_each(|row| open_attempt::open(db, &owner, row)),
            move |result| match result {
                Ok(()) => changes.send(Changed::Running),
                Err(error) => tracing::warn!(%error, "an attempt's beginning could not be noted"),
            },
        );
        if let Err(error) = submitted {
            tracing::warn!(%error, "an attempt's beginning could not be noted");
        }
    }

    /// Appends a row and waits for its commit.
    pub async fn append(self: &Arc<Self>, row: UsageRow) {
        let others = self.count(&row);
        if others == Others::None
            && let Some(result) = self.store.enter_here(&row)
        {
            return self.entered(row, result);
        }
        let (done, committed) = oneshot::channel();
        self.submit(row, move || {
            // The caller may have gone; the row is committed all the same.
            let _ = done.send(());
        });
        let _ = committed.await;
    }

    /// Appends a row without waiting: for an attempt whose caller is gone.
    pub fn append_later(self: &Arc<Self>, row: UsageRow) {
        self.count(&row);
        self.submit(row, || {});
    }

    /// Tells whoever watches that an attempt has ended, and answers whether others are as young.
    fn count(&self, row: &UsageRow) -> Others {
        self.watch.row(row);
        self.metrics.ended(row);
        let mut open = held(&self.open);
        open.begun.remove(&(row.call, row.attempt));
        if open.begun.is_empty() { Others::None } else { Others::Some }
    }

    fn submit(self: &Arc<Self>, row: UsageRow, settled: impl FnOnce() + Send + 'static) {
        let ledger = Arc::clone(self);
        let submitted = self.store.enter(row, move |row, result| {
            ledger.entered(row, result);
            settled();
        });
        if let Err(error) = submitted {
            tracing::error!(%error, "the ledger is closed; a row is lost");
        }
    }

    fn entered(&self, row: UsageRow, result: Result<(), StoreError>) {
        match result {
            Ok(()) => self.changes.send(Changed::Usage),
            Err(error) => self.keep(row, error),
        }
    }

    fn keep(&self, row: UsageRow, error: StoreError) {
        tracing::error!(%error, call = %row.call, "a usage row could not be written and waits");
        let mut waiting = self.waiting();
        if waiting.rows.len() == BACKLOG {
            waiting.rows.pop_front();
            tracing::error!("too many usage rows wait; the oldest is given up");
        }
        waiting.rows.push_back(row);
        self.watch.ledger(Some(&error.to_string()));
        waiting.reason = Some(error);
        self.changes.send(Changed::Status);
    }

    /// How many rows wait to be written, and why; `None` when all is well.
    pub fn trouble(&self) -> Option<(usize, StoreError)> {
        let waiting = self.waiting();
        waiting.reason.clone().map(|reason| (waiting.rows.len(), reason))
    }

    /// Whether an attempt has ended whose row waits to be written: it is noted as open until then.
    pub fn keeps(&self, call: CallId, attempt: u32) -> bool {
        self.waiting().rows.iter().any(|row| (row.call, row.attempt) == (call, attempt))
    }

    /// Writes what waits. Answers how many rows still do.
    pub fn retry(&self) -> usize {
        loop {
            let Some(row) = self.waiting().rows.front().cloned() else {
                break;
            };
            let again = row.clone();
            match self.store.write(move |db| usage::append(db, &again)) {
                Ok(()) => {
                    self.waiting().rows.pop_front();
                }
                Err(error) => {
                    self.waiting().reason = Some(error);
                    break;
                }
            }
        }
        let mut waiting = self.waiting();
        if waiting.rows.is_empty() && waiting.reason.take().is_some() {
            self.watch.ledger(None);
            self.changes.send(Changed::Status);
        }
        waiting.rows.len()
    }

    /// Tries again from time to time, for as long as the process runs.
    pub async fn keep_retrying(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(RETRY);
        loop {
            ticks.tick().await;
            if self.trouble().is_some() {
                let ledger = Arc::clone(&self);
                let _ = tokio::task::spawn_blocking(move || ledger.retry()).await;
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        held(&self.waiting)
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use jiff::tz::TimeZone;

    use crate::clock::Clock;
    use crate::desk::status::status;
    use crate::{Engine, VaultChoice};

    #[tokio::test]
    async fn c4_a_disk_that_does_not_keep_up_is_told_and_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = Engine::open_at(folder.path(), VaultChoice::Memory, Clock::default()).expect("opens");
        let (go, held) = channel::<()>();
        engine.store.submit(move |_| Ok(held.recv().is_ok()), |_| {}).expect("queued");
        for _ in 0..1_000 {
            engine.store.submit(|_| Ok(()), |_| {}).expect("queued");
        }
        let told = status(&engine, TimeZone::UTC).await.expect("a status").ledger_trouble;
        assert!(told.starts_with("The disk does not keep up: "), "{told}");
        go.send(()).expect("it waits");
        engine.store.write(|_| Ok(())).expect("written after all of them");
        assert_eq!(status(&engine, TimeZone::UTC).await.expect("a status").ledger_trouble, "");
    }
}
