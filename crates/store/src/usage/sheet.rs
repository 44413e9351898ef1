//! The log page by page, the newest first. A page begins below a place, not at a number of rows, so that what is appended
//! meanwhile moves nothing; and each is read through an index, however long the ledger is.

use patchbay_core::report::{Column, Condition, Field, Filter};
use patchbay_core::time::{Range, Timestamp};
use rusqlite::{Connection as Db, ToSql};

use super::{LOG_COLUMNS, LogRow, log_row, snapshot};
use crate::archive;
use crate::error::StoreError;
use crate::rollup::{self, Reach};
use crate::series::{self, Matching};

/// What a line of the log stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// A request as its caller saw it: the attempt that ended it.
    Calls,
    /// Every try at a connection.
    Attempts,
}

impl Counted {
    fn column(self) -> Column {
        match self {
            Self::Calls => Column::Calls,
            Self::Attempts => Column::Attempts,
        }
    }

    pub(super) fn condition(self) -> &'static str {
        match self {
            Self::Calls => " AND u.final = 1",
            Self::Attempts => "",
        }
    }
}

/// Where an attempt stands in the log: by its begin, then by its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// When it began.
    pub at: Timestamp,
    /// Its row.
    pub id: i64,
}

/// A page.
#[derive(Clone, Copy, Debug)]
pub struct Sheet {
    /// What lines stand for.
    pub counted: Counted,
    /// Only what stands below it; `None` begins at the top.
    pub below: Option<Place>,
    /// At most so many lines.
    pub limit: usize,
}

/// Reads a page, the newest first, archived attempts too. Unlike sums, it takes the filter's range to the millisecond.
pub fn sheet(db: &Db, filter: &Filter, wanted: &Sheet) -> Result<Vec<LogRow>, StoreError> {
    let db = snapshot(db)?;
    let places = places(&db, filter, wanted)?;
    let mut rows = lines(&db, places.iter().map(|place| place.id))?;
    let last = rows.last().filter(|_| rows.len() == wanted.limit).map(|row| row.at);
    let archived = archived(&db, filter, wanted, last)?;
    if !archived.is_empty() {
        rows.extend(archived);
        rows.sort_unstable_by_key(|row| std::cmp::Reverse((row.at, row.id)));
        rows.truncate(wanted.limit);
    }
    Ok(rows)
}

/// What archives have of a page: nothing that began before `last`, which ends it. They are old, so that this is for most pages one
/// look at their list.
fn archived(
    db: &Db,
    filter: &Filter,
    wanted: &Sheet,
    last: Option<Timestamp>,
) -> Result<Vec<LogRow>, StoreError> {
    let (from, to) = edges(filter);
    let range = Range { from: Timestamp(from).max(last.unwrap_or(Timestamp(i64::MIN))), to: Timestamp(to) };
    let within = Filter { range: Some(range), conditions: filter.conditions.clone() };
    let is_wanted = |row: &LogRow| {
        (wanted.counted == Counted::Attempts || row.is_final) && range.from <= row.at && row.at < range.to
    };
    let mut before = wanted.below.map(|below| (below.at, below.id));
    let mut found = Vec::new();
    while found.len() < wanted.limit {
        let page = archive::rows(db, &within, before, wanted.limit)?;
        let Some(end) = page.last() else { break };
        before = Some((end.at, end.id));
        found.extend(page.into_iter().filter(is_wanted));
    }
    Ok(found)
}

/// What was appended after a row, in that order: attempts are appended when they end, so the newest line need not be the
/// latest row.
pub fn news(
    db: &Db,
    filter: &Filter,
    counted: Counted,
    after: i64,
    limit: usize,
) -> Result<Vec<LogRow>, StoreError> {
    let (conditions, mut parameters) = series::conditions(filter);
    let (from, to) = edges(filter);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    // By row alone: SQLite would rather begin with the labels, and then sort.
    let sql = format!(
        "SELECT u.id FROM usage u CROSS JOIN series s ON s.id = u.series_id
         WHERE {conditions} AND +u.at >= ? AND +u.at < ?{} AND u.id > ? ORDER BY u.id LIMIT ?",
        counted.condition()
    );
    let tail: [&dyn ToSql; 4] = [&from, &to, &after, &limit];
    parameters.extend(tail);
    let mut statement = db.prepare_cached(&sql)?;
    let ids: Vec<i64> =
        statement.query_map(parameters.as_slice(), |row| row.get("id"))?.collect::<Result<_, _>>()?;
    lines(db, ids.into_iter())
}

