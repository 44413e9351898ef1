//! The trader's days and months, and counts by them (R3).

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::time::{Range, Timestamp, day_range, month_range};

/// How far a count or a budget reaches before it begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// A local calendar day.
    Day,
    /// A local calendar month.
    Month,
}

/// A day as 20261125, a month as 202611.
pub type PeriodKey = i32;

/// A day or month by name and by its edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Which one.
    pub key: PeriodKey,
    /// From its first moment to that of the next.
    pub range: Range,
}

/// The day and the month that hold a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Today {
    /// The local calendar day.
    pub day: Span,
    /// The local calendar month.
    pub month: Span,
}

impl Today {
    /// That of the two.
    pub fn span(&self, period: Period) -> Span {
        match period {
            Period::Day => self.day,
            Period::Month => self.month,
        }
    }
}

/// Finds the day of a moment. It asks the zone's rules once a day, not once a call.
#[derive(Clone, Debug)]
pub struct Calendar {
    zone: TimeZone,
    today: Option<Today>,
}

impl Calendar {
    /// A calendar in that zone.
    pub fn new(zone: TimeZone) -> Self {
        Self { zone, today: None }
    }

    /// The day and the month that hold `wall`.
    pub fn at(&mut self, wall: Timestamp) -> Today {
        let known = self.today.filter(|today| today.day.range.from <= wall && wall < today.day.range.to);
        *self.today.insert(known.unwrap_or_else(|| self.look_up(wall)))
    }

    fn look_up(&self, wall: Timestamp) -> Today {
        let date = wall.day(&self.zone);
        let month = i32::from(date.year()) * 100 + i32::from(date.month());
        Today {
            day: Span { key: month * 100 + i32::from(date.day()), range: day_range(date, &self.zone) },
            month: Span { key: month, range: month_range(date, &self.zone) },
        }
    }
}

/// So many periods are remembered: a clock that is set back finds the count of its day again, and one that was wrong for a
/// moment leaves nothing behind that blocks or forgives (R6).
const REMEMBERED: usize = 3;

/// Amounts by period.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally(Vec<(PeriodKey, u64)>);

impl Tally {
    pub(crate) fn of(&self, key: PeriodKey) -> u64 {
        self.0.iter().find(|(known, _)| *known == key).map_or(0, |(_, amount)| *amount)
    }

    pub(crate) fn add(&mut self, key: PeriodKey, amount: u64) {
        if let Some((_, sum)) = self.0.iter_mut().find(|(known, _)| *known == key) {
            *sum = sum.saturating_add(amount);
            return;
        }
        if self.0.len() == REMEMBERED {
            self.0.remove(0);
        }
        self.0.push((key, amount));
    }

    /// At least so much.
    pub(crate) fn raise(&mut self, key: PeriodKey, amount: u64) {
        let missing = amount.saturating_sub(self.of(key));
        if missing > 0 {
            self.add(key, missing);
        }
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = PeriodKey> {
        self.0.iter().map(|(key, _)| *key)
    }

    pub(crate) fn subtract(&mut self, key: PeriodKey, amount: u64) {
        if let Some((_, sum)) = self.0.iter_mut().find(|(known, _)| *known == key) {
            *sum = sum.saturating_sub(amount);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{HOUR_MS, zone};

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().expect("a moment").as_millisecond())
    }

    #[test]
    fn r3_the_day_turns_at_local_midnight_in_five_zones_also_when_clocks_change() {
        for (name, before, after, hours) in [
            ("America/New_York", "2026-03-09T03:59:59.999Z", "2026-03-09T04:00:00Z", 23),
            ("Europe/Berlin", "2026-10-25T22:59:59.999Z", "2026-10-25T23:00:00Z", 25),
            ("Asia/Kathmandu", "2026-06-30T18:14:59.999Z", "2026-06-30T18:15:00Z", 24),
            ("Australia/Lord_Howe", "2026-04-05T13:29:59.999Z", "2026-04-05T13:30:00Z", 24),
            ("Africa/Cairo", "2026-04-23T21:59:59.999Z", "2026-04-23T22:00:00Z", 24),
        ] {
            let mut calendar = Calendar::new(zone(name).expect("a zone"));
            let (day, next) = (calendar.at(at(before)).day, calendar.at(at(after)).day);
            assert_eq!((day.range.to, next.range.from), (at(after), at(after)), "{name}");
            assert_ne!(day.key, next.key, "{name}");
            assert_eq!((day.range.to.0 - day.range.from.0) / HOUR_MS, hours, "{name}");
        }
    }

    #[test]
    fn months_join_without_gap() {
        let mut calendar = Calendar::new(zone("America/New_York").expect("a zone"));
        let march = calendar.at(at("2026-03-15T12:00:00Z")).month;
        let april = calendar.at(march.range.to).month;
        assert_eq!((march.key, april.key), (202_603, 202_604));
        assert_eq!(march.range.to, april.range.from);
    }

    #[test]
    fn r6_a_clock_set_back_finds_its_day_again() {
        let mut tally = Tally::default();
        tally.add(20_261_125, 7);
        tally.add(20_300_101, 1); // somebody set the clock wrong …
        assert_eq!(tally.of(20_261_125), 7, "… and right again");
        tally.add(20_261_125, 1);
        assert_eq!((tally.of(20_261_125), tally.of(20_261_126)), (8, 0));
    }
}
