//! Aliases: well-known model ids that stand for a target or a profile.

use std::collections::HashMap;

use rusqlite::{Connection as Db, OptionalExtension};

use crate::error::StoreError;

/// All aliases with what they stand for.
pub fn all(db: &Db) -> Result<HashMap<String, String>, StoreError> {
    let mut statement = db.prepare_cached("SELECT alias, target FROM alias")?;
    let rows = statement.query_map([], |row| Ok((row.get("alias")?, row.get("target")?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Lets an alias stand for a target, and answers what it stood for before. A profile's name is none: it is read first.
pub fn set(db: &Db, alias: &str, target: &str) -> Result<Option<String>, StoreError> {
    let is_profile: bool =
        db.query_row("SELECT EXISTS (SELECT 1 FROM profile WHERE name = ?1)", [alias], |row| row.get(0))?;
    if is_profile {
        return Err(StoreError::NameTaken { what: "a profile named", name: alias.to_owned() });
    }
    let before = find(db, alias)?;
    db.execute(
        "INSERT INTO alias (alias, target) VALUES (?1, ?2) ON CONFLICT (alias) DO UPDATE SET target = excluded.target",
        (alias, target),
    )?;
    Ok(before)
}

/// Removes an alias, and answers what it stood for.
pub fn remove(db: &Db, alias: &str) -> Result<String, StoreError> {
    let before = find(db, alias)?;
    db.execute("DELETE FROM alias WHERE alias = ?1", [alias])?;
    before.ok_or_else(|| StoreError::NotFound { what: "alias", name: alias.to_owned() })
}

/// What an alias stands for.
pub fn find(db: &Db, alias: &str) -> Result<Option<String>, StoreError> {
    Ok(db
        .query_row("SELECT target FROM alias WHERE alias = ?1", [alias], |row| row.get("target"))
        .optional()?)
}