fn lines(db: &Db, ids: impl Iterator<Item = i64>) -> Result<Vec<LogRow>, StoreError> {
    let mut statement = db.prepare_cached(&format!("{LOG_COLUMNS} WHERE u.id = ?1"))?;
    let rows = ids.map(|id| statement.query_row([id], log_row));
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The latest row, 0 where there is none.
pub fn newest_id(db: &Db) -> Result<i64, StoreError> {
    let sql = "SELECT coalesce(max(id), 0) AS newest FROM usage";
    Ok(db.prepare_cached(sql)?.query_row([], |row| row.get("newest"))?)
}

fn edges(filter: &Filter) -> (i64, i64) {
    filter.range.map_or((i64::MIN, i64::MAX), |range| (range.from.0, range.to.0))
}

/// Where the lines of a page stand. Combinations of labels are read one by one, each through the index that is in the order of
/// the log; what has no rows as far as the page reaches, or cannot be on it any more, is not looked at.
fn places(db: &Db, filter: &Filter, wanted: &Sheet) -> Result<Vec<Place>, StoreError> {
    let is_label = |condition: &Condition| condition.field != Field::Signal;
    let (labels, signals): (Vec<_>, Vec<_>) = filter.conditions.iter().cloned().partition(is_label);
    let rows = Filter { range: filter.range, conditions: signals };
    if labels.is_empty() {
        return Query::new(&rows, wanted, Through::Time).run(db, None, None);
    }
    let matching = Matching::read(db, &Filter { range: None, conditions: labels })?;
    let mut query = Query::new(&rows, wanted, Through::Series);
    // Sums do not tell of single signals.
    let reach = if rows.conditions.is_empty() { query.reach(db, &matching, wanted)? } else { None };
    let series = match reach {
        Some(reach) => {
            query.from = query.from.max(reach.from);
            reach.series
        }
        None => matching.ids().collect(),
    };
    let mut found: Vec<Place> = Vec::new();
    for series in series {
        let floor = found.get(wanted.limit.saturating_sub(1)).copied();
        found.extend(query.run(db, Some(series), floor)?);
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.truncate(wanted.limit);
    }
    Ok(found)
}

/// Which index a page is read through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Through {
    /// That of all attempts.
    Time,
    /// That of each combination of labels.
    Series,
}

struct Query<'a> {
    sql: String,
    conditions: Vec<&'a dyn ToSql>,
    from: i64,
    below: Place,
    limit: i64,
}

impl<'a> Query<'a> {
    fn new(rows: &'a Filter, wanted: &Sheet, through: Through) -> Self {
        let (conditions, parameters) = series::conditions(rows);
        let series = if through == Through::Series { "u.series_id = ? AND " } else { "" };
        let (from, to) = edges(rows);
        let end = Place { at: Timestamp(to), id: i64::MIN };
        Self {
            // The row decides among attempts that began in the same millisecond.
            sql: format!(
                "SELECT u.at, u.id FROM usage u WHERE {series}{conditions}{} AND u.at >= ? AND u.at <= ?
                     AND (u.at < ? OR u.id < ?) ORDER BY u.at DESC, u.id DESC LIMIT ?",
                wanted.counted.condition()
            ),
            conditions: parameters,
            from,
            below: wanted.below.map_or(end, |below| below.min(end)),
            limit: i64::try_from(wanted.limit).unwrap_or(i64::MAX),
        }
    }

    fn reach(&self, db: &Db, matching: &Matching, wanted: &Sheet) -> Result<Option<Reach>, StoreError> {
        let span = (self.from, self.below.at.0);
        rollup::reach(db, matching, wanted.counted.column(), span, wanted.limit)
    }

    fn run(&self, db: &Db, series: Option<i64>, floor: Option<Place>) -> Result<Vec<Place>, StoreError> {
        let from = floor.map_or(self.from, |floor| floor.at.0.max(self.from));
        let mut parameters: Vec<&dyn ToSql> = series.iter().map(|id| id as &dyn ToSql).collect();
        parameters.extend(&self.conditions);
        let tail: [&dyn ToSql; 5] = [&from, &self.below.at.0, &self.below.at.0, &self.below.id, &self.limit];
        parameters.extend(tail);
        let mut statement = db.prepare_cached(&self.sql)?;
        let rows = statement.query_map(parameters.as_slice(), |row| {
            Ok(Place { at: Timestamp(row.get("at")?), id: row.get("id")? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;

    fn plan(db: &Db, sql: &str, parameters: &[&dyn ToSql]) -> Vec<String> {
        let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("a plan");
        let rows = statement.query_map(parameters, |row| row.get("detail")).expect("rows");
        rows.collect::<Result<_, _>>().expect("text")
    }

    fn planned(filter: &Filter, through: Through) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("opens");
        let below = Some(Place { at: Timestamp(9), id: 9 });
        let wanted = Sheet { counted: Counted::Calls, below, limit: 100 };
        let query = Query::new(filter, &wanted, through);
        let count = query.sql.matches('?').count();
        let parameters = vec![&1_i64 as &dyn ToSql; count];
        store.read(|db| Ok(plan(db, &query.sql, &parameters))).expect("read")
    }

    #[test]
    fn each_page_is_read_through_an_index_and_nothing_is_sorted() {
        let any = Filter::default();
        for (filter, through, index) in [
            (&any, Through::Time, "USING INDEX usage_at "),
            (&any, Through::Series, "USING INDEX usage_series_at "),
        ] {
            let plan = planned(filter, through);
            assert_eq!(plan.len(), 1, "{plan:?}");
            assert!(plan[0].starts_with("SEARCH u ") && plan[0].contains(index), "{plan:?}");
        }
        let of_a_signal = Filter::default().only(Field::Signal, "a");
        let plan = planned(&of_a_signal, Through::Time).join("; ");
        assert!(plan.contains("SEARCH u USING INDEX"), "{plan}");
    }
}
