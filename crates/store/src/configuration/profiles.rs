//! Profiles in the document: each as its version in use. An import makes a new version where it says something else.

use patchbay_core::audit::{Action, Change, Kind};
use patchbay_core::profile::{Spec, is_profile_name};
use patchbay_core::time::Timestamp;
use rusqlite::Connection as Db;
use serde_json::{Value, json};

use super::{Record, Step};
use crate::error::StoreError;
use crate::profile::{self, ProfileRow};

/// The section's name.
pub(super) const NAME: &str = "profiles";

/// All profiles by name.
pub(super) fn records(db: &Db) -> Result<Vec<Value>, StoreError> {
    Ok(profile::all(db)?.iter().map(|row| Value::Object(record(row))).collect())
}

fn record(row: &ProfileRow) -> Record {
    let mut record = Record::from_iter([
        ("name".to_owned(), json!(row.name)),
        ("archived".to_owned(), json!(row.is_archived)),
    ]);
    if let Value::Object(spec) = json!(row.version.spec) {
        record.extend(spec);
    }
    record
}

/// Adds a profile or a version; `None` where it says the same already.
pub(super) fn import(db: &Db, given: &Record, now: Timestamp) -> Result<Option<Step>, StoreError> {
    let name = given.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    if !is_profile_name(&name) {
        return Err(bad(format!("\"{name}\" cannot be the name of a profile")));
    }
    let before = profile::find(db, &name)?;
    let known = before.as_ref().map(record).unwrap_or_default();
    // What a record does not name stays as it is.
    let mut wanted: Record = known.clone().into_iter().chain(given.clone()).collect();
    let change = Change::between(&known, &wanted);
    if change.is_empty() {
        return Ok(None);
    }
    wanted.remove("name");
    let is_archived = wanted.remove("archived").and_then(|archived| archived.as_bool()).unwrap_or_default();
    let spec =
        Spec::read(wanted).map_err(|error| bad(format!("the profile {name} cannot be read ({error})")))?;
    spec.check().map_err(|error| bad(format!("the profile {name} does not fit ({error})")))?;
    let (id, action) = match &before {
        None => (profile::insert(db, &name, &spec, "imported", now)?, Action::Create),
        Some(row) => {
            if row.version.spec != spec {
                profile::add_version(db, row.id, &spec, "imported", now)?;
            }
            (row.id, Action::Update)
        }
    };
    profile::set_archived(db, id, is_archived)?;
    Ok(Some(Step { kind: Kind::Profile, name, action, change }))
}

fn bad(why: String) -> StoreError {
    StoreError::BadFile { path: NAME.into(), why }
}
