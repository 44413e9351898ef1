//! One table of the configuration: read as records, and written from them.

use patchbay_core::audit::{Action, Change, Kind};
use patchbay_core::time::Timestamp;
use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{Connection as Db, OptionalExtension, params_from_iter};
use serde_json::{Map, Value, json};

use super::{Record, Step};
use crate::error::StoreError;
use crate::{setting, told};

/// A column that points at another table: in a record it is the name of what it points at.
struct Reference {
    column: &'static str,
    field: &'static str,
    table: &'static str,
    name: &'static str,
}

/// See the module.
pub(super) struct Section {
    pub(super) name: &'static str,
    kind: Kind,
    table: &'static str,
    /// The fields that tell one record from another.
    key: &'static [&'static str],
    /// Columns that are not a person's: row ids, and what Patchbay learned.
    skip: &'static [&'static str],
    references: &'static [Reference],
    /// Rows that are not a person's.
    only: &'static str,
}

const PROVIDER: Reference =
    Reference { column: "provider_id", field: "provider", table: "provider", name: "slug" };
const CONNECTION: Reference =
    Reference { column: "connection_id", field: "connection", table: "connection", name: "connection_key" };
const DEFAULT: Reference = Reference {
    column: "default_connection_id",
    field: "default_connection",
    table: "connection",
    name: "connection_key",
};
const TIMES: [&str; 3] = ["created_at", "updated_at", "changed_at"];

/// In the order in which they can be imported: what is pointed at comes first.
pub(super) static SECTIONS: [Section; 10] = [
    Section {
        name: "providers",
        kind: Kind::Provider,
        table: "provider",
        key: &["slug"],
        skip: &["id", "built_in", "default_connection_id"],
        references: &[],
        only: "built_in = 0",
    },
    Section {
        name: "connections",
        kind: Kind::Connection,
        table: "connection",
        key: &["connection_key"],
        skip: &["id", "tested", "cleared_at", "private_version"],
        references: &[PROVIDER],
        only: "1",
    },
    Section {
        name: "provider_settings",
        kind: Kind::Provider,
        table: "provider",
        key: &["slug"],
        skip: &[
            "id",
            "built_in",
            "name",
            "protocol",
            "api_base_url",
            "supported_models",
            "default_timeout_s",
            "supports_streaming",
        ],
        references: &[DEFAULT],
        only: "1",
    },
    Section {
        name: "credential_policies",
        kind: Kind::Connection,
        table: "credential_policy",
        key: &["connection"],
        skip: &[],
        references: &[CONNECTION],
        only: "1",
    },
    Section {
        name: "apps",
        kind: Kind::App,
        table: "app",
        key: &["name"],
        skip: &["id", "keep_bodies_s"],
        references: &[],
        only: "1",
    },
    Section {
        name: "budgets",
        kind: Kind::Budget,
        table: "budget",
        key: &["scope", "scope_name", "period", "measure"],
        skip: &["id", "extra", "extra_period"],
        references: &[],
        only: "1",
    },
    Section {
        name: "aliases",
        kind: Kind::Model,
        table: "alias",
        key: &["alias"],
        skip: &[],
        references: &[],
        only: "1",
    },
    Section {
        name: "prices",
        kind: Kind::Price,
        table: "price",
        key: &["provider_slug", "model", "source", "effective_from", "above_tokens"],
        skip: &["id"],
        references: &[],
        only: "source = 'user'",
    },
    Section {
        name: "saved_views",
        kind: Kind::View,
        table: "saved_view",
        key: &["name"],
        skip: &["id"],
        references: &[],
        only: "1",
    },
    Section {
        name: "settings",
        kind: Kind::Setting,
        table: "setting",
        key: &["name"],
        skip: &[],
        references: &[],
        only: "1",
    },
];

