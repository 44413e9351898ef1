//! When markets open: a small calendar that needs no network. Holidays are data for two years, written down from general
//! knowledge and not fetched from an exchange; beyond them only weekends are known.

use std::sync::LazyLock;

use jiff::civil::{Date, Time, Weekday, time};
use jiff::{ToSpan, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::time::{Range, Timestamp};

/// `MARKET<TAB>DAY<TAB>name`, one holiday a line; with `<TAB>HH:MM` behind it, a day that closes then.
const HOLIDAYS: &str = include_str!("../data/market-holidays.tsv");
/// As many days ahead as an opening is looked for: no market rests longer.
const AHEAD_DAYS: i64 = 14;

/// A market whose openings are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Market {
    /// New York Stock Exchange.
    Nyse,
    /// London Stock Exchange.
    Lse,
    /// Xetra, Frankfurt.
    Xetra,
    /// Tokyo Stock Exchange.
    Tse,
    /// Hong Kong Exchange.
    Hkex,
}

impl Market {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Nyse, Self::Lse, Self::Xetra, Self::Tse, Self::Hkex];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nyse => "NYSE",
            Self::Lse => "LSE",
            Self::Xetra => "XETRA",
            Self::Tse => "TSE",
            Self::Hkex => "HKEX",
        }
    }

    /// The market of that name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|market| market.name().eq_ignore_ascii_case(name.trim()))
    }

    /// Where it is.
    pub fn city(self) -> &'static str {
        match self {
            Self::Nyse => "New York",
            Self::Lse => "London",
            Self::Xetra => "Frankfurt",
            Self::Tse => "Tokyo",
            Self::Hkex => "Hong Kong",
        }
    }

    /// The zone of its clock, and when its continuous trading begins and ends there. Breaks at noon are part of it.
    fn hours(self) -> (&'static str, Time, Time) {
        match self {
            Self::Nyse => ("America/New_York", time(9, 30, 0, 0), time(16, 0, 0, 0)),
            Self::Lse => ("Europe/London", time(8, 0, 0, 0), time(16, 30, 0, 0)),
            Self::Xetra => ("Europe/Berlin", time(9, 0, 0, 0), time(17, 30, 0, 0)),
            Self::Tse => ("Asia/Tokyo", time(9, 0, 0, 0), time(15, 30, 0, 0)),
            Self::Hkex => ("Asia/Hong_Kong", time(9, 30, 0, 0), time(16, 0, 0, 0)),
        }
    }

    /// From the opening to the close of its last trading day that begins before a moment. Daylight saving, its own and that of
    /// whoever looks, is in these moments.
    pub fn last_session(self, before: Timestamp) -> Option<Range> {
        let (zone, opens, closes) = self.hours();
        let zone: TimeZone = crate::time::zone(zone)?;
        let today = before.day(&zone);
        let at = |day: Date, clock: Time| {
            let zoned = zone.to_zoned(day.to_datetime(clock)).ok()?;
            Some(Timestamp(zoned.timestamp().as_millisecond()))
        };
        (0..AHEAD_DAYS)
            .filter_map(|days| today.checked_sub(days.days()).ok())
            .filter(|day| self.trades_on(*day))
            .filter_map(|day| {
                let closes = self.closes_early(day).unwrap_or(closes);
                Some(Range { from: at(day, opens)?, to: at(day, closes)? })
            })
            .find(|session| session.from < before)
    }

    /// Whether it trades on that day of its own calendar.
    pub fn trades_on(self, day: Date) -> bool {
        !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
            && !holidays().any(|one| one.market == self && one.day == day && one.closes.is_none())
    }

    /// When it closes on a short day.
    fn closes_early(self, day: Date) -> Option<Time> {
        holidays().find(|one| one.market == self && one.day == day)?.closes
    }

    /// Whether it is open, and until when it is or is not.
    pub fn state(self, now: Timestamp) -> Option<(MarketState, Timestamp)> {
        match self.last_session(now.plus_ms(1)) {
            Some(session) if now < session.to => Some((MarketState::Open, session.to)),
            _ => Some((MarketState::Closed, self.next_open(now)?)),
        }
    }

    /// Its first opening after this moment.
    pub fn next_open(self, after: Timestamp) -> Option<Timestamp> {
        let (zone, opens, _) = self.hours();
        let zone: TimeZone = crate::time::zone(zone)?;
        let today = after.day(&zone);
        (0..AHEAD_DAYS)
            .filter_map(|days| today.checked_add(days.days()).ok())
            .filter(|day| self.trades_on(*day))
            .filter_map(|day| zone.to_zoned(day.to_datetime(opens)).ok())
            .map(|open| Timestamp(open.timestamp().as_millisecond()))
            .find(|open| *open > after)
    }
}

/// Whether a market trades now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum MarketState {
    /// It does.
    Open,
    /// It does not.
    Closed,
}

/// A day that is not like others.
struct Special {
    market: Market,
    day: Date,
    /// `None` where it does not open at all.
    closes: Option<Time>,
}

fn holidays() -> impl Iterator<Item = &'static Special> {
    static ALL: LazyLock<Vec<Special>> = LazyLock::new(|| {
        let lines = HOLIDAYS.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(special).collect()
    });
    ALL.iter()
}

