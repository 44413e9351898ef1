//! Figures of the ledger for scripts: the contract of `patchbay usage --json`.

use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::report::{Filter, GroupBy, Totals};
use patchbay_store::rollup;
use serde::Serialize;

use crate::Engine;
use crate::error::Error;

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

impl From<&Totals> for Figures {
    fn from(totals: &Totals) -> Self {
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

/// One group of a report.
#[derive(Clone, Debug, Serialize)]
pub struct GroupFigures {
    /// Its name.
    pub key: String,
    /// Its sums.
    #[serde(flatten)]
    pub figures: Figures,
}

/// Totals and, where asked for, groups.
#[derive(Clone, Debug, Serialize)]
pub struct UsageReport {
    /// Over everything that the filter admits.
    pub totals: Figures,
    /// By what was asked for.
    pub groups: Vec<GroupFigures>,
}

/// Sums over everything that the filter admits. Both parts are read at one moment.
pub async fn report(
    engine: &Arc<Engine>,
    filter: Filter,
    by: Option<GroupBy>,
    zone: TimeZone,
) -> Result<UsageReport, Error> {
    engine
        .blocking(move |engine| {
            let report = engine.store.read(|db| {
                let db = db.unchecked_transaction()?;
                let totals = Figures::from(&rollup::totals(&db, &filter)?);
                let groups = match by {
                    Some(by) => rollup::groups(&db, &filter, by, &zone)?,
                    None => Vec::new(),
                };
                let groups = groups
                    .into_iter()
                    .map(|g| GroupFigures { figures: Figures::from(&g.totals), key: g.key })
                    .collect();
                Ok(UsageReport { totals, groups })
            });
            Ok(report?)
        })
        .await
}
