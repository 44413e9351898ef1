//! How long raw attempts stay in the ledger, and moving older ones to archives (T3, T4). Totals stay for good either way.

use std::sync::Arc;

use patchbay_core::audit::{Action, Actor, Change, Entry, Kind};
use patchbay_core::time::Timestamp;
use patchbay_store::space::{self, Space};
use patchbay_store::{Recorded, archive, setting};
use serde::Serialize;

use super::usage::short;
use crate::changes::Changed;
use crate::error::Error;
use crate::retention::{self, DEFAULT_DAYS, KEEP_DAYS, LAST_RUN, Terms};
use crate::{Engine, clock};

/// What health, keys and the newest calls are told by lies in the last days.
const FEWEST_DAYS: u32 = 7;
const MOST_DAYS: u32 = 36_500;

/// How long attempts stay, and what was moved.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct RetentionInfo {
    /// Days that attempts stay in the ledger; 0 = for ever.
    pub days: u32,
    /// Files of archived attempts.
    pub archives: u32,
    /// Attempts in them.
    pub archived_attempts: u32,
    /// Bytes of them; exact up to 2⁵³.
    #[specta(type = u32)]
    pub archived_bytes: u64,
    /// Bytes of the database; exact up to 2⁵³.
    #[specta(type = u32)]
    pub database_bytes: u64,
    /// Of these, what is not in use.
    #[specta(type = u32)]
    pub unused_bytes: u64,
    /// When the last run ended.
    pub last_run: Option<Timestamp>,
}

/// What a run would move, or has moved. Numbers are exact up to 2⁵³.
#[derive(Clone, Debug, Default, Serialize, specta::Type)]
pub struct RetentionRun {
    /// Days that attempts stay in the ledger; 0 = for ever.
    pub days: u32,
    /// Attempts that began before this moment go; `null` where none does.
    pub older_than: Option<String>,
    /// By month (UTC).
    pub months: Vec<RetentionMonth>,
    /// Attempts.
    #[specta(type = u32)]
    pub attempts: u64,
    /// Bytes that they took in the database: about, where nothing was moved yet.
    #[specta(type = u32)]
    pub database_bytes: u64,
    /// Bytes of the files that were written; 0 where nothing was moved yet.
    #[specta(type = u32)]
    pub archive_bytes: u64,
    /// Whether it only tells.
    pub dry_run: bool,
}

/// A month of a run.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct RetentionMonth {
    /// 2026-08, UTC.
    pub month: String,
    /// Whether its attempts are sample data.
    pub sample: bool,
    /// How many go.
    #[specta(type = u32)]
    pub attempts: u64,
    /// About how many bytes they take in the database.
    #[specta(type = u32)]
    pub database_bytes: u64,
    /// The file, once there is one.
    pub file: Option<String>,
    /// Bytes of the file.
    #[specta(type = u32)]
    pub archive_bytes: u64,
}

/// How long attempts stay, and what was moved.
pub async fn info(engine: &Arc<Engine>) -> Result<RetentionInfo, Error> {
    engine
        .blocking(|engine| {
            let read = engine.store.read(|db| {
                let (archives, attempts, bytes) = archive::sum_of(&archive::all(db)?);
                let Space { file, free } = space::used(db)?;
                Ok(RetentionInfo {
                    days: setting::get(db, KEEP_DAYS)?.unwrap_or(DEFAULT_DAYS),
                    archives: short(archives),
                    archived_attempts: short(attempts),
                    archived_bytes: bytes,
                    database_bytes: file,
                    unused_bytes: free,
                    last_run: setting::get(db, LAST_RUN)?,
                })
            });
            Ok(read?)
        })
        .await
}

/// Lets attempts stay so many days; 0 = for ever. What is archived stays archived.
pub async fn set_days(engine: &Arc<Engine>, days: u32) -> Result<RetentionInfo, Error> {
    if days != 0 && !(FEWEST_DAYS..=MOST_DAYS).contains(&days) {
        return Err(Error::invalid(
            format!("Attempts cannot stay {days} days."),
            format!("Choose {FEWEST_DAYS} to {MOST_DAYS} days, or for ever."),
        ));
    }
    engine
        .change(move |db| {
            let before = setting::get(db, KEEP_DAYS)?.unwrap_or(DEFAULT_DAYS);
            setting::set(db, KEEP_DAYS, &days, clock::now())?;
            let entry = Entry::user(Action::Update, Kind::Setting, KEEP_DAYS);
            Ok(Recorded::new((), entry.change(Change::default().with("days", before, days))))
        })
        .await?;
    engine.changes.send(Changed::Settings);
    info(engine).await
}

/// What a run would move now.
pub async fn dry_run(engine: &Arc<Engine>) -> Result<RetentionRun, Error> {
    engine
        .blocking(|engine| {
            let terms = Terms::read(engine, clock::now())?;
            let plans = terms.plans(&engine.store)?;
            let months = plans.iter().map(|plan| retention::month(plan, None)).collect();
            Ok(terms.told(months, true))
        })
        .await
}

/// Moves what is old enough, on behalf of a person.
pub async fn run(engine: &Arc<Engine>) -> Result<RetentionRun, Error> {
    engine.blocking(|engine| retention::run_by(engine, Actor::User, clock::now())).await
}

/// Archives that are missing or damaged, each in a sentence.
pub async fn verify(engine: &Arc<Engine>) -> Result<Vec<String>, Error> {
    engine
        .blocking(|engine| {
            let found = engine.store.read(archive::verify)?;
            let told = found.into_iter().map(|(archive, why)| format!("{}: {why}", archive.month));
            Ok(told.collect())
        })
        .await
}
