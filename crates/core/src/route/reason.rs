//! Why a connection is not tried (F1).

use std::fmt;

use super::Trouble;
use crate::admission::{Refusal, Why};
use crate::code::Code;
use crate::model::Capability;
use crate::standing::Hurdle;
use crate::time::{Now, Timestamp};

/// Why a connection is not tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// The user paused it.
    Paused,
    /// It is suspended.
    Suspended,
    /// Its provider is in maintenance.
    Maintenance,
    /// It was saved without a test and was not named by its key.
    Untested,
    /// It needs a key and has none.
    NoCredential,
    /// The call wants a stream, and streams are switched off here.
    NoStreams,
    /// Its provider no longer has the model.
    ModelUnavailable,
    /// The model cannot do what the call needs.
    Lacks(Capability),
    /// So many tokens fit into the model, and the call needs more.
    ContextTooSmall(u32),
    /// Another provider was chosen, and calls cross providers only along a declared chain (F7).
    OtherProvider,
    /// Its account needs a person.
    NeedsAttention(Code),
    /// Its provider asked for a pause.
    Cooling(Timestamp),
    /// Its breaker is open.
    BreakerOpen(Timestamp),
    /// As many calls as may be are on their way.
    Full,
    /// A window, a day or a minute's tokens are used up until then.
    OverRate(Timestamp),
    /// A budget is used up until then.
    OverBudget(Timestamp),
    /// A drill pretends this of it until then.
    Pretended(Trouble, Timestamp),
}

impl SkipReason {
    /// Of a connection that would not take the call.
    pub fn of_hurdle(hurdle: Hurdle, now: Now) -> Self {
        match hurdle {
            Hurdle::Paused => Self::Paused,
            Hurdle::Suspended => Self::Suspended,
            Hurdle::NeedsAttention(code) => Self::NeedsAttention(code),
            Hurdle::Cooling(until) => Self::Cooling(now.wall_at(until)),
            Hurdle::Broken(until) => Self::BreakerOpen(now.wall_at(until)),
            Hurdle::ModelMissing(_) => Self::ModelUnavailable,
        }
    }

    /// Of a connection that had no room.
    pub fn of_refusal(refusal: &Refusal, now: Now) -> Self {
        let until = now.wall_at(now.mono.plus_ms(refusal.after_ms.unwrap_or(0)));
        match refusal.why {
            Why::Concurrency | Why::Queue => Self::Full,
            Why::Rate | Why::Day | Why::Tokens => Self::OverRate(until),
            Why::Budget => Self::OverBudget(until),
        }
    }

    /// When it may be otherwise, where that is known: the `Retry-After` of a call that nobody could take.
    pub fn until(self) -> Option<Timestamp> {
        match self {
            Self::Cooling(until)
            | Self::BreakerOpen(until)
            | Self::OverRate(until)
            | Self::OverBudget(until)
            | Self::Pretended(_, until) => Some(until),
            _ => None,
        }
    }
}

/// For people.
impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Paused => "switched off",
            Self::Suspended => "suspended",
            Self::Maintenance => "its provider is in maintenance",
            Self::Untested => "never tested: test it, or address it by its key",
            Self::NoCredential => "has no key",
            Self::NoStreams => "streams are switched off",
            Self::ModelUnavailable => "its provider does not have this model now",
            Self::Lacks(Capability::Tools) => "the model cannot call tools",
            Self::Lacks(Capability::Json) => "the model cannot keep to a JSON schema",
            Self::Lacks(Capability::Images) => "the model cannot see images",
            Self::Lacks(Capability::Reasoning) => "the model does not reason",
            Self::Lacks(Capability::Embeddings) => "the model makes no vectors",
            Self::ContextTooSmall(tokens) => {
                return write!(f, "the model takes {tokens} tokens, and this call needs more");
            }
            Self::OtherProvider => "another provider: calls cross providers only along a profile's chain",
            Self::NeedsAttention(Code::QuotaExhausted) => "its account has no quota left",
            Self::NeedsAttention(_) => "its key was refused",
            Self::Cooling(_) => "its provider asked for a pause",
            Self::BreakerOpen(_) => "failed too often and rests",
            Self::Full => "as many calls as it may have are on their way",
            Self::OverRate(_) => "its rate limit is reached",
            Self::OverBudget(_) => "its budget is used up",
            Self::Pretended(Trouble::Outage, _) => "a drill pretends an outage",
            Self::Pretended(Trouble::RateLimited, _) => "a drill pretends that it answers 429",
            Self::Pretended(Trouble::Slow { .. }, _) => "a drill pretends that it is too slow",
        };
        f.write_str(text)?;
        match self.until() {
            Some(until) => write!(f, " (until {})", until.to_rfc3339()),
            None => Ok(()),
        }
    }
}
