//! The configuration as one JSON document: what a person set, without secrets and without what Patchbay learned. Each
//! section is a table; its columns are taken as they are, so that a new one is exported as soon as it exists.

mod profiles;
mod section;

use patchbay_core::audit::{Action, Change, Kind};
use patchbay_core::time::Timestamp;
use rusqlite::Connection as Db;
use serde_json::{Map, Value, json};

use crate::error::StoreError;
use section::SECTIONS;

/// The name and number of the format.
const FORMAT: &str = "patchbay_configuration";
const VERSION: u64 = 1;

/// A record: its fields by name.
pub type Record = Map<String, Value>;

/// What an import does, or would do, with one record. Records that are the same already are not told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it is.
    pub kind: Kind,
    /// Which.
    pub name: String,
    /// `Create` or `Update`.
    pub action: Action,
    /// Fields before and after.
    pub change: Change,
}

/// The whole configuration.
pub fn export(db: &Db) -> Result<Value, StoreError> {
    let mut document = Map::from_iter([(FORMAT.to_owned(), json!(VERSION))]);
    for section in &SECTIONS {
        document.insert(
            section.name.to_owned(),
            Value::Array(section.records(db)?.into_iter().map(Value::Object).collect()),
        );
    }
    document.insert(profiles::NAME.to_owned(), Value::Array(profiles::records(db)?));
    Ok(Value::Object(document))
}

/// Whether a document is of this kind, whatever its format's number.
pub fn is_ours(document: &Map<String, Value>) -> bool {
    document.contains_key(FORMAT)
}

/// Adds and changes what the document says, in the caller's transaction. What it does not name stays as it is; nothing is
/// deleted. Answers each step.
pub fn import(db: &Db, document: &Value, now: Timestamp) -> Result<Vec<Step>, StoreError> {
    let bad = |why: String| StoreError::BadFile { path: "configuration".into(), why };
    match document.get(FORMAT).and_then(Value::as_u64) {
        Some(VERSION) => {}
        Some(newer) => return Err(bad(format!("its format {newer} is of a newer Patchbay"))),
        None => return Err(bad("it is no configuration of Patchbay's".to_owned())),
    }
    let mut steps = Vec::new();
    for section in &SECTIONS {
        for record in records(document, section.name)? {
            steps.extend(section.import(db, record, now)?);
        }
    }
    for record in records(document, profiles::NAME)? {
        steps.extend(profiles::import(db, record, now)?);
    }
    Ok(steps)
}

fn records<'a>(document: &'a Value, section: &str) -> Result<Vec<&'a Record>, StoreError> {
    let bad = |why: String| StoreError::BadFile { path: "configuration".into(), why };
    let list = document.get(section).map_or(Ok(&[][..]), |records| {
        records.as_array().map(Vec::as_slice).ok_or_else(|| bad(format!("{section} is no list")))
    })?;
    list.iter()
        .map(|record| record.as_object().ok_or_else(|| bad(format!("an entry of {section} is no record"))))
        .collect()
}

/// The same, and takes it back: nothing is changed.
pub fn try_import(db: &Db, document: &Value, now: Timestamp) -> Result<Vec<Step>, StoreError> {
    db.execute_batch("SAVEPOINT trial")?;
    let steps = import(db, document, now);
    db.execute_batch("ROLLBACK TO trial; RELEASE trial")?;
    steps
}
