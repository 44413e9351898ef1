//! What a shell asks for: a span of whole days, conditions, and a grouping.

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use patchbay_core::report::{Condition, Filter, GroupBy};
use patchbay_core::time::{Range, Timestamp, day_range, last_days, parse_day};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Ten years: more days than that are a slip of the finger.
const MOST_DAYS: u32 = 3_653;

/// Which days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Days {
    /// So many up to today.
    Last {
        /// How many, today included.
        days: u32,
    },
    /// From a day to a day, both included.
    Between {
        /// The first (2026-11-01).
        from: String,
        /// The last.
        to: String,
    },
}

/// What the window asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct UsageQuery {
    /// Which days.
    pub days: Days,
    /// What has to hold.
    pub conditions: Vec<Condition>,
    /// What groups go by.
    pub by: GroupBy,
}

/// A span of whole days, and the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spans {
    /// From the first day's start to the last day's end.
    pub range: Range,
    /// Its first day.
    pub first: Date,
    /// Its last day.
    pub last: Date,
    /// As many days before it, and of the last of those as much as has passed of today.
    pub prior: Range,
}

impl Days {
    /// When that is.
    pub fn spans(&self, now: Timestamp, zone: &TimeZone) -> Result<Spans, Error> {
        let (first, last) = match self {
            Self::Last { days } => {
                let days = last_days(now, (*days).clamp(1, MOST_DAYS), zone);
                let today = now.day(zone);
                days.first().map_or((today, today), |(first, _)| (*first, today))
            }
            Self::Between { from, to } => (day(from)?, day(to)?),
        };
        if last < first {
            return Err(Error::invalid(
                format!("The first day, {first}, is after the last, {last}."),
                "Exchange the two.",
            ));
        }
        let days = i64::from(first.until(last).map_or(0, |span| span.get_days())) + 1;
        if days > i64::from(MOST_DAYS) {
            return Err(Error::invalid("That is more than ten years.", "Choose a shorter span."));
        }
        let range = Range { from: day_range(first, zone).from, to: day_range(last, zone).to };
        let before = day_range(first.saturating_sub(days.days()), zone).from;
        let prior = if (range.from..range.to).contains(&now) {
            let same_day = day_range(now.day(zone).saturating_sub(days.days()), zone);
            let passed = now.0 - day_range(now.day(zone), zone).from.0;
            same_day.from.plus_ms(passed).min(same_day.to)
        } else {
            range.from
        };
        Ok(Spans { range, first, last, prior: Range { from: before, to: prior } })
    }
}

fn day(text: &str) -> Result<Date, Error> {
    parse_day(text)
        .ok_or_else(|| Error::invalid(format!("\"{text}\" is no day."), "Write it like 2026-11-01."))
}

impl UsageQuery {
    /// Its filter over a range.
    pub fn filter(&self, range: Range) -> Filter {
        Filter { range: Some(range), conditions: self.conditions.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchbay_core::time::{HOUR_MS, zone};

    fn berlin() -> TimeZone {
        zone("Europe/Berlin").expect("a zone")
    }

    #[test]
    fn t1_the_prior_span_ends_at_the_same_time_of_day() {
        // 15:00 on 30 March 2026, the day after a day of 23 hours.
        let now = Timestamp(day_range(day("2026-03-30").expect("a day"), &berlin()).from.0 + 15 * HOUR_MS);
        let spans = Days::Last { days: 1 }.spans(now, &berlin()).expect("spans");
        assert_eq!(spans.range.to.0 - spans.range.from.0, 24 * HOUR_MS);
        assert_eq!(spans.prior.from, spans.range.from.plus_ms(-23 * HOUR_MS));
        assert_eq!(spans.prior.to, spans.prior.from.plus_ms(15 * HOUR_MS));
    }

    #[test]
    fn a_span_that_is_over_is_compared_with_all_of_the_one_before() {
        let days = Days::Between { from: "2026-03-02".to_owned(), to: "2026-03-08".to_owned() };
        let spans = days.spans(Timestamp(1_800_000_000_000), &berlin()).expect("spans");
        assert_eq!(spans.prior.to, spans.range.from);
        assert_eq!(spans.prior.from.day(&berlin()).to_string(), "2026-02-23");
    }

    #[test]
    fn a_span_that_is_none_is_refused_in_words() {
        for (from, to, told) in [
            ("2026-03-09", "2026-03-08", "after the last"),
            ("soon", "2026-03-08", "\"soon\" is no day"),
            ("1990-01-01", "2026-03-08", "more than ten years"),
        ] {
            let days = Days::Between { from: from.to_owned(), to: to.to_owned() };
            let error = days.spans(Timestamp(0), &berlin()).expect_err("refused");
            assert!(error.message.contains(told), "{error}");
        }
    }
}
