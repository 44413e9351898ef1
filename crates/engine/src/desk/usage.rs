//! Figures of the ledger: for scripts (the contract of `patchbay usage --json`), for the Usage screen, as charts and as files.

mod cache;
mod cap;
mod charts;
mod cheaper;
mod explore;
mod export;
mod pace;
mod pass;
mod query;
mod statement;
mod view;
mod what_if;
mod words;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::money::NanoUsd;
use patchbay_core::price::PriceBook;
use patchbay_core::report::{Filter, Group, GroupBy, Totals as Sums, top};
use patchbay_core::time::Range;
use patchbay_store::{Db, StoreError, rollup};
use serde::Serialize;

use crate::desk::export::cell;
use crate::error::Error;
use crate::{Engine, clock, settling};

pub(crate) use charts::draw;
pub use charts::{ChartKind, chart};
pub use cheaper::{AppCheaper, cheaper};
pub(crate) use explore::draw as draw_explored;
pub use explore::{ExploreGroup, ExploreQuery, ExploreRow, ExploreView, explore, explore_chart};
pub(crate) use export::selection_to_folder;
pub use export::{ExportFormat, OpenGroups, Selection, groups_to_folder, to_file, to_folder, to_writer};
pub(crate) use pace::{expected, spent, usual};
pub(crate) use pass::SHOWN;
pub use query::{Days, Spans, UsageQuery};
pub use statement::{statement, statement_to_folder};
pub(crate) use view::short;
pub use view::{Cause, FieldValue, FieldValues, GroupRow, Totals, UsageView, groups, values, view};
pub use what_if::{TriedPrice, WhatIf, WhatIfOption, WhatIfRow, what_if};
pub(crate) use words::cause;

/// What the groups that are not among the first are called together. No name of a group begins with a plus.
const OTHER: &str = "+other";

/// Sums, as scripts read them. Money is integer nano-USD.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Requests as their callers saw them.
    pub calls: u64,
    /// Tries at connections.
    pub attempts: u64,
    /// Calls that ended with an answer.
    pub succeeded: u64,
    /// Calls that ended without one.
    pub failed: u64,
    /// All input tokens.
    pub input_tokens: u64,
    /// All output tokens.
    pub output_tokens: u64,
    /// The sum of all known costs.
    pub cost_nano_usd: i64,
    /// Attempts whose cost is not known.
    pub unpriced_attempts: u64,
    /// Median of answered attempts, in milliseconds; `null` without any.
    pub p50_ms: Option<u32>,
    /// 95th percentile.
    pub p95_ms: Option<u32>,
    /// 99th percentile.
    pub p99_ms: Option<u32>,
}

impl From<&Sums> for Figures {
    fn from(totals: &Sums) -> Self {
        Self {
            calls: totals.calls,
            attempts: totals.attempts,
            succeeded: totals.succeeded,
            failed: totals.failed,
            input_tokens: totals.input_tokens,
            output_tokens: totals.output_tokens,
            cost_nano_usd: totals.cost.0,
            unpriced_attempts: totals.unpriced_attempts,
            p50_ms: totals.latency.percentile(50.0),
            p95_ms: totals.latency.percentile(95.0),
            p99_ms: totals.latency.percentile(99.0),
        }
    }
}

/// What else is known of the totals.
#[derive(Clone, Debug, Serialize)]
pub struct More {
    /// Calls that a later attempt answered.
    pub saved_by_failover: u64,
    /// Of the input: read from a cache.
    pub cached_tokens: u64,
    /// Of the input: written to a cache.
    pub cache_write_tokens: u64,
    /// Of the output: reasoning.
    pub reasoning_tokens: u64,
    /// Decisions that calls belong to.
    pub signals: u64,
    /// What a call cost on average; `null` without calls.
    pub per_call_nano_usd: Option<i64>,
    /// What a thousand calls cost.
    pub per_thousand_nano_usd: Option<i64>,
    /// What the calls of one decision cost on average; `null` where no call names one, and where the filter takes only some of its calls.
    pub per_signal_nano_usd: Option<i64>,
    /// How much less cached tokens cost than they would have uncached, less what writing them to the cache cost more, at the prices of
    /// now.
    pub cache_saving_nano_usd: i64,
    /// Where this month's spend will be at its end; `null` where the range is not of this month or nothing tells.
    pub month_pace_nano_usd: Option<i64>,
}

impl More {
    fn read(
        db: &Db,
        filter: &Filter,
        totals: &Sums,
        (prices, zone): (&PriceBook, &TimeZone),
    ) -> Result<Self, StoreError> {
        let now = clock::now();
        let nano = |amount: Option<NanoUsd>| amount.map(|amount| amount.0);
        Ok(Self {
            saved_by_failover: totals.saved_by_failover,
            cached_tokens: totals.cached_tokens,
            cache_write_tokens: totals.cache_write_tokens,
            reasoning_tokens: totals.reasoning_tokens,
            signals: totals.signals,
            per_call_nano_usd: nano(totals.per_call()),
            per_thousand_nano_usd: nano(totals.per_thousand()),
            per_signal_nano_usd: nano(totals.per_signal().filter(|_| filter.keeps_signals_whole())),
            cache_saving_nano_usd: cache::saving(db, filter, prices, now)?.0,
            month_pace_nano_usd: nano(pace::of_month(db, filter, (now, zone))?),
        })
    }
}

/// One group of a report.
#[derive(Clone, Debug, Serialize)]
pub struct GroupFigures {
    /// Its name.
    pub key: String,
    /// Its sums.
    #[serde(flatten)]
    pub figures: Figures,
    /// The groups inside it, where two levels were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupFigures>,
}

