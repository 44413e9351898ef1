//! The log for scripts: the contract of `patchbay log --json`, one object an attempt.

use std::sync::Arc;

use patchbay_core::id::CallId;
use patchbay_core::ledger::{Detours, Outcome, Skipped, UsageRow};
use patchbay_core::money::NanoUsd;
use patchbay_core::report::Filter;
use patchbay_core::time::Timestamp;
use patchbay_store::usage::{self, LogRow, Page};
use serde::Serialize;

use crate::error::Error;
use crate::{Engine, clock, running};

/// An attempt, as scripts read it.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Its row; what comes later is greater. Not part of the line.
    #[serde(skip)]
    pub id: i64,
    /// The call.
    pub call: String,
    /// From 1.
    pub attempt: u32,
    /// RFC 3339, UTC.
    pub at: String,
    /// The app.
    pub app: String,
    /// What the call was for.
    pub feature: String,
    /// Groups calls into one decision.
    pub signal: Option<String>,
    /// The profile.
    pub profile: String,
    /// The connection key.
    pub connection: String,
    /// The provider's slug.
    pub provider: String,
    /// What the caller asked for.
    pub requested_model: String,
    /// What was asked of the provider.
    pub model: String,
    /// How it ended.
    pub outcome: String,
    /// The class of the error.
    pub error_class: Option<String>,
    /// The provider's HTTP status.
    pub status: Option<u16>,
    /// All input tokens.
    pub input_tokens: Option<u64>,
    /// All output tokens.
    pub output_tokens: Option<u64>,
    /// Of the input.
    pub cached_tokens: Option<u64>,
    /// Of the input.
    pub cache_write_tokens: Option<u64>,
    /// Of the output.
    pub reasoning_tokens: Option<u64>,
    /// `null` = unknown.
    pub cost_nano_usd: Option<i64>,
    /// Where the cost comes from.
    pub cost_source: String,
    /// The whole attempt.
    pub total_ms: u64,
    /// Until the first piece of the answer.
    pub first_token_ms: Option<u64>,
    /// Whether it came as a stream.
    pub streamed: bool,
    /// Why the model stopped.
    pub finish_reason: Option<String>,
    /// Redacted text of the error.
    pub message: Option<String>,
    /// Whom the call passed by on its way here and how long it waited; left out where it came straight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detours: Option<Detours>,
    /// The profile's version. Not part of the line.
    #[serde(skip)]
    pub profile_version: Option<u32>,
    /// The connection's name as it was. Not part of the line.
    #[serde(skip)]
    pub connection_name: String,
    /// Whether it ended its call. Not part of the line.
    #[serde(skip)]
    pub is_final: bool,
}

impl From<LogRow> for Line {
    fn from(row: LogRow) -> Self {
        Self {
            id: row.id,
            call: row.call.to_string(),
            attempt: row.attempt,
            at: row.at.to_rfc3339(),
            app: row.app,
            feature: row.feature,
            signal: row.signal,
            profile: row.profile,
            connection: row.connection,
            provider: row.provider,
            requested_model: row.requested_model,
            model: row.model,
            outcome: row.outcome,
            error_class: row.error_class,
            status: row.status,
            input_tokens: row.input_tokens,
            output_tokens: row.output_tokens,
            cached_tokens: row.cached_tokens,
            cache_write_tokens: row.cache_write_tokens,
            reasoning_tokens: row.reasoning_tokens,
            cost_nano_usd: row.cost_nano_usd,
            cost_source: row.cost_source,
            total_ms: row.total_ms,
            first_token_ms: row.first_token_ms,
            streamed: row.streamed,
            finish_reason: row.finish_reason,
            message: row.message,
            detours: row.detours,
            profile_version: row.profile_version,
            connection_name: row.connection_name,
            is_final: row.is_final,
        }
    }
}

/// An attempt on its way, as scripts read it.
#[derive(Clone, Debug, Serialize)]
pub struct OpenLine {
    /// The call.
    pub call: String,
    /// From 1.
    pub attempt: u32,
    /// When it began: RFC 3339, UTC.
    pub at: String,
    /// How long that is ago.
    pub running_ms: u64,
    /// The app.
    pub app: String,
    /// What the call is for.
    pub feature: String,
    /// Groups calls into one decision.
    pub signal: Option<String>,
    /// The profile.
    pub profile: String,
    /// The connection key.
    pub connection: String,
    /// The provider's slug.
    pub provider: String,
    /// What the caller asked for.
    pub requested_model: String,
    /// What is asked of the provider.
    pub model: String,
    /// Whether the answer comes as a stream.
    pub streamed: bool,
}

impl OpenLine {
    fn new(row: UsageRow, now: Timestamp) -> Self {
        Self {
            call: row.call.to_string(),
            attempt: row.attempt,
            at: row.at.to_rfc3339(),
            running_ms: now.since_ms(row.at),
            app: row.series.app,
            feature: row.series.feature,
            signal: row.signal,
            profile: row.series.profile,
            connection: row.series.connection_key,
            provider: row.series.provider,
            requested_model: row.requested_model,
            model: row.series.model,
            streamed: row.streamed,
        }
    }
}

