//! The Usage screen's figures: totals with those of the span before, groups, and what failed attempts failed of. They are all made
//! of the same sums, read at one moment, so they agree (C5).

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::money::DecimalUsd;
use patchbay_core::report::{Detail, Field, Filter, GroupBy, Totals as Sums};
use patchbay_core::time::Timestamp;
use patchbay_store::{Db, StoreError, rollup, series};
use serde::Serialize;

use super::pace::of_month;
use super::pass::{Pass, SHOWN};
use super::query::{Spans, UsageQuery};
use super::{cache, words};
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::{Engine, clock};

/// Labels that filters can be made of.
const FIELDS: [GroupBy; 10] = [
    GroupBy::Connection,
    GroupBy::Provider,
    GroupBy::Model,
    GroupBy::Feature,
    GroupBy::App,
    GroupBy::Profile,
    GroupBy::Type,
    GroupBy::Outcome,
    GroupBy::Error,
    GroupBy::Route,
];

/// The Usage screen's figures.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct UsageView {
    /// The zone of its days.
    pub zone: String,
    /// The first day (2026-11-10).
    pub from: String,
    /// The last day.
    pub to: String,
    /// How many days.
    pub days: u32,
    /// Over everything that the query admits.
    pub totals: Totals,
    /// The same over as many days before.
    pub prior: Totals,
    /// How much less the cached tokens cost than they would have uncached, less what writing them to the cache cost more, at the prices
    /// of now; may be below zero.
    pub cache_saving: DecimalUsd,
    /// Where this month's spend will be at its end; `None` where the span is not of this month or nothing tells.
    pub month_pace: Option<DecimalUsd>,
    /// The groups, the highest cost first.
    pub groups: Vec<GroupRow>,
    /// What failed attempts failed of, the most frequent first.
    pub causes: Vec<Cause>,
    /// When there was anything at all that fits, whatever the days.
    pub last_activity: Option<Timestamp>,
}

/// Sums of a span of time.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Totals {
    /// Requests as their callers saw them.
    pub calls: u32,
    /// Tries at connections.
    pub attempts: u32,
    /// Calls that ended with an answer.
    pub answered_calls: u32,
    /// Calls that ended without one.
    pub failed_calls: u32,
    /// Tries without an answer.
    pub failed_attempts: u32,
    /// Calls that a later attempt answered.
    pub saved_by_failover: u32,
    /// In tokens; exact up to 2⁵³.
    #[specta(type = u32)]
    pub input_tokens: u64,
    /// In tokens; exact up to 2⁵³.
    #[specta(type = u32)]
    pub output_tokens: u64,
    /// Of the input.
    #[specta(type = u32)]
    pub cached_tokens: u64,
    /// The sum of all known costs.
    pub cost: DecimalUsd,
    /// Attempts whose cost is not known.
    pub unpriced_attempts: u32,
    /// What a call cost on average; `None` without calls.
    pub per_call: Option<DecimalUsd>,
    /// What a thousand calls cost.
    pub per_thousand: Option<DecimalUsd>,
    /// Decisions that calls belong to.
    pub signals: u32,
    /// What one of them cost on average; `None` without any, and where only some of their steps are counted.
    pub per_signal: Option<DecimalUsd>,
    /// Of answered attempts.
    pub p50_ms: Option<u32>,
    /// Of answered attempts.
    pub p95_ms: Option<u32>,
    /// Of answered attempts.
    pub p99_ms: Option<u32>,
}

impl From<&Sums> for Totals {
    fn from(sums: &Sums) -> Self {
        Self {
            calls: short(sums.calls),
            attempts: short(sums.attempts),
            answered_calls: short(sums.succeeded),
            failed_calls: short(sums.failed),
            failed_attempts: short(sums.failed_attempts()),
            saved_by_failover: short(sums.saved_by_failover),
            input_tokens: sums.input_tokens,
            output_tokens: sums.output_tokens,
            cached_tokens: sums.cached_tokens,
            cost: sums.cost.into(),
            unpriced_attempts: short(sums.unpriced_attempts),
            per_call: sums.per_call().map(Into::into),
            per_thousand: sums.per_thousand().map(Into::into),
            signals: short(sums.signals),
            per_signal: sums.per_signal().map(Into::into),
            p50_ms: sums.latency.percentile(50.0),
            p95_ms: sums.latency.percentile(95.0),
            p99_ms: sums.latency.percentile(99.0),
        }
    }
}

