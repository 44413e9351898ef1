//! A place that a call has taken, as a value.

use std::sync::mpsc::Sender;

use crate::money::NanoUsd;
use crate::usage::TokenUsage;

/// Whether anything may have reached the provider. Only what was not sent is refunded (R1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Not a byte.
    Nothing,
    /// The request, or a part of it.
    Something,
}

/// The right to make one attempt. It is given back by [`Admission::settle`](super::Admission::settle). One that is dropped
/// instead (a panic, a cancelled task) gives itself back at the next touch of its admission: refunded where nothing was sent,
/// else with its estimate as if used.
#[must_use = "a reservation holds a place until it is settled"]
#[derive(Debug)]
pub struct Reservation {
    pub(super) index: u32,
    pub(super) sent: Sent,
    pub(super) strays: Option<Sender<Stray>>,
}

/// A reservation that was dropped.
#[derive(Debug)]
pub(super) struct Stray {
    pub(super) index: u32,
    pub(super) sent: Sent,
}

impl Reservation {
    /// From now on something may have reached the provider.
    pub fn mark_sent(&mut self) {
        self.sent = Sent::Something;
    }

    /// The connection could not even be made: what was about to be sent was not.
    pub fn mark_unsent(&mut self) {
        self.sent = Sent::Nothing;
    }

    /// Whether something may have reached the provider.
    pub fn sent(&self) -> Sent {
        self.sent
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(strays) = self.strays.take() {
            // Without an admission there is nothing to give back to.
            let _ = strays.send(Stray { index: self.index, sent: self.sent });
        }
    }
}

/// What an attempt is expected to take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Input and the most that may come out.
    pub tokens: u64,
    /// By the model's price; zero where there is none.
    pub cost: NanoUsd,
}

/// What an attempt took. `None` is not known: then the estimate stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Input and output.
    pub tokens: Option<u64>,
    /// What was billed.
    pub cost: Option<NanoUsd>,
}

impl Spent {
    /// What is known; what is not, by this estimate.
    pub(super) fn or(self, estimate: Estimate) -> Estimate {
        Estimate { tokens: self.tokens.unwrap_or(estimate.tokens), cost: self.cost.unwrap_or(estimate.cost) }
    }

    /// What is known of an attempt from its usage and its cost.
    pub fn new(usage: &TokenUsage, cost: Option<NanoUsd>) -> Self {
        let tokens = usage.is_reported().then(|| usage.input.unwrap_or(0) + usage.output.unwrap_or(0));
        Self { tokens, cost }
    }
}
