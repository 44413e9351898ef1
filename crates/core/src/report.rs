//! What the ledger says: totals and groups. Every card, chart and table is made of these, so their sums agree (C5).

use serde::{Deserialize, Serialize};

use crate::money::NanoUsd;
use crate::rollup::Latencies;
use crate::time::Range;

/// What rows are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// The connection key.
    Connection,
    /// The provider's slug.
    Provider,
    /// The model asked of the provider.
    Model,
    /// The feature.
    Feature,
    /// The app.
    App,
    /// The calendar day in the trader's zone.
    Day,
    /// The hour, UTC.
    Hour,
}

/// Which rows are meant. `None` is any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// When the attempt began; the edges are rounded outward to the bucket.
    pub range: Option<Range>,
    /// The connection key.
    pub connection: Option<String>,
    /// The provider's slug.
    pub provider: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The feature.
    pub feature: Option<String>,
    /// The app.
    pub app: Option<String>,
    /// The outcome's name.
    pub outcome: Option<String>,
}

impl Filter {
    /// Everything in a span of time.
    pub fn during(range: Range) -> Self {
        Self { range: Some(range), ..Self::default() }
    }

    /// Sets the condition of that name; `false` for a name that is none.
    #[must_use]
    pub fn set(&mut self, name: &str, value: &str) -> bool {
        let slot = match name {
            "connection" => &mut self.connection,
            "provider" => &mut self.provider,
            "model" => &mut self.model,
            "feature" => &mut self.feature,
            "app" => &mut self.app,
            "outcome" => &mut self.outcome,
            _ => return false,
        };
        *slot = Some(value.to_owned());
        true
    }
}

/// Sums over rows of the ledger.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Requests as their callers saw them.
    pub calls: u64,
    /// Tries at connections.
    pub attempts: u64,
    /// Calls that ended with an answer.
    pub succeeded: u64,
    /// Calls that ended without one.
    pub failed: u64,
    /// Calls that a later attempt answered.
    pub saved_by_failover: u64,
    /// All input tokens.
    pub input_tokens: u64,
    /// All output tokens.
    pub output_tokens: u64,
    /// The sum of all known costs.
    pub cost: NanoUsd,
    /// Attempts whose cost is not known.
    pub unpriced_attempts: u64,
    /// Of answered attempts only (C5).
    pub latency: Latencies,
}

impl Totals {
    /// Adds another's sums.
    pub fn merge(&mut self, other: &Self) {
        self.calls += other.calls;
        self.attempts += other.attempts;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.saved_by_failover += other.saved_by_failover;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.cost += other.cost;
        self.unpriced_attempts += other.unpriced_attempts;
        self.latency.merge(&other.latency);
    }
}

/// Sums of one group.
#[derive(Clone, Debug)]
pub struct Group {
    /// The group's name: a key, a slug, a model, a day (2026-11-22), an hour (RFC 3339).
    pub key: String,
    /// Its sums.
    pub totals: Totals,
}
