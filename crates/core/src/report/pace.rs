//! Where a span of time will end at the usual pace.

use crate::time::{HOUR_MS, Range, Timestamp};

const HOURS: usize = 7 * 24;
const DAY_MS: i128 = 24 * HOUR_MS as i128;

/// What an hour of the week (UTC) usually brings, of whatever is counted: a quiet night or a weekend is not taken for the pace of a
/// trading session.
#[derive(Clone, Debug)]
pub struct Usual([u64; HOURS]);

impl Usual {
    /// The averages since the first of what was counted at which moment, until `now`. An hour of the week that has not come since then
    /// brings the mean of all, and that of at least a day: one busy hour tells nothing of the night. `None` where nothing was counted.
    pub fn of(counted: impl IntoIterator<Item = (Timestamp, u64)>, now: Timestamp) -> Option<Self> {
        let (mut sums, mut gone) = ([0_u128; HOURS], [0_u128; HOURS]);
        let mut first = now;
        for (at, amount) in counted.into_iter().filter(|(_, amount)| *amount > 0) {
            first = first.min(at);
            sums[hour_of_week(at)] += u128::from(amount);
        }
        for part in hours(Range { from: first, to: now }) {
            gone[hour_of_week(part.from)] += u128::from(part.to.since_ms(part.from));
        }
        let whole: u128 = sums.iter().sum();
        let mean = per_hour(whole, u128::from(now.since_ms(first)).max(DAY_MS.unsigned_abs()));
        let mut averages = [mean; HOURS];
        for (hour, average) in averages.iter_mut().enumerate().filter(|(hour, _)| gone[*hour] > 0) {
            *average = per_hour(sums[hour], gone[hour]);
        }
        (whole > 0).then_some(Self(averages))
    }

    /// What the rest of a span that holds `now` will bring.
    pub fn rest(&self, span: Range, now: Timestamp) -> u64 {
        let rest: u128 =
            hours(Range { from: now.max(span.from), to: span.to }).map(|part| self.during(part)).sum();
        u64::try_from(rest).unwrap_or(u64::MAX)
    }

    /// When so much more will have come; `None` if not within the span.
    pub fn reaches(&self, more: u64, span: Range, now: Timestamp) -> Option<Timestamp> {
        let mut left = u128::from(more);
        for part in hours(Range { from: now.max(span.from), to: span.to }) {
            let brings = self.during(part);
            if brings >= left && brings > 0 {
                let further = left * u128::from(part.to.since_ms(part.from)) / brings;
                return Some(part.from.plus_ms(i64::try_from(further).unwrap_or(0)));
            }
            left -= brings;
        }
        None
    }

    /// A part lies within one hour.
    fn during(&self, part: Range) -> u128 {
        u128::from(self.0[hour_of_week(part.from)]) * u128::from(part.to.since_ms(part.from))
            / HOUR_MS as u128
    }
}

fn per_hour(amount: u128, ms: u128) -> u64 {
    u64::try_from(amount * HOUR_MS as u128 / ms).unwrap_or(u64::MAX)
}

/// A span cut where hours begin.
fn hours(span: Range) -> impl Iterator<Item = Range> {
    let mut at = span.from;
    std::iter::from_fn(move || {
        let next = Timestamp((at.0.div_euclid(HOUR_MS) + 1) * HOUR_MS).min(span.to);
        let part = (at < span.to).then_some(Range { from: at, to: next });
        at = next;
        part
    })
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

    /// So many weeks and days in which each trading hour (14 to 21 on weekdays) brought 70.
    fn traded(weeks: i64, days: i64) -> Usual {
        let now = START.plus_ms((weeks * 7 + days) * DAY);
        let hours = (0..).map(|hour| Timestamp(hour * HOUR_MS)).take_while(|at| *at < now);
        let trades = |at: &Timestamp| {
            let (day, hour) = (at.0 / DAY % 7, at.0 / HOUR_MS % 24);
            !matches!(day, 2 | 3) && (14..21).contains(&hour)
        };
        let counted = hours.map(|at| (at, if trades(&at) { 70 } else { 0 }));
        Usual::of(std::iter::once((START, 1)).chain(counted), now).expect("something was counted")
    }

    fn on(day: i64) -> Range {
        Range { from: Timestamp(day * DAY), to: Timestamp((day + 1) * DAY) }
    }

    #[test]
    fn a_quiet_night_and_a_weekend_add_nothing() {
        for (hour, rest) in [(1, 490), (14, 490), (16, 350), (21, 0)] {
            let now = START.plus_ms(14 * DAY + hour * HOUR_MS);
            assert_eq!(traded(2, 0).rest(on(14), now), rest, "at {hour}");
        }
        assert_eq!(traded(2, 0).rest(on(16), on(16).from), 0, "a Saturday");
        let half = START.plus_ms(14 * DAY + 14 * HOUR_MS + HOUR_MS / 2);
        assert_eq!(traded(2, 0).rest(on(14), half), 455);
    }

    #[test]
    fn each_hour_is_judged_by_how_often_it_came() {
        for days in 0..7 {
            assert_eq!(
                traded(1, days).rest(on(11), on(11).from),
                490,
                "a Monday after a week and {days} days"
            );
        }
    }

    #[test]
    fn hours_that_never_came_bring_the_mean_of_all() {
        // Thursday and Friday: 980 (and the 1 with which it began) in 48 hours.
        assert_eq!(traded(0, 2).rest(on(4), on(4).from), 20 * 24);
        let busy = Usual::of([(START, 24_000)], START.plus_ms(HOUR_MS)).expect("something was counted");
        assert_eq!(busy.rest(on(0), START.plus_ms(HOUR_MS)), 23_000, "one hour is not taken for a day");
    }

    #[test]
    fn a_cap_is_reached_within_the_hour_that_brings_it() {
        let usual = traded(2, 0);
        let morning = START.plus_ms(14 * DAY + 6 * HOUR_MS);
        let at = |hour: i64, minute: i64| Some(on(14).from.plus_ms(hour * HOUR_MS + minute * 60_000));
        assert_eq!(usual.reaches(35, on(14), morning), at(14, 30));
        assert_eq!(usual.reaches(490, on(14), morning), at(21, 0));
        assert_eq!(usual.reaches(491, on(14), morning), None);
    }

    #[test]
    fn nothing_counted_is_nothing_to_go_by() {
        assert!(Usual::of([], START).is_none());
        assert!(Usual::of([(START, 0)], START.plus_ms(DAY)).is_none());
    }
}
