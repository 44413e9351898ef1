//! Brings a database file to today's schema: a backup first, never a downgrade.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use rusqlite::Connection;
use rusqlite_migration::Migrations;

use crate::error::StoreError;
use crate::space;

static FOLDER: Dir = include_dir!("$CARGO_MANIFEST_DIR/../../migrations");

static MIGRATIONS: LazyLock<Result<Migrations<'static>, String>> =
    LazyLock::new(|| Migrations::from_directory(&FOLDER).map_err(|error| error.to_string()));

/// The format of the newest migration.
pub(crate) fn newest() -> i64 {
    i64::try_from(FOLDER.dirs().count()).unwrap_or(i64::MAX)
}

/// Applies what is missing. An existing database is copied to `backups/` beside it before it is changed.
pub(crate) fn to_newest(db: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let found: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = newest();
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    if found == known {
        return Ok(());
    }
    if found > 0 {
        back_up(db, path, found)?;
    } else {
        space::prepare(db)?;
    }
    let migrations = MIGRATIONS.as_ref().map_err(|error| StoreError::Sqlite(error.clone()))?;
    migrations.to_latest(db).map_err(|error| match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => err.into(),
        other => StoreError::Sqlite(other.to_string()),
    })?;
    if let Err(error) = space::make_able(db) {
        tracing::warn!(%error, "the database cannot give space back to the disk yet: there is no room to write it anew");
    }
    Ok(())
}

/// A whole copy by SQLite's own backup, so that a database in use is copied consistently.
fn back_up(db: &Connection, path: &Path, format: i64) -> Result<PathBuf, StoreError> {
    let folder = path.with_file_name("backups");
    let full = |_| StoreError::DiskFull { path: folder.clone() };
    std::fs::create_dir_all(&folder).map_err(full)?;
    let copy = folder.join(format!("patchbay-format-{format}.db"));
    db.backup("main", &copy, None).map_err(|_| StoreError::DiskFull { path: copy.clone() })?;
    crate::kept_body::leave_out(&Connection::open(&copy)?)?;
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The schema that all migrations together make, as SQLite tells it.
    fn schema() -> String {
        let mut db = Connection::open_in_memory().expect("memory");
        MIGRATIONS.as_ref().expect("well-formed").to_latest(&mut db).expect("migrates");
        let mut statement = db
            .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%' ORDER BY type = 'trigger', type = 'index', tbl_name, name")
            .expect("a query");
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).expect("rows");
        rows.map(|sql| sql.expect("text") + ";\n").collect()
    }

    #[test]
    fn migrations_are_valid() {
        MIGRATIONS.as_ref().expect("well-formed").validate().expect("every step applies");
    }

    #[test]
    fn the_schema_is_as_reviewed() {
        insta::assert_snapshot!(schema());
    }

    #[test]
    fn every_table_is_strict() {
        for table in schema().split("CREATE TABLE ").skip(1) {
            let name = table.split_whitespace().next().unwrap_or_default();
            let end = table.split("\nCREATE").next().unwrap_or_default();
            assert!(end.contains("STRICT"), "{name} is not STRICT");
        }
    }

    #[test]
    fn x1_a_migration_backs_up_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("patchbay.db");
        let mut db = Connection::open(&path).expect("opens");
        MIGRATIONS.as_ref().expect("well-formed").to_version(&mut db, 1).expect("an old store");
        db.execute("INSERT INTO setting VALUES ('theme', '\"dark\"', 1)", []).expect("a row");
        to_newest(&mut db, &path).expect("migrates");

        let copy = Connection::open(folder.path().join("backups/patchbay-format-1.db")).expect("the copy");
        let kept: String =
            copy.query_row("SELECT value FROM setting", [], |row| row.get(0)).expect("the row");
        assert_eq!(kept, "\"dark\"");
        let format: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a version");
        assert_eq!(format, newest());
    }

    #[test]
    fn t2_rows_from_before_causes_and_routes_were_labels_get_theirs() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("patchbay.db");
        let mut db = Connection::open(&path).expect("opens");
        MIGRATIONS.as_ref().expect("well-formed").to_version(&mut db, 12).expect("an old store");
        db.execute_batch(
            "INSERT INTO series (id, connection_id, connection_key, connection_name, provider, model, app, feature,
                 usage_type, outcome) VALUES (7, 1, 'a', 'A', 'openai', 'm', 'bot', '', 'chat', 'failed');
             INSERT INTO usage (id, call, attempt, at, series_id, final, requested_model, cost_nano_usd, cost_source,
                 total_ms, error_class, streamed)
             VALUES (1, zeroblob(16), 1, 1000000, 7, 0, 'm', 5, 'priced', 10, 'timed_out', 0),
                 (2, zeroblob(16), 2, 1000001, 7, 1, 'm', 7, 'priced', 11, 'rate_limited', 0),
                 (3, randomblob(16), 1, 1000002, 7, 1, 'm', 9, 'priced', 12, 'timed_out', 0);",
        )
        .expect("rows");
        drop(db);
        let store = crate::Store::open(folder.path()).expect("migrates, and fills the rollup");
        let labels = "SELECT group_concat(error_class || ' ' || route || ' ' || attempts || ' ' || cost_nano_usd, ', ')
                      FROM (SELECT * FROM rollup JOIN series ON id = series_id ORDER BY error_class DESC)";
        let read = store.read(|db| Ok(db.query_row(labels, [], |row| row.get::<_, String>(0))?));
        assert_eq!(read.expect("read"), "timed_out direct 2 14, rate_limited failover 1 7");
        let orphans = "SELECT count(*) FROM pragma_foreign_key_check";
        let read = store.read(|db| Ok(db.query_row(orphans, [], |row| row.get::<_, i64>(0))?));
        assert_eq!(read.expect("read"), 0);
    }

    #[test]
    fn x1_a_newer_database_is_refused_and_not_touched() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("patchbay.db");
        let mut db = Connection::open(&path).expect("opens");
        db.pragma_update(None, "user_version", newest() + 1).expect("a newer format");
        let before = std::fs::read(&path).expect("bytes");
        let refused = to_newest(&mut db, &path).expect_err("refused");
        assert!(matches!(refused, StoreError::Newer { .. }), "{refused}");
        assert_eq!(std::fs::read(&path).expect("bytes"), before);
    }
}
