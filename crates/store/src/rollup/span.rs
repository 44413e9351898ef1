//! The table of settled spans: a day, a week or a month of all series in one row, column by column. Who needs a few columns reads these
//! alone, and passes all series of a span in microseconds.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use patchbay_core::ledger::Outcome;
use patchbay_core::report::{Bucket, Column, Columns, Detail, Labels, Totals, Values, Whose};
use patchbay_core::rollup::Histogram;
use patchbay_core::time::{BUCKET_MS, HOUR_MS, Range, Timestamp};
use rusqlite::{Connection as Db, Row, ToSql, named_params};

use super::numbers::{Numbers, put};
use crate::error::StoreError;
use crate::series::Matching;

/// What a settled span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A day of the trader's zone.
    Day,
    /// A week of it, from Monday.
    Week,
    /// A month of it.
    Month,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

/// What days also tell by the hour.
const BY_SLOT: [(Column, &str); 3] = [
    (Column::Calls, "slot_calls"),
    (Column::Attempts, "slot_attempts"),
    (Column::Cost, "slot_cost_nano_usd"),
];
const SLOT_COLUMNS: Columns = Columns::of(&[Column::Calls, Column::Attempts, Column::Cost]);

/// The parts of a day that it also tells of: hours, or quarters where it does not begin or end with an hour.
fn slot_ms(span: Range) -> i64 {
    let is_even = span.from.0 % HOUR_MS == 0 && span.to.0 % HOUR_MS == 0;
    if is_even { HOUR_MS } else { BUCKET_MS }
}

/// Whether the parts of a day are all that is asked for.
pub(super) fn slots_tell(span: Range, detail: &Detail<'_>) -> bool {
    let each = slot_ms(span);
    let mut slots = (span.from.0..span.to.0).step_by(usize::try_from(each).unwrap_or(1));
    let fits = |at: i64| (detail.as_one)(Range { from: Timestamp(at), to: Timestamp(at + each) });
    detail.columns.are_in(SLOT_COLUMNS) && (each == BUCKET_MS || slots.all(fits))
}

/// A span that is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settled {
    id: i64,
    pub(super) span: Range,
    whose: Whose,
}

impl Settled {
    /// The number and the labels of one of its series; `None` where the filter does not admit it.
    fn find<'a>(&self, series: &'a Matching, id: i64) -> Option<(usize, &'a Labels)> {
        static ANSWERED: LazyLock<Labels> =
            LazyLock::new(|| Labels { outcome: Outcome::Answered.as_str().to_owned(), ..Labels::default() });
        static OTHERS: LazyLock<Labels> = LazyLock::new(Labels::default);
        match self.whose {
            Whose::Each => series.find(id),
            Whose::All if id == ALL_ANSWERED => Some((0, &ANSWERED)),
            Whose::All => Some((1, &OTHERS)),
        }
    }
}

/// What stands in the place of series where they are summed up.
const ALL_ANSWERED: i64 = 1;
const ALL_OTHERS: i64 = 2;

