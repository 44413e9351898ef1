//! What a provider's headers tell of its own limits, as far as it matters here (R5).

use crate::dialect::RateLimits;

/// What is left, and until when. `None` where a provider does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signal {
    /// Requests left, and milliseconds until there are more.
    pub requests: Option<(u32, u64)>,
    /// Whether tokens are used up, as the milliseconds until there are more.
    pub tokens_spent: Option<u64>,
}

impl From<RateLimits> for Signal {
    fn from(limits: RateLimits) -> Self {
        let requests = limits.requests.remaining.zip(limits.requests.reset_ms);
        let tokens = limits.tokens.remaining.zip(limits.tokens.reset_ms);
        Self {
            requests: requests.map(|(left, reset)| (u32::try_from(left).unwrap_or(u32::MAX), reset)),
            tokens_spent: tokens.filter(|(left, _)| *left == 0).map(|(_, reset)| reset),
        }
    }
}

impl Signal {
    /// The tighter of the two.
    pub(super) fn tightest(self) -> Option<(u32, u64)> {
        let tokens = self.tokens_spent.map(|reset| (0, reset));
        match (self.requests, tokens) {
            (Some((0, reset)), Some((_, tokens))) => Some((0, reset.max(tokens))),
            (_, Some(tokens)) => Some(tokens),
            (requests, None) => requests,
        }
    }
}
