//! What the headers of an answer tell of the provider's own limits, wherever a provider puts it.

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use crate::time::parse_go_duration;

/// A moment in milliseconds since 1970 begins here (9 September 2001); smaller numbers are seconds to wait.
const EPOCH_MS: u64 = 1_000_000_000_000;

/// What is left of a provider's limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Of requests.
    pub requests: Window,
    /// Of tokens.
    pub tokens: Window,
}

/// One limit; `None` where the provider does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// How many in all.
    pub limit: Option<u64>,
    /// How many are left.
    pub remaining: Option<u64>,
    /// Milliseconds until there are more.
    pub reset_ms: Option<u64>,
}

/// The names of the three headers of a limit.
type Names = [&'static str; 3];

/// OpenAI and Groq, Anthropic, Mistral; the last two name no kind (OpenRouter and Together) and count requests.
const REQUESTS: [Names; 5] = [
    ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
    [
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ],
    ["x-ratelimit-limit-req-minute", "x-ratelimit-remaining-req-minute", "x-ratelimit-reset-req-minute"],
    [
        "x-ratelimit-limit-req-10-second",
        "x-ratelimit-remaining-req-10-second",
        "x-ratelimit-reset-req-10-second",
    ],
    ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"],
];
const TOKENS: [Names; 3] = [
    ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"],
    [
        "anthropic-ratelimit-tokens-limit",
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    ],
    [
        "x-ratelimit-limit-tokens-minute",
        "x-ratelimit-remaining-tokens-minute",
        "x-ratelimit-reset-tokens-minute",
    ],
];

impl RateLimits {
    /// From the headers of an answer.
    pub fn read<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Self {
        let window =
            |names: &[Names]| names.iter().find_map(|names| window(names, &header)).unwrap_or_default();
        Self { requests: window(&REQUESTS), tokens: window(&TOKENS) }
    }
}

fn window<'a>(names: &Names, header: &impl Fn(&str) -> Option<&'a str>) -> Option<Window> {
    let number = |name: &str| header(name).and_then(|text| text.trim().parse().ok());
    let [limit, remaining, reset] = names;
    let window = Window {
        limit: number(limit),
        remaining: number(remaining),
        reset_ms: header(reset).and_then(|text| reset_ms(text.trim(), header)),
    };
    (window.limit.is_some() || window.remaining.is_some()).then_some(window)
}

/// A duration ("6m0s"), a moment in RFC 3339 or in milliseconds since 1970, or seconds. Moments are the provider's, and so
/// is the clock that they are compared with.
fn reset_ms<'a>(text: &str, header: &impl Fn(&str) -> Option<&'a str>) -> Option<u64> {
    let until = |moment: Timestamp| Some(millis(moment).saturating_sub(millis(server_time(header)?)));
    match text.parse::<f64>() {
        Ok(number) if number >= 0.0 => {
            let number = std::time::Duration::try_from_secs_f64(number).ok()?;
            match number.as_secs() {
                epoch_ms @ EPOCH_MS.. => {
                    until(Timestamp::from_millisecond(i64::try_from(epoch_ms).ok()?).ok()?)
                }
                _ => u64::try_from(number.as_millis()).ok(),
            }
        }
        Ok(_) => None,
        Err(_) => parse_go_duration(text).or_else(|| until(text.parse().ok()?)),
    }
}

fn server_time<'a>(header: &impl Fn(&str) -> Option<&'a str>) -> Option<Timestamp> {
    http_date(header("date")?)
}

fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::parse(text.trim()).ok().map(|moment| moment.timestamp())
}

fn millis(moment: Timestamp) -> u64 {
    u64::try_from(moment.as_millisecond()).unwrap_or(0)
}