/// Totals and, where asked for, groups.
#[derive(Clone, Debug, Serialize)]
pub struct UsageReport {
    /// Over everything that the filter admits.
    pub totals: Figures,
    /// By what was asked for.
    pub groups: Vec<GroupFigures>,
    /// What else is known of the totals.
    pub more: More,
    /// The totals of the span before, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prior: Option<Figures>,
    /// The same traffic elsewhere, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what_if: Option<WhatIf>,
}

/// Sums up the days and months that are over, which processes that go on do by themselves, and answers how many there were. No
/// answer changes by it; those over years get fast.
pub async fn settle(engine: &Arc<Engine>) -> Result<u32, Error> {
    engine.blocking(settling::run).await
}

/// What a report is to hold.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Which attempts.
    pub filter: Filter,
    /// What groups go by.
    pub by: Option<GroupBy>,
    /// What the groups inside them go by.
    pub then: Option<GroupBy>,
    /// Only so many groups, the dearest, and all others as `+other`.
    pub top: Option<usize>,
    /// The span to compare with.
    pub prior: Option<Range>,
}

/// Sums over everything that the filter admits.
pub async fn report(
    engine: &Arc<Engine>,
    filter: Filter,
    by: Option<GroupBy>,
    zone: TimeZone,
) -> Result<UsageReport, Error> {
    detailed(engine, Wanted { filter, by, ..Wanted::default() }, zone).await
}

/// The same with all that can be wanted. All parts are read at one moment.
pub async fn detailed(engine: &Arc<Engine>, wanted: Wanted, zone: TimeZone) -> Result<UsageReport, Error> {
    engine
        .blocking(move |engine| {
            let snapshot = engine.snapshot()?;
            let report = engine.store.read(|db| {
                let db = db.unchecked_transaction()?;
                let totals = rollup::totals(&db, &wanted.filter)?;
                let before = wanted.prior.map(|range| Filter { range: Some(range), ..wanted.filter.clone() });
                Ok(UsageReport {
                    totals: (&totals).into(),
                    more: More::read(&db, &wanted.filter, &totals, (&snapshot.prices, &zone))?,
                    prior: before
                        .map(|filter| rollup::totals(&db, &filter))
                        .transpose()?
                        .as_ref()
                        .map(Into::into),
                    groups: wanted.groups(&db, &zone)?,
                    what_if: None,
                })
            });
            Ok(report?)
        })
        .await
}

impl Wanted {
    fn groups(&self, db: &Db, zone: &TimeZone) -> Result<Vec<GroupFigures>, StoreError> {
        let groups = match (self.by, self.then) {
            (None, _) => return Ok(Vec::new()),
            (Some(by), None) => {
                let groups = rollup::groups(db, &self.filter, by, zone)?;
                return Ok(self.named(groups).map(|group| group_figures(&group, Vec::new())).collect());
            }
            (Some(by), Some(then)) => rollup::subgroups(db, &self.filter, (by, then), zone)?,
        };
        let outer = groups.iter().map(|(key, inner)| {
            let mut totals = Sums::default();
            for group in inner {
                totals.merge(&group.totals);
            }
            Group { key: key.clone(), totals }
        });
        let mut inside: HashMap<String, Vec<Group>> = groups.iter().cloned().collect();
        let nested = self.named(outer.collect()).map(|group| {
            let inner = inside.remove(&group.key).unwrap_or_default();
            group_figures(&group, self.named(inner).map(|group| group_figures(&group, Vec::new())).collect())
        });
        Ok(nested.collect())
    }

    /// All groups, or the dearest and all others together.
    fn named(&self, groups: Vec<Group>) -> impl Iterator<Item = Group> {
        let (groups, other) = match self.top {
            Some(most) => top(groups, most),
            None => (groups, None),
        };
        groups.into_iter().chain(other.map(|totals| Group { key: OTHER.to_owned(), totals }))
    }
}

fn group_figures(group: &Group, groups: Vec<GroupFigures>) -> GroupFigures {
    GroupFigures { key: group.key.clone(), figures: (&group.totals).into(), groups }
}

impl UsageReport {
    /// Its groups as CSV, one line each; of two levels, the inner ones with the outer one before them.
    pub fn to_csv(&self) -> String {
        let two = self.groups.iter().any(|group| !group.groups.is_empty());
        let mut text = if two { "group,key".to_owned() } else { "key".to_owned() };
        text.push_str(
            ",calls,attempts,succeeded,failed,input_tokens,output_tokens,cost_nano_usd,cost_usd,unpriced_attempts,p50_ms,\
             p95_ms,p99_ms\r\n",
        );
        for group in &self.groups {
            if two {
                for inner in &group.groups {
                    text.push_str(&format!("{},{}", cell(&group.key), csv(inner)));
                }
            } else {
                text.push_str(&csv(group));
            }
        }
        text
    }
}

fn csv(GroupFigures { key, figures, .. }: &GroupFigures) -> String {
    let ms = |ms: Option<u32>| ms.map_or_else(String::new, |ms| ms.to_string());
    let cells = [
        cell(key),
        figures.calls.to_string(),
        figures.attempts.to_string(),
        figures.succeeded.to_string(),
        figures.failed.to_string(),
        figures.input_tokens.to_string(),
        figures.output_tokens.to_string(),
        figures.cost_nano_usd.to_string(),
        NanoUsd(figures.cost_nano_usd).to_string(),
        figures.unpriced_attempts.to_string(),
        ms(figures.p50_ms),
        ms(figures.p95_ms),
        ms(figures.p99_ms),
    ];
    cells.join(",") + "\r\n"
}
