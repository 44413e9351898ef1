//! Alerts: what somebody should know, once, until its cause ends (behaviours N2, N3). The rules are pure; who looks, and how often,
//! is the engine's affair.

mod board;
mod rules;
mod watch;

pub use board::{AlertState, Known, MOST_OPEN, Step, step};
pub use rules::Rules;
pub use watch::{Hours, IdleSpend, LoopWatch, credential_age};

use serde::{Deserialize, Serialize};

use crate::budget::Crossing;
use crate::code::Code;
use crate::standing::Change;
use crate::time::Timestamp;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// What an alert is about.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, specta::Type,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum AlertKind { $($(#[$doc])* $kind,)* }

        impl AlertKind {
            /// All of them, in the order in which their rules are listed.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// The name in the database and on the command line.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// The one of that name.
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$kind),)* _ => None }
            }
        }
    };
}
kinds! {
    /// A connection's account needs a person.
    NeedsAttention = "needs_attention",
    /// A connection is left alone for a while.
    BreakerOpen = "breaker_open",
    /// A standby key took over from one that was refused.
    StandbyTookOver = "standby_took_over",
    /// A call found nobody who may take it.
    NoCandidate = "no_candidate",
    /// A call found everybody who may take it at an own limit.
    LimitReached = "limit_reached",
    /// A budget's level.
    Budget = "budget",
    /// Money is spent while nobody should be spending.
    IdleSpend = "idle_spend",
    /// An app asks the same again and again.
    Loop = "loop",
    /// Calls were made whose price is not known.
    UnknownPrice = "unknown_price",
    /// A model that is in use is gone.
    ModelGone = "model_gone",
    /// A credential is old, or near its end.
    CredentialAge = "credential_age",
    /// An account has little left.
    LowBalance = "low_balance",
    /// This machine has no network.
    Offline = "offline",
    /// The gateway does not listen.
    GatewayDown = "gateway_down",
    /// The ledger cannot be written.
    LedgerFailing = "ledger_failing",
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// It may become a trouble.
    Warn,
    /// It is one.
    Bad,
}

impl Severity {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    /// The one of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Info, Self::Warn, Self::Bad].into_iter().find(|severity| severity.as_str() == name)
    }
}

/// A condition that was seen, or has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// What it is about.
    pub kind: AlertKind,
    /// Whom: a connection key, a budget, an app.
    pub subject: String,
    /// What it says.
    pub sign: Sign,
}

impl News {
    /// A condition of that subject.
    pub fn new(kind: AlertKind, subject: impl Into<String>, sign: Sign) -> Self {
        Self { kind, subject: subject.into(), sign }
    }
}

/// What a condition says of an alert now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sign {
    /// The cause is there.
    Raise {
        /// How much it matters.
        severity: Severity,
        /// Of causes that matter as much, a higher one is told again: a budget's next level.
        rank: u16,
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
        Self::Raise { severity, rank: 0, title, evidence: evidence.into() }
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

/// What a budget's level means. `name` is how people know the budget: "daily budget of $12".
pub fn of_crossing(crossing: Crossing, name: &str, used: &str, cap: &str) -> Sign {
    match crossing {
        Crossing::Left => Sign::Clear,
        Crossing::Reached(level) | Crossing::Fell(level) => {
            let severity = match level {
                0..80 => Severity::Info,
                80..100 => Severity::Warn,
                _ => Severity::Bad,
            };
            let title = match level {
                50 => format!("Half the {name} is used"),
                100.. => format!("The {name} is used up"),
                _ => format!("{level} % of the {name} is used"),
            };
            Sign::Raise { severity, rank: level, title, evidence: format!("{used} of {cap}") }
        }
    }
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
    fn names_are_read_back() {
        for kind in AlertKind::ALL {
            assert_eq!(AlertKind::parse(kind.as_str()), Some(*kind));
        }
        for severity in [Severity::Info, Severity::Warn, Severity::Bad] {
            assert_eq!(Severity::parse(severity.as_str()), Some(severity));
        }
    }

    #[test]
    fn n1_levels_grow_in_weight() {
        let weight = |level| match of_crossing(Crossing::Reached(level), "budget of the bot", "$4", "$5") {
            Sign::Raise { severity, .. } => severity,
            Sign::Clear => panic!("should raise"),
        };
        assert_eq!(
            [50, 80, 95, 100].map(weight),
            [Severity::Info, Severity::Warn, Severity::Warn, Severity::Bad]
        );
    }
}
