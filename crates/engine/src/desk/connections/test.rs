//! Testing a saved connection, and keeping what the test found.

use std::sync::Arc;

use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::diagnose::{CheckReport, Spend, StageReport, Verdict};
use patchbay_core::id::ConnectionId;
use patchbay_store::{Db, Recorded, StoreError, check, connection, model};
use tokio::sync::mpsc;

use super::list::find;
use crate::changes::Changed;
use crate::error::Error;
use crate::{Engine, checks};

/// Tests a saved connection. A pause stays a pause (F5), whatever the test finds.
pub async fn test(
    engine: &Arc<Engine>,
    key: &str,
    spend: Spend,
    stages: mpsc::Sender<StageReport>,
) -> Result<CheckReport, Error> {
    let settings = find(engine, key)?;
    let report = checks::run(engine, &settings, spend, stages).await;
    if report.verdict != Verdict::NotRun {
        let kept = report.clone();
        engine
            .change(move |db| {
                let entry = remember(db, (settings.id, &settings.key), &kept)?;
                Ok(Recorded::new((), entry))
            })
            .await?;
    }
    engine.changes.send(Changed::Checks);
    engine.changes.send(Changed::Connections);
    Ok(report)
}

/// Stops the running test of a connection, or of a draft, by its key.
pub fn test_stop(engine: &Engine, key: &str) {
    engine.checks.stop(key);
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
    }
    let change = Change::default().fact("verdict", verdict).fact("took_ms", report.took_ms);
    Ok(Entry::user(Action::Test, Kind::Connection, key).change(change).because(&report.title))
}

/// A verdict's name in the database.
pub(crate) fn verdict(report: &CheckReport) -> &'static str {
    match report.verdict {
        Verdict::Passed => "passed",
        Verdict::Limited => "limited",
        Verdict::Failed | Verdict::NotRun => "failed",
    }
}
