//! Alerts: what somebody should know, once, until its cause ends (behaviours N2, N3). The rules are pure; who looks, and how often,
//! is the engine's affair.

mod board;
mod watch;

pub use board::{Alert, AlertBoard, AlertState, MOST_OPEN};
pub use watch::{Hours, IdleSpend, LoopWatch, credential_age};

use serde::{Deserialize, Serialize};

use crate::budget::Crossing;
use crate::code::Code;
use crate::standing::Change;
use crate::time::Timestamp;

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// A budget's level.
    Budget,
    /// A connection's account needs a person.
    NeedsAttention,
    /// A connection is left alone for a while.
    BreakerOpen,
    /// A call found nobody who may take it.
    NoCandidate,
    /// Calls were made whose price is not known.
    UnknownPrice,
    /// A model that is in use is gone.
    ModelGone,
    /// A credential is old, or near its end.
    CredentialAge,
    /// The ledger cannot be written.
    LedgerFailing,
    /// A prepaid account is nearly empty.
    LowBalance,
    /// Money is spent while nobody should be spending.
    IdleSpend,
    /// An app asks the same again and again.
    Loop,
}

impl AlertKind {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::NeedsAttention => "needs_attention",
            Self::BreakerOpen => "breaker_open",
            Self::NoCandidate => "no_candidate",
            Self::UnknownPrice => "unknown_price",
            Self::ModelGone => "model_gone",
            Self::CredentialAge => "credential_age",
            Self::LedgerFailing => "ledger_failing",
            Self::LowBalance => "low_balance",
            Self::IdleSpend => "idle_spend",
            Self::Loop => "loop",
        }
    }
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// It may become a trouble.
    Warn,
    /// It is one.
    Bad,
}

/// What a condition says of an alert now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sign {
    /// The cause is there.
    Raise {
        /// How much it matters.
        severity: Severity,
        /// One sentence.
        title: String,
        /// Figures and names behind it.
        evidence: String,
    },
    /// The cause has ended.
    Clear,
}

impl Sign {
    /// A cause is there.
    pub fn raise(severity: Severity, title: String, evidence: impl Into<String>) -> Self {
        Self::Raise { severity, title, evidence: evidence.into() }
    }
}

/// What a change of a connection's standing means; `None` for what nobody needs to be told of.
pub fn of_change(change: Change, connection: &str, until: Option<Timestamp>) -> Option<(AlertKind, Sign)> {
    let until = until.map(Timestamp::to_rfc3339).unwrap_or_default();
    match change {
        Change::BreakerOpened(_) => {
            let title = format!("{connection} failed too often and rests");
            Some((AlertKind::BreakerOpen, Sign::raise(Severity::Warn, title, format!("until {until}"))))
        }
        Change::BreakerClosed => Some((AlertKind::BreakerOpen, Sign::Clear)),
        Change::NeedsAttention(code) => {
            let title = match code {
                Code::QuotaExhausted => format!("The account of {connection} has no quota left"),
                Code::PermissionDenied => format!("The key of {connection} may not do this"),
                _ => format!("The key of {connection} was refused"),
            };
            Some((AlertKind::NeedsAttention, Sign::raise(Severity::Bad, title, code.as_str())))
        }
        Change::AttentionCleared => Some((AlertKind::NeedsAttention, Sign::Clear)),
        Change::ModelMissing => {
            let title = format!("{connection} does not know a model that is asked of it");
            Some((AlertKind::ModelGone, Sign::raise(Severity::Warn, title, "")))
        }
        Change::Cooling(_) => None,
    }
}

/// What a budget's level means. `name` is how people know the budget.
pub fn of_crossing(crossing: Crossing, name: &str, used: &str, cap: &str) -> (AlertKind, Sign) {
    let sign = match crossing {
        Crossing::Left => Sign::Clear,
        Crossing::Reached(level) => {
            let severity = match level {
                0..80 => Severity::Info,
                80..100 => Severity::Warn,
                _ => Severity::Bad,
            };
            Sign::raise(
                severity,
                format!("{level} % of the budget {name} is used"),
                format!("{used} of {cap}"),
            )
        }
    };
    (AlertKind::Budget, sign)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Mono;

    #[test]
    fn n3_a_breaker_and_an_account_raise_and_clear_their_alerts() {
        for (change, kind, severity) in [
            (Change::BreakerOpened(Mono(1)), AlertKind::BreakerOpen, Some(Severity::Warn)),
            (Change::BreakerClosed, AlertKind::BreakerOpen, None),
            (Change::NeedsAttention(Code::KeyRefused), AlertKind::NeedsAttention, Some(Severity::Bad)),
            (Change::AttentionCleared, AlertKind::NeedsAttention, None),
            (Change::ModelMissing, AlertKind::ModelGone, Some(Severity::Warn)),
        ] {
            let (found, sign) = of_change(change, "OpenAI primary", None).expect("an alert");
            let raised = match sign {
                Sign::Raise { severity, .. } => Some(severity),
                Sign::Clear => None,
            };
            assert_eq!((found, raised), (kind, severity), "{change:?}");
        }
        assert_eq!(of_change(Change::Cooling(Mono(1)), "OpenAI primary", None), None, "full is no trouble");
    }

    #[test]
    fn n1_levels_grow_in_weight() {
        let weight = |level| match of_crossing(Crossing::Reached(level), "of the bot", "$4", "$5").1 {
            Sign::Raise { severity, .. } => severity,
            Sign::Clear => panic!("should raise"),
        };
        assert_eq!(
            [50, 80, 95, 100].map(weight),
            [Severity::Info, Severity::Warn, Severity::Warn, Severity::Bad]
        );
    }
}
