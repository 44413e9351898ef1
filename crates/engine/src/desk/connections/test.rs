//! Testing a saved connection, and keeping what the test found.

use std::sync::Arc;

use patchbay_core::diagnose::{CheckReport, Spend, StageReport, Verdict};
use patchbay_core::id::ConnectionId;
use patchbay_store::{Db, StoreError, connection, model};
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
        let (id, kept) = (settings.id, report.clone());
        engine.blocking(move |engine| Ok(engine.store.write(move |db| remember(db, id, &kept))?)).await?;
    }
    engine.changes.send(Changed::Checks);
    engine.changes.send(Changed::Connections);
    Ok(report)
}

/// Stops the running test of a connection, or of a draft, by its key.
pub fn test_stop(engine: &Engine, key: &str) {
    engine.checks.stop(key);
}

pub(super) fn remember(db: &Db, id: ConnectionId, report: &CheckReport) -> Result<(), StoreError> {
    let verdict = match report.verdict {
        Verdict::Passed => "passed",
        Verdict::Limited => "limited",
        Verdict::Failed | Verdict::NotRun => "failed",
    };
    patchbay_store::check::insert(db, id, report.at, report.took_ms, verdict, report)?;
    model::seen(db, id, &report.models, report.at)?;
    if report.verdict == Verdict::Passed {
        connection::mark_tested(db, id)?;
    }
    Ok(())
}
