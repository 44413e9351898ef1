//! Settling: days, weeks and months that are over are summed up once. Three steps for each span, and after each of them every answer is
//! exact: a place is made for it; it is summed up beside all other work; the place is filled. A bucket that changes meanwhile, or
//! ever after, takes the place away with it (see the triggers of `rollup`), and the span is read from its quarters again.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use patchbay_core::report::{Columns, Detail, Filter, Whose};
use patchbay_core::time::{Range, Timestamp, day_range, month_range, week_range};
use rusqlite::Connection as Db;

pub use super::span::{Kind, Summary};
use super::{scan, span};
use crate::database::Store;
use crate::error::StoreError;
use crate::series::Matching;
use crate::usage::snapshot;

/// In this order: weeks and months are put together from days.
const KINDS: [Kind; 3] = [Kind::Day, Kind::Week, Kind::Month];
/// Spans that are removed at once.
const SOME: usize = 50;

/// Settles what is over by `until`, in steps between which rows of calls are entered, and answers how many spans. It can be stopped
/// at any time, and be done by several processes at once.
pub fn run(store: &Store, zone: &TimeZone, until: Timestamp) -> Result<u32, StoreError> {
    loop {
        let zone = zone.clone();
        if !store.write(move |db| remove_foreign(db, &zone))? {
            break;
        }
    }
    let mut settled = 0;
    for kind in KINDS {
        for due in store.read(|db| due(db, kind, zone, until))? {
            let place = store.write(move |db| begin(db, &due))?;
            let summary = store.read(|db| sum_up(db, &due))?;
            settled += u32::from(store.write(move |db| end(db, place, &due, &summary))?);
        }
    }
    Ok(settled)
}

/// A span to settle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// What it is.
    pub kind: Kind,
    /// When it is.
    pub span: Range,
}

/// What is over by `until` and not settled, the oldest first: days with any attempt, or weeks or months with settled days.
pub fn due(db: &Db, kind: Kind, zone: &TimeZone, until: Timestamp) -> Result<Vec<Due>, StoreError> {
    let there: BTreeSet<i64> =
        span::within(db, kind, Whose::Each, EVER)?.into_iter().map(|one| one.span.from.0).collect();
    let mut due = Vec::new();
    let mut next = first(db, kind, i64::MIN)?;
    while let Some(at) = next {
        let span = of(kind, at.day(zone), zone);
        if span.to > until {
            break;
        }
        if !there.contains(&span.from.0) {
            due.push(Due { kind, span });
        }
        // A moment that no calendar knows is not in its day.
        next = first(db, kind, span.to.0.max(at.0 + 1))?;
    }
    Ok(due)
}

/// The day, or its week, or its month.
fn of(kind: Kind, day: Date, zone: &TimeZone) -> Range {
    match kind {
        Kind::Day => day_range(day, zone),
        Kind::Week => week_range(day, zone),
        Kind::Month => month_range(day, zone),
    }
}

const EVER: (i64, i64) = (i64::MIN, i64::MAX);

/// The first moment from `from` on that there is anything to settle of.
fn first(db: &Db, kind: Kind, from: i64) -> Result<Option<Timestamp>, StoreError> {
    let sql = match kind {
        Kind::Day => "SELECT min(bucket) AS first FROM rollup WHERE bucket >= ?1",
        Kind::Week | Kind::Month => {
            "SELECT min(from_at) AS first FROM settled WHERE kind = 'day' AND from_at >= ?1 AND is_whole = 1"
        }
    };
    let first: Option<i64> = db.prepare_cached(sql)?.query_row([from], |row| row.get("first"))?;
    Ok(first.map(Timestamp))
}

/// Makes a place for a span, and answers its number.
pub fn begin(db: &Db, due: &Due) -> Result<i64, StoreError> {
    span::begin(db, due.kind, due.span)
}

/// Sums a span up. It has to be read after its place was made.
pub fn sum_up(db: &Db, due: &Due) -> Result<Summary, StoreError> {
    let db = snapshot(db)?;
    let filter = Filter::during(due.span);
    let series = Matching::read(&db, &filter)?;
    let mut summary = Summary::new(due.span);
    let detail = match due.kind {
        Kind::Day => Detail::quarters(Columns::ALL),
        Kind::Week | Kind::Month => Detail::whole(Columns::ALL),
    };
    scan::with(&db, &series, &filter, &detail, &mut |bucket| {
        if let Some(id) = series.id(bucket.series) {
            summary.add(id, bucket);
        }
    })?;
    Ok(summary)
}

/// Fills the place of a span; `false` where a bucket has changed since it was made.
pub fn end(db: &Db, place: i64, due: &Due, summary: &Summary) -> Result<bool, StoreError> {
    summary.write(db, place, due.kind)
}

/// Removes some of the spans that are no days, weeks and months of this zone, and answers whether more are there.
pub fn remove_foreign(db: &Db, zone: &TimeZone) -> Result<bool, StoreError> {
    for kind in KINDS {
        let is_foreign = |one: &span::Settled| of(kind, one.span.from.day(zone), zone) != one.span;
        let all = span::within(db, kind, Whose::Each, EVER)?.into_iter();
        let some: Vec<span::Settled> = all.filter(is_foreign).take(SOME).collect();
        span::remove(db, kind, &some)?;
        if !some.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}