impl Section {
    /// All records, in the order of their keys.
    pub(super) fn records(&self, db: &Db) -> Result<Vec<Record>, StoreError> {
        let mut statement = db.prepare(&format!("SELECT * FROM {} WHERE {}", self.table, self.only))?;
        let columns: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
        let mut rows = statement.query([])?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            let mut record = Map::new();
            for column in columns.iter().filter(|column| self.is_kept(column)) {
                let value = json_of(row.get_ref(column.as_str())?);
                let (field, value) = match self.reference(column) {
                    Some(reference) => (reference.field, named(db, reference, &value)?),
                    None => (column.as_str(), value),
                };
                record.insert(field.to_owned(), value);
            }
            if !self.is_private(&record) {
                records.push(record);
            }
        }
        records.sort_by_key(|record| self.name_of(record));
        Ok(records)
    }

    /// Adds or changes one record; `None` where it is the same already.
    pub(super) fn import(
        &self,
        db: &Db,
        record: &Record,
        now: Timestamp,
    ) -> Result<Option<Step>, StoreError> {
        if self.is_private(record) {
            return Err(self.bad(format!("{} is a setting of one store alone", self.name_of(record))));
        }
        let before = self.records(db)?.into_iter().find(|known| self.is_same_record(known, record));
        let wanted: Record = match &before {
            // What a record does not name stays as it is.
            Some(before) => before.clone().into_iter().chain(record.clone()).collect(),
            None => record.clone(),
        };
        let empty = Map::new();
        let change = Change::between(before.as_ref().unwrap_or(&empty), &wanted);
        if change.is_empty() {
            return Ok(None);
        }
        let action = if before.is_some() { Action::Update } else { Action::Create };
        let fields: Vec<&str> =
            change.fields().map(|(field, ..)| field.split('.').next().unwrap_or(field)).collect();
        match action {
            Action::Update => self.update(db, &wanted, &fields, now)?,
            _ => self.insert(db, &wanted, now)?,
        }
        let change = Change::between(&as_told(before.as_ref().unwrap_or(&empty)), &as_told(&wanted));
        Ok(Some(Step { kind: self.kind, name: self.name_of(record), action, change }))
    }

    fn insert(&self, db: &Db, record: &Record, now: Timestamp) -> Result<(), StoreError> {
        let mut cells = self.cells(db, record, |_| true)?;
        let times = self.columns(db)?.into_iter().filter(|column| TIMES.contains(&column.as_str()));
        cells.extend(times.map(|column| (column, Sql::Integer(now.0))));
        let names: Vec<&str> = cells.iter().map(|(column, _)| column.as_str()).collect();
        let marks = vec!["?"; names.len()].join(", ");
        let sql = format!("INSERT INTO {} ({}) VALUES ({marks})", self.table, names.join(", "));
        self.run(db, &sql, cells.into_iter().map(|(_, value)| value).collect(), record)
    }

    fn update(&self, db: &Db, record: &Record, fields: &[&str], now: Timestamp) -> Result<(), StoreError> {
        let mut cells = self.cells(db, record, |field| fields.contains(&field))?;
        let changed = |column: &String| column == "updated_at" || column == "changed_at";
        cells.extend(
            self.columns(db)?.into_iter().filter(changed).map(|column| (column, Sql::Integer(now.0))),
        );
        let keys = self.cells(db, record, |field| self.key.contains(&field))?;
        let sets: Vec<String> = cells.iter().map(|(column, _)| format!("{column} = ?")).collect();
        let wheres: Vec<String> = keys.iter().map(|(column, _)| format!("{column} IS ?")).collect();
        let sql = format!("UPDATE {} SET {} WHERE {}", self.table, sets.join(", "), wheres.join(" AND "));
        self.run(db, &sql, cells.into_iter().chain(keys).map(|(_, value)| value).collect(), record)
    }

    fn run(&self, db: &Db, sql: &str, values: Vec<Sql>, record: &Record) -> Result<(), StoreError> {
        match db.execute(sql, params_from_iter(values)) {
            Ok(_) => Ok(()),
            Err(rusqlite::Error::SqliteFailure(failure, Some(why)))
                if failure.code == rusqlite::ErrorCode::ConstraintViolation =>
            {
                Err(self.bad(format!("\"{}\" does not fit ({why})", self.name_of(record))))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The columns and values of a record's fields.
    fn cells(
        &self,
        db: &Db,
        record: &Record,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<(String, Sql)>, StoreError> {
        let columns = self.columns(db)?;
        let mut cells = Vec::new();
        for (field, value) in record.iter().filter(|(field, _)| wanted(field)) {
            if let Some(reference) = self.references.iter().find(|reference| reference.field == field) {
                cells.push((reference.column.to_owned(), id_of(db, reference, value)?));
            } else if columns.contains(field) && self.is_kept(field) {
                cells.push((field.clone(), sql_of(value)));
            } else {
                return Err(self.bad(format!("it has a field \"{field}\" that this Patchbay does not know")));
            }
        }
        Ok(cells)
    }

    fn columns(&self, db: &Db) -> Result<Vec<String>, StoreError> {
        let mut statement = db.prepare_cached("SELECT name FROM pragma_table_info(?1)")?;
        let rows = statement.query_map([self.table], |row| row.get("name"))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn is_kept(&self, column: &str) -> bool {
        !self.skip.contains(&column) && !TIMES.contains(&column)
    }

    fn reference(&self, column: &str) -> Option<&Reference> {
        self.references.iter().find(|reference| reference.column == column)
    }

    fn is_private(&self, record: &Record) -> bool {
        let name = record.get("name").and_then(Value::as_str).unwrap_or_default();
        self.kind == Kind::Setting && setting::PRIVATE.contains(&name)
    }

    fn is_same_record(&self, one: &Record, other: &Record) -> bool {
        self.key
            .iter()
            .all(|field| one.get(*field).unwrap_or(&Value::Null) == other.get(*field).unwrap_or(&Value::Null))
    }

    fn name_of(&self, record: &Record) -> String {
        let parts = self.key.iter().filter_map(|field| match record.get(*field) {
            Some(Value::String(text)) => Some(text.clone()),
            None | Some(Value::Null) => None,
            Some(other) => Some(other.to_string()),
        });
        parts.collect::<Vec<_>>().join(" ")
    }

    fn bad(&self, why: String) -> StoreError {
        StoreError::BadFile { path: self.name.into(), why }
    }
}

/// Headers may hold what the log should not.
fn as_told(record: &Record) -> Record {
    let mut told = record.clone();
    if let Some(Value::Object(headers)) = told.get_mut("headers") {
        for value in headers.values_mut() {
            *value = json!(told::digest(value.as_str().unwrap_or_default()));
        }
    }
    told
}

fn named(db: &Db, reference: &Reference, id: &Value) -> Result<Value, StoreError> {
    let sql = format!("SELECT {} FROM {} WHERE id = ?1", reference.name, reference.table);
    let name: Option<String> = db.query_row(&sql, [id.as_i64()], |row| row.get(0)).optional()?;
    Ok(json!(name))
}

fn id_of(db: &Db, reference: &Reference, name: &Value) -> Result<Sql, StoreError> {
    let Some(name) = name.as_str() else { return Ok(Sql::Null) };
    let sql = format!("SELECT id FROM {} WHERE {} = ?1", reference.table, reference.name);
    let id: Option<i64> = db.query_row(&sql, [name], |row| row.get(0)).optional()?;
    id.map(Sql::Integer).ok_or_else(|| StoreError::NotFound { what: reference.field, name: name.to_owned() })
}

/// Lists and objects, which the database keeps as text, are lists and objects.
fn json_of(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Integer(number) => json!(number),
        ValueRef::Real(number) => json!(number),
        ValueRef::Text(text) => {
            let text = String::from_utf8_lossy(text);
            let nested = text.starts_with(['[', '{']).then(|| serde_json::from_str(&text).ok()).flatten();
            nested.unwrap_or_else(|| json!(text))
        }
        ValueRef::Null | ValueRef::Blob(_) => Value::Null,
    }
}

fn sql_of(value: &Value) -> Sql {
    match value {
        Value::Null => Sql::Null,
        Value::Bool(flag) => Sql::Integer(i64::from(*flag)),
        Value::Number(number) => {
            number.as_i64().map_or_else(|| Sql::Real(number.as_f64().unwrap_or_default()), Sql::Integer)
        }
        Value::String(text) => Sql::Text(text.clone()),
        nested => Sql::Text(nested.to_string()),
    }
}
