//! The whole way of one call: whom it passed by and why, each attempt with its tokens and price, and what was in force.

use std::sync::Arc;

use patchbay_core::budget::{ScopeKind, ScopeName};
use patchbay_core::catalog::Protocol;
use patchbay_core::dialect::takes::{untaken_by_model, untaken_by_protocol};
use patchbay_core::id::CallId;
use patchbay_core::ledger::{Outcome, Skipped};
use patchbay_core::money::DecimalUsd;
use patchbay_core::price::{PriceBook, PriceSource};
use patchbay_core::profile::{EffectiveSetting, Recipe, Spec, effective};
use patchbay_core::time::Timestamp;
use patchbay_core::usage::CostSource;
use patchbay_store::usage::{self, LogRow};
use patchbay_store::{Db, StoreError, profile};
use serde::Serialize;

use super::line;
use crate::Engine;
use crate::desk::budgets::{self, Budget};
use crate::desk::log::{self, Line};
use crate::desk::prices::PriceTier;
use crate::desk::usage::{cause, short};
use crate::error::Error;
use crate::snapshot::Snapshot;

/// A call and its way.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct CallDetail {
    /// The call.
    pub call: String,
    /// How it ended, in a sentence.
    pub summary: String,
    /// How it ended: the outcome of its last attempt.
    pub outcome: String,
    /// When its first attempt began.
    pub at: Timestamp,
    /// Who called.
    pub app: String,
    /// What for; may be empty.
    pub feature: String,
    /// The decision that it belongs to.
    pub signal: Option<String>,
    /// What the caller asked for.
    pub requested_model: String,
    /// The profile that led it; empty where none did.
    pub profile: String,
    /// Its version.
    pub profile_version: Option<u32>,
    /// Whether the answer came as a stream.
    pub streamed: bool,
    /// From the first attempt's begin to the end.
    pub took_ms: u32,
    /// From the first attempt's begin to the first piece of the answer.
    pub first_token_ms: Option<u32>,
    /// Of the last attempt.
    pub usage: CallUsage,
    /// What all attempts cost; `None` = unknown.
    pub cost: Option<DecimalUsd>,
    /// How many attempts it made.
    pub attempts: u32,
    /// Everybody it came by, in order.
    pub stops: Vec<CallStop>,
    /// The budgets that it counts against, as they stand now.
    pub budgets: Vec<Budget>,
    /// What was in force at the last connection; empty where that is gone.
    pub settings: Vec<EffectiveSetting>,
    /// Its rows, one JSON object a line, as `patchbay log --json` writes them.
    pub json: String,
}

/// What happened at a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum CallStopKind {
    /// It was passed by.
    Skipped,
    /// An attempt was made.
    Attempt,
}

/// A connection on the way of a call.
#[derive(Clone, Debug, PartialEq, Serialize, specta::Type)]
pub struct CallStop {
    /// What happened.
    pub kind: CallStopKind,
    /// Which attempt, from 1; 0 where none was made.
    pub attempt: u32,
    /// The connection's key; empty where it was passed by.
    pub connection: String,
    /// Its name as it was.
    pub connection_name: String,
    /// The model that was asked; empty where it was passed by.
    pub model: String,
    /// The outcome; empty where it was passed by.
    pub outcome: String,
    /// The HTTP status.
    pub status: Option<u16>,
    /// What it failed of, or why it was passed by, in words; empty for answers.
    pub reason: String,
    /// What the provider said, keys masked.
    pub message: Option<String>,
    /// How long the call stood in line before it.
    pub waited_ms: u32,
    /// How long a drill held the call back before it, which is in no figure.
    pub held_ms: u32,
    /// From the call's begin to this stop's.
    pub begins_ms: u32,
    /// How long it took.
    pub took_ms: u32,
    /// From its begin to the first piece of the answer.
    pub first_token_ms: Option<u32>,
    /// Its tokens and money; `None` where it was passed by.
    pub usage: Option<CallUsage>,
    /// The price that it was priced by, as it is told now; `None` where it is not known or the provider told the cost.
    pub price: Option<CallPrice>,
    /// The version of the key that was used.
    pub credential_version: Option<u32>,
    /// Why the model stopped.
    pub finish_reason: Option<String>,
    /// The provider's own id of the request.
    pub upstream_id: Option<String>,
}

