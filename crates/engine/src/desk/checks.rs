//! Connection tests over time: what they found in the last 30 days, and when they run by themselves.

use std::sync::Arc;
use std::time::Duration;

use patchbay_core::audit::{Action, Actor, Change, Entry, Kind};
use patchbay_core::code::Code;
use patchbay_core::connection::ConnectionStatus;
use patchbay_core::diagnose::{CheckReport, Spend, Stage, Verdict};
use patchbay_core::schedule::{CheckSchedule, LONGEST_MINUTES, SHORTEST_MINUTES};
use patchbay_core::time::Timestamp;
use patchbay_store::{Recorded, check, setting};
use serde::Serialize;
use tokio::sync::mpsc;

use super::connections;
use crate::changes::Changed;
use crate::error::Error;
use crate::{Engine, clock};

/// The setting that holds the schedule.
const SCHEDULE: &str = "check_schedule";
/// When the last round by schedule began, by whichever process.
const LAST_ROUND: &str = "check_last_round";
/// How long the clock is trusted: a machine that slept, or whose clock was set, notices within this.
const LOOK: Duration = Duration::from_secs(30);
const SOON: Duration = Duration::from_secs(1);

/// One test of the past.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct CheckPoint {
    /// When it began.
    pub at: Timestamp,
    /// All stages together.
    pub took_ms: u32,
    /// How it ended.
    pub verdict: Verdict,
    /// The stage that broke.
    pub failed_stage: Option<Stage>,
    /// Why.
    pub code: Option<Code>,
    /// In a sentence.
    pub title: String,
}

/// When tests run by themselves.
#[derive(Clone, Copy, Debug, Serialize, specta::Type)]
pub struct ScheduleInfo {
    /// As it is set.
    pub schedule: CheckSchedule,
    /// When the next round is due; `None` for never.
    pub next: Option<Timestamp>,
    /// When the last one began.
    pub last: Option<Timestamp>,
}

/// The tests of a connection in the last 30 days, oldest first.
pub async fn history(engine: &Arc<Engine>, key: &str) -> Result<Vec<CheckPoint>, Error> {
    let id = connections::find(engine, key)?.id;
    engine
        .blocking(move |engine| {
            let since = check::oldest_kept(clock::now());
            let reports: Vec<CheckReport> = engine.store.read(|db| check::since(db, id, since))?;
            Ok(reports.into_iter().map(point).collect())
        })
        .await
}

/// When tests run by themselves.
pub fn schedule(engine: &Engine) -> Result<ScheduleInfo, Error> {
    let (schedule, last) = stored(engine)?;
    Ok(ScheduleInfo { schedule, next: schedule.next(last, clock::now()), last })
}

/// Lets tests run by themselves, in every process on this folder that goes on: the gateway, the window.
pub async fn set_schedule(engine: &Arc<Engine>, schedule: CheckSchedule) -> Result<ScheduleInfo, Error> {
    if !schedule.is_valid() {
        return Err(Error::invalid(
            "These minutes make no sense for tests.",
            format!("Choose {SHORTEST_MINUTES} to {LONGEST_MINUTES}; before an opening, from 1."),
        ));
    }
    engine
        .change(move |db| {
            let before: CheckSchedule = setting::get(db, SCHEDULE)?.unwrap_or_default();
            setting::set(db, SCHEDULE, &schedule, clock::now())?;
            let entry = Entry::user(Action::Update, Kind::Setting, SCHEDULE);
            Ok(Recorded::new((), entry.change(Change::default().with("schedule", before, schedule))))
        })
        .await?;
    engine.changes.send(Changed::Settings);
    self::schedule(engine)
}

/// Begins the round that is due at this moment, if any, and answers its reports. Of several processes on the folder one gets it.
/// It asks nothing that costs anything, and only connections that are on.
pub async fn run_due(engine: &Arc<Engine>, now: Timestamp) -> Result<Vec<CheckReport>, Error> {
    let (schedule, last) = stored(engine)?;
    let snapshot = engine.snapshot()?;
    let is_due = schedule.next(last, now).is_some_and(|due| due <= now);
    if !is_due || snapshot.stopped.is_some() || !claim(engine, now).await? {
        return Ok(Vec::new());
    }
    let is_on = |status| status == ConnectionStatus::Active;
    let keys: Vec<String> =
        snapshot.connections.iter().filter(|c| is_on(c.status)).map(|c| c.key.clone()).collect();
    connections::test_by(Actor::Scheduler, engine, &keys, Spend::FreeOnly, nobody_watches()).await
}

/// A channel whose other end is gone: were it only unread, the tests would wait for it.
fn nobody_watches() -> mpsc::Sender<connections::CheckProgress> {
    mpsc::channel(1).0
}

/// Runs the rounds as they fall due, until dropped.
pub(crate) async fn keep_schedule(engine: &Arc<Engine>) {
    loop {
        if let Err(error) = run_due(engine, clock::now()).await {
            tracing::warn!(%error, "the connections could not be tested by schedule");
        }
        tokio::time::sleep(until_next(engine)).await;
    }
}

fn until_next(engine: &Engine) -> Duration {
    let next = schedule(engine).ok().and_then(|info| info.next);
    next.map_or(LOOK, |next| Duration::from_millis(next.since_ms(clock::now()))).clamp(SOON, LOOK)
}

/// Notes the round as begun, unless another process was faster.
async fn claim(engine: &Arc<Engine>, now: Timestamp) -> Result<bool, Error> {
    engine
        .change(move |db| {
            let schedule: CheckSchedule = setting::get(db, SCHEDULE)?.unwrap_or_default();
            let last: Option<Timestamp> = setting::get(db, LAST_ROUND)?;
            let is_due = schedule.next(last, now).is_some_and(|due| due <= now);
            if is_due {
                setting::set(db, LAST_ROUND, &now, now)?;
            }
            // Each test of the round has an entry of its own.
            Ok(Recorded::unchanged(is_due))
        })
        .await
}

fn stored(engine: &Engine) -> Result<(CheckSchedule, Option<Timestamp>), Error> {
    let read = engine.store.read(|db| {
        Ok((setting::get::<CheckSchedule>(db, SCHEDULE)?.unwrap_or_default(), setting::get(db, LAST_ROUND)?))
    });
    Ok(read?)
}

fn point(report: CheckReport) -> CheckPoint {
    CheckPoint {
        at: report.at,
        took_ms: report.took_ms,
        verdict: report.verdict,
        failed_stage: report.failed_stage,
        code: report.code,
        title: report.title,
    }
}
