//! Sums by quarter of an hour and series, made with each row and read by every card, chart and table.

mod append;
mod by_model;
mod by_profile;
mod rebuild;

use std::collections::BTreeMap;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use patchbay_core::ledger::Outcome;
use patchbay_core::money::NanoUsd;
use patchbay_core::report::{Bucket, Filter, Group, GroupBy, Labels, Totals, Values};
use patchbay_core::time::{HOUR_MS, Timestamp};
use rusqlite::types::ValueRef;
use rusqlite::{Connection as Db, Row, ToSql};

use crate::archive;
use crate::error::StoreError;
use crate::series::{self, Matching, Part};
use crate::usage::snapshot;

pub(crate) use append::{Batch, OfSignal, Tally};
pub use by_model::{ModelUse, by_model};
pub use by_profile::{ProfileUse, by_profile};
pub(crate) use rebuild::fill_if_empty;
pub use rebuild::rebuild;

/// In the order in which [`bucket_of`] reads them: a report reads very many of these rows, and finding columns by name would
/// take longer than reading them.
const BUCKET: &str = "SELECT bucket, series_id, calls, attempts, saved_calls, input_tokens, output_tokens, cached_tokens,
    cache_write_tokens, reasoning_tokens, cost_nano_usd, unpriced_attempts, signals, signal_cost_nano_usd, latency,
    first_token, sizes FROM rollup";

/// The same of single rows: for signals, of which there are too many to be rolled up.
const ROW: &str = "SELECT u.at - u.at % 900000, u.series_id, u.final, 1,
    u.final AND u.attempt > 1 AND s.outcome = 'answered' AND u.detours ->> 'beside_after_ms' IS NULL, coalesce(u.input_tokens, 0), coalesce(u.output_tokens, 0),
    coalesce(u.cached_tokens, 0), coalesce(u.cache_write_tokens, 0), coalesce(u.reasoning_tokens, 0),
    coalesce(u.cost_nano_usd, 0), u.cost_nano_usd IS NULL,
    u.signal IS NOT NULL AND NOT EXISTS (SELECT 1 FROM usage e WHERE e.signal = u.signal AND e.id < u.id)
        AND NOT EXISTS (SELECT 1 FROM archived_signal a WHERE a.signal = u.signal),
    iif(u.signal IS NULL, 0, coalesce(u.cost_nano_usd, 0)), u.total_ms, u.first_token_ms,
    CASE WHEN u.input_tokens IS NOT NULL OR u.output_tokens IS NOT NULL
         THEN coalesce(u.input_tokens, 0) + coalesce(u.output_tokens, 0) END
    FROM usage u JOIN series s ON s.id = u.series_id";

