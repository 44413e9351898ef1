//! Where a span of time will end at the usual pace.

use crate::money::NanoUsd;
use crate::time::{HOUR_MS, Range, Timestamp};

const HOURS: usize = 7 * 24;

/// What an hour of the week (UTC) usually costs: a quiet night or a weekend is not taken for the pace of a trading session.
#[derive(Clone, Debug)]
pub struct Usual([i128; HOURS]);

impl Usual {
    /// The averages of so many whole weeks, from what was spent at which moment. `None` where nothing was.
    pub fn of(weeks: u32, spent: impl IntoIterator<Item = (Timestamp, NanoUsd)>) -> Option<Self> {
        let mut hours = [0; HOURS];
        for (at, cost) in spent {
            if let Some(hour) = hours.get_mut(hour_of_week(at)) {
                *hour += i128::from(cost.0);
            }
        }
        let any = hours.iter().any(|hour| *hour > 0);
        any.then(|| Self(hours.map(|hour| hour / i128::from(weeks.max(1)))))
    }
}

/// What will have been spent at the end of `range`, of which `spent` is spent by `now`.
pub fn pace(spent: NanoUsd, range: Range, now: Timestamp, usual: &Usual) -> NanoUsd {
    let mut at = now.max(range.from);
    let mut rest = 0;
    while at < range.to {
        let next = Timestamp((at.0.div_euclid(HOUR_MS) + 1) * HOUR_MS).min(range.to);
        rest += usual.0[hour_of_week(at)] * i128::from(next.0 - at.0) / i128::from(HOUR_MS);
        at = next;
    }
    spent + NanoUsd(i64::try_from(rest).unwrap_or(i64::MAX))
}

fn hour_of_week(at: Timestamp) -> usize {
    // Below 168, so it fits.
    usize::try_from(at.0.div_euclid(HOUR_MS).rem_euclid(7 * 24)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * HOUR_MS;
    /// A Thursday.
    const START: Timestamp = Timestamp(0);

    /// Two weeks in which each trading hour (14 to 21 on weekdays) cost 70.
    fn usual() -> Usual {
        let hours = (0..14 * 24).map(|hour| Timestamp(hour * HOUR_MS));
        let trades = |at: &Timestamp| {
            let (day, hour) = (at.0 / DAY % 7, at.0 / HOUR_MS % 24);
            !matches!(day, 2 | 3) && (14..21).contains(&hour)
        };
        Usual::of(2, hours.filter(trades).map(|at| (at, NanoUsd(70)))).expect("something was spent")
    }

    #[test]
    fn a_quiet_night_and_a_weekend_add_nothing() {
        let day = Range { from: START, to: Timestamp(DAY) };
        for (hour, spent, end) in [(0, 0, 490), (14, 5, 495), (16, 140, 490), (21, 500, 500)] {
            let now = START.plus_ms(hour * HOUR_MS);
            assert_eq!(pace(NanoUsd(spent), day, now, &usual()), NanoUsd(end), "at {hour}");
        }
        let saturday = Range { from: Timestamp(2 * DAY), to: Timestamp(3 * DAY) };
        assert_eq!(pace(NanoUsd(7), saturday, saturday.from, &usual()), NanoUsd(7));
        let half = START.plus_ms(14 * HOUR_MS + HOUR_MS / 2);
        assert_eq!(pace(NanoUsd(35), day, half, &usual()), NanoUsd(490));
    }

    #[test]
    fn nothing_spent_is_nothing_to_go_by() {
        assert!(Usual::of(4, []).is_none());
    }
}
