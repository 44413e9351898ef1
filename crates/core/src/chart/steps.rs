//! A span of time cut into what one bar or point stands for: hours, days or weeks of the trader's zone.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};

use super::sheet::Of;
use crate::time::{HOUR_MS, Range, Timestamp, day_range, monday};

const MINUTE_MS: i64 = HOUR_MS / 60;
/// Up to so many days are cut into hours.
const HOURS_UP_TO: i64 = 2;
/// Beyond so many days, a bar is a week.
const DAYS_UP_TO: i64 = 120;

/// What one step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// So many milliseconds.
    Fine,
    /// An hour.
    Hour,
    /// A calendar day, of 23 to 25 hours.
    Day,
    /// Monday to Sunday.
    Week,
}

impl Resolution {
    /// "by hour", "by day", "by week".
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Fine => "time",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When it is.
    pub range: Range,
    /// Its first day.
    pub day: Date,
    /// Its last day.
    pub last_day: Date,
    /// "Thu 20 Nov", "Thu 20 Nov, 09:00", "Week of 17 Nov".
    pub label: String,
    /// What an axis says: "20 Nov", "09:00".
    pub short: String,
}

/// Steps without gap, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steps {
    /// What one of them is.
    pub resolution: Resolution,
    /// The steps.
    pub list: Vec<Step>,
    /// The last one is not over.
    pub ends_now: bool,
}

impl Steps {
    /// Cuts whole days of a zone. Hours for one day or two, weeks where days would be too thin to see.
    pub fn new(range: Range, now: Timestamp, zone: &TimeZone) -> Self {
        let (first, last) = (range.from.day(zone), range.to.plus_ms(-1).day(zone));
        let days = i64::from(first.until(last).map_or(0, |span| span.get_days())) + 1;
        let resolution = if days <= HOURS_UP_TO {
            Resolution::Hour
        } else if days <= DAYS_UP_TO {
            Resolution::Day
        } else {
            Resolution::Week
        };
        Self::by(resolution, range, now, zone)
    }

    /// The same with steps that are given.
    pub fn by(resolution: Resolution, range: Range, now: Timestamp, zone: &TimeZone) -> Self {
        let (first, last) = (range.from.day(zone), range.to.plus_ms(-1).day(zone));
        let steps: Vec<Step> = match resolution {
            Resolution::Fine | Resolution::Hour => equal(range, HOUR_MS, zone),
            Resolution::Day => spans((first, last), first, 1.day(), zone),
            Resolution::Week => spans((first, last), monday(first), 7.days(), zone),
        };
        let ends_now = steps.last().is_some_and(|step| step.range.from <= now && now < step.range.to);
        Self { resolution, list: steps, ends_now }
    }

    /// Cuts a range into steps of so many milliseconds.
    pub fn fine(range: Range, step_ms: i64, now: Timestamp, zone: &TimeZone) -> Self {
        let list = equal(range, step_ms.max(1), zone);
        let ends_now = list.last().is_some_and(|step| step.range.from <= now && now < step.range.to);
        Self { resolution: Resolution::Fine, list, ends_now }
    }

    /// The step that holds a moment.
    pub fn index(&self, at: Timestamp) -> Option<usize> {
        let index = self.list.partition_point(|step| step.range.to <= at);
        self.list.get(index).filter(|step| step.range.from <= at).map(|_| index)
    }

    /// Whether all of a span belongs to one step, or to none.
    pub fn keep_whole(&self, span: Range) -> bool {
        self.index(span.from) == self.index(span.to.plus_ms(-1))
    }

    /// For many moments.
    pub fn finder(&self) -> Finder<'_> {
        Finder { steps: self, last: None }
    }

    /// What each of them is of.
    pub(super) fn of(&self) -> Vec<Option<Of>> {
        let of = |step: &Step| match self.resolution {
            Resolution::Fine | Resolution::Hour => Of::Moments(step.range),
            Resolution::Day => Of::Day(step.day),
            Resolution::Week => Of::Week(step.day, step.last_day),
        };
        self.list.iter().map(|step| Some(of(step))).collect()
    }

    /// "24 Oct to 22 Nov"; with years where they differ.
    pub(super) fn span(&self) -> Option<String> {
        let (first, last) = (self.list.first()?.day, self.list.last()?.last_day);
        if first == last {
            return Some(last.strftime("%-d %b").to_string());
        }
        let form = if first.year() == last.year() { "%-d %b" } else { "%-d %b %Y" };
        Some(format!("{} to {}", first.strftime(form), last.strftime(form)))
    }

    /// "on Thu 20 Nov", "in the week of 17 Nov".
    pub(super) fn when(&self, step: &Step) -> String {
        match self.resolution {
            Resolution::Fine | Resolution::Hour => format!("at {}", step.label),
            Resolution::Day => format!("on {}", step.label),
            Resolution::Week => format!("in the week of {}", step.short),
        }
    }

    /// What an axis may say, the most wanted first: each with the index of its step.
    pub(super) fn ticks(&self, stride: impl Fn(usize) -> usize) -> Vec<(usize, String)> {
        let count = self.list.len();
        let short = |index: usize| self.list.get(index).map_or_else(String::new, |step| step.short.clone());
        if self.resolution == Resolution::Hour {
            let unit = if count > 25 { 6 } else { 3 };
            return (0..count).step_by(stride(unit)).map(|index| (index, short(index))).collect();
        }
        // Up to ten days each may have a label; beyond, only those on the weekday of the last.
        let unit = if self.resolution == Resolution::Day && count > 10 { 7 } else { 1 };
        let text = |index: usize| {
            let is_today = index + 1 == count && self.ends_now && self.resolution == Resolution::Day;
            if is_today { "today".to_owned() } else { short(index) }
        };
        (0..count).rev().step_by(stride(unit)).map(|index| (index, text(index))).collect()
    }
}

