//! When connections are tested by themselves. Only what costs nothing is ever asked then.

use serde::{Deserialize, Serialize};

use crate::market::Market;
use crate::time::Timestamp;

/// The shortest time between two rounds, in minutes: a provider is not to be pestered.
pub const SHORTEST_MINUTES: u32 = 5;
/// The longest time that means anything: a day.
pub const LONGEST_MINUTES: u32 = 24 * 60;
const MINUTE_MS: i64 = 60_000;

/// When connections are tested by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CheckSchedule {
    /// Never.
    #[default]
    Off,
    /// Again and again.
    Every {
        /// From the beginning of one round to that of the next.
        minutes: u32,
    },
    /// Once before each opening of a market, so that there is time to mend what is broken.
    BeforeOpen {
        /// Whose.
        market: Market,
        /// So long before.
        minutes: u32,
    },
}

impl CheckSchedule {
    /// Whether its minutes make sense.
    pub fn is_valid(self) -> bool {
        match self {
            Self::Off => true,
            Self::Every { minutes } => (SHORTEST_MINUTES..=LONGEST_MINUTES).contains(&minutes),
            Self::BeforeOpen { minutes, .. } => (1..=LONGEST_MINUTES).contains(&minutes),
        }
    }

    /// When the next round is due, after one at `last`: a moment that has passed means now. A round that was missed is made up
    /// for only while it is still of use: before the market opens.
    pub fn next(self, last: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Off => None,
            Self::Every { minutes } => {
                let step = i64::from(minutes) * MINUTE_MS;
                // A last round in the future is the trace of a clock that was wrong.
                Some(last.filter(|last| *last <= now).map_or(now, |last| last.plus_ms(step)))
            }
            Self::BeforeOpen { market, minutes } => {
                let before = -i64::from(minutes) * MINUTE_MS;
                let open = market.next_open(now)?;
                let due = open.plus_ms(before);
                if last.is_none_or(|last| last < due || last > now) {
                    return Some(due);
                }
                Some(market.next_open(open)?.plus_ms(before))
            }
        }
    }

    /// "every 15 minutes", "30 minutes before NYSE opens", "off".
    pub fn words(self) -> String {
        match self {
            Self::Off => "off".to_owned(),
            Self::Every { minutes } => format!("every {minutes} minutes"),
            Self::BeforeOpen { market, minutes } => {
                format!("{minutes} minutes before {} opens", market.name())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().expect("a moment").as_millisecond())
    }

    #[test]
    fn f8_rounds_come_at_their_time() {
        let every = CheckSchedule::Every { minutes: 15 };
        let open = CheckSchedule::BeforeOpen { market: Market::Nyse, minutes: 30 };
        for (schedule, last, now, next) in [
            (CheckSchedule::Off, None, "2026-11-25T10:00:00Z", None),
            (every, None, "2026-11-25T10:00:00Z", Some("2026-11-25T10:00:00Z")),
            (every, Some("2026-11-25T09:50:00Z"), "2026-11-25T10:00:00Z", Some("2026-11-25T10:05:00Z")),
            // the clock was wrong when the last round was noted
            (every, Some("2030-01-01T00:00:00Z"), "2026-11-25T10:00:00Z", Some("2026-11-25T10:00:00Z")),
            (open, None, "2026-11-25T10:00:00Z", Some("2026-11-25T14:00:00Z")),
            // started late: still of use
            (open, Some("2026-11-24T14:00:00Z"), "2026-11-25T14:20:00Z", Some("2026-11-25T14:00:00Z")),
            // this morning's round is done; tomorrow is Thanksgiving
            (open, Some("2026-11-25T14:00:00Z"), "2026-11-25T14:20:00Z", Some("2026-11-27T14:00:00Z")),
            // missed for good
            (open, None, "2026-11-25T14:30:00Z", Some("2026-11-27T14:00:00Z")),
        ] {
            assert_eq!(schedule.next(last.map(at), at(now)), next.map(at), "{schedule:?} {last:?} {now}");
        }
    }

    #[test]
    fn nobody_is_pestered() {
        assert!(!CheckSchedule::Every { minutes: 4 }.is_valid());
        assert!(CheckSchedule::Every { minutes: 5 }.is_valid());
        assert!(!CheckSchedule::BeforeOpen { market: Market::Lse, minutes: 0 }.is_valid());
    }
}
