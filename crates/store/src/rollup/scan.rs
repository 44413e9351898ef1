//! Reading sums: of each part of a range those that its question needs, from the coarsest place that has them.

use patchbay_core::ledger::Outcome;
use patchbay_core::report::{Bucket, Column, Columns, Detail, Filter, Totals, Values, Whose};
use patchbay_core::time::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Connection as Db, Row, ToSql};

use super::{cut, span};
use crate::archive;
use crate::error::StoreError;
use crate::series::{self, Matching};
use crate::usage::snapshot;

/// Buckets of single rows: for signals, of which there are too many to be rolled up.
const ROW: &str = "SELECT u.at - u.at % 900000, u.series_id, u.final, 1, coalesce(u.cost_nano_usd, 0),
    u.final AND u.attempt > 1 AND s.outcome = 'answered' AND u.detours ->> 'beside_after_ms' IS NULL,
    coalesce(u.input_tokens, 0), coalesce(u.output_tokens, 0), coalesce(u.cached_tokens, 0),
    coalesce(u.cache_write_tokens, 0), coalesce(u.reasoning_tokens, 0), u.cost_nano_usd IS NULL,
    u.signal IS NOT NULL AND NOT EXISTS (SELECT 1 FROM usage e WHERE e.signal = u.signal AND e.id < u.id)
        AND NOT EXISTS (SELECT 1 FROM archived_signal a WHERE a.signal = u.signal),
    iif(u.signal IS NULL, 0, coalesce(u.cost_nano_usd, 0)), u.total_ms, u.first_token_ms,
    CASE WHEN u.input_tokens IS NOT NULL OR u.output_tokens IS NOT NULL
         THEN coalesce(u.input_tokens, 0) + coalesce(u.output_tokens, 0) END
    FROM usage u JOIN series s ON s.id = u.series_id";

/// Calls `each` for every bucket that the filter admits, as closely as `detail` says and in no order.
pub fn scan(
    db: &Db,
    filter: &Filter,
    detail: &Detail<'_>,
    mut each: impl FnMut(&Bucket<'_>),
) -> Result<(), StoreError> {
    let db = snapshot(db)?;
    let series = Matching::read(&db, filter)?;
    with(&db, &series, filter, detail, &mut each)
}

/// The same for series that were read already.
pub(super) fn with(
    db: &Db,
    series: &Matching,
    filter: &Filter,
    detail: &Detail<'_>,
    each: &mut dyn FnMut(&Bucket<'_>),
) -> Result<(), StoreError> {
    if filter.names_a_signal() {
        return rows(db, series, filter, each);
    }
    let whose = if series.are_all() { detail.whose } else { Whose::Each };
    for part in cut::parts(db, series::span(filter), &Detail { whose, ..*detail })? {
        match part {
            cut::Part::Settled(settled) => span::read(db, &settled, series, detail.columns, each)?,
            cut::Part::Slots(settled) => span::read_slots(db, &settled, series, detail.columns, each)?,
            cut::Part::Quarters(from, to) => quarters(db, series, (from, to), detail.columns, each)?,
        }
    }
    Ok(())
}

fn quarters(
    db: &Db,
    series: &Matching,
    (from, to): (i64, i64),
    columns: Columns,
    each: &mut dyn FnMut(&Bucket<'_>),
) -> Result<(), StoreError> {
    let wanted: Vec<Column> = columns.sums().chain(columns.histograms()).collect();
    let names = wanted.iter().map(|column| column.as_str());
    let names: Vec<&str> = ["bucket", "series_id"].into_iter().chain(names).collect();
    let select = format!("SELECT {} FROM rollup", names.join(", "));
    if series.are_few() {
        let sql = format!("{select} WHERE series_id = ? AND bucket >= ? AND bucket < ?");
        return series.ids().try_for_each(|id| run(db, &sql, &[&id, &from, &to], series, &wanted, each));
    }
    let sql = format!("{select} WHERE bucket >= ? AND bucket < ?");
    run(db, &sql, &[&from, &to], series, &wanted, each)
}

/// Rows one by one, archived ones too.
fn rows(
    db: &Db,
    series: &Matching,
    filter: &Filter,
    each: &mut dyn FnMut(&Bucket<'_>),
) -> Result<(), StoreError> {
    archived_rows(db, filter, series, each)?;
    let (conditions, mut parameters) = series::conditions(filter);
    let span = series::span(filter);
    let edges: [&dyn ToSql; 2] = [&span.0, &span.1];
    parameters.extend(edges);
    let sql = format!("{ROW} WHERE {conditions} AND u.at >= ? AND u.at < ?");
    let all: Vec<Column> = Columns::ALL.sums().chain(Columns::ALL.histograms()).collect();
    run(db, &sql, &parameters, series, &all, each)
}

fn archived_rows(
    db: &Db,
    filter: &Filter,
    series: &Matching,
    each: &mut dyn FnMut(&Bucket<'_>),
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

/// Reads rows of a bucket's begin, its series, and these columns.
fn run(
    db: &Db,
    sql: &str,
    parameters: &[&dyn ToSql],
    series: &Matching,
    columns: &[Column],
    each: &mut dyn FnMut(&Bucket<'_>),
) -> Result<(), StoreError> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let mut counts = Totals::default();
    while let Some(row) = rows.next()? {
        let Some((number, labels)) = series.find(row.get(1)?) else { continue };
        let answered = labels.outcome == Outcome::Answered.as_str();
        let (mut latency, mut first_token, mut sizes) = (Values::None, Values::None, Values::None);
        for (column, at) in columns.iter().zip(2..) {
            match column {
                Column::Latency if answered => latency = values(row, at)?,
                Column::FirstToken if answered => first_token = values(row, at)?,
                Column::Sizes => sizes = values(row, at)?,
                Column::Latency | Column::FirstToken => {}
                sum => counts.put(*sum, row.get(at)?, answered),
            }
        }
        let at = Timestamp(row.get(0)?);
        each(&Bucket { at, series: number, labels, counts: &counts, latency, first_token, sizes });
    }
    Ok(())
}

fn values<'a>(row: &'a Row<'_>, column: usize) -> rusqlite::Result<Values<'a>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Integer(value) => u64::try_from(value).map_or(Values::None, Values::One),
        ValueRef::Blob(bytes) if !bytes.is_empty() => Values::Stored(bytes),
        _ => Values::None,
    })
}