/// Finds the steps of many moments, of which most are the one before.
#[derive(Debug)]
pub struct Finder<'a> {
    steps: &'a Steps,
    last: Option<(Timestamp, Option<usize>)>,
}

impl Finder<'_> {
    /// See [`Steps::index`].
    pub fn find(&mut self, at: Timestamp) -> Option<usize> {
        match self.last {
            Some((known, index)) if known == at => index,
            _ => {
                let index = self.steps.index(at);
                self.last = Some((at, index));
                index
            }
        }
    }
}

fn equal(range: Range, step_ms: i64, zone: &TimeZone) -> Vec<Step> {
    let starts = std::iter::successors(Some(range.from), |at| Some(at.plus_ms(step_ms)));
    starts
        .take_while(|at| *at < range.to)
        .map(|at| {
            let day = at.day(zone);
            let clock = if step_ms % MINUTE_MS == 0 { at.clock(zone) } else { at.clock_to_the_second(zone) };
            Step {
                range: Range { from: at, to: at.plus_ms(step_ms).min(range.to) },
                day,
                last_day: day,
                label: format!("{}, {clock}", day.strftime("%a %-d %b")),
                short: clock,
            }
        })
        .collect()
}

/// Days or weeks, of which the outermost end with the days that are asked for.
fn spans((first, last): (Date, Date), begin: Date, each: Span, zone: &TimeZone) -> Vec<Step> {
    let starts = std::iter::successors(Some(begin), |day| day.checked_add(each).ok());
    let short = if first.year() == last.year() { "%-d %b" } else { "%-d %b %Y" };
    let long = if each.get_days() > 1 { format!("Week of {short}") } else { format!("%a {short}") };
    starts
        .take_while(|day| *day <= last)
        .map(|begin| {
            let last_day = begin.saturating_add(each).saturating_sub(1.day()).min(last);
            let day = begin.max(first);
            Step {
                range: Range { from: day_range(day, zone).from, to: day_range(last_day, zone).to },
                day,
                last_day,
                label: begin.strftime(&long).to_string(),
                short: begin.strftime(short).to_string(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{parse_day, zone};

    fn cut(zone_name: &str, first: &str, last: &str) -> Steps {
        let range = days(zone_name, first, last);
        Steps::new(range, range.to.plus_ms(-1), &zone(zone_name).expect("a zone"))
    }

    fn days(zone_name: &str, first: &str, last: &str) -> Range {
        let zone = zone(zone_name).expect("a zone");
        let day = |text: &str| day_range(parse_day(text).expect("a day"), &zone);
        Range { from: day(first).from, to: day(last).to }
    }

    #[test]
    fn t1_a_day_of_25_hours_has_25_steps_and_one_of_23_has_23() {
        for (zone, day, steps) in [
            ("America/New_York", "2026-11-01", 25),
            ("America/New_York", "2026-03-08", 23),
            ("Asia/Kathmandu", "2026-03-08", 24),
        ] {
            assert_eq!(cut(zone, day, day).list.len(), steps, "{zone}");
        }
    }

    #[test]
    fn t1_steps_join_without_gap_and_hold_their_moments() {
        for (first, last, resolution, count) in [
            ("2026-10-30", "2026-11-08", Resolution::Day, 10),
            ("2026-01-01", "2026-12-31", Resolution::Week, 53),
            ("2026-11-01", "2026-11-02", Resolution::Hour, 49),
        ] {
            let steps = cut("America/New_York", first, last);
            assert_eq!((steps.resolution, steps.list.len()), (resolution, count));
            for (index, pair) in steps.list.windows(2).enumerate() {
                assert_eq!(pair[0].range.to, pair[1].range.from);
                assert_eq!(steps.index(pair[0].range.from), Some(index));
                assert_eq!(steps.index(pair[0].range.to.plus_ms(-1)), Some(index));
            }
            let (start, end) = (steps.list[0].range.from, steps.list.last().expect("a step").range.to);
            let asked = days("America/New_York", first, last);
            assert_eq!((start, end), (asked.from, asked.to), "nothing beyond what was asked for");
            assert_eq!((steps.index(end), steps.index(Timestamp(0))), (None, None));
        }
    }

    #[test]
    fn spans_are_said_with_years_only_where_they_differ() {
        assert_eq!(cut("UTC", "2026-10-24", "2026-11-22").span().as_deref(), Some("24 Oct to 22 Nov"));
        assert_eq!(cut("UTC", "2026-11-22", "2026-11-22").span().as_deref(), Some("22 Nov"));
        let years = cut("UTC", "2025-12-01", "2026-01-02").span();
        assert_eq!(years.as_deref(), Some("1 Dec 2025 to 2 Jan 2026"));
    }
}
