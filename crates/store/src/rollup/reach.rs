//! How far back a page of the log reaches, told by sums: rows far apart are found by the combinations of labels that have any, and
//! these are few, however many a filter admits.

use std::cmp::Reverse;
use std::collections::HashMap;

use patchbay_core::report::{Column, Columns, Detail};
use patchbay_core::time::{BUCKET_MS, Timestamp};
use rusqlite::Connection as Db;

use super::{cut, span};
use crate::error::StoreError;
use crate::series::Matching;

/// Buckets that are looked at one by one: some days of a desk. Where more are not settled, rows are found faster without them.
const MOST: usize = 20_000;

/// Where the rows of a page are.
#[derive(Debug)]
pub(crate) struct Reach {
    /// Not before this.
    pub(crate) from: i64,
    /// Of these series alone, those with the most first.
    pub(crate) series: Vec<i64>,
}

/// Where the newest rows lie that began from `from` up to `until`, at least so many, or all that there are: as the sums of a column
/// tell, which is that of calls or of attempts. `None` where they do not tell it fast.
pub(crate) fn reach(
    db: &Db,
    series: &Matching,
    column: Column,
    (from, until): (i64, i64),
    count: usize,
) -> Result<Option<Reach>, StoreError> {
    // Each of its own: SQLite finds one end through the index, and both by reading everything.
    let sql = "SELECT (SELECT min(bucket) FROM rollup) AS oldest, (SELECT max(bucket) FROM rollup) AS newest";
    let ends = db.prepare_cached(sql)?.query_row([], |row| Ok((row.get("oldest")?, row.get("newest")?)))?;
    let (Some(oldest), Some(newest)): (Option<i64>, Option<i64>) = ends else {
        return Ok(Some(Reach { from, series: Vec::new() }));
    };
    let until = Timestamp(until.min(newest + BUCKET_MS)).bucket().0;
    let range = (Timestamp(from.max(oldest)).bucket().0, until);
    let mut look =
        Look { db, series, column, count: count as u64, found: 0, seen: 0, of_series: HashMap::new() };
    // What is in the last bucket may stand above the page, so it is not counted on.
    let last = look.quarters((until, until + BUCKET_MS))?;
    look.found = 0;
    let reached = if last.is_some() { look.parts(range)? } else { None };
    Ok(reached.map(|at| Reach { from: at.unwrap_or(from), series: look.series() }))
}

/// What was found on the way back.
struct Look<'a> {
    db: &'a Db,
    series: &'a Matching,
    column: Column,
    count: u64,
    found: u64,
    seen: usize,
    of_series: HashMap<i64, u64>,
}

/// Where enough was found, if it was; or nothing, after too many buckets.
type Reached = Option<Option<i64>>;

impl Look<'_> {
    fn parts(&mut self, range: (i64, i64)) -> Result<Reached, StoreError> {
        let detail = Detail::whole(Columns::of(&[self.column]));
        for part in cut::parts(self.db, range, &detail)?.into_iter().rev() {
            let reached = match part {
                cut::Part::Settled(settled) | cut::Part::Slots(settled) => self.settled(&settled, &detail)?,
                cut::Part::Quarters(from, to) => self.quarters((from, to))?,
            };
            if reached != Some(None) {
                return Ok(reached);
            }
        }
        Ok(Some(None))
    }

    fn settled(&mut self, settled: &span::Settled, detail: &Detail<'_>) -> Result<Reached, StoreError> {
        let (series, column) = (self.series, self.column);
        span::read(self.db, settled, series, detail.columns, &mut |bucket| {
            if let Some(id) = series.id(bucket.series) {
                self.add(id, bucket.counts.get(column));
            }
        })?;
        Ok(Some((self.found >= self.count).then_some(settled.span.from.0)))
    }

    /// The newest first, and no more than are needed.
    fn quarters(&mut self, range: (i64, i64)) -> Result<Reached, StoreError> {
        let sql = format!(
            "SELECT bucket, series_id, {} FROM rollup WHERE bucket >= ?1 AND bucket < ?2 ORDER BY bucket DESC",
            self.column.as_str()
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut rows = statement.query(range)?;
        let mut last = None;
        while let Some(row) = rows.next()? {
            let (bucket, id): (i64, i64) = (row.get(0)?, row.get(1)?);
            if last.is_some_and(|last| last != bucket) && self.found >= self.count {
                return Ok(Some(last));
            }
            last = Some(bucket);
            self.seen += 1;
            if self.seen > MOST {
                return Ok(None);
            }
            if self.series.find(id).is_some() {
                self.add(id, row.get(2)?);
            }
        }
        Ok(Some(last.filter(|_| self.found >= self.count)))
    }

    fn add(&mut self, id: i64, rows: u64) {
        if rows > 0 {
            self.found += rows;
            *self.of_series.entry(id).or_default() += rows;
        }
    }

    fn series(self) -> Vec<i64> {
        let mut all: Vec<(i64, u64)> = self.of_series.into_iter().collect();
        all.sort_unstable_by_key(|(id, rows)| (Reverse(*rows), *id));
        all.into_iter().map(|(id, _)| id).collect()
    }
}