/// The provider's wish for a pause: `retry-after-ms`, `retry-after` in seconds or as a date, or the reset of an exhausted
/// limit.
pub fn retry_after_ms<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Option<u64> {
    let asked = || {
        let text = header("retry-after")?.trim();
        let seconds = text.parse::<f64>().ok().and_then(|s| std::time::Duration::try_from_secs_f64(s).ok());
        let until = || Some(millis(http_date(text)?).saturating_sub(millis(server_time(&header)?)));
        seconds.and_then(|wait| u64::try_from(wait.as_millis()).ok()).or_else(until)
    };
    let exhausted = |window: Window| window.reset_ms.filter(|_| window.remaining == Some(0));
    let limits = || RateLimits::read(&header);
    header("retry-after-ms")
        .and_then(|ms| ms.trim().parse().ok())
        .or_else(asked)
        .or_else(|| exhausted(limits().requests))
        .or_else(|| exhausted(limits().tokens))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: (&str, &str) = ("date", "Fri, 06 Nov 2026 08:49:37 GMT");

    fn found<'a>(headers: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<&'a str> {
        |name| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    #[test]
    fn r5_a_wish_for_a_pause_is_read_in_every_form() {
        for (headers, expected) in [
            (&[("retry-after-ms", "250"), ("retry-after", "9")][..], Some(250)),
            (&[("retry-after", "22")], Some(22_000)),
            (&[("retry-after", "0.5")], Some(500)),
            (
                &[
                    ("retry-after", "Fri, 06 Nov 2026 08:51:07 GMT"),
                    ("date", "Fri, 06 Nov 2026 08:49:37 GMT"),
                ],
                Some(90_000),
            ),
            (
                &[
                    ("retry-after", "Fri, 06 Nov 2026 08:40:00 GMT"),
                    ("date", "Fri, 06 Nov 2026 08:49:37 GMT"),
                ],
                Some(0),
            ),
            (&[("retry-after", "Fri, 06 Nov 2026 08:51:07 GMT")], None),
            (&[("retry-after", "-3")], None),
            (&[("retry-after", "soon")], None),
            (
                &[("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "6m0s")],
                Some(360_000),
            ),
            (&[("x-ratelimit-remaining-requests", "3"), ("x-ratelimit-reset-requests", "6m0s")], None),
            (&[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "17.4s")], Some(17_400)),
            (&[], None),
        ] {
            assert_eq!(retry_after_ms(found(headers)), expected, "{headers:?}");
        }
    }

    #[test]
    fn r5_limits_are_read_wherever_a_provider_puts_them() {
        let openai = [
            ("x-ratelimit-limit-requests", "500"),
            ("x-ratelimit-remaining-requests", "499"),
            ("x-ratelimit-reset-requests", "120ms"),
            ("x-ratelimit-remaining-tokens", "30000"),
        ];
        let limits = RateLimits::read(found(&openai));
        let requests = Window { limit: Some(500), remaining: Some(499), reset_ms: Some(120) };
        assert_eq!(limits.requests, requests);
        assert_eq!(limits.tokens, Window { remaining: Some(30_000), ..Window::default() });

        let anthropic = [
            ("anthropic-ratelimit-requests-remaining", "0"),
            ("anthropic-ratelimit-requests-reset", "2026-11-06T08:50:07Z"),
            ("date", "Fri, 06 Nov 2026 08:49:37 GMT"),
        ];
        assert_eq!(RateLimits::read(found(&anthropic)).requests.reset_ms, Some(30_000));
        assert_eq!(retry_after_ms(found(&anthropic)), Some(30_000));

        let mistral = [("x-ratelimit-limit-req-minute", "100"), ("x-ratelimit-remaining-req-minute", "7")];
        assert_eq!(RateLimits::read(found(&mistral)).requests.remaining, Some(7));

        let openrouter = [
            ("x-ratelimit-limit", "20"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "1793954987000"),
            ("date", "Fri, 06 Nov 2026 08:49:37 GMT"),
        ];
        assert_eq!(RateLimits::read(found(&openrouter)).requests.reset_ms, Some(10_000));
        assert_eq!(RateLimits::read(found(&[DATE])), RateLimits::default());
    }
}
