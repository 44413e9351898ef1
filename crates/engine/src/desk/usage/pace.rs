//! Where a span of time will end, as the same hours of the last weeks tell.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use patchbay_core::money::NanoUsd;
use patchbay_core::report::{Column, Columns, Detail, Filter, Usual};
use patchbay_core::time::{HOUR_MS, Range, Timestamp, month_range};
use patchbay_store::{Db, StoreError, rollup};

/// How many weeks tell what an hour usually brings.
const WEEKS: i64 = 4;

/// Where the spend of the month that holds `now` will be at its end; `None` where the filter is not of this month or nothing tells.
pub(super) fn of_month(
    db: &Db,
    filter: &Filter,
    (now, zone): (Timestamp, &TimeZone),
) -> Result<Option<NanoUsd>, StoreError> {
    let month = month_range(now.day(zone), zone);
    if !filter.range.is_some_and(|range| (range.from..range.to).contains(&now)) {
        return Ok(None);
    }
    expected(db, filter, month, now)
}

/// What will have been spent by the end of a span that holds `now`.
pub(crate) fn expected(
    db: &Db,
    filter: &Filter,
    span: Range,
    now: Timestamp,
) -> Result<Option<NanoUsd>, StoreError> {
    let Some(usual) = usual(db, filter, Column::Cost, now)? else { return Ok(None) };
    let gone = Range { from: span.from, to: now.plus_ms(1) };
    let rest = i64::try_from(usual.rest(span, now)).unwrap_or(i64::MAX);
    Ok(Some(spent(db, &Filter { range: Some(gone), ..filter.clone() })? + NanoUsd(rest)))
}

/// The sum of all known costs.
pub(crate) fn spent(db: &Db, filter: &Filter) -> Result<NanoUsd, StoreError> {
    let mut spent = NanoUsd::ZERO;
    rollup::scan(db, filter, &Detail::whole(Columns::of(&[Column::Cost])).of_all(), |bucket| {
        spent += bucket.counts.cost;
    })?;
    Ok(spent)
}

/// What the hours of a week usually bring of a sum, whatever the range of the filter.
pub(crate) fn usual(
    db: &Db,
    filter: &Filter,
    column: Column,
    now: Timestamp,
) -> Result<Option<Usual>, StoreError> {
    let from = now.plus_ms(-WEEKS * 7 * 24 * HOUR_MS).bucket();
    let filter = Filter { range: Some(Range { from, to: now.plus_ms(1) }), ..filter.clone() };
    let hour = |at: Timestamp| Timestamp(at.0.div_euclid(HOUR_MS) * HOUR_MS);
    let as_one = |part: Range| hour(part.from) == hour(part.to.plus_ms(-1));
    let mut counted: BTreeMap<Timestamp, u64> = BTreeMap::new();
    rollup::scan(db, &filter, &Detail::spans(Columns::of(&[column]), &as_one).of_all(), |bucket| {
        *counted.entry(hour(bucket.at).max(from)).or_default() += bucket.counts.get(column);
    })?;
    Ok(Usual::of(counted, now))
}

#[cfg(test)]
mod tests {
    use patchbay_core::time::zone;
    use patchbay_store::Store;
    use patchbay_store::rollup::settle;

    use super::*;
    use crate::demo::sample::{self, SampleOptions};

    #[test]
    fn t1_the_pace_is_the_same_before_and_after_days_are_settled() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        // 2026-11-20 15:42 UTC.
        let now = Timestamp(1_795_189_320_000);
        for name in ["America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"] {
            let zone = zone(name).unwrap();
            // Less than four weeks, so that it matters when the first attempt was.
            sample::load(&store, SampleOptions { attempts: 2_000, days: 17, seed: 3 }, now, &zone).unwrap();
            let month = month_range(now.day(&zone), &zone);
            let spans = [month, Range { from: now.plus_ms(-5 * HOUR_MS).bucket(), to: now.plus_ms(HOUR_MS) }];
            let paces =
                || spans.map(|span| store.read(|db| expected(db, &Filter::default(), span, now)).unwrap());
            let before = paces();
            assert!(before.iter().all(Option::is_some));
            assert!(settle::run(&store, &zone, now).unwrap() > 14, "{name}");
            assert_eq!(paces(), before, "{name}");
        }
    }
}
