//! Moving old attempts to archives, step by step (T3, T4): each leaves a state that is whole.

use std::fs::{File, OpenOptions, TryLockError};

use patchbay_core::audit::{Action, Actor, Change, Entry, Kind};
use patchbay_core::code::Code;
use patchbay_core::time::{HOUR_MS, Timestamp};
use patchbay_store::archive::{self, Draft, Plan};
use patchbay_store::{Recorded, Store, StoreError, setting, space};

use crate::board::counted_since;
use crate::changes::Changed;
use crate::desk::retention::{RetentionMonth, RetentionRun};
use crate::error::Error;
use crate::{Engine, clock};

/// The setting that holds how many days attempts stay; 0 = for ever.
pub(crate) const KEEP_DAYS: &str = "usage_keep_days";
/// When the last run ended, by whichever process.
pub(crate) const LAST_RUN: &str = "retention_last_run";
/// Where nobody set it.
pub(crate) const DEFAULT_DAYS: u32 = 90;
const DAY_MS: i64 = 24 * HOUR_MS;
/// The file that whoever runs it holds the lock of.
const LOCK: &str = "retention.lock";

/// Moves what is old enough, unless another process is at it: nobody waits, whoever is at it does the same.
pub(crate) fn run_due(engine: &Engine, now: Timestamp) -> Result<(), Error> {
    match run_by(engine, Actor::Scheduler, now) {
        Err(error) if error.code == Code::InUse => Ok(()),
        ran => ran.map(drop),
    }
}

/// Whether the last run is a day ago.
pub(crate) fn is_due(engine: &Engine, now: Timestamp) -> Result<bool, StoreError> {
    let last: Option<Timestamp> = engine.store.read(|db| setting::get(db, LAST_RUN))?;
    // A last run that lies ahead was noted by a clock that was wrong.
    Ok(last.is_none_or(|last| last > now || last.plus_ms(DAY_MS) <= now))
}

/// Moves what is old enough, unless another process is at it.
pub(crate) fn run_by(engine: &Engine, actor: Actor, now: Timestamp) -> Result<RetentionRun, Error> {
    let _lock = lock(engine)?;
    let terms = Terms::read(engine, now)?;
    // What an earlier run did not come to the end of.
    for archive in engine.store.read(archive::unfinished)? {
        delete(&engine.store, archive)?;
    }
    let mut months = Vec::new();
    for plan in terms.plans(&engine.store)? {
        let draft = engine.store.read(|db| archive::draft(db, &plan, now))?;
        months.push(month(&plan, Some(&draft)));
        let archive = note(engine, actor, draft, terms.days)?;
        delete(&engine.store, archive)?;
    }
    while engine.store.write(space::give_back_some)? {}
    engine.store.read(archive::sweep)?;
    engine.store.write(move |db| setting::set(db, LAST_RUN, &now, now))?;
    if !months.is_empty() {
        engine.changes.send(Changed::Usage);
    }
    engine.changes.send(Changed::Settings);
    Ok(terms.told(months, false))
}

/// Lets the file count, with an entry of the audit log.
fn note(engine: &Engine, actor: Actor, draft: Draft, days: u32) -> Result<i64, StoreError> {
    let (month, file, _, bytes) = draft.facts();
    let change = Change::default()
        .fact("attempts", draft.moved)
        .fact("file", file)
        .fact("bytes", bytes)
        .fact("older_than_days", days);
    let entry = Entry::by(actor, Action::Retain, Kind::Usage, month).change(change);
    engine.store.change(clock::now(), move |db| Ok(Recorded::new(archive::note(db, &draft)?, entry)))
}

/// A few rows at a time: calls that end meanwhile have their rows entered in between.
fn delete(store: &Store, archive: i64) -> Result<(), StoreError> {
    while store.write(move |db| archive::delete_some(db, archive))? {}
    Ok(())
}

fn lock(engine: &Engine) -> Result<File, Error> {
    let path = engine.data_dir.join(LOCK);
    let unwritable = |error: std::io::Error| {
        Error::new(
            Code::DiskFull,
            format!("{} cannot be written: {error}.", path.display()),
            "Free some space or make the folder writable, then try again.",
        )
    };
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(unwritable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::new(
            Code::InUse,
            "Another Patchbay on this data folder is moving old attempts.",
            "Wait until it is done; `patchbay retention` tells when.",
        )),
        Err(TryLockError::Error(error)) => Err(unwritable(error)),
    }
}

/// What goes.
pub(crate) struct Terms {
    pub(crate) days: u32,
    /// What began before goes; `None` = nothing does.
    cut: Option<Timestamp>,
}

impl Terms {
    pub(crate) fn read(engine: &Engine, now: Timestamp) -> Result<Self, Error> {
        let days = engine.store.read(|db| setting::get(db, KEEP_DAYS))?.unwrap_or(DEFAULT_DAYS);
        // What a limit still counts stays, however long its period is: a restart counts it again.
        let snapshot = engine.snapshot()?;
        let counted = counted_since(now, &snapshot);
        let cut = (days > 0).then(|| now.plus_ms(-i64::from(days) * DAY_MS).min(counted).bucket());
        Ok(Self { days, cut })
    }

    pub(crate) fn plans(&self, store: &Store) -> Result<Vec<Plan>, StoreError> {
        self.cut.map_or_else(|| Ok(Vec::new()), |cut| store.read(|db| archive::plan(db, cut)))
    }

    pub(crate) fn told(&self, months: Vec<RetentionMonth>, dry_run: bool) -> RetentionRun {
        let sum = |of: fn(&RetentionMonth) -> u64| months.iter().map(of).sum();
        RetentionRun {
            days: self.days,
            older_than: self.cut.map(Timestamp::to_rfc3339),
            attempts: sum(|month| month.attempts),
            database_bytes: sum(|month| month.database_bytes),
            archive_bytes: sum(|month| month.archive_bytes),
            months,
            dry_run,
        }
    }
}

/// What is told of a month.
pub(crate) fn month(plan: &Plan, draft: Option<&Draft>) -> RetentionMonth {
    RetentionMonth {
        month: plan.month.clone(),
        sample: plan.sample,
        attempts: plan.rows,
        database_bytes: plan.bytes,
        file: draft.map(|draft| draft.facts().1.to_owned()),
        archive_bytes: draft.map_or(0, |draft| draft.facts().3),
    }
}
