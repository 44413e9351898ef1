//! An attempt of the sample data on its way to be a row.

use fastrand::Rng;
use patchbay_core::code::Code;
use patchbay_core::id::{CallId, ConnectionId};
use patchbay_core::ledger::{Origin, Outcome, Position, Series, UsageRow, UsageType};
use patchbay_core::price::PriceBook;
use patchbay_core::time::Timestamp;
use patchbay_core::usage::{Cost, CostSource, TokenUsage};

use super::cast::{Takes, Target, Workload};

/// The provider that reports what it charges.
const REPORTS_COST: &str = "openrouter";
/// A log-normal distribution (sigma 0.5) in thousandths of its median, at 0/32, 1/32, … 32/32 of all values. A table of
/// integers gives the same rows on every machine, which logarithms of floats do not.
const SPREAD: [u64; 33] = [
    266, 394, 464, 517, 563, 604, 642, 678, 714, 749, 783, 818, 853, 888, 924, 962, 1_000, 1_040, 1_082,
    1_126, 1_173, 1_223, 1_277, 1_336, 1_401, 1_474, 1_558, 1_657, 1_777, 1_933, 2_153, 2_538, 3_951,
];

/// A way to fail.
#[derive(Debug)]
pub(super) struct Trouble {
    code: Code,
    outcome: Outcome,
    status: Option<u16>,
    message: &'static str,
    cost: Cost,
    /// The median time that it takes.
    ms: u64,
}

/// The provider's limit.
pub(super) const LIMITED: Trouble = Trouble {
    code: Code::RateLimited,
    outcome: Outcome::Limited,
    status: Some(429),
    message: "Rate limit reached for requests per minute. Please try again in 22s.",
    cost: Cost::NOTHING,
    ms: 90,
};
/// A request that no connection takes.
pub(super) const REFUSED: Trouble = Trouble {
    code: Code::BadRequest,
    outcome: Outcome::Failed,
    status: Some(400),
    message: "Invalid schema for response_format 'signal': 'required' is missing 'confidence'.",
    cost: Cost::NOTHING,
    ms: 140,
};
const TROUBLES: [Trouble; 4] = [
    Trouble {
        code: Code::UpstreamFailed,
        outcome: Outcome::Failed,
        status: Some(502),
        message: "502 Bad Gateway",
        cost: Cost::NOTHING,
        ms: 900,
    },
    Trouble {
        code: Code::Overloaded,
        outcome: Outcome::Failed,
        status: Some(503),
        message: "The engine is currently overloaded, please try again later.",
        cost: Cost::NOTHING,
        ms: 420,
    },
    Trouble {
        code: Code::NetworkFailed,
        outcome: Outcome::Failed,
        status: None,
        message: "The connection was refused.",
        cost: Cost::NOTHING,
        ms: 60,
    },
    Trouble {
        code: Code::TimedOut,
        outcome: Outcome::Failed,
        status: None,
        message: "No first byte in time. The call may be billed.",
        cost: Cost::UNKNOWN,
        ms: 15_000,
    },
];

/// A failure that the next connection does not share.
pub(super) fn any_trouble(rng: &mut Rng) -> &'static Trouble {
    &TROUBLES[rng.usize(0..TROUBLES.len())]
}

/// What is known of an attempt before it ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft {
    pub(super) work: &'static Workload,
    pub(super) target: &'static Target,
    pub(super) call: CallId,
    /// The call's, from 1.
    pub(super) number: u64,
    pub(super) attempt: u32,
    pub(super) at: Timestamp,
}

impl Draft {
    /// It ends with a failure.
    pub(super) fn failed(&self, trouble: &Trouble, position: Position, rng: &mut Rng) -> UsageRow {
        UsageRow {
            position,
            cost: trouble.cost,
            total_ms: spread(trouble.ms, rng),
            status: trouble.status,
            error: Some(trouble.code),
            message: Some(trouble.message.to_owned()),
            ..self.blank(trouble.outcome)
        }
    }

    /// It answers.
    pub(super) fn answered(&self, book: &PriceBook, rng: &mut Rng) -> UsageRow {
        let usage = self.tokens(rng);
        let length = rng.u32(0..100) == 0;
        UsageRow {
            finish_reason: Some(if length { "length" } else { "stop" }.to_owned()),
            ..self.spent(Outcome::Answered, usage, CostSource::Priced, book, rng)
        }
    }

