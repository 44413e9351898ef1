//! The bars above the log: how many requests or attempts began in each step of what is shown.

use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::chart::{Chart, ChartRequest, SeriesName, Stacked, Steps, Unit, strip};
use patchbay_core::time::{BUCKET_MS, HOUR_MS, Range, Timestamp};
use patchbay_store::usage;

use super::{ActivityLines, ActivityQuery};
use crate::error::Error;
use crate::{Engine, clock};

/// About so many bars.
const BARS: i64 = 120;
/// What is shown where nobody says.
const USUAL_MS: i64 = HOUR_MS;
/// No bar is shorter.
const SECOND_MS: i64 = 1_000;
/// How long a bar may be, in seconds where it is shorter than a quarter of an hour, else in quarters.
const SECONDS: [i64; 8] = [1, 2, 5, 10, 30, 60, 120, 300];
const QUARTERS: [i64; 7] = [1, 2, 4, 12, 24, 48, 96];

/// Draws the bars. Their slots name their first millisecond and the first after them.
pub async fn tempo(
    engine: &Arc<Engine>,
    query: ActivityQuery,
    request: ChartRequest,
    zone: TimeZone,
) -> Result<Chart, Error> {
    engine
        .blocking(move |engine| {
            let now = clock::now();
            let mut filter = query.filter(&zone)?;
            let (range, step_ms) = cut(filter.range, now);
            filter.range = Some(range);
            let counts =
                engine.store.read(|db| usage::tempo(db, &filter, query.lines.into(), range, step_ms))?;
            let series = [("answered", "Answered", 1), ("failed", "Not answered", 5)];
            let what = match query.lines {
                ActivityLines::Calls => "Requests",
                ActivityLines::Attempts => "Attempts",
            };
            let data = Stacked {
                title: what,
                nothing: "none",
                unit: Unit::Count,
                series: series
                    .map(|(id, name, color)| SeriesName { id: id.into(), name: name.into(), color })
                    .to_vec(),
                steps: Steps::fine(range, step_ms, now, &zone),
                rows: counts.iter().map(|one| vec![i64::from(one.answered), i64::from(one.failed)]).collect(),
                cap: None,
            };
            Ok(strip(&request, &data).into_chart())
        })
        .await
}

/// What is drawn, widened to whole steps, and how long one of these is.
fn cut(asked: Option<Range>, now: Timestamp) -> (Range, i64) {
    let to = asked.map_or(now, |range| range.to.min(now.plus_ms(1)));
    let from = asked.map(|range| range.from).filter(|from| from.0 > i64::MIN && *from < to);
    let from = from.unwrap_or(to.plus_ms(-USUAL_MS));
    let least = (to.0 - from.0 + BARS - 1) / BARS;
    let fine = SECONDS.iter().map(|seconds| seconds * SECOND_MS).find(|step| *step >= least);
    let coarse = || QUARTERS.iter().map(|quarters| quarters * BUCKET_MS).find(|step| *step >= least);
    let day = 96 * BUCKET_MS;
    let step_ms = fine.or_else(coarse).unwrap_or((least + day - 1) / day * day);
    let floor = |at: i64| at.div_euclid(step_ms) * step_ms;
    let range = Range { from: Timestamp(floor(from.0)), to: Timestamp(floor(to.0 + step_ms - 1)) };
    (range, step_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_many_enough_to_tell_and_few_enough_to_see() {
        let now = Timestamp(1_795_189_320_123);
        for ms in [2_000, 60_000, HOUR_MS, 24 * HOUR_MS, 30 * 24 * HOUR_MS, 4_000 * 24 * HOUR_MS] {
            let asked = Range { from: now.plus_ms(-ms), to: now };
            let (range, step) = cut(Some(asked), now);
            let bars = (range.to.0 - range.from.0) / step;
            assert!(range.from <= asked.from && range.to >= asked.to, "{ms}");
            assert!(bars <= BARS + 2 && (bars >= 20 || ms < 20 * SECOND_MS), "{ms}: {bars} of {step} ms");
        }
    }

    #[test]
    fn where_nobody_says_they_are_of_the_last_hour() {
        let now = Timestamp(1_795_189_320_123);
        let until = Range { from: Timestamp(i64::MIN), to: now.plus_ms(-HOUR_MS) };
        for (asked, end) in [(None, now), (Some(until), until.to)] {
            let (range, step) = cut(asked, now);
            assert_eq!(step, 30_000);
            assert!(range.to >= end && range.to.0 - end.0 < step);
            assert!(range.from.0 <= end.0 - HOUR_MS && end.0 - HOUR_MS - range.from.0 < step);
        }
    }
}
