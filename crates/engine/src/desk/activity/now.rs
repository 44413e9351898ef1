//! What is on its way: at the head of the log, until the ledger has it.

use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::ledger::UsageRow;
use patchbay_core::time::Timestamp;
use patchbay_store::usage::{self, LogRow};
use patchbay_store::{Db, StoreError};
use serde::Serialize;

use super::line::{ActivityVia, via};
use super::{ActivityLines, ActivityQuery};
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::{Engine, running};

/// What is on its way, and how far the ledger is.
#[derive(Clone, Debug, PartialEq, Serialize, specta::Type)]
pub struct ActivityNow {
    /// The newest first.
    pub running: Vec<ActivityRunning>,
    /// The latest row of the ledger, whichever process entered it; exact up to 2⁵³.
    #[specta(type = u32)]
    pub newest: i64,
}

/// A request or an attempt on its way, in whichever process on the folder.
#[derive(Clone, Debug, PartialEq, Serialize, specta::Type)]
pub struct ActivityRunning {
    /// The call.
    pub call: String,
    /// Which of its attempts this is, from 1.
    pub attempt: u32,
    /// When it began: of a request, its first attempt.
    pub at: Timestamp,
    /// The app.
    pub app: String,
    /// What the call is for; may be empty.
    pub feature: String,
    /// The model that is asked.
    pub model: String,
    /// The connection's name.
    pub connection_name: String,
    /// The colour of its provider, 1 to 6.
    pub color: u8,
    /// Whom the call tried before.
    pub via: Vec<ActivityVia>,
    /// Whether the answer comes as a stream.
    pub is_streamed: bool,
}

/// What is on its way and fits.
pub async fn now(engine: &Arc<Engine>, query: ActivityQuery, zone: TimeZone) -> Result<ActivityNow, Error> {
    engine
        .blocking(move |engine| {
            let filter = query.filter(&zone)?;
            let snapshot = engine.snapshot()?;
            let now = engine.store.read(|db| {
                let db = db.unchecked_transaction()?;
                let open = running::attempts(engine, &db, &filter)?;
                let running = match query.lines {
                    ActivityLines::Attempts => open.iter().map(|row| one(row, &[], &snapshot)).collect(),
                    ActivityLines::Calls => requests(&db, &open, &snapshot)?,
                };
                Ok(ActivityNow { running, newest: usage::newest_id(&db)? })
            });
            Ok(now?)
        })
        .await
}

/// Each call once, by its latest attempt: a slow one may have another beside it.
fn requests(db: &Db, open: &[UsageRow], snapshot: &Snapshot) -> Result<Vec<ActivityRunning>, StoreError> {
    let is_latest =
        |row: &&UsageRow| !open.iter().any(|other| other.call == row.call && other.attempt > row.attempt);
    let request = |row: &UsageRow| {
        let earlier = if row.attempt > 1 { usage::of_call(db, row.call, Some(row.at))? } else { Vec::new() };
        let mut request = one(row, &earlier, snapshot);
        let beside = open.iter().filter(|other| other.call == row.call).map(|other| other.at);
        request.at = earlier.iter().map(|ended| ended.at).chain(beside).fold(row.at, Timestamp::min);
        Ok(request)
    };
    open.iter().filter(is_latest).map(request).collect()
}

fn one(row: &UsageRow, earlier: &[LogRow], snapshot: &Snapshot) -> ActivityRunning {
    let labels = &row.series;
    ActivityRunning {
        call: row.call.to_string(),
        attempt: row.attempt,
        at: row.at,
        app: labels.app.clone(),
        feature: labels.feature.clone(),
        model: labels.model.clone(),
        connection_name: labels.connection_name.clone(),
        color: snapshot.tile(&labels.provider).1,
        via: via(&labels.connection_name, earlier, snapshot),
        is_streamed: row.streamed,
    }
}
