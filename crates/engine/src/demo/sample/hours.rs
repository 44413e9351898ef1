//! When a trader's programs are busy: a clock for the markets, not for the office.

use fastrand::Rng;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use patchbay_core::time::{self, BUCKET_MS, Timestamp};

use super::SampleOptions;

/// Ten years.
const MOST_DAYS: u32 = 3_660;
/// The last attempts have ended by now.
const QUIET_MS: i64 = 120_000;
/// How busy each half-hour of a New York weekday is, from midnight on: London opens at 3, New York at 9:30.
const WEEKDAY: [u64; 48] = [
    12, 12, 12, 12, 14, 20, 60, 64, 55, 48, 45, 45, 50, 55, 62, 70, 78, 90, 110, 260, 220, 170, 145, 128,
    110, 100, 95, 100, 112, 120, 140, 190, 130, 92, 60, 45, 32, 28, 25, 25, 22, 20, 18, 16, 15, 14, 12, 12,
];
/// Of a weekday, in percent.
const WEEKEND: u64 = 8;
/// Each day is a little busier than the day before, in thousandths.
const GROWTH: u64 = 4;

/// A part of a quarter of an hour, and how many attempts begin in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) from: Timestamp,
    pub(super) ms: i64,
    pub(super) attempts: u64,
}

/// Shares the attempts out over the days, and leaves out the slots that get none.
pub(super) fn slots(options: SampleOptions, now: Timestamp, zone: &TimeZone, rng: &mut Rng) -> Vec<Slot> {
    let days = time::last_days(now, options.days.clamp(1, MOST_DAYS), zone);
    let Some((_, first)) = days.first() else {
        return Vec::new();
    };
    // To the last full quarter of an hour: the same seed gives the same data all through the next one.
    let weights = weights(first.from, now.plus_ms(-QUIET_MS).bucket(), rng);
    let total: u64 = weights.iter().map(|(_, weight)| weight).sum();
    share(&weights, u64::from(options.attempts), total)
}

/// Rounds the running sum, so that the parts add up to exactly `attempts`.
fn share(weights: &[(Slot, u64)], attempts: u64, total: u64) -> Vec<Slot> {
    let upto = |sum: u64| u128::from(attempts) * u128::from(sum) / u128::from(total.max(1));
    let mut slots = Vec::new();
    let mut sum = 0;
    for (slot, weight) in weights {
        let before = upto(sum);
        sum += weight;
        let attempts = u64::try_from(upto(sum) - before).unwrap_or(0);
        if attempts > 0 {
            slots.push(Slot { attempts, ..*slot });
        }
    }
    slots
}

/// Every quarter of an hour between two moments, with its weight.
fn weights(from: Timestamp, until: Timestamp, rng: &mut Rng) -> Vec<(Slot, u64)> {
    let new_york = time::zone("America/New_York").unwrap_or(TimeZone::UTC);
    let mut weights = Vec::new();
    let (mut day, mut mood, mut growth) = (Date::MIN, 0, 1_000);
    let mut at = from;
    while at < until {
        let ms = BUCKET_MS.min(until.0 - at.0);
        let local = new_york.to_datetime(jiff::Timestamp::from_millisecond(at.0).unwrap_or_default());
        if local.date() != day {
            (day, mood, growth) = (local.date(), rng.u64(840..1_160), growth + GROWTH);
        }
        let half_hour = local.hour().unsigned_abs() * 2 + u8::from(local.minute() >= 30);
        let weekday = WEEKDAY.get(usize::from(half_hour)).copied().unwrap_or(0);
        let share = if is_weekend(day) { WEEKEND } else { 100 };
        let weight = weekday * share * mood / 1_000 * growth / 1_000 * rng.u64(700..1_300);
        let slot = Slot { from: at, ms, attempts: 0 };
        weights.push((slot, weight * ms.unsigned_abs() / 1_000));
        at = at.plus_ms(ms);
    }
    weights
}

fn is_weekend(day: Date) -> bool {
    matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}
