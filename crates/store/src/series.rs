//! Every combination of labels that ever occurred, once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

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
    all: Arc<All>,
    /// Which of all; in the order of their numbers.
    admitted: Vec<bool>,
    count: usize,
}

impl Matching {
    pub(crate) fn read(db: &Db, filter: &Filter) -> Result<Self, StoreError> {
        let all = All::read(db)?;
        // Signals are no labels: rows are asked for these.
        let meant: Vec<&Condition> =
            filter.conditions.iter().filter(|condition| condition.field != Field::Signal).collect();
        let admits =
            |labels: &Labels| meant.iter().all(|condition| condition.admits(labels.get(condition.field)));
        let admitted: Vec<bool> = all.series.iter().map(|(_, labels)| admits(labels)).collect();
        let count = admitted.iter().filter(|is_admitted| **is_admitted).count();
        Ok(Self { all, admitted, count })
    }

    /// The number of a combination and its labels; `None` where it is not among these.
    pub(crate) fn find(&self, id: i64) -> Option<(usize, &Labels)> {
        let number = self.all.number(id)?;
        self.admitted.get(number).filter(|is_admitted| **is_admitted)?;
        Some((number, &self.all.series.get(number)?.1))
    }

    /// The row of the combination of that number.
    pub(crate) fn id(&self, number: usize) -> Option<i64> {
        Some(self.all.series.get(number)?.0)
    }

    /// Their rows.
    pub(crate) fn ids(&self) -> impl Iterator<Item = i64> {
        self.all
            .series
            .iter()
            .zip(&self.admitted)
            .filter(|(_, is_admitted)| **is_admitted)
            .map(|((id, _), _)| *id)
    }

    /// Whether it is every one that there is.
    pub(crate) fn are_all(&self) -> bool {
        self.count == self.all.series.len()
    }

    /// Whether so few are left that looking each of them up is cheaper than passing all others by: a bucket that is looked up costs
    /// as much as a dozen that follow each other.
    pub(crate) fn are_few(&self) -> bool {
        self.count.saturating_mul(16) <= self.all.series.len()
    }
}

/// All combinations, as they were at one version of their table.
struct All {
    version: [u8; 16],
    /// With their ids, in the order of these.
    series: Vec<(i64, Labels)>,
    /// The number of each id, plus one; 0 where there is none. Ids are given one after another, so there are few of these.
    numbers: Vec<u32>,
}

impl All {
    fn number(&self, id: i64) -> Option<usize> {
        let number = self.numbers.get(usize::try_from(id).ok()?)?;
        usize::try_from(number.checked_sub(1)?).ok()
    }

    /// Reads them, or remembers them: there are thousands, and a screen asks for them a dozen times. A version is random, so that no
    /// other database that comes to lie in the same place is taken for this one.
    fn read(db: &Db) -> Result<Arc<Self>, StoreError> {
        static LAST: Mutex<Option<Arc<All>>> = Mutex::new(None);
        let version = db
            .prepare_cached("SELECT version FROM series_version")?
            .query_row([], |row| row.get("version"))?;
        let last = LAST.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(all) = last.filter(|all| all.version == version) {
            return Ok(all);
        }
        let mut statement = db.prepare_cached(
            "SELECT id, connection_key, connection_name, provider, model, app, feature, profile, usage_type, outcome,
                 error_class, route FROM series ORDER BY id",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get("id")?, labels_of(row)?)))?;
        let series = rows.collect::<Result<Vec<(i64, Labels)>, _>>()?;
        let most = series.last().map_or(0, |(id, _)| *id);
        let mut numbers = vec![0; usize::try_from(most).unwrap_or(0) + 1];
        for ((id, _), number) in series.iter().zip(1..) {
            if let Some(place) = usize::try_from(*id).ok().and_then(|id| numbers.get_mut(id)) {
                *place = number;
            }
        }
        let all = Arc::new(Self { version, series, numbers });
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&all));
        Ok(all)
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
    Ok(All::read(db)?.series.iter().map(|(_, labels)| labels.clone()).collect())
}

/// Conditions as SQL over the tables `s` of series and `u` of rows, with their parameters. The range is the caller's.
pub(crate) fn conditions(filter: &Filter) -> (String, Vec<&dyn ToSql>) {
    let mut sql = String::from("1 = 1");
    let mut parameters: Vec<&dyn ToSql> = Vec::new();
    for condition in &filter.conditions {
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
