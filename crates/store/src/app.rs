//! Apps and the hashes of their tokens.

use patchbay_core::app::{App, AppLimits, TokenHash};
use patchbay_core::id::AppId;
use patchbay_core::time::Timestamp;
use rusqlite::{Connection as Db, OptionalExtension, Row};

use crate::error::StoreError;

/// Adds an app.
pub fn insert(db: &Db, name: &str, feature: Option<&str>, now: Timestamp) -> Result<AppId, StoreError> {
    if find(db, name)?.is_some() {
        return Err(StoreError::NameTaken { what: "an app named", name: name.to_owned() });
    }
    db.execute(
        "INSERT INTO app (name, feature, created_at, updated_at) VALUES (?1, ?2, ?3, ?3)",
        (name, feature, now.0),
    )?;
    Ok(AppId(db.last_insert_rowid()))
}

/// Writes everything about an app but its name, its tokens and whether it is let in.
pub fn update(db: &Db, app: &App, now: Timestamp) -> Result<(), StoreError> {
    db.execute(
        "UPDATE app SET feature = ?2, allowed_models = ?3, rate_limit_per_minute = ?4, max_concurrent_requests = ?5,
             max_output_tokens = ?6, keep_bodies_s = ?7, updated_at = ?8
         WHERE id = ?1",
        (
            app.id.0,
            &app.feature,
            app.may_use.as_ref().map(|names| serde_json::json!(names).to_string()),
            app.limits.rate_limit_per_minute,
            app.limits.max_concurrent_requests,
            app.limits.max_output_tokens,
            app.keep_bodies_s,
            now.0,
        ),
    )?;
    Ok(())
}

/// Adds a token; those before it stay valid until `grace_ends`.
pub fn add_token(
    db: &Db,
    app: AppId,
    hash: [u8; 32],
    tail: &str,
    now: Timestamp,
    grace_ends: Timestamp,
) -> Result<(), StoreError> {
    db.execute(
        "UPDATE app_token SET expires_at = min(coalesce(expires_at, ?2), ?2) WHERE app_id = ?1",
        (app.0, grace_ends.0),
    )?;
    db.execute(
        "INSERT INTO app_token (app_id, hash, tail, created_at) VALUES (?1, ?2, ?3, ?4)",
        (app.0, hash, tail, now.0),
    )?;
    Ok(())
}

/// Refuses all its tokens from now on, for good. Their hashes stay, so that who still sends one can be told what happened.
pub fn revoke(db: &Db, app: AppId, now: Timestamp) -> Result<(), StoreError> {
    db.execute("UPDATE app SET state = 'revoked', updated_at = ?2 WHERE id = ?1", (app.0, now.0))?;
    db.execute(
        "UPDATE app_token SET expires_at = min(coalesce(expires_at, ?2), ?2) WHERE app_id = ?1",
        (app.0, now.0),
    )?;
    Ok(())
}

/// Lets a revoked app in again; it needs a new token.
pub fn revive(db: &Db, app: AppId, now: Timestamp) -> Result<(), StoreError> {
    db.execute("UPDATE app SET state = 'active', updated_at = ?2 WHERE id = ?1", (app.0, now.0))?;
    Ok(())
}

/// The app of that name.
pub fn find(db: &Db, name: &str) -> Result<Option<App>, StoreError> {
    Ok(db.query_row("SELECT * FROM app WHERE name = ?1", [name], from_row).optional()?)
}

/// The app of that name, or an error that names it.
pub fn get(db: &Db, name: &str) -> Result<App, StoreError> {
    find(db, name)?.ok_or_else(|| StoreError::NotFound { what: "app", name: name.to_owned() })
}

/// All apps by name.
pub fn all(db: &Db) -> Result<Vec<App>, StoreError> {
    let mut statement = db.prepare_cached("SELECT * FROM app ORDER BY name")?;
    let rows = statement.query_map([], from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// All tokens, the newest of an app first.
pub fn tokens(db: &Db) -> Result<Vec<TokenHash>, StoreError> {
    let mut statement = db.prepare_cached("SELECT * FROM app_token ORDER BY app_id, id DESC")?;
    let rows = statement.query_map([], |row| {
        Ok(TokenHash {
            hash: row.get("hash")?,
            app: AppId(row.get("app_id")?),
            tail: row.get("tail")?,
            expires_at: row.get::<_, Option<i64>>("expires_at")?.map(Timestamp),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A list that cannot be read lets nothing pass.
fn names_of(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_default()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<App> {
    Ok(App {
        id: AppId(row.get("id")?),
        name: row.get("name")?,
        feature: row.get("feature")?,
        revoked: row.get::<_, String>("state")? == "revoked",
        may_use: row.get::<_, Option<String>>("allowed_models")?.map(|json| names_of(&json)),
        limits: AppLimits {
            rate_limit_per_minute: row.get("rate_limit_per_minute")?,
            max_concurrent_requests: row.get("max_concurrent_requests")?,
            max_output_tokens: row.get("max_output_tokens")?,
        },
        keep_bodies_s: row.get("keep_bodies_s")?,
        created_at: Timestamp(row.get("created_at")?),
    })
}