/// The settled spans that lie in a range, the oldest first.
pub(super) fn within(
    db: &Db,
    kind: Kind,
    whose: Whose,
    (from, to): (i64, i64),
) -> Result<Vec<Settled>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT id, from_at, to_at FROM settled
         WHERE kind = ?1 AND from_at >= ?2 AND from_at < ?3 AND to_at <= ?3 AND of_all = ?4 AND is_whole = 1
         ORDER BY from_at",
    )?;
    let rows = statement.query_map((kind.as_str(), from, to, whose == Whose::All), |row| {
        let span = Range { from: Timestamp(row.get("from_at")?), to: Timestamp(row.get("to_at")?) };
        Ok(Settled { id: row.get("id")?, span, whose })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Calls `each` for every series of a span that the filter admits.
pub(super) fn read(
    db: &Db,
    settled: &Settled,
    series: &Matching,
    columns: Columns,
    each: &mut dyn FnMut(&Bucket<'_>),
) -> Result<(), StoreError> {
    let (sums, histograms): (Vec<Column>, Vec<Column>) =
        (columns.sums().collect(), columns.histograms().collect());
    let wanted = sums.iter().chain(&histograms).map(|column| column.as_str());
    let mut statement = db.prepare_cached(&select(wanted))?;
    let mut rows = statement.query([settled.id])?;
    let row = rows.next()?.ok_or_else(damaged)?;
    let ids = ids(row)?;
    let sums: Vec<(Column, Vec<u64>)> = sums
        .iter()
        .zip(1..)
        .map(|(column, at)| Ok((*column, all(row, at, ids.len())?)))
        .collect::<Result<_, StoreError>>()?;
    let mut histograms: Vec<(Column, Numbers<'_>)> = histograms
        .iter()
        .zip(1 + sums.len()..)
        .map(|(column, at)| Ok((*column, Numbers(blob(row, at)?))))
        .collect::<Result<_, StoreError>>()?;
    let mut counts = Totals::default();
    for (index, id) in ids.into_iter().enumerate() {
        let mut values = [Values::None; 3];
        for (column, bytes) in &mut histograms {
            let stored = bytes.bytes().ok_or_else(damaged)?;
            if !stored.is_empty() {
                values[place(*column)] = Values::Stored(stored);
            }
        }
        let Some((number, labels)) = settled.find(series, id) else { continue };
        let answered = labels.outcome == Outcome::Answered.as_str();
        for (column, values) in &sums {
            counts.put(*column, values[index], answered);
        }
        let [latency, first_token, sizes] = values;
        each(&Bucket {
            at: settled.span.from,
            series: number,
            labels,
            counts: &counts,
            latency,
            first_token,
            sizes,
        });
    }
    Ok(())
}

/// The same for each part of a day in which a series had an attempt.
pub(super) fn read_slots(
    db: &Db,
    settled: &Settled,
    series: &Matching,
    columns: Columns,
    each: &mut dyn FnMut(&Bucket<'_>),
) -> Result<(), StoreError> {
    let wanted: Vec<(Column, &str)> =
        BY_SLOT.into_iter().filter(|(column, _)| columns.has(*column)).collect();
    let names = std::iter::once("slots").chain(wanted.iter().map(|(_, name)| *name));
    let mut statement = db.prepare_cached(&select(names))?;
    let mut rows = statement.query([settled.id])?;
    let row = rows.next()?.ok_or_else(damaged)?;
    let mut slots = Numbers(blob(row, 1)?);
    let mut sums: Vec<(Column, Numbers<'_>)> = wanted
        .iter()
        .zip(2..)
        .map(|((column, _), at)| Ok((*column, Numbers(blob(row, at)?))))
        .collect::<Result<_, StoreError>>()?;
    let (each_ms, mut counts) = (slot_ms(settled.span), Totals::default());
    for id in ids(row)? {
        let found = settled.find(series, id);
        let mut at = settled.span.from.0;
        for _ in 0..slots.next().ok_or_else(damaged)? {
            let further = i64::try_from(slots.next().ok_or_else(damaged)?).map_err(|_| damaged())?;
            at = at.saturating_add(further.saturating_mul(each_ms));
            let answered = found.is_some_and(|(_, labels)| labels.outcome == Outcome::Answered.as_str());
            for (column, values) in &mut sums {
                counts.put(*column, values.next().ok_or_else(damaged)?, answered);
            }
            if let Some((number, labels)) = found {
                let none = Values::None;
                let bucket = Bucket {
                    at: Timestamp(at),
                    series: number,
                    labels,
                    counts: &counts,
                    latency: none,
                    first_token: none,
                    sizes: none,
                };
                each(&bucket);
            }
        }
    }
    Ok(())
}

fn select<'a>(columns: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = std::iter::once("series").chain(columns).collect();
    format!("SELECT {} FROM settled WHERE id = ?1", names.join(", "))
}

fn place(histogram: Column) -> usize {
    Column::HISTOGRAMS.into_iter().position(|column| column == histogram).unwrap_or(0)
}

fn blob<'a>(row: &'a Row<'_>, column: usize) -> Result<&'a [u8], StoreError> {
    row.get_ref(column)?.as_blob().map_err(|_| damaged())
}

/// The column of series: each is told by its distance from the one before.
fn ids(row: &Row<'_>) -> Result<Vec<i64>, StoreError> {
    let mut last = 0_i64;
    let distances = Numbers(blob(row, 0)?);
    Ok(distances
        .map(|distance| {
            last = last.saturating_add(i64::try_from(distance).unwrap_or(i64::MAX));
            last
        })
        .collect())
}

fn all(row: &Row<'_>, column: usize, count: usize) -> Result<Vec<u64>, StoreError> {
    let values: Vec<u64> = Numbers(blob(row, column)?).collect();
    if values.len() == count { Ok(values) } else { Err(damaged()) }
}

/// It is only a copy, so nothing is lost.
fn damaged() -> StoreError {
    StoreError::Sqlite("a settled day or month in the database cannot be read".to_owned())
}

/// What a span sums up to, on its way to be a row.
#[derive(Debug)]
pub struct Summary {
    span: Range,
    of_series: BTreeMap<i64, OfSeries>,
}

#[derive(Debug, Default)]
struct OfSeries {
    totals: Totals,
    /// By the number of the part.
    slots: BTreeMap<i64, [u64; BY_SLOT.len()]>,
}

impl Summary {
    pub(super) fn new(span: Range) -> Self {
        Self { span, of_series: BTreeMap::new() }
    }

    /// The sums of all of them: of those that were answered, and of all others.
    fn of_all(&self) -> Self {
        let mut all = Self::new(self.span);
        for own in self.of_series.values() {
            let is_answered = own.totals.answered_attempts > 0;
            let sums = all.of_series.entry(if is_answered { ALL_ANSWERED } else { ALL_OTHERS }).or_default();
            sums.totals.merge(&own.totals);
            for (slot, more) in &own.slots {
                let slot = sums.slots.entry(*slot).or_default();
                slot.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
            }
        }
        all
    }

    pub(super) fn add(&mut self, id: i64, bucket: &Bucket<'_>) {
        let own = self.of_series.entry(id).or_default();
        own.totals.add(bucket);
        let slot = (bucket.at.0 - self.span.from.0).div_euclid(slot_ms(self.span));
        let sums = own.slots.entry(slot).or_default();
        for (sum, (column, _)) in sums.iter_mut().zip(BY_SLOT) {
            *sum += bucket.counts.get(column);
        }
    }

    /// Fills the row that was made for it, and puts that of all series beside it; `false` where it is gone.
    pub(super) fn write(&self, db: &Db, id: i64, kind: Kind) -> Result<bool, StoreError> {
        if !self.fill(db, id, kind)? {
            return Ok(false);
        }
        let beside = insert(db, kind, self.span, Whose::All)?;
        self.of_all().fill(db, beside, kind)
    }

    fn fill(&self, db: &Db, id: i64, kind: Kind) -> Result<bool, StoreError> {
        let mut last = 0;
        let distance = |id: &i64| {
            let distance = u64::try_from(*id - last).unwrap_or(0);
            last = *id;
            distance
        };
        let series = packed(self.of_series.keys().map(distance));
        let columns: Vec<(&str, Vec<u8>)> = std::iter::once(("series", series))
            .chain(Column::SUMS.into_iter().map(|column| (column.as_str(), self.sums(column))))
            .chain(Column::HISTOGRAMS.into_iter().map(|column| (column.as_str(), self.histograms(column))))
            .chain(if kind == Kind::Day { self.slots() } else { Vec::new() })
            .collect();
        let sets: Vec<String> = columns.iter().map(|(name, _)| format!("{name} = ?")).collect();
        let sql = format!("UPDATE settled SET is_whole = 1, {} WHERE id = ?", sets.join(", "));
        let mut parameters: Vec<&dyn ToSql> = columns.iter().map(|(_, bytes)| bytes as &dyn ToSql).collect();
        parameters.push(&id);
        Ok(db.prepare_cached(&sql)?.execute(parameters.as_slice())? == 1)
    }

    fn sums(&self, column: Column) -> Vec<u8> {
        packed(self.of_series.values().map(|own| own.totals.get(column)))
    }

    fn histograms(&self, column: Column) -> Vec<u8> {
        let mut bytes = Vec::new();
        for own in self.of_series.values() {
            let stored = own.totals.histogram(column).map(Histogram::to_bytes).unwrap_or_default();
            put(stored.len() as u64, &mut bytes);
            bytes.extend(stored);
        }
        bytes
    }

    fn slots(&self) -> Vec<(&'static str, Vec<u8>)> {
        let mut places = Vec::new();
        for own in self.of_series.values() {
            put(own.slots.len() as u64, &mut places);
            let mut last = 0;
            for slot in own.slots.keys() {
                put(u64::try_from(slot - last).unwrap_or(0), &mut places);
                last = *slot;
            }
        }
        let sums = BY_SLOT.into_iter().enumerate().map(|(at, (_, name))| {
            let of_slots = self.of_series.values().flat_map(|own| own.slots.values());
            (name, packed(of_slots.map(|sums| sums[at])))
        });
        std::iter::once(("slots", places)).chain(sums).collect()
    }
}

fn packed(numbers: impl Iterator<Item = u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in numbers {
        put(number, &mut bytes);
    }
    bytes
}

/// Makes the row of a span, which holds nothing yet, in the place of all of its kind that it touches.
pub(super) fn begin(db: &Db, kind: Kind, span: Range) -> Result<i64, StoreError> {
    let place = named_params! { ":kind": kind.as_str(), ":from": span.from.0, ":to": span.to.0 };
    db.prepare_cached("DELETE FROM settled WHERE kind = :kind AND from_at < :to AND to_at > :from")?
        .execute(place)?;
    insert(db, kind, span, Whose::Each)
}

fn insert(db: &Db, kind: Kind, span: Range, whose: Whose) -> Result<i64, StoreError> {
    db.prepare_cached(
        "INSERT INTO settled (kind, from_at, to_at, of_all, is_whole) VALUES (?1, ?2, ?3, ?4, 0)",
    )?
    .execute((kind.as_str(), span.from.0, span.to.0, whose == Whose::All))?;
    Ok(db.last_insert_rowid())
}

/// Removes some of a kind.
pub(super) fn remove(db: &Db, kind: Kind, spans: &[Settled]) -> Result<(), StoreError> {
    let mut statement = db.prepare_cached("DELETE FROM settled WHERE kind = ?1 AND from_at = ?2")?;
    for one in spans {
        statement.execute((kind.as_str(), one.span.from.0))?;
    }
    Ok(())
}
