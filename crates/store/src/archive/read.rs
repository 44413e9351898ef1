//! Archived attempts, read back. Groups of rows that cannot hold what is looked for are passed by.

use std::collections::HashSet;
use std::io;

use patchbay_core::id::CallId;
use patchbay_core::report::{Condition, Field, Filter, Relation};
use patchbay_core::time::{HOUR_MS, Range, Timestamp};
use rusqlite::Connection as Db;

use super::row::{Archived, Places};
use super::{Archive, during, folder};
use crate::columns::Reader;
use crate::error::StoreError;
use crate::series;
use crate::usage::{LogRow, Start};

/// What is looked for.
#[derive(Clone, Copy)]
struct Search<'a> {
    span: (i64, i64),
    conditions: &'a [Condition],
    call: Option<CallId>,
}

impl<'a> Search<'a> {
    fn of(filter: &'a Filter) -> Self {
        Self { span: series::span(filter), conditions: &filter.conditions, call: None }
    }

    fn admits(&self, row: &Archived) -> bool {
        let fits = |condition: &Condition| condition.admits(value(row, condition.field));
        (self.span.0..self.span.1).contains(&row.row.at.0)
            && self.call.is_none_or(|call| row.row.call == call)
            && self.conditions.iter().all(fits)
    }
}

fn value(Archived { row, .. }: &Archived, field: Field) -> &str {
    match field {
        Field::Connection => &row.connection,
        Field::Provider => &row.provider,
        Field::Model => &row.model,
        Field::Feature => &row.feature,
        Field::App => &row.app,
        Field::Profile => &row.profile,
        Field::Type => &row.usage_type,
        Field::Outcome => &row.outcome,
        Field::Error => row.error_class.as_deref().unwrap_or_default(),
        Field::Route if row.attempt > 1 => "failover",
        Field::Route => "direct",
        Field::Signal => row.signal.as_deref().unwrap_or_default(),
    }
}

/// An archive that is open.
struct Open {
    file: Reader,
    places: Places,
    /// Rows that count in the ledger still.
    elsewhere: HashSet<i64>,
}

impl Open {
    fn new(db: &Db, archive: &Archive) -> Result<Self, StoreError> {
        let path = folder(db)?.join(&archive.file);
        let bad = |error: io::Error| {
            let why = match error.kind() {
                io::ErrorKind::NotFound => "this archive of old attempts is not there".to_owned(),
                _ => error.to_string(),
            };
            StoreError::BadFile { path: path.clone(), why }
        };
        let file = Reader::open(&path).map_err(bad)?;
        let places = Places::of(&file, archive.sample).map_err(bad)?;
        let elsewhere = if archive.moving { still_in_ledger(db, archive)? } else { HashSet::new() };
        Ok(Self { file, places, elsewhere })
    }

