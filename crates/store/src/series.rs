//! Every combination of labels that ever occurred, once.

use std::collections::HashMap;

use patchbay_core::code::Code;
use patchbay_core::ledger::{Origin, UsageRow};
use patchbay_core::report::{Condition, Field, Filter, Labels, Relation};
use patchbay_core::time::BUCKET_MS;
use rusqlite::{Connection as Db, OptionalExtension, Row, ToSql, named_params};

use crate::error::StoreError;

/// The row of an attempt's combination, made where it is new.
pub(crate) fn intern(db: &Db, row: &UsageRow) -> Result<i64, StoreError> {
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

/// Removes the sample data, and nothing else.
pub fn delete_sample(db: &Db) -> Result<(), StoreError> {
    db.execute_batch(
        "DELETE FROM rollup WHERE series_id IN (SELECT id FROM series WHERE sample = 1);
         DELETE FROM usage WHERE series_id IN (SELECT id FROM series WHERE sample = 1);
         DELETE FROM series WHERE sample = 1;",
    )?;
    Ok(())
}