/// A count as the window takes it.
pub(crate) fn short(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A row of the cost table.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct GroupRow {
    /// What filters call it; may be empty.
    pub key: String,
    /// As people read it.
    pub name: String,
    /// Two letters for the tile; empty where groups have none.
    pub tile: String,
    /// Colour of the tile, 1 to 6.
    pub color: u8,
    /// Its sums.
    pub totals: Totals,
    /// Of the spend of all groups, in basis points.
    pub share_bp: u32,
    /// Of its attempts that brought an answer, in basis points; `None` without attempts.
    pub success_bp: Option<u32>,
    /// Its spend over time, in dollars, for a line without an axis.
    pub spark: Vec<f32>,
}

/// What attempts failed of.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Cause {
    /// The class of the error, as filters call it; may be empty.
    pub error: String,
    /// In words.
    pub name: String,
    /// How many.
    pub attempts: u32,
    /// Of all failed attempts, in basis points.
    pub share_bp: u32,
}

/// See [`UsageView`].
pub async fn view(engine: &Arc<Engine>, query: UsageQuery, zone: TimeZone) -> Result<UsageView, Error> {
    engine
        .blocking(move |engine| {
            let now = clock::now();
            let spans = query.days.spans(now, &zone)?;
            let snapshot = engine.snapshot()?;
            let read = engine.store.read(|db| {
                let db = db.unchecked_transaction()?;
                read(&db, &query, &spans, (now, &zone), &snapshot)
            });
            Ok(read?)
        })
        .await
}

/// The groups alone: what a row of the table opens to.
pub async fn groups(engine: &Arc<Engine>, query: UsageQuery, zone: TimeZone) -> Result<Vec<GroupRow>, Error> {
    engine
        .blocking(move |engine| {
            let now = clock::now();
            let spans = query.days.spans(now, &zone)?;
            let snapshot = engine.snapshot()?;
            let pass = engine.store.read(|db| {
                let db = db.unchecked_transaction()?;
                Pass::over(&db, &query, &spans, (now, &zone))
            })?;
            Ok(pass.rows(query.by, &snapshot))
        })
        .await
}

fn read(
    db: &Db,
    query: &UsageQuery,
    spans: &Spans,
    (now, zone): (Timestamp, &TimeZone),
    snapshot: &Snapshot,
) -> Result<UsageView, StoreError> {
    let pass = Pass::over(db, query, spans, (now, zone))?;
    let prior = totals(db, &query.filter(spans.prior))?;
    let tells_signals = query.filter(spans.range).keeps_signals_whole();
    let shown = |sums: &Sums| {
        let totals = Totals::from(sums);
        if tells_signals { totals } else { Totals { per_signal: None, ..totals } }
    };
    let anything = Filter { range: None, conditions: query.conditions.clone() };
    let last_activity = if pass.totals.attempts > 0 { None } else { rollup::newest(db, &anything)? };
    Ok(UsageView {
        zone: zone.iana_name().unwrap_or("local time").to_owned(),
        from: spans.first.to_string(),
        to: spans.last.to_string(),
        days: spans.first.until(spans.last).map_or(0, |span| span.get_days()).unsigned_abs() + 1,
        totals: shown(&pass.totals),
        prior: shown(&prior),
        cache_saving: cache::saving(db, &query.filter(spans.range), &snapshot.prices, now)?.into(),
        month_pace: of_month(db, &query.filter(spans.range), (now, zone))?.map(Into::into),
        groups: pass.rows(query.by, snapshot),
        causes: pass.causes(),
        last_activity,
    })
}

/// Sums as far as the screen shows them.
fn totals(db: &Db, filter: &Filter) -> Result<Sums, StoreError> {
    let mut totals = Sums::default();
    rollup::scan(db, filter, &Detail::whole(SHOWN).of_all(), |bucket| totals.add(bucket))?;
    Ok(totals)
}

/// What filters can be made of: every value that ever occurred of a label, in order.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct FieldValues {
    /// The label.
    pub field: Field,
    /// Its values; an empty one where nobody said.
    pub values: Vec<FieldValue>,
}

/// A value of a label.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct FieldValue {
    /// As filters take it.
    pub value: String,
    /// As people read it.
    pub name: String,
}

/// See [`FieldValues`]. Signals are not among them: there is one for each decision.
pub async fn values(engine: &Arc<Engine>) -> Result<Vec<FieldValues>, Error> {
    engine
        .blocking(|engine| {
            let snapshot = engine.snapshot()?;
            let all = engine.store.read(series::all)?;
            let of_field = |by: GroupBy| {
                let field = by.field()?;
                let values: BTreeSet<&str> = all.iter().map(|labels| labels.get(field)).collect();
                let named = values.into_iter().map(|value| FieldValue {
                    value: value.to_owned(),
                    name: words::name(&snapshot, by, value),
                });
                Some(FieldValues { field, values: named.collect() })
            };
            Ok(FIELDS.into_iter().filter_map(of_field).collect())
        })
        .await
}