/// The attempts that are on their way, in whichever process on the folder, oldest first.
pub async fn open(engine: &Arc<Engine>, filter: Filter) -> Result<Vec<OpenLine>, Error> {
    engine
        .blocking(move |engine| {
            let rows = engine.store.read(|db| running::attempts(engine, db, &filter))?;
            let now = clock::now();
            Ok(rows.into_iter().rev().map(|row| OpenLine::new(row, now)).collect())
        })
        .await
}

/// The newest attempts that are in the ledger still, oldest of them first.
pub async fn newest(engine: &Arc<Engine>, filter: Filter, limit: u32) -> Result<Vec<Line>, Error> {
    let mut lines = page(engine, filter, Page::Newest(limit)).await?;
    lines.reverse();
    Ok(lines)
}

/// The same among all attempts, archived ones too.
pub async fn newest_of_all(engine: &Arc<Engine>, filter: Filter, limit: u32) -> Result<Vec<Line>, Error> {
    engine
        .blocking(move |engine| {
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            let rows = engine.store.read(|db| usage::page(db, &filter, None, limit))?;
            Ok(rows.into_iter().rev().map(Line::from).collect())
        })
        .await
}

/// What came after a line, oldest first.
pub async fn after(engine: &Arc<Engine>, filter: Filter, id: i64) -> Result<Vec<Line>, Error> {
    page(engine, filter, Page::After(id)).await
}

async fn page(engine: &Arc<Engine>, filter: Filter, page: Page) -> Result<Vec<Line>, Error> {
    engine
        .blocking(move |engine| {
            let rows = engine.store.read(|db| usage::log(db, &filter, page))?;
            Ok(rows.into_iter().map(Line::from).collect())
        })
        .await
}

/// The attempts of one call.
pub async fn of_call(engine: &Arc<Engine>, call: CallId) -> Result<Vec<Line>, Error> {
    engine
        .blocking(move |engine| {
            let rows = engine.store.read(|db| usage::of_call(db, call, None))?;
            Ok(rows.into_iter().map(Line::from).collect())
        })
        .await
}

/// A call's way in plain words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Story {
    /// How it ended.
    pub summary: String,
    /// What happened, in order.
    pub steps: Vec<String>,
}

/// Tells the way of a call; `None` for one that made no attempt.
pub async fn explain(engine: &Arc<Engine>, call: CallId) -> Result<Option<Story>, Error> {
    Ok(story(&of_call(engine, call).await?))
}

/// The way of a call, of its lines in order.
pub(super) fn story(lines: &[Line]) -> Option<Story> {
    // Where two were asked at the same time, the one that ended the call may be the earlier.
    let last = lines.iter().find(|line| line.is_final).or(lines.last())?;
    let place = |line: &Line| format!("{} ({})", line.connection_name, line.model);
    let summary = if last.outcome == Outcome::Answered.as_str() {
        format!("Answered by {} at attempt {}.", place(last), last.attempt)
    } else {
        format!("Not answered; the last to be asked was {}, at attempt {}.", place(last), last.attempt)
    };
    let mut steps: Vec<String> = called(last).into_iter().collect();
    for line in lines {
        let detours = line.detours.clone().unwrap_or_default();
        let passed = |skipped: &Skipped| format!("{} was passed by: {}.", skipped.connection, skipped.reason);
        steps.extend(detours.skipped.iter().map(passed));
        if detours.waited_ms > 0 {
            steps.push(format!("Waited {} ms.", detours.waited_ms));
        }
        if detours.held_ms > 0 {
            steps.push(format!("A drill that pretends slowness held it back for {} ms.", detours.held_ms));
        }
        if let Some(after_ms) = detours.beside_after_ms {
            steps.push(format!(
                "It was slower than usual after {after_ms} ms, so the next was asked as well."
            ));
        }
        steps.push(format!("Attempt {} at {}: {}.", line.attempt, place(line), ended(line)));
        steps.extend(detours.in_vain.iter().map(passed));
    }
    Some(Story { summary, steps })
}

/// What the caller asked for, where it is not what was asked of the provider.
fn called(line: &Line) -> Option<String> {
    let asked = &line.requested_model;
    match line.profile_version {
        Some(version) if line.profile == *asked => {
            Some(format!("Called the profile {asked}, version {version}."))
        }
        Some(version) => {
            Some(format!("Called {asked}, which stands for the profile {}, version {version}.", line.profile))
        }
        None => None,
    }
}

fn ended(line: &Line) -> String {
    let mut words = vec![line.error_class.clone().unwrap_or_else(|| line.outcome.clone())];
    words.extend(line.status.filter(|status| *status >= 400).map(|status| format!("HTTP {status}")));
    words.push(format!("after {} ms", line.total_ms));
    if let Some((input, output)) = line.input_tokens.zip(line.output_tokens) {
        words.push(format!("{input} tokens in, {output} out"));
    }
    words.push(match line.cost_nano_usd {
        Some(nano) => format!("for ${}", NanoUsd(nano)),
        None => "at a cost that is not known".to_owned(),
    });
    let said = line.message.as_ref().map_or_else(String::new, |message| format!(". It said: {message}"));
    words.join(", ") + said.trim_end_matches('.')
}
