//! Connections that were deleted a moment ago: all their rows, as one document, until the deletion cannot be taken back any more.
//! Tables are found by their reference to `connection`, so that a new one is kept as soon as it exists.

use patchbay_core::id::ConnectionId;
use rusqlite::{Connection as Db, OptionalExtension};
use serde_json::{Map, Value};

use crate::error::StoreError;

/// A deletion that may still be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// The connection.
    pub connection: ConnectionId,
    /// The process that may take it back.
    pub owner: String,
}

/// What an heir got of a deleted connection, as the caller wrote it down.
const ESTATE: &str = "estate";
/// Its budgets, which an heir gets too.
const BUDGETS: &str = "budget";

/// Keeps everything of a connection that is about to be deleted, in the caller's transaction and before an heir gets anything of
/// it. `estate` is what an heir is to give back.
pub fn keep(db: &Db, id: ConnectionId, owner: &str, estate: &Value) -> Result<(), StoreError> {
    let mut content = Map::new();
    for (table, column) in tables(db)? {
        content.insert(table.clone(), rows(db, &table, &format!("{column} = ?1"), id)?);
    }
    let own = "scope = 'connection' AND scope_name = (SELECT connection_key FROM connection WHERE id = ?1)";
    content.insert(BUDGETS.to_owned(), rows(db, BUDGETS, own, id)?);
    content.insert(ESTATE.to_owned(), estate.clone());
    db.execute(
        "INSERT INTO deleted_connection (connection_id, connection_key, owner, was_default, content)
         SELECT id, connection_key, ?2, EXISTS (SELECT 1 FROM provider WHERE default_connection_id = ?1), ?3
         FROM connection WHERE id = ?1",
        (id.0, owner, Value::Object(content).to_string()),
    )?;
    Ok(())
}

/// Puts the last deleted connection of this key back as it was, with the same id and its budgets, in the caller's transaction.
/// Answers what the heir is to give back besides.
pub fn restore(db: &Db, key: &str, owner: &str) -> Result<(ConnectionId, Value), StoreError> {
    let sql = "SELECT connection_id, was_default, content FROM deleted_connection
               WHERE connection_key = ?1 AND owner = ?2 ORDER BY connection_id DESC LIMIT 1";
    let found = db
        .query_row(sql, (key, owner), |row| {
            Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get::<_, String>(2)?))
        })
        .optional()?;
    let (id, was_default, content): (i64, bool, String) = found.ok_or_else(|| StoreError::NotFound {
        what: "deletion that can be taken back",
        name: key.to_owned(),
    })?;
    let content: Map<String, Value> = serde_json::from_str(&content).unwrap_or_default();
    refuse_taken(db, &content)?;
    for (table, _) in tables(db)? {
        if let Some(rows) = content.get(&table) {
            put_back(db, &table, rows)?;
        }
    }
    if was_default {
        db.execute(
            "UPDATE provider SET default_connection_id = ?1 WHERE default_connection_id IS NULL
             AND id = (SELECT provider_id FROM connection WHERE id = ?1)",
            [id],
        )?;
    }
    if let Some(budgets) = content.get(BUDGETS) {
        db.execute(
            "DELETE FROM budget WHERE id IN (SELECT value ->> '$.id' FROM json_each(?1))",
            [budgets.to_string()],
        )?;
        put_back(db, BUDGETS, budgets)?;
    }
    forget(db, ConnectionId(id))?;
    Ok((ConnectionId(id), content.get(ESTATE).cloned().unwrap_or_default()))
}

/// Lets a deletion be.
pub fn forget(db: &Db, id: ConnectionId) -> Result<(), StoreError> {
    db.execute("DELETE FROM deleted_connection WHERE connection_id = ?1", [id.0])?;
    Ok(())
}

/// All deletions that may still be taken back.
pub fn all(db: &Db) -> Result<Vec<Deleted>, StoreError> {
    let mut statement =
        db.prepare_cached("SELECT connection_id, owner FROM deleted_connection ORDER BY 1")?;
    let rows = statement.query_map([], |row| {
        Ok(Deleted { connection: ConnectionId(row.get("connection_id")?), owner: row.get("owner")? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The tables whose rows go along with a connection, itself first, and the column that names it.
fn tables(db: &Db) -> Result<Vec<(String, String)>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT m.name, f.\"from\" AS via FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f
         WHERE m.type = 'table' AND f.\"table\" = 'connection' AND f.on_delete = 'CASCADE' ORDER BY m.name",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get("name")?, row.get("via")?)))?;
    let mut tables = vec![("connection".to_owned(), "id".to_owned())];
    tables.extend(rows.collect::<Result<Vec<_>, _>>()?);
    Ok(tables)
}

fn columns(db: &Db, table: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = db.prepare_cached("SELECT name FROM pragma_table_info(?1)")?;
    let rows = statement.query_map([table], |row| row.get("name"))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn rows(db: &Db, table: &str, which: &str, id: ConnectionId) -> Result<Value, StoreError> {
    let fields: Vec<String> =
        columns(db, table)?.iter().map(|column| format!("'{column}', {column}")).collect();
    let sql = format!(
        "SELECT coalesce(json_group_array(json_object({})), '[]') AS rows FROM {table} WHERE {which}",
        fields.join(", ")
    );
    let rows: String = db.query_row(&sql, [id.0], |row| row.get("rows"))?;
    Ok(serde_json::from_str(&rows).unwrap_or_default())
}

fn put_back(db: &Db, table: &str, rows: &Value) -> Result<(), StoreError> {
    let columns = columns(db, table)?;
    let values: Vec<String> = columns.iter().map(|column| format!("value ->> '$.{column}'")).collect();
    let sql = format!(
        "INSERT INTO {table} ({}) SELECT {} FROM json_each(?1)",
        columns.join(", "),
        values.join(", ")
    );
    db.execute(&sql, [rows.to_string()])?;
    Ok(())
}

/// Somebody may have taken its key or its name meanwhile.
fn refuse_taken(db: &Db, content: &Map<String, Value>) -> Result<(), StoreError> {
    let own = content.get("connection").and_then(|rows| rows.get(0)).cloned().unwrap_or_default();
    for (what, column) in [("a connection with the key", "connection_key"), ("a connection named", "name")] {
        let value = own[column].as_str().unwrap_or_default();
        let sql = format!("SELECT EXISTS (SELECT 1 FROM connection WHERE {column} = ?1) AS taken");
        if db.query_row(&sql, [value], |row| row.get("taken"))? {
            return Err(StoreError::NameTaken { what, name: value.to_owned() });
        }
    }
    Ok(())
}