/// Tokens and money of an attempt, as the ledger has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct CallUsage {
    /// All input.
    #[specta(type = Option<u32>)]
    pub input: Option<u64>,
    /// All output.
    #[specta(type = Option<u32>)]
    pub output: Option<u64>,
    /// Of the input: read from a cache.
    #[specta(type = Option<u32>)]
    pub cached: Option<u64>,
    /// Of the input: written to a cache.
    #[specta(type = Option<u32>)]
    pub cache_write: Option<u64>,
    /// Of the output: reasoning.
    #[specta(type = Option<u32>)]
    pub reasoning: Option<u64>,
    /// `None` = unknown.
    pub cost: Option<DecimalUsd>,
    /// `reported`, `priced`, `estimated` or `unknown`.
    pub cost_source: String,
}

/// A price as an attempt met it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct CallPrice {
    /// Who says it.
    pub source: PriceSource,
    /// The row of it that held for a prompt of that length.
    pub tier: PriceTier,
}

impl From<&LogRow> for CallUsage {
    fn from(row: &LogRow) -> Self {
        Self {
            input: row.input_tokens,
            output: row.output_tokens,
            cached: row.cached_tokens,
            cache_write: row.cache_write_tokens,
            reasoning: row.reasoning_tokens,
            cost: row.cost_nano_usd.map(|nano| patchbay_core::money::NanoUsd(nano).into()),
            cost_source: row.cost_source.clone(),
        }
    }
}

/// Everything that is known of a call; `None` for one that made no attempt.
pub async fn call(engine: &Arc<Engine>, call: CallId) -> Result<Option<CallDetail>, Error> {
    engine
        .blocking(move |engine| {
            let snapshot = engine.snapshot()?;
            let read = engine.store.read(|db| {
                let db = db.unchecked_transaction()?;
                let rows = usage::of_call(&db, call, None)?;
                let spec = ending(&rows).map(|row| spec(&db, row, &snapshot)).transpose()?.flatten();
                Ok((rows, spec))
            });
            let (rows, spec) = read?;
            let budgets = budgets(engine, &rows, &snapshot);
            Ok(detail(&rows, spec.as_ref(), &snapshot).map(|detail| CallDetail { budgets, ..detail }))
        })
        .await
}

/// The version of the profile that led an attempt, while it is still kept.
fn spec(db: &Db, row: &LogRow, snapshot: &Snapshot) -> Result<Option<Spec>, StoreError> {
    let known = snapshot.profiles.iter().find(|profile| profile.name == row.profile);
    let Some((profile, number)) = known.zip(row.profile_version) else { return Ok(None) };
    let versions = profile::versions(db, profile.id)?;
    Ok(versions.into_iter().find(|version| version.number == number).map(|version| version.spec))
}

/// Every attempt counts, also one that failed; sample data counts for nobody.
fn budgets(engine: &Engine, rows: &[LogRow], snapshot: &Snapshot) -> Vec<Budget> {
    let mut budgets = budgets::all(engine, snapshot);
    budgets.retain(|budget| rows.iter().any(|row| !row.is_sample && covers(&budget.key.scope, row)));
    budgets
}

fn covers(scope: &ScopeName, row: &LogRow) -> bool {
    let label = match scope.kind {
        ScopeKind::All => return true,
        ScopeKind::Provider => &row.provider,
        ScopeKind::Connection => &row.connection,
        ScopeKind::Profile => &row.profile,
        ScopeKind::App => &row.app,
        ScopeKind::Feature => &row.feature,
    };
    *label == scope.name
}

fn detail(rows: &[LogRow], spec: Option<&Spec>, snapshot: &Snapshot) -> Option<CallDetail> {
    let (first, last) = (rows.first()?, ending(rows)?);
    let lines: Vec<Line> = rows.iter().cloned().map(Line::from).collect();
    let json = lines.iter().filter_map(|line| serde_json::to_string(line).ok()).collect::<Vec<_>>();
    let begins = |row: &LogRow| row.at.since_ms(first.at);
    Some(CallDetail {
        call: last.call.to_string(),
        summary: log::story(&lines).map_or_else(String::new, |story| story.summary),
        outcome: last.outcome.clone(),
        at: first.at,
        app: last.app.clone(),
        feature: last.feature.clone(),
        signal: last.signal.clone(),
        requested_model: last.requested_model.clone(),
        profile: last.profile.clone(),
        profile_version: last.profile_version,
        streamed: last.streamed,
        took_ms: short(begins(last) + last.total_ms),
        first_token_ms: last.first_token_ms.map(|ms| short(begins(last) + ms)),
        usage: last.into(),
        cost: line::cost(rows.iter()).map(Into::into),
        attempts: short(rows.len() as u64),
        stops: rows.iter().flat_map(|row| stops(row, short(begins(row)), &snapshot.prices)).collect(),
        budgets: Vec::new(),
        settings: settings(last, spec, snapshot),
        json: json.join("\n"),
    })
}

