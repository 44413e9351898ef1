//! Every combination of labels that ever occurred, once.

use std::collections::HashMap;

use patchbay_core::code::Code;
use patchbay_core::ledger::{Origin, Series, UsageRow};
use patchbay_core::report::{Condition, Field, Filter, Labels, Relation};
use patchbay_core::time::{BUCKET_MS, HOUR_MS, Timestamp};
use rusqlite::{Connection as Db, OptionalExtension, Row, ToSql, named_params};

use crate::error::StoreError;

/// Combinations that were looked up already, of rows that are entered together.
#[derive(Default)]
pub(crate) struct Known<'a>(HashMap<(&'a Series, Option<Code>, bool), i64>);

impl<'a> Known<'a> {
    /// The row of an attempt's combination, made where it is new.
    pub(crate) fn intern(&mut self, db: &Db, row: &'a UsageRow) -> Result<i64, StoreError> {
        let key = (&row.series, row.error, row.attempt > 1);
        if let Some(id) = self.0.get(&key) {
            return Ok(*id);
        }
        let id = intern(db, row)?;
        self.0.insert(key, id);
        Ok(id)
    }
}

fn intern(db: &Db, row: &UsageRow) -> Result<i64, StoreError> {
    let series = &row.series;
    let labels = named_params! {
        ":connection_id": series.connection_id.0, ":key": series.connection_key, ":name": series.connection_name,
        ":provider": series.provider, ":model": series.model, ":app": series.app, ":feature": series.feature,
        ":profile": series.profile, ":type": series.usage_type.as_str(), ":outcome": series.outcome.as_str(),
        ":error": row.error.map_or("", Code::as_str), ":route": if row.attempt > 1 { "failover" } else { "direct" },
        ":sample": series.origin == Origin::Sample,
    };
    let mut find = db.prepare_cached(
        "SELECT id FROM series WHERE connection_id = :connection_id AND connection_key = :key AND connection_name = :name
           AND provider = :provider AND model = :model AND app = :app AND feature = :feature AND profile = :profile
           AND usage_type = :type AND outcome = :outcome AND error_class = :error AND route = :route AND sample = :sample",
    )?;
    if let Some(id) = find.query_row(labels, |row| row.get("id")).optional()? {
        return Ok(id);
    }
    db.execute(
        "INSERT INTO series (connection_id, connection_key, connection_name, provider, model, app, feature, profile,
             usage_type, outcome, error_class, route, sample)
         VALUES (:connection_id, :key, :name, :provider, :model, :app, :feature, :profile, :type, :outcome, :error, :route,
             :sample)",
        labels,
    )?;
    Ok(db.last_insert_rowid())
}

/// Combinations that a filter admits. Each has a number of its own, from 0 up.
pub(crate) struct Matching {
    numbers: HashMap<i64, usize>,
    labels: Vec<Labels>,
    /// How many combinations there are in all.
    known: usize,
}

impl Matching {
    pub(crate) fn read(db: &Db, filter: &Filter) -> Result<Self, StoreError> {
        let (conditions, parameters) = conditions(filter, Part::Labels);
        let sql = format!(
            "SELECT s.id, s.connection_key, s.connection_name, s.provider, s.model, s.app, s.feature, s.profile,
                 s.usage_type, s.outcome, s.error_class, s.route FROM series s WHERE {conditions} ORDER BY s.id"
        );
        let mut statement = db.prepare_cached(&sql)?;
        let mut rows = statement.query(parameters.as_slice())?;
        let (mut numbers, mut labels) = (HashMap::new(), Vec::new());
        while let Some(row) = rows.next()? {
            numbers.insert(row.get("id")?, labels.len());
            labels.push(labels_of(row)?);
        }
        let known: i64 =
            db.prepare_cached("SELECT count(*) AS n FROM series")?.query_row([], |row| row.get("n"))?;
        Ok(Self { numbers, labels, known: usize::try_from(known).unwrap_or(usize::MAX) })
    }

    /// The number of a combination and its labels; `None` where it is not among these.
    pub(crate) fn find(&self, id: i64) -> Option<(usize, &Labels)> {
        let number = *self.numbers.get(&id)?;
        Some((number, self.labels.get(number)?))
    }

    /// Their rows.
    pub(crate) fn ids(&self) -> impl Iterator<Item = i64> {
        self.numbers.keys().copied()
    }

    /// Whether so few are left that looking each of them up is cheaper than passing all others by.
    pub(crate) fn are_few(&self) -> bool {
        self.labels.len().saturating_mul(4) <= self.known
    }
}

/// Every combination by what an archive knows of it: labels, the connection's row, and whether it is sample data.
pub(crate) type ByLabels = HashMap<(Labels, i64, bool), i64>;

