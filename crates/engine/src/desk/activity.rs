//! The Activity screen: what is on its way, the log page by page, what is new in it, its tempo, and the whole way of one call.

mod call;
mod line;
mod now;
mod tempo;

use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::report::{Condition, Filter, GroupBy};
use patchbay_core::time::{Range, Timestamp};
use patchbay_store::usage::{self, Counted, Place, Sheet};
use serde::{Deserialize, Serialize};

use crate::desk::export::Exported;
use crate::desk::usage::{Days, ExportFormat, Selection, selection_to_folder};
use crate::error::Error;
use crate::{Engine, clock};

pub use crate::bodies::Messages;
pub use call::{CallDetail, CallPrice, CallStop, CallStopKind, CallUsage, call};
pub use line::{ActivityLine, ActivityVia};
pub use now::{ActivityNow, ActivityRunning, now};
pub use tempo::tempo;

/// No page is longer.
const LONGEST: u32 = 1_000;

/// Which lines of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ActivityQuery {
    /// When.
    pub span: ActivitySpan,
    /// What has to hold.
    pub conditions: Vec<Condition>,
    /// What a line stands for.
    pub lines: ActivityLines,
}

/// When what is shown began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ActivitySpan {
    /// Whenever.
    Any,
    /// On these days.
    Days {
        /// Which.
        days: Days,
    },
    /// To the millisecond.
    Moments {
        /// The first; `None` for whatever was before.
        from: Option<Timestamp>,
        /// The first after it.
        to: Timestamp,
    },
}

/// What a line of the log stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ActivityLines {
    /// A request as its caller saw it.
    Calls,
    /// Every try at a connection.
    Attempts,
}

impl From<ActivityLines> for Counted {
    fn from(lines: ActivityLines) -> Self {
        match lines {
            ActivityLines::Calls => Self::Calls,
            ActivityLines::Attempts => Self::Attempts,
        }
    }
}

/// Where a line stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ActivityPlace {
    /// When it began.
    pub at: Timestamp,
    /// Its row; exact up to 2⁵³.
    #[specta(type = u32)]
    pub id: i64,
}

/// A page of the log.
#[derive(Clone, Debug, PartialEq, Serialize, specta::Type)]
pub struct ActivityPage {
    /// The newest first.
    pub lines: Vec<ActivityLine>,
    /// There are older ones.
    pub more: bool,
    /// The latest row of the ledger: what comes after it is news.
    #[specta(type = u32)]
    pub newest: i64,
}

impl ActivityQuery {
    fn filter(&self, zone: &TimeZone) -> Result<Filter, Error> {
        let range = match &self.span {
            ActivitySpan::Any => None,
            ActivitySpan::Days { days } => Some(days.spans(clock::now(), zone)?.range),
            ActivitySpan::Moments { from, to } => {
                Some(Range { from: from.unwrap_or(Timestamp(i64::MIN)), to: *to })
            }
        };
        Ok(Filter { range, conditions: self.conditions.clone() })
    }
}

/// Lines of the log, the newest first; below a place, where one is given.
pub async fn page(
    engine: &Arc<Engine>,
    query: ActivityQuery,
    below: Option<ActivityPlace>,
    limit: u32,
    zone: TimeZone,
) -> Result<ActivityPage, Error> {
    engine
        .blocking(move |engine| {
            let filter = query.filter(&zone)?;
            let below = below.map(|place| Place { at: place.at, id: place.id });
            let limit = usize::try_from(limit.clamp(1, LONGEST)).unwrap_or(1);
            let wanted = Sheet { counted: query.lines.into(), below, limit };
            let snapshot = engine.snapshot()?;
            let page = engine.store.read(|db| {
                let db = db.unchecked_transaction()?;
                let rows = usage::sheet(&db, &filter, &wanted)?;
                Ok(ActivityPage {
                    more: rows.len() == limit,
                    newest: usage::newest_id(&db)?,
                    lines: line::lines(&db, rows, query.lines, &snapshot)?,
                })
            });
            Ok(page?)
        })
        .await
}

/// Writes the attempts that fit into a new file in the `exports` folder of the data folder. As in all exports, a span is told in
/// whole quarters of an hour, so that rows and sums are of the same attempts.
pub async fn to_folder(
    engine: &Arc<Engine>,
    query: ActivityQuery,
    format: ExportFormat,
    zone: TimeZone,
) -> Result<Exported, Error> {
    let mut filter = query.filter(&zone)?;
    if let Some(range) = &mut filter.range {
        range.from = range.from.max(Timestamp(0));
    }
    let selection = Selection { filter, by: GroupBy::App, zone };
    selection_to_folder(engine, selection, format, "activity").await
}

/// What was appended after a row and fits, in that order. `more` says that there is more of it, after the last one.
pub async fn news(
    engine: &Arc<Engine>,
    query: ActivityQuery,
    after: i64,
    zone: TimeZone,
) -> Result<ActivityPage, Error> {
    engine
        .blocking(move |engine| {
            let filter = query.filter(&zone)?;
            let snapshot = engine.snapshot()?;
            let limit = usize::try_from(LONGEST).unwrap_or(1);
            let page = engine.store.read(|db| {
                let db = db.unchecked_transaction()?;
                let rows = usage::news(&db, &filter, query.lines.into(), after, limit)?;
                let more = rows.len() == limit;
                let last = rows.last().map(|row| row.id).filter(|_| more);
                Ok(ActivityPage {
                    more,
                    newest: last.map_or_else(|| usage::newest_id(&db), Ok)?,
                    lines: line::lines(&db, rows, query.lines, &snapshot)?,
                })
            });
            Ok(page?)
        })
        .await
}
