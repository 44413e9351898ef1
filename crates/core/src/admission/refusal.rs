//! Why a call may not start now.

use super::{BudgetSeat, Seat};

/// A kind of limit, in the order in which they are asked (R1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// Too many are on their way.
    Concurrency,
    /// A window is full.
    Rate,
    /// The day's requests are used up.
    Day,
    /// The minute's tokens are used up.
    Tokens,
    /// A budget that stops is used up.
    Budget,
    /// Room there is, and somebody who waits for it came first.
    Queue,
}

/// What refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gate {
    /// A provider's, a connection's, a profile's or an app's limit.
    Seat(Seat),
    /// A budget.
    Budget(BudgetSeat),
}

/// How far a refusal reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// This connection: another may have room.
    Candidate,
    /// The call: no other connection would change it.
    Call,
}

/// A typed "not now". It is no error: nobody's health changes, and it costs nothing (R4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which limit.
    pub why: Why,
    /// Whose limit.
    pub gate: Gate,
    /// Whether another connection may have room.
    pub reach: Reach,
    /// When it may fit, in milliseconds; `None` where only the end of another call tells.
    pub after_ms: Option<u64>,
}

impl Refusal {
    /// The `Retry-After` of the answer, in whole seconds and never zero.
    pub fn retry_after_s(&self) -> u64 {
        self.after_ms.unwrap_or(1_000).div_ceil(1_000).max(1)
    }

    /// Whether waiting makes sense: a budget that is spent opens at its reset, not within the seconds that a caller waits. One
    /// whose rest is held by calls on their way may open when they turn out cheaper.
    pub fn may_pass_soon(&self) -> bool {
        match self.why {
            Why::Budget => self.after_ms.is_none(),
            Why::Day => false,
            _ => true,
        }
    }
}
