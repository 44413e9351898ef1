//! What a provider's headers tell of its own limits (R5).

use crate::time::parse_go_duration;

/// What is left, and until when. `None` where a provider does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signal {
    /// Requests left, and milliseconds until there are more.
    pub requests: Option<(u32, u64)>,
    /// Whether tokens are used up, as the milliseconds until there are more.
    pub tokens_spent: Option<u64>,
}

impl Signal {
    /// From the headers of an answer, in the form of OpenAI and most others: `x-ratelimit-remaining-requests: 59`,
    /// `x-ratelimit-reset-requests: 1s`, and the same for tokens.
    pub fn read<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Self {
        let pair = |kind: &str| {
            let remaining = header(&format!("x-ratelimit-remaining-{kind}"))?.trim().parse::<u32>().ok()?;
            let reset = parse_go_duration(header(&format!("x-ratelimit-reset-{kind}"))?.trim())?;
            Some((remaining, reset))
        };
        let tokens_spent = pair("tokens").filter(|(left, _)| *left == 0).map(|(_, reset)| reset);
        Self { requests: pair("requests"), tokens_spent }
    }

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