/// See [`ByLabels`].
pub(crate) fn by_labels(db: &Db) -> Result<ByLabels, StoreError> {
    let mut statement = db.prepare_cached("SELECT * FROM series")?;
    let rows = statement.query_map([], |row| {
        Ok(((labels_of(row)?, row.get("connection_id")?, row.get("sample")?), row.get("id")?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn labels_of(row: &Row<'_>) -> rusqlite::Result<Labels> {
    Ok(Labels {
        connection: row.get("connection_key")?,
        connection_name: row.get("connection_name")?,
        provider: row.get("provider")?,
        model: row.get("model")?,
        feature: row.get("feature")?,
        app: row.get("app")?,
        profile: row.get("profile")?,
        usage_type: row.get("usage_type")?,
        outcome: row.get("outcome")?,
        error: row.get("error_class")?,
        route: row.get("route")?,
    })
}

/// Every combination that ever occurred: what filters can be made of.
pub fn all(db: &Db) -> Result<Vec<Labels>, StoreError> {
    Ok(Matching::read(db, &Filter::default())?.labels)
}

/// Which conditions of a filter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Those on labels, of the table `s`.
    Labels,
    /// Those on rows too, of the table `u`.
    Rows,
}

/// Conditions as SQL, with their parameters. The range is the caller's.
pub(crate) fn conditions(filter: &Filter, part: Part) -> (String, Vec<&dyn ToSql>) {
    let mut sql = String::from("1 = 1");
    let mut parameters: Vec<&dyn ToSql> = Vec::new();
    let meant = |c: &&Condition| part == Part::Rows || c.field != Field::Signal;
    for condition in filter.conditions.iter().filter(meant) {
        let column = column(condition.field, condition.values.iter().any(String::is_empty));
        let not = match condition.relation {
            Relation::Is => "",
            Relation::IsNot => " NOT",
        };
        let marks = vec!["?"; condition.values.len()].join(", ");
        sql.push_str(&format!(" AND {column}{not} IN ({marks})"));
        // A signal that is not named is NULL, which is neither in a list nor out of it.
        if condition.field == Field::Signal && condition.relation == Relation::IsNot {
            sql.push_str(" IS NOT FALSE");
        }
        parameters.extend(condition.values.iter().map(|value| value as &dyn ToSql));
    }
    (sql, parameters)
}

fn column(field: Field, empty_is_meant: bool) -> &'static str {
    match field {
        Field::Connection => "s.connection_key",
        Field::Provider => "s.provider",
        Field::Model => "s.model",
        Field::Feature => "s.feature",
        Field::App => "s.app",
        Field::Profile => "s.profile",
        Field::Type => "s.usage_type",
        Field::Outcome => "s.outcome",
        Field::Error => "s.error_class",
        Field::Route => "s.route",
        Field::Signal if empty_is_meant => "coalesce(u.signal, '')",
        Field::Signal => "u.signal",
    }
}

/// The first moment inside and the first after. The edges are rounded outward to the bucket for rows and sums alike, so
/// that the log and the cards speak of the same attempts.
pub(crate) fn span(filter: &Filter) -> (i64, i64) {
    filter.range.map_or((i64::MIN, i64::MAX), |range| {
        (range.from.bucket().0, range.to.plus_ms(BUCKET_MS - 1).bucket().0)
    })
}

/// Whether any sample data is there.
pub fn has_sample(db: &Db) -> Result<bool, StoreError> {
    Ok(db.query_row("SELECT EXISTS (SELECT 1 FROM series WHERE sample = 1) AS there", [], |row| {
        row.get("there")
    })?)
}

/// How long a span of sample data is removed at once, and how many rows about.
const SLICE: (i64, i64) = (7 * 24 * HOUR_MS, 4_000);

/// Removes the oldest of the sample data, rows and sums alike, and answers whether more is there. It never removes much at
/// once, so that who calls meanwhile gets their turn.
pub fn delete_some_sample(db: &Db) -> Result<bool, StoreError> {
    crate::archive::forget_sample(db)?;
    let Some(from) = oldest_sample(db)? else {
        db.execute("DELETE FROM series WHERE sample = 1", [])?;
        return Ok(false);
    };
    let next: Option<i64> = db
        .prepare_cached("SELECT at FROM usage WHERE at >= ?1 ORDER BY at LIMIT 1 OFFSET ?2")?
        .query_row((from, SLICE.1), |row| row.get("at"))
        .optional()?;
    let until = next.map_or(i64::MAX, |at| Timestamp(at).bucket().0 + BUCKET_MS).min(from + SLICE.0);
    for (table, column) in [("rollup", "bucket"), ("usage", "at")] {
        let sql = format!(
            "DELETE FROM {table} WHERE {column} >= ?1 AND {column} < ?2
                 AND series_id IN (SELECT id FROM series WHERE sample = 1)"
        );
        db.prepare_cached(&sql)?.execute((from, until))?;
    }
    Ok(true)
}

/// The first bucket with sample data.
fn oldest_sample(db: &Db) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT min((SELECT min(bucket) FROM rollup WHERE series_id = id)) AS oldest FROM series WHERE sample = 1";
    Ok(db.prepare_cached(sql)?.query_row([], |row| row.get("oldest"))?)
}