    /// Whether any row of a group may be admitted.
    fn may_hold(&self, group: usize, search: &Search<'_>) -> Result<bool, StoreError> {
        let at = self.file.bounds(group, self.places.at("at"));
        if at.is_some_and(|(first, last)| last < search.span.0 || first >= search.span.1) {
            return Ok(false);
        }
        if let Some(call) = search.call
            && !self.may_have(group, "call", &call.to_string())?
        {
            return Ok(false);
        }
        let named = |condition: &&Condition| {
            let is_named = condition.values.iter().all(|value| !value.is_empty());
            condition.field == Field::Signal && condition.relation == Relation::Is && is_named
        };
        for condition in search.conditions.iter().filter(named) {
            let mut any = false;
            for signal in &condition.values {
                any = any || self.may_have(group, "signal", signal)?;
            }
            if !any {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn may_have(&self, group: usize, column: &str, text: &str) -> Result<bool, StoreError> {
        self.file.may_hold(group, self.places.at(column), text).map_err(|error| unreadable(&error))
    }

    /// The rows of a group that are admitted and do not count elsewhere, in their order.
    fn read(&self, group: usize, search: &Search<'_>) -> Result<Vec<Archived>, StoreError> {
        if !self.may_hold(group, search)? {
            return Ok(Vec::new());
        }
        let group = self.file.read(group).map_err(|error| unreadable(&error))?;
        let mut rows = Vec::new();
        for number in 0..group.rows {
            let row = self.places.read(&group, number)?;
            if search.admits(&row) && !self.elsewhere.contains(&row.row.id) {
                rows.push(row);
            }
        }
        Ok(rows)
    }
}

fn unreadable(error: &io::Error) -> StoreError {
    StoreError::Sqlite(format!("an archive of old attempts cannot be read: {error}"))
}

fn still_in_ledger(db: &Db, archive: &Archive) -> Result<HashSet<i64>, StoreError> {
    let sql = "SELECT id FROM usage WHERE at >= ?1 AND at < ?2 AND id <= ?3";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement
        .query_map((archive.range.from.0, archive.range.to.0, archive.upto_id), |row| row.get("id"))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Archived attempts in the order of time, one group of rows held at a time. Of a month, real ones and sample data follow each
/// other in their order too.
pub(crate) struct Rows {
    search: (Filter, (i64, i64)),
    months: std::vec::IntoIter<Vec<Archive>>,
    open: Vec<Walk>,
}

/// One file that is walked through.
struct Walk {
    open: Open,
    group: usize,
    rows: std::iter::Peekable<std::vec::IntoIter<Archived>>,
}

impl Walk {
    fn start(open: Open) -> Self {
        Self { open, group: 0, rows: Vec::new().into_iter().peekable() }
    }

    /// Where its next row stands.
    fn place(&mut self, search: &Search<'_>) -> Result<Option<(Timestamp, i64)>, StoreError> {
        while self.rows.peek().is_none() && self.group < self.open.file.groups() {
            self.rows = self.open.read(self.group, search)?.into_iter().peekable();
            self.group += 1;
        }
        Ok(self.rows.peek().map(Archived::place))
    }
}

impl Rows {
    pub(crate) fn new(db: &Db, filter: &Filter) -> Result<Self, StoreError> {
        let span = series::span(filter);
        let archives = during(db, span)?;
        let months = archives.chunk_by(|a, b| a.month == b.month).map(<[Archive]>::to_vec);
        let months = months.collect::<Vec<_>>().into_iter();
        Ok(Self { search: (filter.clone(), span), months, open: Vec::new() })
    }

    /// All rows of some archives of one month.
    pub(super) fn of(archives: Vec<Archive>) -> Self {
        Self {
            search: (Filter::default(), (i64::MIN, i64::MAX)),
            months: vec![archives].into_iter(),
            open: Vec::new(),
        }
    }

    /// The next one.
    pub(crate) fn next(&mut self, db: &Db) -> Result<Option<Archived>, StoreError> {
        let search = Search { span: self.search.1, conditions: &self.search.0.conditions, call: None };
        loop {
            let mut first: Option<(usize, (Timestamp, i64))> = None;
            for (index, walk) in self.open.iter_mut().enumerate() {
                if let Some(place) = walk.place(&search)?
                    && first.is_none_or(|(_, earliest)| place < earliest)
                {
                    first = Some((index, place));
                }
            }
            if let Some((index, _)) = first {
                return Ok(self.open[index].rows.next());
            }
            let Some(month) = self.months.next() else { return Ok(None) };
            let open = month.iter().map(|archive| Ok(Walk::start(Open::new(db, archive)?)));
            self.open = open.collect::<Result<_, StoreError>>()?;
        }
    }
}

/// Calls `each` for every archived attempt that fits, the oldest first.
pub fn scan(
    db: &Db,
    filter: &Filter,
    mut each: impl FnMut(Archived) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut rows = Rows::new(db, filter)?;
    while let Some(row) = rows.next(db)? {
        each(row)?;
    }
    Ok(())
}

/// Adds the archived attempts since a moment that count against limits, the oldest first.
pub(crate) fn starts(db: &Db, since: Timestamp, starts: &mut Vec<Start>) -> Result<(), StoreError> {
    let filter = Filter::during(Range { from: since, to: Timestamp(i64::MAX) });
    scan(db, &filter, |archived| {
        starts.extend(archived.start().filter(|start| start.at >= since));
        Ok(())
    })
}

/// One page of archived attempts that fit, the newest first: those before a place (when they began, and their row), or the
/// newest of all.
pub fn rows(
    db: &Db,
    filter: &Filter,
    before: Option<(Timestamp, i64)>,
    limit: usize,
) -> Result<Vec<LogRow>, StoreError> {
    let mut search = Search::of(filter);
    if let Some((at, _)) = before {
        search.span.1 = search.span.1.min(at.0.saturating_add(1));
    }
    let is_before = |row: &Archived| before.is_none_or(|before| row.place() < before);
    let mut page: Vec<Archived> = Vec::new();
    let archives = during(db, search.span)?;
    // Months do not overlap, so a month that fills the page ends the search.
    for month in archives.chunk_by(|a, b| a.month == b.month).rev() {
        let mut found = Vec::new();
        for archive in month {
            let open = Open::new(db, archive)?;
            let mut of_file = Vec::new();
            for group in (0..open.file.groups()).rev() {
                if page.len() + of_file.len() >= limit {
                    break;
                }
                of_file.extend(open.read(group, &search)?.into_iter().rev().filter(is_before));
            }
            found.append(&mut of_file);
        }
        found.sort_unstable_by_key(|row| std::cmp::Reverse(row.place()));
        page.append(&mut found);
        if page.len() >= limit {
            break;
        }
    }
    page.truncate(limit);
    Ok(page.into_iter().map(|archived| archived.row).collect())
}

/// Attempts of one call begin within a day.
const DAY_MS: i64 = 24 * HOUR_MS;

/// The archived attempts of one call, in order; `near` is when one of them began, where that is known.
pub fn of_call(db: &Db, call: CallId, near: Option<Timestamp>) -> Result<Vec<LogRow>, StoreError> {
    let span = near.map_or((i64::MIN, i64::MAX), |near| (near.plus_ms(-DAY_MS).0, near.plus_ms(DAY_MS).0));
    let search = Search { span, conditions: &[], call: Some(call) };
    let mut found = Vec::new();
    for archive in during(db, search.span)? {
        let open = Open::new(db, &archive)?;
        for group in 0..open.file.groups() {
            found.extend(open.read(group, &search)?.into_iter().map(|archived| archived.row));
        }
    }
    found.sort_unstable_by_key(|row| row.attempt);
    Ok(found)
}

/// When the newest archived attempt that fits began.
pub(crate) fn newest(db: &Db, filter: &Filter) -> Result<Option<Timestamp>, StoreError> {
    Ok(rows(db, filter, None, 1)?.first().map(|row| row.at))
}
