//! Testing saved connections, one or many, and keeping what the tests found.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use patchbay_core::audit::{Action, Actor, Change, Entry, Kind};
use patchbay_core::connection::Connection as Settings;
use patchbay_core::diagnose::{CheckPlan, CheckReport, Spend, StageReport, Verdict};
use patchbay_core::id::ConnectionId;
use patchbay_store::{Db, Recorded, StoreError, check, connection, model, standing};
use serde::Serialize;
use tokio::sync::mpsc;

use super::list::find;
use crate::changes::Changed;
use crate::error::Error;
use crate::{Engine, checks};

/// As many connections are tested at the same time.
const AT_ONCE: usize = 4;

/// What happens while several connections are tested.
#[derive(Clone, Debug, Serialize, specta::Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CheckProgress {
    /// A stage began or ended.
    Stage {
        /// The connection key.
        connection: String,
        /// The stage as it is now.
        stage: StageReport,
    },
    /// A test ended, or was stopped before it began.
    Done {
        /// The whole of it.
        report: Box<CheckReport>,
    },
}

/// Tests a saved connection. A pause stays a pause (F5), whatever the test finds.
pub async fn test(
    engine: &Arc<Engine>,
    key: &str,
    spend: Spend,
    stages: mpsc::Sender<StageReport>,
) -> Result<CheckReport, Error> {
    test_settings((engine, Actor::User), &find(engine, key)?, spend, stages).await
}

/// Tests saved connections, a few at a time. All keys are looked up before the first is tested; the reports come back in the
/// order of the keys. Those that [`test_stop_all`] kept from beginning are among them, as not run.
pub async fn test_many(
    engine: &Arc<Engine>,
    keys: &[String],
    spend: Spend,
    progress: mpsc::Sender<CheckProgress>,
) -> Result<Vec<CheckReport>, Error> {
    test_by(Actor::User, engine, keys, spend, progress).await
}

/// The same, by whoever wants it.
pub(in crate::desk) async fn test_by(
    actor: Actor,
    engine: &Arc<Engine>,
    keys: &[String],
    spend: Spend,
    progress: mpsc::Sender<CheckProgress>,
) -> Result<Vec<CheckReport>, Error> {
    let mut all = Vec::new();
    for key in keys {
        let settings = find(engine, key)?;
        if !all.iter().any(|known: &Settings| known.key == settings.key) {
            all.push(settings);
        }
    }
    let round = engine.checks.round();
    let one = |settings: Settings| {
        let progress = progress.clone();
        async move {
            let report = if engine.checks.round() == round {
                relayed((engine, actor), &settings, spend, &progress).await?
            } else {
                checks::not_begun(engine, &settings)
            };
            // Who started the tests may have left.
            let _ = progress.send(CheckProgress::Done { report: Box::new(report.clone()) }).await;
            Ok(report)
        }
    };
    let reports: Vec<Result<CheckReport, Error>> =
        stream::iter(all).map(one).buffered(AT_ONCE).collect().await;
    reports.into_iter().collect()
}

/// What tests of these connections would ask and cost at most.
pub fn test_plans(engine: &Engine, keys: &[String], spend: Spend) -> Result<Vec<CheckPlan>, Error> {
    keys.iter().map(|key| checks::plan(engine, &find(engine, key)?, spend)).collect()
}

/// Stops the running test of a connection, or of a draft, by its key.
pub fn test_stop(engine: &Engine, key: &str) {
    engine.checks.stop(key);
}

/// Stops all running tests, and those that wait for their turn.
pub fn test_stop_all(engine: &Engine) {
    engine.checks.stop_all();
}

/// Tests one of many: its stages go into the channel of all.
async fn relayed(
    by: (&Arc<Engine>, Actor),
    settings: &Settings,
    spend: Spend,
    progress: &mpsc::Sender<CheckProgress>,
) -> Result<CheckReport, Error> {
    let (stages, mut seen) = mpsc::channel(1);
    let relaying = async {
        while let Some(stage) = seen.recv().await {
            let connection = settings.key.clone();
            let _ = progress.send(CheckProgress::Stage { connection, stage }).await;
        }
    };
    let (report, ()) = tokio::join!(test_settings(by, settings, spend, stages), relaying);
    report
}

async fn test_settings(
    (engine, actor): (&Arc<Engine>, Actor),
    settings: &Settings,
    spend: Spend,
    stages: mpsc::Sender<StageReport>,
) -> Result<CheckReport, Error> {
    let report = checks::run(engine, settings, spend, stages).await;
    if report.verdict != Verdict::NotRun {
        let kept = report.clone();
        let settings = settings.clone();
        engine
            .change(move |db| {
                let entry = remember(db, (settings.id, &settings.key), &kept)?;
                Ok(Recorded::new((), Entry { actor, ..entry }))
            })
            .await?;
    }
    engine.changes.send(Changed::Checks);
    engine.changes.send(Changed::Connections);
    Ok(report)
}

/// Keeps what a test found of a connection, and answers what is to be noted of it.
pub(super) fn remember(
    db: &Db,
    (id, key): (ConnectionId, &str),
    report: &CheckReport,
) -> Result<Entry, StoreError> {
    let verdict = verdict(report);
    check::insert(db, id, report.at, report.took_ms, verdict, report)?;
    model::seen(db, id, &report.models, report.at)?;
    if report.verdict == Verdict::Passed {
        connection::mark_tested(db, id)?;
        // Whoever rests or needs a person is called again: the test has just shown that all is well.
        if standing::is_blamed(db, id)? {
            standing::clear(db, id, report.at)?;
        }
    }
    let change = Change::default().fact("verdict", verdict).fact("took_ms", report.took_ms);
    Ok(Entry::user(Action::Test, Kind::Connection, key).change(change).because(&report.title))
}

/// A verdict's name in the database.
pub(crate) fn verdict(report: &CheckReport) -> &'static str {
    match report.verdict {
        Verdict::Passed => "passed",
        Verdict::Limited => "limited",
        Verdict::Failed | Verdict::NotRun | Verdict::Unsupported => "failed",
    }
}
