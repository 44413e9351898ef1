//! Sums by time and series, made with each row and read by every card, chart and table: by quarters of an hour, and by the days and
//! months that are settled.

mod append;
mod by_model;
mod by_profile;
mod cut;
mod numbers;
mod reach;
mod rebuild;
mod scan;
pub mod settle;
mod span;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use patchbay_core::report::{Bucket, Column, Columns, Detail, Filter, Group, GroupBy, Totals};
use patchbay_core::time::{HOUR_MS, Range, Timestamp, monday};
use rusqlite::{Connection as Db, OptionalExtension};

use crate::archive;
use crate::error::StoreError;
use crate::series::{self, Matching};

pub(crate) use append::{Batch, OfSignal, Tally};
pub use by_model::{ModelUse, by_model};
pub use by_profile::{ProfileUse, by_profile};
pub(crate) use reach::{Reach, reach};
pub(crate) use rebuild::fill_if_empty;
pub use rebuild::rebuild;
pub use scan::scan;

/// The sums of everything that the filter admits.
pub fn totals(db: &Db, filter: &Filter) -> Result<Totals, StoreError> {
    let mut totals = Totals::default();
    scan(db, filter, &Detail::whole(Columns::ALL).of_all(), |bucket| totals.add(bucket))?;
    Ok(totals)
}

/// What is told of a group. Merging histograms is most of the work, and nobody asks groups for their times to the first piece or
/// their sizes.
const OF_GROUPS: Columns = Columns::ALL.without(&[Column::FirstToken, Column::Sizes]);

/// The sums by group, in the order of their keys.
pub fn groups(db: &Db, filter: &Filter, by: GroupBy, zone: &TimeZone) -> Result<Vec<Group>, StoreError> {
    let mut groups: BTreeMap<String, Totals> = BTreeMap::new();
    let as_one = |span: Range| is_one_group(span, by, zone);
    let detail = Detail::spans(OF_GROUPS, &as_one);
    let detail = if by.field().is_none() { detail.of_all() } else { detail };
    scan(db, filter, &detail, |bucket| match by.field() {
        Some(field) => match groups.get_mut(bucket.labels.get(field)) {
            Some(totals) => totals.add(bucket),
            None => groups.entry(bucket.labels.get(field).to_owned()).or_default().add(bucket),
        },
        None => groups.entry(key_in_time(bucket.at, by, zone)).or_default().add(bucket),
    })?;
    Ok(groups.into_iter().map(|(key, totals)| Group { key, totals }).collect())
}

/// The sums by group of groups, in the order of their keys.
pub fn subgroups(
    db: &Db,
    filter: &Filter,
    (by, then): (GroupBy, GroupBy),
    zone: &TimeZone,
) -> Result<Vec<(String, Vec<Group>)>, StoreError> {
    let mut groups: BTreeMap<(String, String), Totals> = BTreeMap::new();
    let as_one = |span: Range| is_one_group(span, by, zone) && is_one_group(span, then, zone);
    scan(db, filter, &Detail::spans(OF_GROUPS, &as_one), |bucket| {
        let key = (key(bucket, by, zone), key(bucket, then, zone));
        groups.entry(key).or_default().add(bucket);
    })?;
    let mut nested: Vec<(String, Vec<Group>)> = Vec::new();
    for ((outer, key), totals) in groups {
        match nested.last_mut().filter(|(last, _)| *last == outer) {
            Some((_, inner)) => inner.push(Group { key, totals }),
            None => nested.push((outer, vec![Group { key, totals }])),
        }
    }
    Ok(nested)
}

/// The group that a bucket belongs to.
pub fn key(bucket: &Bucket<'_>, by: GroupBy, zone: &TimeZone) -> String {
    by.field().map_or_else(|| key_in_time(bucket.at, by, zone), |field| bucket.labels.get(field).to_owned())
}

/// Whether all of a span belongs to one group, whatever its labels.
pub fn is_one_group(span: Range, by: GroupBy, zone: &TimeZone) -> bool {
    by.field().is_some() || key_in_time(span.from, by, zone) == key_in_time(span.to.plus_ms(-1), by, zone)
}

fn key_in_time(at: Timestamp, by: GroupBy, zone: &TimeZone) -> String {
    let day = at.day(zone);
    match by {
        GroupBy::Hour => Timestamp(at.0.div_euclid(HOUR_MS) * HOUR_MS).to_rfc3339(),
        GroupBy::Month => day.strftime("%Y-%m").to_string(),
        GroupBy::Week => monday(day).to_string(),
        _ => day.to_string(),
    }
}

/// When the newest attempt that fits began, to the quarter of an hour and whatever the filter's range.
pub fn newest(db: &Db, filter: &Filter) -> Result<Option<Timestamp>, StoreError> {
    if filter.names_a_signal() {
        let (conditions, parameters) = series::conditions(filter);
        let sql = format!(
            "SELECT max(u.at) AS newest FROM usage u JOIN series s ON s.id = u.series_id WHERE {conditions}"
        );
        let newest: Option<i64> =
            db.prepare_cached(&sql)?.query_row(parameters.as_slice(), |row| row.get("newest"))?;
        let newest = newest.map(Timestamp).max(archive::newest(db, filter)?);
        return Ok(newest.map(Timestamp::bucket));
    }
    let mut statement = db.prepare_cached("SELECT max(bucket) AS newest FROM rollup WHERE series_id = ?1")?;
    let mut newest: Option<i64> = None;
    for id in Matching::read(db, filter)?.ids() {
        newest = newest.max(statement.query_row([id], |row| row.get("newest"))?);
    }
    Ok(newest.map(Timestamp))
}

/// When the newest attempt of unknown cost that fits began, to the quarter of an hour.
pub fn newest_unpriced(db: &Db, filter: &Filter) -> Result<Option<Timestamp>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT bucket FROM rollup WHERE series_id = ?1 AND bucket >= ?2 AND bucket < ?3 AND unpriced_attempts > 0
         ORDER BY bucket DESC LIMIT 1",
    )?;
    let (from, to) = series::span(filter);
    let mut newest: Option<i64> = None;
    for id in Matching::read(db, filter)?.ids() {
        newest = newest.max(statement.query_row((id, from, to), |row| row.get("bucket")).optional()?);
    }
    Ok(newest.map(Timestamp))
}
