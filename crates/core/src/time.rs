//! Points in time and the trader's days. The clock itself is read elsewhere and comes in as an argument.

use jiff::civil::{Date, Weekday};
use jiff::{SignedDuration, ToSpan, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// Milliseconds in an hour.
pub const HOUR_MS: i64 = 3_600_000;
/// The width of a rollup bucket. Every zone's offset from UTC is a multiple of a quarter of an hour.
pub const BUCKET_MS: i64 = HOUR_MS / 4;

/// Milliseconds since 1970-01-01 UTC.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, specta::Type,
)]
#[serde(transparent)]
pub struct Timestamp(#[specta(type = u32)] pub i64);

impl Timestamp {
    /// The start of the rollup bucket that holds this moment.
    #[must_use]
    pub fn bucket(self) -> Self {
        Self(self.0.div_euclid(BUCKET_MS).saturating_mul(BUCKET_MS))
    }

    /// This moment, `ms` later (earlier where negative).
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; zero where `earlier` is later (a clock that was set back).
    pub fn since_ms(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }

    /// The calendar day in `zone`.
    pub fn day(self, zone: &TimeZone) -> Date {
        zone.to_datetime(self.to_jiff()).date()
    }

    /// The hour of the day in `zone`, 0 to 23.
    pub fn hour(self, zone: &TimeZone) -> u32 {
        u32::try_from(zone.to_datetime(self.to_jiff()).hour()).unwrap_or(0)
    }

    /// Day, hour and minute in `zone`, for people.
    pub fn in_words(self, zone: &TimeZone) -> String {
        zone.to_datetime(self.to_jiff()).strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// Hour and minute in `zone` (09:30).
    pub fn clock(self, zone: &TimeZone) -> String {
        zone.to_datetime(self.to_jiff()).strftime("%H:%M").to_string()
    }

    /// Hour, minute and second in `zone` (09:30:05).
    pub fn clock_to_the_second(self, zone: &TimeZone) -> String {
        zone.to_datetime(self.to_jiff()).strftime("%H:%M:%S").to_string()
    }

    /// Weekday and hour in `zone`.
    pub fn weekday_and_hour(self, zone: &TimeZone) -> (Weekday, i8) {
        let there = zone.to_datetime(self.to_jiff());
        (there.weekday(), there.hour())
    }

    /// RFC 3339 in UTC with milliseconds, as exports write it.
    pub fn to_rfc3339(self) -> String {
        format!("{:.3}", self.to_jiff())
    }

    /// RFC 3339 in a zone, with its offset.
    pub fn to_local(self, zone: &TimeZone) -> String {
        let zoned = self.to_jiff().to_zoned(zone.clone());
        zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

/// Milliseconds of a clock that only goes forward: what windows, breakers and queues are measured by, because nobody can set it
/// (R6). Where the system has a clock that runs on through sleep, it is that one; where it has not, windows are too strict after
/// a sleep, never too lenient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mono(pub u64);

impl Mono {
    /// The start of the process: well above zero, so that what was before it has its moments too.
    pub const START: Self = Self(1 << 40);

    /// This moment, `ms` later.
    #[must_use]
    pub fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; zero where `earlier` is later.
    pub fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// One moment on both clocks: the steady one for windows, the wall's for days, months and people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Goes forward only.
    pub mono: Mono,
    /// What the clock on the wall says; people may set it.
    pub wall: Timestamp,
}

impl Now {
    /// What the wall will say at `moment` if nobody sets it.
    pub fn wall_at(self, moment: Mono) -> Timestamp {
        let ahead = moment.since_ms(self.mono);
        self.wall.plus_ms(i64::try_from(ahead).unwrap_or(i64::MAX))
    }
}

/// A half-open span of time: `from` belongs to it, `to` does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// First moment inside.
    pub from: Timestamp,
    /// First moment after.
    pub to: Timestamp,
}

/// The span of a calendar day in `zone`: 23, 24 or 25 hours.
pub fn day_range(date: Date, zone: &TimeZone) -> Range {
    Range { from: day_start(date, zone), to: day_start(date.saturating_add(1.day()), zone) }
}

/// The Monday of the week that holds `date`.
pub fn monday(date: Date) -> Date {
    date.saturating_sub(i64::from(date.weekday().since(Weekday::Monday)).days())
}

/// The span of the week in `zone` that holds `date`: Monday to Sunday.
pub fn week_range(date: Date, zone: &TimeZone) -> Range {
    let monday = monday(date);
    Range { from: day_start(monday, zone), to: day_start(monday.saturating_add(7.days()), zone) }
}

/// The span of the calendar month in `zone` that holds `date`.
pub fn month_range(date: Date, zone: &TimeZone) -> Range {
    let first = date.first_of_month();
    Range { from: day_start(first, zone), to: day_start(first.saturating_add(1.month()), zone) }
}

/// The last `days` calendar days up to and including the one that holds `now`, oldest first.
pub fn last_days(now: Timestamp, days: u32, zone: &TimeZone) -> Vec<(Date, Range)> {
    let today = now.day(zone);
    (0..i64::from(days))
        .rev()
        .map(|back| today.saturating_sub(back.days()))
        .map(|date| (date, day_range(date, zone)))
        .collect()
}

/// Midnight, or the first moment of the day where daylight saving skips midnight.
fn day_start(date: Date, zone: &TimeZone) -> Timestamp {
    let start =
        zone.to_ambiguous_timestamp(date.at(0, 0, 0, 0)).compatible().unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    Timestamp(start.as_millisecond())
}

/// A zone by its IANA name, from the table that ships inside the program. `None` where there is no such zone.
pub fn zone(name: &str) -> Option<TimeZone> {
    jiff::tz::TimeZoneDatabase::bundled().get(name).ok()
}

/// Reads a calendar day ("2026-03-29").
pub fn parse_day(text: &str) -> Option<Date> {
    text.parse().ok()
}

/// Reads a moment: RFC 3339 ("2026-12-01T00:00:00Z"), or a calendar day, which begins in `zone`.
pub fn parse_moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    let moment = text.parse::<jiff::Timestamp>().ok().map(|moment| Timestamp(moment.as_millisecond()));
    moment.or_else(|| parse_day(text).map(|day| day_start(day, zone)))
}

/// Text like "1.5 s" of Go's durations ("6m0s", "17.4s", "4ms"), as some providers send them, in milliseconds.
pub fn parse_go_duration(text: &str) -> Option<u64> {
    let duration: SignedDuration = text.parse().ok()?;
    u64::try_from(duration.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(zone_name: &str, day: &str) -> i64 {
        let range = day_range(parse_day(day).expect("a day"), &zone(zone_name).expect("a zone"));
        (range.to.0 - range.from.0) / HOUR_MS
    }

    #[test]
    fn t1_days_have_23_and_25_hours_at_the_clock_changes() {
        assert_eq!(hours("America/New_York", "2026-03-08"), 23);
        assert_eq!(hours("America/New_York", "2026-11-01"), 25);
        assert_eq!(hours("Europe/Berlin", "2026-03-29"), 23);
        assert_eq!(hours("Asia/Tokyo", "2026-03-29"), 24);
    }

    #[test]
    fn t1_days_start_on_a_bucket_in_zones_off_by_30_and_45_minutes() {
        for name in ["Asia/Kolkata", "Asia/Kathmandu", "Australia/Eucla", "Australia/Lord_Howe", "UTC"] {
            for (_, range) in last_days(Timestamp(1_790_000_000_000), 400, &zone(name).expect("a zone")) {
                assert_eq!(range.from, range.from.bucket(), "{name}");
            }
        }
    }

    #[test]
    fn days_join_without_gap() {
        let days = last_days(Timestamp(1_790_000_000_000), 30, &zone("America/New_York").expect("a zone"));
        assert_eq!(days.len(), 30);
        for pair in days.windows(2) {
            assert_eq!(pair[0].1.to, pair[1].1.from);
        }
    }

    #[test]
    fn a_bucket_holds_moments_before_1970_too() {
        assert_eq!(Timestamp(-1).bucket(), Timestamp(-BUCKET_MS));
    }

    #[test]
    fn moments_are_days_of_a_zone_or_exact() {
        let new_york = zone("America/New_York").expect("a zone");
        for (text, ms) in [
            ("1970-01-02", Some(29 * HOUR_MS)),
            ("1970-01-01T01:00:00Z", Some(HOUR_MS)),
            ("1970-01-01T01:00:00+01:00", Some(0)),
            ("tomorrow", None),
        ] {
            assert_eq!(parse_moment(text, &new_york), ms.map(Timestamp), "{text}");
        }
    }

    #[test]
    fn go_durations_are_read() {
        for (text, ms) in [("6m0s", 360_000), ("17.399999999s", 17_399), ("4ms", 4), ("1s", 1_000)] {
            assert_eq!(parse_go_duration(text), Some(ms), "{text}");
        }
        assert_eq!(parse_go_duration("soon"), None);
    }
}
