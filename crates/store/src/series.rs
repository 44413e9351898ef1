//! Every combination of labels that ever occurred, once.

use patchbay_core::ledger::{Origin, Series};
use patchbay_core::report::Filter;
use patchbay_core::time::BUCKET_MS;
use rusqlite::{Connection as Db, OptionalExtension, ToSql, named_params};

use crate::error::StoreError;

/// The row of a combination, made where it is new.
pub(crate) fn intern(db: &Db, series: &Series) -> Result<i64, StoreError> {
    let sample = series.origin == Origin::Sample;
    let labels = named_params! {
        ":connection_id": series.connection_id.0, ":key": series.connection_key, ":name": series.connection_name,
        ":provider": series.provider, ":model": series.model, ":app": series.app, ":feature": series.feature,
        ":profile": series.profile, ":type": series.usage_type.as_str(), ":outcome": series.outcome.as_str(),
        ":sample": sample,
    };
    let mut find = db.prepare_cached(
        "SELECT id FROM series WHERE connection_id = :connection_id AND connection_key = :key AND connection_name = :name
           AND provider = :provider AND model = :model AND app = :app AND feature = :feature AND profile = :profile
           AND usage_type = :type AND outcome = :outcome AND sample = :sample",
    )?;
    if let Some(id) = find.query_row(labels, |row| row.get("id")).optional()? {
        return Ok(id);
    }
    db.execute(
        "INSERT INTO series (connection_id, connection_key, connection_name, provider, model, app, feature, profile,
             usage_type, outcome, sample)
         VALUES (:connection_id, :key, :name, :provider, :model, :app, :feature, :profile, :type, :outcome, :sample)",
        labels,
    )?;
    Ok(db.last_insert_rowid())
}

/// A filter on labels as SQL over the table `s`, with its parameters. The range is the caller's.
pub(crate) fn conditions(filter: &Filter) -> (String, Vec<&dyn ToSql>) {
    let labels: [(&str, &Option<String>); 6] = [
        ("connection_key", &filter.connection),
        ("provider", &filter.provider),
        ("model", &filter.model),
        ("feature", &filter.feature),
        ("app", &filter.app),
        ("outcome", &filter.outcome),
    ];
    let mut sql = String::from("1 = 1");
    let mut parameters: Vec<&dyn ToSql> = Vec::new();
    for (column, value) in &labels {
        if let Some(value) = value {
            parameters.push(value);
            for part in [" AND s.", column, " = ?"] {
                sql.push_str(part);
            }
        }
    }
    (sql, parameters)
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