    /// Its stream breaks off after a part of the answer.
    pub(super) fn cut(&self, book: &PriceBook, rng: &mut Rng) -> UsageRow {
        UsageRow {
            error: Some(Code::StreamCut),
            message: Some("The stream ended before its end.".to_owned()),
            ..self.partial(Outcome::Cut, book, rng)
        }
    }

    /// Its caller leaves in the middle of the answer.
    pub(super) fn cancelled(&self, book: &PriceBook, rng: &mut Rng) -> UsageRow {
        UsageRow { error: Some(Code::Cancelled), ..self.partial(Outcome::Cancelled, book, rng) }
    }

    /// A third of an answer. Nobody reported its usage, so it is an estimate.
    fn partial(&self, outcome: Outcome, book: &PriceBook, rng: &mut Rng) -> UsageRow {
        let whole = self.tokens(rng);
        let estimate = TokenUsage {
            input: whole.input,
            output: whole.output.map(|output| output / 3),
            ..TokenUsage::default()
        };
        self.spent(outcome, estimate, CostSource::Estimated, book, rng)
    }

    fn spent(
        &self,
        outcome: Outcome,
        mut usage: TokenUsage,
        source: CostSource,
        book: &PriceBook,
        rng: &mut Rng,
    ) -> UsageRow {
        let (provider, model) = (self.target.account.provider, self.target.model);
        if provider == REPORTS_COST && source == CostSource::Priced {
            usage.reported_cost = book.cost(provider, model, self.at, &usage, source).amount;
        }
        let first_token_ms = spread(self.target.first_token_ms, rng);
        let speaking_ms = usage.output.unwrap_or(0) * self.target.token_us / 1_000;
        UsageRow {
            usage,
            cost: book.cost(provider, model, self.at, &usage, source),
            total_ms: first_token_ms + speaking_ms,
            first_token_ms: (self.work.takes == Takes::Streamed).then_some(first_token_ms),
            status: Some(200),
            ..self.blank(outcome)
        }
    }

    fn tokens(&self, rng: &mut Rng) -> TokenUsage {
        let input = spread(self.work.input, rng);
        let output = spread(self.work.output, rng);
        let warm = rng.u32(0..100) < 55;
        TokenUsage {
            input: Some(input),
            output: Some(output),
            cached: Some(if warm { input * self.work.cached / 100 } else { 0 }),
            reasoning: Some(output * self.target.reasoning / 100),
            ..TokenUsage::default()
        }
    }

    fn blank(&self, outcome: Outcome) -> UsageRow {
        let work = self.work;
        let asked = if work.profile.is_empty() { self.target.model } else { work.profile };
        UsageRow {
            call: self.call,
            attempt: self.attempt,
            at: self.at,
            series: self.series(outcome),
            position: Position::Final,
            signal: (work.app == "mt5-signal-bot").then(|| format!("signal-{}", self.number / 3)),
            profile_version: (!work.profile.is_empty()).then_some(1),
            requested_model: asked.to_owned(),
            credential_version: self.target.account.credential_version,
            usage: TokenUsage::default(),
            cost: Cost::UNKNOWN,
            total_ms: 0,
            first_token_ms: None,
            status: None,
            error: None,
            message: None,
            finish_reason: None,
            streamed: work.takes == Takes::Streamed,
            upstream_id: None,
            detours: None,
        }
    }

    fn series(&self, outcome: Outcome) -> Series {
        let account = &self.target.account;
        Series {
            connection_id: ConnectionId(account.id),
            connection_key: account.key.to_owned(),
            connection_name: account.name.to_owned(),
            provider: account.provider.to_owned(),
            model: self.target.model.to_owned(),
            app: self.work.app.to_owned(),
            feature: self.work.feature.to_owned(),
            profile: self.work.profile.to_owned(),
            usage_type: UsageType::Chat,
            outcome,
            origin: Origin::Sample,
        }
    }
}

/// A random value around a median.
fn spread(median: u64, rng: &mut Rng) -> u64 {
    let at = rng.usize(0..32_000);
    let (step, between) = (at / 1_000, (at % 1_000) as u64);
    let factor = (SPREAD[step] * (1_000 - between) + SPREAD[step + 1] * between) / 1_000;
    (median * factor / 1_000).max(1)
}