fn special(line: &str) -> Option<Special> {
    let mut fields = line.split('\t');
    let (market, day) = (Market::parse(fields.next()?)?, fields.next()?.parse().ok()?);
    let closes = fields.nth(1).map(|clock| Time::strptime("%H:%M", clock)).transpose().ok()?;
    Some(Special { market, day, closes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().expect("a moment").as_millisecond())
    }

    #[test]
    fn a_market_opens_by_its_own_clock() {
        for (market, after, open) in [
            (Market::Nyse, "2026-11-25T00:00:00Z", "2026-11-25T14:30:00Z"),
            // Daylight saving begins in New York on 8 March, in Europe on the 29th.
            (Market::Nyse, "2026-03-09T00:00:00Z", "2026-03-09T13:30:00Z"),
            (Market::Lse, "2026-03-27T07:59:59Z", "2026-03-27T08:00:00Z"),
            (Market::Lse, "2026-03-27T08:00:00Z", "2026-03-30T07:00:00Z"),
            (Market::Xetra, "2026-07-01T12:00:00Z", "2026-07-02T07:00:00Z"),
            (Market::Tse, "2026-07-02T12:00:00Z", "2026-07-03T00:00:00Z"),
            (Market::Hkex, "2026-07-02T12:00:00Z", "2026-07-03T01:30:00Z"),
        ] {
            assert_eq!(market.next_open(at(after)), Some(at(open)), "{market:?} after {after}");
        }
    }

    #[test]
    fn a_market_rests_on_its_holidays_and_at_weekends() {
        for (market, after, open) in [
            // Thanksgiving
            (Market::Nyse, "2026-11-25T15:00:00Z", "2026-11-27T14:30:00Z"),
            // Good Friday to Easter Monday
            (Market::Xetra, "2026-04-02T12:00:00Z", "2026-04-07T07:00:00Z"),
            // Christmas Day and Boxing Day, which is moved to the Monday
            (Market::Lse, "2026-12-24T12:00:00Z", "2026-12-29T08:00:00Z"),
            // the New Year of Tokyo: 31 December to 3 January
            (Market::Tse, "2026-12-30T12:00:00Z", "2027-01-04T00:00:00Z"),
        ] {
            assert_eq!(market.next_open(at(after)), Some(at(open)), "{market:?} after {after}");
        }
    }

    #[test]
    fn a_session_is_that_of_the_last_trading_day() {
        for (market, before, opened, closed) in [
            // New York changed its clocks on 8 March, London only on the 29th.
            (Market::Nyse, "2026-03-10T00:00:00Z", "2026-03-09T13:30:00Z", "2026-03-09T20:00:00Z"),
            (Market::Lse, "2026-03-10T00:00:00Z", "2026-03-09T08:00:00Z", "2026-03-09T16:30:00Z"),
            (Market::Lse, "2026-03-31T00:00:00Z", "2026-03-30T07:00:00Z", "2026-03-30T15:30:00Z"),
            // Thanksgiving, and the opening itself is not before the opening
            (Market::Nyse, "2026-11-27T14:30:00Z", "2026-11-25T14:30:00Z", "2026-11-25T21:00:00Z"),
            // the day after it is short
            (Market::Nyse, "2026-11-28T12:00:00Z", "2026-11-27T14:30:00Z", "2026-11-27T18:00:00Z"),
            (Market::Tse, "2026-07-05T12:00:00Z", "2026-07-03T00:00:00Z", "2026-07-03T06:30:00Z"),
        ] {
            let session = market.last_session(at(before));
            assert_eq!(session, Some(Range { from: at(opened), to: at(closed) }), "{market:?} {before}");
        }
    }

    #[test]
    fn a_market_is_open_until_its_close_and_then_closed_until_it_opens() {
        let (open, closed) = (MarketState::Open, MarketState::Closed);
        for (now, state, until) in [
            ("2026-11-27T14:29:59Z", closed, "2026-11-27T14:30:00Z"),
            ("2026-11-27T14:30:00Z", open, "2026-11-27T18:00:00Z"),
            ("2026-11-27T18:00:00Z", closed, "2026-11-30T14:30:00Z"),
            ("2026-11-30T20:00:00Z", open, "2026-11-30T21:00:00Z"),
        ] {
            assert_eq!(Market::Nyse.state(at(now)), Some((state, at(until))), "{now}");
        }
    }

    #[test]
    fn every_line_of_the_calendar_is_read() {
        let lines = HOLIDAYS.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(holidays().count(), lines);
        for &Special { market, day, closes } in holidays() {
            assert!((2026..=2027).contains(&day.year()), "{market:?} {day}");
            let (_, opens, usual) = market.hours();
            assert!(closes.is_none_or(|early| opens < early && early < usual), "{market:?} {day}");
            assert!(
                !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday),
                "{market:?} {day} is a weekend"
            );
        }
        for market in Market::ALL {
            assert_eq!(Market::parse(&market.name().to_lowercase()), Some(market));
            let known = holidays().filter(|one| one.market == market && one.closes.is_none()).count();
            assert!(known >= 10, "{market:?} has {known} holidays");
        }
    }
}
