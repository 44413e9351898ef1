//! What `GET /metrics` tells: OpenTelemetry's names for calls of models, and Patchbay's own figures. Counted since this process
//! began; the ledger is what lasts.

use std::fmt;
use std::time::Duration;

use patchbay_core::ledger::{UsageRow, UsageType};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// The boundaries that OpenTelemetry's conventions give for durations, in seconds.
const DURATIONS: [f64; 14] =
    [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
/// … for the first token, in seconds.
const FIRST_TOKENS: [f64; 16] =
    [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// … and for tokens.
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
/// From 20 µs to a second.
const OVERHEADS: [f64; 14] =
    [0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_3, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0];

/// What an attempt was. The names are OpenTelemetry's, with `_` for `.`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Attempt {
    gen_ai_operation_name: &'static str,
    gen_ai_provider_name: String,
    gen_ai_request_model: String,
    error_type: &'static str,
    app: String,
}

/// The same for tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Tokens {
    gen_ai_token_type: &'static str,
    gen_ai_operation_name: &'static str,
    gen_ai_provider_name: String,
    gen_ai_request_model: String,
    app: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refusal {
    reason: Refused,
}

/// Why a request was turned away at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Refused {
    /// It was sent to another machine's name.
    Host,
    /// A web page sent it.
    Origin,
    /// Its head says two things about its length.
    Framing,
    /// No token, or none that is good.
    Token,
    /// The app may not use that model.
    Model,
    /// Its body is too long.
    Size,
    /// Its body took too long.
    Slow,
    /// Too many connections are open.
    Crowd,
}

/// Histograms of a family begin with these boundaries.
type Timed = Family<Attempt, Histogram, fn() -> Histogram>;

/// All figures of a process.
pub struct Metrics {
    registry: Registry,
    duration: Timed,
    first_token: Timed,
    tokens: Family<Tokens, Histogram, fn() -> Histogram>,
    cost: Family<Attempt, Counter>,
    unpriced: Family<Attempt, Counter>,
    overhead: Histogram,
    refused: Family<Refusal, Counter>,
    /// Connections of clients that are open.
    pub connections: Gauge,
    in_flight: Gauge,
    waiting_rows: Gauge,
}

/// What is so at the moment when somebody asks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Calls on their way.
    pub in_flight: u32,
    /// Rows of the ledger that are not written yet.
    pub waiting_rows: usize,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            duration: Family::new_with_constructor(|| Histogram::new(DURATIONS)),
            first_token: Family::new_with_constructor(|| Histogram::new(FIRST_TOKENS)),
            tokens: Family::new_with_constructor(|| Histogram::new(TOKENS)),
            cost: Family::default(),
            unpriced: Family::default(),
            overhead: Histogram::new(OVERHEADS),
            refused: Family::default(),
            connections: Gauge::default(),
            in_flight: Gauge::default(),
            waiting_rows: Gauge::default(),
        };
        metrics.register_calls();
        metrics.register_own();
        metrics
    }
}

impl Metrics {
    fn register_calls(&mut self) {
        let to = &mut self.registry;
        to.register_with_unit(
            "gen_ai_client_operation_duration",
            "How long attempts at providers took",
            Unit::Seconds,
            self.duration.clone(),
        );
        to.register_with_unit(
            "gen_ai_server_time_to_first_token",
            "How long streamed attempts waited for their first token",
            Unit::Seconds,
            self.first_token.clone(),
        );
        to.register("gen_ai_client_token_usage", "Tokens of an attempt", self.tokens.clone());
        to.register("patchbay_cost_nano_usd", "What attempts cost where that is known", self.cost.clone());
        to.register("patchbay_unpriced", "Attempts whose cost is not known", self.unpriced.clone());
    }

    fn register_own(&mut self) {
        let to = &mut self.registry;
        to.register_with_unit(
            "patchbay_overhead",
            "What Patchbay added to the provider's own time, the commit of the ledger included",
            Unit::Seconds,
            self.overhead.clone(),
        );
        to.register("patchbay_refused", "Requests that were turned away at the door", self.refused.clone());
        to.register("patchbay_connections", "Open connections of clients", self.connections.clone());
        to.register("patchbay_calls_in_flight", "Calls on their way", self.in_flight.clone());
        to.register("patchbay_ledger_waiting", "Rows that are not written yet", self.waiting_rows.clone());
    }

    /// An attempt is over: this is its row.
    pub fn ended(&self, row: &UsageRow) {
        let attempt = Attempt {
            gen_ai_operation_name: operation(row.series.usage_type),
            gen_ai_provider_name: row.series.provider.clone(),
            gen_ai_request_model: row.series.model.clone(),
            error_type: row.error.map_or("", |code| code.as_str()),
            app: row.series.app.clone(),
        };
        self.duration.get_or_create(&attempt).observe(seconds(row.total_ms));
        if let Some(first_token_ms) = row.first_token_ms.filter(|_| row.streamed) {
            self.first_token.get_or_create(&attempt).observe(seconds(first_token_ms));
        }
        for (kind, tokens) in [("input", row.usage.input), ("output", row.usage.output)] {
            if let Some(tokens) = tokens {
                self.tokens.get_or_create(&tokens_of(&attempt, kind)).observe(number(tokens));
            }
        }
        match row.cost.amount.map(|cost| u64::try_from(cost.0).unwrap_or(0)) {
            Some(cost) => self.cost.get_or_create(&attempt).inc_by(cost),
            None => self.unpriced.get_or_create(&attempt).inc(),
        };
    }

    /// Patchbay's own share of a call.
    pub fn overhead(&self, took: Duration) {
        self.overhead.observe(took.as_secs_f64());
    }

    /// A request was turned away.
    pub fn refused(&self, reason: Refused) {
        self.refused.get_or_create(&Refusal { reason }).inc();
    }

    /// The text that Prometheus reads.
    pub fn text(&self, now: Now) -> String {
        self.in_flight.set(now.in_flight.into());
        self.waiting_rows.set(i64::try_from(now.waiting_rows).unwrap_or(i64::MAX));
        let mut told = String::new();
        // Writing to a string does not fail.
        let _ = text::encode(&mut told, &self.registry);
        told
    }
}

fn tokens_of(attempt: &Attempt, kind: &'static str) -> Tokens {
    Tokens {
        gen_ai_token_type: kind,
        gen_ai_operation_name: attempt.gen_ai_operation_name,
        gen_ai_provider_name: attempt.gen_ai_provider_name.clone(),
        gen_ai_request_model: attempt.gen_ai_request_model.clone(),
        app: attempt.app.clone(),
    }
}

fn operation(usage_type: UsageType) -> &'static str {
    match usage_type {
        UsageType::Chat | UsageType::Test => "chat",
        UsageType::Embedding => "embeddings",
        UsageType::Count => "count_tokens",
    }
}

fn number(tokens: u64) -> f64 {
    f64::from(u32::try_from(tokens).unwrap_or(u32::MAX))
}

fn seconds(ms: u64) -> f64 {
    Duration::from_millis(ms).as_secs_f64()
}
