//! A line of the log as the window shows it.

use patchbay_core::money::{DecimalUsd, NanoUsd};
use patchbay_core::time::Timestamp;
use patchbay_store::usage::{self, LogRow};
use patchbay_store::{Db, StoreError};
use serde::Serialize;

use super::ActivityLines;
use crate::desk::usage::{cause, short};
use crate::snapshot::Snapshot;

/// A line of the log: a request with all its attempts, or one attempt.
#[derive(Clone, Debug, PartialEq, Serialize, specta::Type)]
pub struct ActivityLine {
    /// Its row; exact up to 2⁵³.
    #[specta(type = u32)]
    pub id: i64,
    /// The call.
    pub call: String,
    /// Which of its attempts this is, from 1.
    pub attempt: u32,
    /// When the attempt began.
    pub at: Timestamp,
    /// Whether it ended its call.
    pub is_final: bool,
    /// The app.
    pub app: String,
    /// What the call was for; may be empty.
    pub feature: String,
    /// The model that was asked.
    pub model: String,
    /// The connection's key.
    pub connection: String,
    /// Its name as it was.
    pub connection_name: String,
    /// The colour of its provider, 1 to 6.
    pub color: u8,
    /// Whom the call tried before.
    pub via: Vec<ActivityVia>,
    /// `answered`, `failed`, `limited`, `cancelled`, `cut` or `interrupted`.
    pub outcome: String,
    /// What it failed of, in a few words; empty for answers.
    pub cause: String,
    /// The provider's HTTP status.
    pub status: Option<u16>,
    /// How long the call stood in line.
    pub waited_ms: u32,
    /// All input tokens.
    #[specta(type = Option<u32>)]
    pub input_tokens: Option<u64>,
    /// All output tokens.
    #[specta(type = Option<u32>)]
    pub output_tokens: Option<u64>,
    /// `None` = unknown. Of a request, what all its attempts cost.
    pub cost: Option<DecimalUsd>,
    /// Of a request, from its first attempt's begin to its end.
    pub took_ms: u32,
}

/// A connection that was tried before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct ActivityVia {
    /// Its name as it was.
    pub name: String,
    /// The colour of its provider, 1 to 6.
    pub color: u8,
}

/// Rows as lines, in their order.
pub(super) fn lines(
    db: &Db,
    rows: Vec<LogRow>,
    lines: ActivityLines,
    snapshot: &Snapshot,
) -> Result<Vec<ActivityLine>, StoreError> {
    let line = |row: LogRow| {
        let earlier = if lines == ActivityLines::Calls && row.attempt > 1 {
            let mut all = usage::of_call(db, row.call, Some(row.at))?;
            all.retain(|other| other.attempt < row.attempt);
            all
        } else {
            Vec::new()
        };
        Ok(one(row, &earlier, snapshot))
    };
    rows.into_iter().map(line).collect()
}

fn one(row: LogRow, earlier: &[LogRow], snapshot: &Snapshot) -> ActivityLine {
    let begin = earlier.first().map_or(row.at, |first| first.at);
    let waited = |row: &LogRow| row.detours.as_ref().map_or(0, |detours| detours.waited_ms);
    ActivityLine {
        id: row.id,
        call: row.call.to_string(),
        attempt: row.attempt,
        at: row.at,
        is_final: row.is_final,
        color: snapshot.tile(&row.provider).1,
        via: via(&row.connection_name, earlier, snapshot),
        cause: row.error_class.as_deref().map_or_else(String::new, |class| cause(class).to_owned()),
        status: row.status,
        waited_ms: short(waited(&row) + earlier.iter().map(waited).sum::<u64>()),
        cost: cost(earlier.iter().chain([&row])).map(Into::into),
        took_ms: short(row.at.since_ms(begin) + row.total_ms),
        app: row.app,
        feature: row.feature,
        model: row.model,
        connection: row.connection,
        connection_name: row.connection_name,
        outcome: row.outcome,
        input_tokens: row.input_tokens,
        output_tokens: row.output_tokens,
    }
}

/// Whom earlier attempts asked, each once, besides the connection that the last one asks.
pub(super) fn via(connection_name: &str, earlier: &[LogRow], snapshot: &Snapshot) -> Vec<ActivityVia> {
    let mut via: Vec<ActivityVia> = Vec::new();
    for other in earlier.iter().filter(|other| other.connection_name != connection_name) {
        let stop =
            ActivityVia { name: other.connection_name.clone(), color: snapshot.tile(&other.provider).1 };
        if !via.contains(&stop) {
            via.push(stop);
        }
    }
    via
}

/// What attempts cost together; unknown where the cost of any is.
pub(super) fn cost<'a>(rows: impl Iterator<Item = &'a LogRow>) -> Option<NanoUsd> {
    rows.map(|row| row.cost_nano_usd.map(NanoUsd)).sum()
}
