//! Groups of a report as they are written: the figures that the workbook and the table's own CSV have alike.

use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::audit::Kind;
use patchbay_core::report::{Group, GroupBy, Totals};
use patchbay_store::{StoreError, files, rollup};
use serde::{Deserialize, Serialize};

use super::columns::Value;
use super::text::csv;
use crate::desk::export::{self, Exported, cell, line, unwritable};
use crate::desk::usage::charts::noun;
use crate::desk::usage::query::UsageQuery;
use crate::desk::usage::words;
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::{Engine, clock};

/// What is told of each group.
pub(super) const FIGURES: [&str; 13] = [
    "Requests",
    "Attempts",
    "Answered",
    "Failed",
    "Saved by failover",
    "Input tokens",
    "Output tokens",
    "Cached tokens",
    "Cost, nano-USD",
    "Cost, USD",
    "Unpriced attempts",
    "p50, ms",
    "p95, ms",
];

pub(super) fn figures(totals: &Totals) -> [Value; 13] {
    let count = |count: u64| Value::Number(i64::try_from(count).unwrap_or(i64::MAX));
    let ms =
        |percent| totals.latency.percentile(percent).map_or(Value::None, |ms| Value::Number(i64::from(ms)));
    [
        count(totals.calls),
        count(totals.attempts),
        count(totals.succeeded),
        count(totals.failed),
        count(totals.saved_by_failover),
        count(totals.input_tokens),
        count(totals.output_tokens),
        count(totals.cached_tokens),
        Value::Number(totals.cost.0),
        Value::Dollars(totals.cost),
        count(totals.unpriced_attempts),
        ms(50.0),
        ms(95.0),
    ]
}

/// The groups of the table that are open, and what is inside them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct OpenGroups {
    /// What they open to.
    pub by: GroupBy,
    /// Their keys.
    pub keys: Vec<String>,
}

/// Writes the groups as CSV into a new file in the `exports` folder of the data folder: each with its figures, and what is inside
/// those that are open below them.
pub async fn groups_to_folder(
    engine: &Arc<Engine>,
    query: UsageQuery,
    open: Option<OpenGroups>,
    zone: TimeZone,
) -> Result<Exported, Error> {
    engine
        .blocking(move |engine| {
            let path = export::fresh_path(engine, &format!("by-{}", noun(query.by)), "csv")?;
            write(engine, &query, open.filter(|open| !open.keys.is_empty()).as_ref(), &zone, &path)
        })
        .await
}

fn write(
    engine: &Engine,
    query: &UsageQuery,
    open: Option<&OpenGroups>,
    zone: &TimeZone,
    path: &Path,
) -> Result<Exported, Error> {
    let filter = query.filter(query.days.spans(clock::now(), zone)?.range);
    let snapshot = engine.snapshot()?;
    let table = engine.store.read(|db| {
        let db = db.unchecked_transaction()?;
        let groups = rollup::groups(&db, &filter, query.by, zone)?;
        let inside = match open {
            Some(open) => rollup::subgroups(&db, &filter, (query.by, open.by), zone)?,
            None => Vec::new(),
        };
        Ok::<_, StoreError>(Table { by: query.by, open, snapshot: &snapshot, groups, inside })
    })?;
    let lines = table.lines();
    let entries = u32::try_from(lines.len() - 1).unwrap_or(u32::MAX);
    files::replace(path, lines.concat().as_bytes()).map_err(|error| unwritable(&error))?;
    export::recorded(engine, (Kind::Usage, noun(query.by)), "csv", entries)?;
    Ok(Exported { path: path.display().to_string(), entries })
}

/// What is written.
struct Table<'a> {
    by: GroupBy,
    open: Option<&'a OpenGroups>,
    snapshot: &'a Snapshot,
    groups: Vec<Group>,
    inside: Vec<(String, Vec<Group>)>,
}

impl Table<'_> {
    /// The heading and all rows.
    fn lines(&self) -> Vec<String> {
        let levels = std::iter::once(self.by).chain(self.open.map(|open| open.by));
        let names = levels.flat_map(|by| [noun(by).to_owned(), format!("{}_name", noun(by))]);
        let figures = FIGURES.iter().map(ToString::to_string);
        let mut lines = vec![line(names.chain(figures).map(|name| cell(&name)))];
        for group in &self.groups {
            lines.push(self.line(group, None));
            let inside = self.inside.iter().filter(|(key, _)| *key == group.key && self.is_open(key));
            let inside = inside.flat_map(|(_, inside)| inside);
            lines.extend(inside.map(|inner| self.line(group, Some(inner))));
        }
        lines
    }

    fn is_open(&self, key: &str) -> bool {
        self.open.is_some_and(|open| open.keys.iter().any(|open| open == key))
    }

    /// A group, or what is inside it under both names.
    fn line(&self, group: &Group, inner: Option<&Group>) -> String {
        let both = |by, key: &str| [cell(key), cell(&words::name(self.snapshot, by, key))];
        let below =
            self.open.map(|open| inner.map_or_else(Default::default, |inner| both(open.by, &inner.key)));
        let names = both(self.by, &group.key).into_iter().chain(below.into_iter().flatten());
        let figures = figures(&inner.unwrap_or(group).totals);
        line(names.chain(figures.into_iter().map(csv)))
    }
}