/// Calls `each` for every bucket that the filter admits, in no order.
pub fn scan(db: &Db, filter: &Filter, mut each: impl FnMut(&Bucket<'_>)) -> Result<(), StoreError> {
    let db = snapshot(db)?;
    let db = &*db;
    let series = Matching::read(db, filter)?;
    let span = series::span(filter);
    if filter.names_a_signal() {
        scan_archives(db, filter, &series, &mut each)?;
        let (conditions, mut parameters) = series::conditions(filter, Part::Rows);
        let edges: [&dyn ToSql; 2] = [&span.0, &span.1];
        parameters.extend(edges);
        let sql = format!("{ROW} WHERE {conditions} AND u.at >= ? AND u.at < ?");
        return run(db, &sql, &parameters, &series, &mut each);
    }
    if series.are_few() {
        let sql = format!("{BUCKET} WHERE series_id = ? AND bucket >= ? AND bucket < ?");
        for id in series.ids() {
            run(db, &sql, &[&id, &span.0, &span.1], &series, &mut each)?;
        }
        return Ok(());
    }
    let sql = format!("{BUCKET} WHERE bucket >= ? AND bucket < ?");
    run(db, &sql, &[&span.0, &span.1], &series, &mut each)
}

/// The same of archived rows.
fn scan_archives(
    db: &Db,
    filter: &Filter,
    series: &Matching,
    each: &mut impl FnMut(&Bucket<'_>),
) -> Result<(), StoreError> {
    let ids = series::by_labels(db)?;
    archive::scan(db, filter, |archived| {
        let id = ids.get(&archived.series());
        let Some((number, labels)) = id.and_then(|id| series.find(*id)) else { return Ok(()) };
        let row = archived.counted();
        let answered = labels.outcome == Outcome::Answered.as_str();
        let of_answers = |ms: Option<u64>| ms.filter(|_| answered).map_or(Values::None, Values::One);
        each(&Bucket {
            at: archived.row.at.bucket(),
            series: number,
            labels,
            counts: &row.totals(answered),
            latency: of_answers(Some(row.total_ms)),
            first_token: of_answers(row.first_token_ms),
            sizes: row.size().map_or(Values::None, Values::One),
        });
        Ok(())
    })
}

fn run(
    db: &Db,
    sql: &str,
    parameters: &[&dyn ToSql],
    series: &Matching,
    each: &mut impl FnMut(&Bucket<'_>),
) -> Result<(), StoreError> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let mut counts = Totals::default();
    while let Some(row) = rows.next()? {
        if let Some((number, labels)) = series.find(row.get(1)?) {
            each(&bucket_of(row, number, labels, &mut counts)?);
        }
    }
    Ok(())
}

fn bucket_of<'a>(
    row: &'a Row<'_>,
    series: usize,
    labels: &'a Labels,
    counts: &'a mut Totals,
) -> rusqlite::Result<Bucket<'a>> {
    let answered = labels.outcome == Outcome::Answered.as_str();
    let calls: u64 = row.get(2)?;
    counts.calls = calls;
    counts.attempts = row.get(3)?;
    counts.succeeded = if answered { calls } else { 0 };
    counts.failed = if answered { 0 } else { calls };
    counts.answered_attempts = if answered { counts.attempts } else { 0 };
    counts.saved_by_failover = row.get(4)?;
    counts.input_tokens = row.get(5)?;
    counts.output_tokens = row.get(6)?;
    counts.cached_tokens = row.get(7)?;
    counts.cache_write_tokens = row.get(8)?;
    counts.reasoning_tokens = row.get(9)?;
    counts.cost = NanoUsd(row.get(10)?);
    counts.unpriced_attempts = row.get(11)?;
    counts.signals = row.get(12)?;
    counts.signal_cost = NanoUsd(row.get(13)?);
    let of_answers = |column| if answered { values(row, column) } else { Ok(Values::None) };
    Ok(Bucket {
        at: Timestamp(row.get(0)?),
        series,
        labels,
        counts,
        latency: of_answers(14)?,
        first_token: of_answers(15)?,
        sizes: values(row, 16)?,
    })
}

fn values<'a>(row: &'a Row<'_>, column: usize) -> rusqlite::Result<Values<'a>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Integer(value) => u64::try_from(value).map_or(Values::None, Values::One),
        ValueRef::Blob(bytes) if !bytes.is_empty() => Values::Stored(bytes),
        _ => Values::None,
    })
}

/// The sums of everything that the filter admits.
pub fn totals(db: &Db, filter: &Filter) -> Result<Totals, StoreError> {
    let mut totals = Totals::default();
    scan(db, filter, |bucket| totals.add(bucket))?;
    Ok(totals)
}

/// The sums by group, in the order of their keys.
pub fn groups(db: &Db, filter: &Filter, by: GroupBy, zone: &TimeZone) -> Result<Vec<Group>, StoreError> {
    let mut groups: BTreeMap<String, Totals> = BTreeMap::new();
    scan(db, filter, |bucket| match by.field() {
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
    scan(db, filter, |bucket| {
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

fn key_in_time(at: Timestamp, by: GroupBy, zone: &TimeZone) -> String {
    let day = at.day(zone);
    match by {
        GroupBy::Hour => Timestamp(at.0.div_euclid(HOUR_MS) * HOUR_MS).to_rfc3339(),
        GroupBy::Month => day.strftime("%Y-%m").to_string(),
        GroupBy::Week => {
            let back = day.weekday().since(Weekday::Monday);
            day.saturating_sub(jiff::Span::new().days(back)).to_string()
        }
        _ => day.to_string(),
    }
}

/// When the newest attempt that fits began, to the quarter of an hour and whatever the filter's range.
pub fn newest(db: &Db, filter: &Filter) -> Result<Option<Timestamp>, StoreError> {
    if filter.names_a_signal() {
        let (conditions, parameters) = series::conditions(filter, Part::Rows);
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
