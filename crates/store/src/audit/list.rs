//! Reading the audit log.

use patchbay_core::time::{Range, Timestamp};
use rusqlite::{Connection as Db, Row, ToSql};
use serde_json::Value;

use crate::error::StoreError;

/// Which entries; an empty filter is all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Words that stand in the name, the change or the reason.
    pub text: Option<String>,
    /// Who, by its name in the database.
    pub actor: Option<String>,
    /// What was done.
    pub action: Option<String>,
    /// To what kind of thing.
    pub kind: Option<String>,
    /// To which: its whole name, or all versions of a connection's credential by the connection key.
    pub name: Option<String>,
    /// When.
    pub range: Option<Range>,
}

/// Which part of the entries that fit, the newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Only entries with a smaller number.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

/// An entry as it stands in the log. Its words are texts, because a newer Patchbay may have written others.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// Its number, from 1.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// Did what.
    pub action: String,
    /// To what kind of thing.
    pub kind: String,
    /// To which.
    pub name: String,
    /// Fields before and after.
    pub change: Value,
    /// Why, or how.
    pub reason: String,
    /// In hexadecimal.
    pub hash: String,
}

/// One page of the log, the newest first.
pub fn list(db: &Db, filter: &AuditFilter, page: Page) -> Result<Vec<Written>, StoreError> {
    let mut conditions = Conditions::of(filter);
    if let Some(before) = page.before {
        conditions.add("id < ?", before);
    }
    conditions.values.push(Box::new(page.limit));
    let sql = format!("SELECT * FROM audit {} ORDER BY id DESC LIMIT ?", conditions.sql());
    let mut statement = db.prepare(&sql)?;
    let rows = statement.query_map(conditions.values(), from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Hands over every entry that fits, the oldest first, one at a time.
pub fn scan(
    db: &Db,
    filter: &AuditFilter,
    mut each: impl FnMut(Written) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let conditions = Conditions::of(filter);
    let mut statement = db.prepare(&format!("SELECT * FROM audit {} ORDER BY id", conditions.sql()))?;
    let mut rows = statement.query(conditions.values())?;
    while let Some(row) = rows.next()? {
        each(from_row(row)?)?;
    }
    Ok(())
}

#[derive(Default)]
struct Conditions {
    parts: Vec<&'static str>,
    values: Vec<Box<dyn ToSql>>,
}

impl Conditions {
    fn of(filter: &AuditFilter) -> Self {
        let mut conditions = Self::default();
        for (part, value) in
            [("actor = ?", &filter.actor), ("action = ?", &filter.action), ("kind = ?", &filter.kind)]
        {
            if let Some(value) = value {
                conditions.add(part, value.clone());
            }
        }
        if let Some(name) = &filter.name {
            conditions.add("(name = ? OR (kind = 'credential' AND name LIKE ? ESCAPE '\\'))", name.clone());
            conditions.values.push(Box::new(format!("{} v%", like(name))));
        }
        if let Some(text) = &filter.text {
            let pattern = format!("%{}%", like(text));
            conditions.add("(name || ' ' || change || ' ' || reason) LIKE ? ESCAPE '\\'", pattern);
        }
        if let Some(range) = filter.range {
            conditions.add("at >= ?", range.from.0);
            conditions.add("at < ?", range.to.0);
        }
        conditions
    }

    fn add(&mut self, part: &'static str, value: impl ToSql + 'static) {
        self.parts.push(part);
        self.values.push(Box::new(value));
    }

    fn sql(&self) -> String {
        if self.parts.is_empty() { String::new() } else { format!("WHERE {}", self.parts.join(" AND ")) }
    }

    fn values(&self) -> impl rusqlite::Params + '_ {
        rusqlite::params_from_iter(self.values.iter())
    }
}

/// A text that is looked for as it is.
fn like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Written> {
    Ok(Written {
        id: row.get("id")?,
        at: Timestamp(row.get("at")?),
        actor: row.get("actor")?,
        action: row.get("action")?,
        kind: row.get("kind")?,
        name: row.get("name")?,
        change: serde_json::from_str(&row.get::<_, String>("change")?).unwrap_or_default(),
        reason: row.get("reason")?,
        hash: row.get::<_, [u8; 32]>("hash")?.iter().map(|byte| format!("{byte:02x}")).collect(),
    })
}