/// The attempt that ended a call: not always the last that was begun, where two were asked at the same time.
fn ending(rows: &[LogRow]) -> Option<&LogRow> {
    rows.iter().find(|row| row.is_final).or(rows.last())
}

/// Whom an attempt's call passed by before it, the attempt, and who had no room either after it.
fn stops(row: &LogRow, begins_ms: u32, prices: &PriceBook) -> Vec<CallStop> {
    let detours = row.detours.clone().unwrap_or_default();
    let ends_ms = begins_ms.saturating_add(short(row.total_ms));
    let mut stops: Vec<CallStop> =
        detours.skipped.into_iter().map(|skipped| passed_by(skipped, begins_ms)).collect();
    stops.push(CallStop {
        waited_ms: short(detours.waited_ms),
        held_ms: short(detours.held_ms),
        ..attempted(row, begins_ms, prices)
    });
    stops.extend(detours.in_vain.into_iter().map(|skipped| passed_by(skipped, ends_ms)));
    stops
}

fn passed_by(skipped: Skipped, begins_ms: u32) -> CallStop {
    CallStop {
        kind: CallStopKind::Skipped,
        attempt: 0,
        connection: String::new(),
        connection_name: skipped.connection,
        model: String::new(),
        outcome: String::new(),
        status: None,
        reason: skipped.reason,
        message: None,
        waited_ms: 0,
        held_ms: 0,
        begins_ms,
        took_ms: 0,
        first_token_ms: None,
        usage: None,
        price: None,
        credential_version: None,
        finish_reason: None,
        upstream_id: None,
    }
}

fn attempted(row: &LogRow, begins_ms: u32, prices: &PriceBook) -> CallStop {
    let is_answer = row.outcome == Outcome::Answered.as_str();
    let reason = row.error_class.as_deref().filter(|_| !is_answer).map_or("", cause);
    CallStop {
        kind: CallStopKind::Attempt,
        attempt: row.attempt,
        connection: row.connection.clone(),
        connection_name: row.connection_name.clone(),
        model: row.model.clone(),
        outcome: row.outcome.clone(),
        status: row.status,
        reason: reason.to_owned(),
        message: row.message.clone(),
        waited_ms: 0,
        held_ms: 0,
        begins_ms,
        took_ms: short(row.total_ms),
        first_token_ms: row.first_token_ms.map(short),
        usage: Some(row.into()),
        price: price(row, prices),
        credential_version: row.credential_version,
        finish_reason: row.finish_reason.clone(),
        upstream_id: row.upstream_id.clone(),
    }
}

/// The row of the price list that the attempt was priced by: the one that held when it began.
fn price(row: &LogRow, prices: &PriceBook) -> Option<CallPrice> {
    let by_list = [CostSource::Priced.as_str(), CostSource::Estimated.as_str()];
    let is_priced = by_list.contains(&row.cost_source.as_str()) && row.cost_nano_usd.is_some();
    let (source, _) = prices.in_effect(&row.provider, &row.model, row.at).filter(|_| is_priced)?;
    let tier = prices.find(&row.provider, &row.model, row.at, row.input_tokens.unwrap_or(0))?;
    Some(CallPrice { source, tier: (&tier).into() })
}

/// What the profile's version and the connection say; the caller's own words are not kept.
fn settings(row: &LogRow, spec: Option<&Spec>, snapshot: &Snapshot) -> Vec<EffectiveSetting> {
    let Some(connection) = snapshot.connection(&row.connection) else { return Vec::new() };
    let protocol = connection.protocol_for(Protocol::Openai);
    let untaken = untaken_by_model(&connection.provider, &row.model).or(untaken_by_protocol(protocol));
    let of_profile = spec.map(|spec| (spec.recipe(), spec.conduct()));
    let of_profile = of_profile.as_ref().map(|(recipe, conduct)| (recipe, conduct));
    let mut settings = effective(&Recipe::default(), of_profile, connection, untaken);
    settings.retain(|setting| setting.value.is_some());
    settings
}
