//! Limits that a provider tells in the headers of its answers, as a report keeps them.

use serde::{Deserialize, Serialize};

use crate::dialect::{RateLimits, Window};

/// One limit as a provider told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ToldLimit {
    /// "requests", "tokens".
    pub of: String,
    /// At most so many in its window.
    pub limit: u32,
    /// So many are left of it.
    pub remaining: Option<u32>,
    /// Seconds until there are more.
    pub reset_s: Option<u32>,
}

/// Reads the limits from the headers of an answer; those without a number are left out.
pub fn told_limits<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Vec<ToldLimit> {
    let told = RateLimits::read(header);
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let read = |(of, window): (&str, Window)| {
        Some(ToldLimit {
            of: of.to_owned(),
            limit: small(window.limit?),
            remaining: window.remaining.map(small),
            reset_s: window.reset_ms.map(|ms| small(ms.div_ceil(1_000))),
        })
    };
    [("requests", told.requests), ("tokens", told.tokens)].into_iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f8_limits_are_read_from_headers() {
        let headers = [
            ("x-ratelimit-limit-requests", "500"),
            ("x-ratelimit-remaining-requests", "499"),
            ("x-ratelimit-reset-requests", "1m0.2s"),
            ("x-ratelimit-remaining-tokens", "30000"),
        ];
        let of = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let requests =
            ToldLimit { of: "requests".to_owned(), limit: 500, remaining: Some(499), reset_s: Some(61) };
        assert_eq!(told_limits(of), [requests], "what is left of an unknown limit says nothing");
        assert!(told_limits(|_| None).is_empty());
    }
}
