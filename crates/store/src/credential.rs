//! Versions of secrets (behaviours K2). The secrets are in the vault under (connection, version); what is here names them.
//! Every function works in its caller's transaction, so a connection never has two active versions, nor none by accident.

use patchbay_core::credential::CredentialState;
use patchbay_core::id::ConnectionId;
use patchbay_core::secret::Secret;
use patchbay_core::time::Timestamp;
use rusqlite::{Connection as Db, OptionalExtension, Row};

use crate::error::StoreError;
use crate::kept_body::{KEY_MADE, KEY_PLACE};

/// A version as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// From 1, never used again.
    pub version: u32,
    /// Where it is in its life.
    pub state: CredentialState,
    /// The last four characters; empty for a short key.
    pub tail: String,
    /// Tells two keys apart without telling either.
    pub fingerprint: String,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it last became the active one.
    pub activated_at: Option<Timestamp>,
    /// When it last stopped being usable or active.
    pub retired_at: Option<Timestamp>,
    /// Its own end, as the provider or the user set it.
    pub expires_at: Option<Timestamp>,
    /// When it was last tested by itself.
    pub tested_at: Option<Timestamp>,
    /// How that went: `passed`, `limited`, `failed`.
    pub test_verdict: Option<String>,
    /// When its secret will be erased by itself.
    pub erase_at: Option<Timestamp>,
    /// When its secret was erased.
    pub purged_at: Option<Timestamp>,
}

/// What is kept of a new secret.
#[derive(Clone, Debug)]
pub struct Mark {
    /// The last four characters.
    pub tail: String,
    /// Keyed, so that it means nothing elsewhere.
    pub fingerprint: String,
}

impl Mark {
    /// The mark of a secret with this fingerprint.
    pub fn of(secret: &Secret, fingerprint: String) -> Self {
        Self { tail: secret.tail(), fingerprint }
    }
}

/// What becomes of the version that another one replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Predecessor {
    /// It can be rolled back to until it is erased, then.
    Retires {
        /// When its secret is erased.
        erase_at: Timestamp,
    },
    /// It takes over where the new one is refused.
    StandsBy,
}

/// Secret settings lie beside keys, under versions above this one, so that keys are counted 1, 2, 3.
const BELOW_SETTINGS: u32 = 1_000_000;

/// A version that no credential has, and no secret on its way.
pub fn next_version(db: &Db, connection: ConnectionId) -> Result<u32, StoreError> {
    let sql = "SELECT 1 + max(
                   coalesce((SELECT max(version) FROM credential WHERE connection_id = ?1), 0),
                   coalesce((SELECT max(version) FROM loose_secret WHERE connection_id = ?1 AND version <= ?2), 0)) AS next";
    Ok(db.query_row(sql, (connection.0, BELOW_SETTINGS), |row| row.get("next"))?)
}

/// The same for the secret settings of a connection.
pub fn next_settings_version(db: &Db, connection: ConnectionId) -> Result<u32, StoreError> {
    let sql = "SELECT 1 + max(?2,
                   coalesce((SELECT private_version FROM connection WHERE id = ?1), 0),
                   coalesce((SELECT max(version) FROM loose_secret WHERE connection_id = ?1), 0)) AS next";
    Ok(db.query_row(sql, (connection.0, BELOW_SETTINGS), |row| row.get("next"))?)
}

/// Names a version whose secret is in the vault; it is not in use yet.
pub fn stage(
    db: &Db,
    connection: ConnectionId,
    version: u32,
    mark: &Mark,
    now: Timestamp,
) -> Result<(), StoreError> {
    db.execute(
        "INSERT INTO credential (connection_id, version, state, tail, fingerprint, created_at)
         VALUES (?1, ?2, 'staged', ?3, ?4, ?5)",
        (connection.0, version, &mark.tail, &mark.fingerprint, now.0),
    )?;
    Ok(())
}

/// Makes a version the active one, and answers which it replaces. What is not to be used again is refused.
pub fn promote(
    db: &Db,
    connection: ConnectionId,
    version: u32,
    predecessor: Predecessor,
    now: Timestamp,
) -> Result<Option<u32>, StoreError> {
    let found = get(db, connection, version)?;
    if !found.state.can_be_promoted() {
        return Err(unfit(version, found.state));
    }
    let before = active(db, connection)?;
    let (state, erase_at) = match predecessor {
        Predecessor::Retires { erase_at } => (CredentialState::Retiring, Some(erase_at.0)),
        Predecessor::StandsBy => (CredentialState::Standby, None),
    };
    db.execute(
        "UPDATE credential SET state = ?2, retired_at = ?3, erase_at = ?4 WHERE connection_id = ?1 AND state = 'active'",
        (connection.0, state.as_str(), now.0, erase_at),
    )?;
    db.execute(
        "UPDATE credential SET state = 'active', activated_at = ?3, retired_at = NULL, erase_at = NULL
         WHERE connection_id = ?1 AND version = ?2",
        (connection.0, version, now.0),
    )?;
    Ok(before)
}

/// Lets a version wait to take over.
pub fn stand_by(db: &Db, connection: ConnectionId, version: u32) -> Result<(), StoreError> {
    let found = get(db, connection, version)?;
    if !found.state.can_be_promoted() {
        return Err(unfit(version, found.state));
    }
    db.execute(
        "UPDATE credential SET state = 'standby', erase_at = NULL WHERE connection_id = ?1 AND version = ?2",
        (connection.0, version),
    )?;
    Ok(())
}

/// Never uses a version again. Its secret is still there until [`purge`].
pub fn revoke(
    db: &Db,
    connection: ConnectionId,
    version: u32,
    erase_at: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    db.execute(
        "UPDATE credential SET state = 'revoked', retired_at = coalesce(retired_at, ?3), erase_at = ?4
         WHERE connection_id = ?1 AND version = ?2 AND state <> 'purged'",
        (connection.0, version, now.0, erase_at.0),
    )?;
    Ok(())
}

/// Notes that the secret of a revoked version is erased; whether there was one to note.
pub fn purge(db: &Db, connection: ConnectionId, version: u32, now: Timestamp) -> Result<bool, StoreError> {
    let purged = db.execute(
        "UPDATE credential SET state = 'purged', erase_at = NULL, purged_at = ?3
         WHERE connection_id = ?1 AND version = ?2 AND state = 'revoked'",
        (connection.0, version, now.0),
    )?;
    Ok(purged > 0)
}

/// Sets or takes away a version's own end.
pub fn set_expiry(
    db: &Db,
    connection: ConnectionId,
    version: u32,
    expires_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    db.execute(
        "UPDATE credential SET expires_at = ?3 WHERE connection_id = ?1 AND version = ?2",
        (connection.0, version, expires_at.map(|at| at.0)),
    )?;
    Ok(())
}

/// Notes how a test of a version went.
pub fn tested(
    db: &Db,
    connection: ConnectionId,
    version: u32,
    verdict: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    db.execute(
        "UPDATE credential SET tested_at = ?3, test_verdict = ?4 WHERE connection_id = ?1 AND version = ?2",
        (connection.0, version, at.0, verdict),
    )?;
    Ok(())
}

/// All versions of a connection, the newest first.
pub fn all(db: &Db, connection: ConnectionId) -> Result<Vec<Version>, StoreError> {
    let mut statement =
        db.prepare_cached("SELECT * FROM credential WHERE connection_id = ?1 ORDER BY version DESC")?;
    let rows = statement.query_map([connection.0], from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One version, or an error that names it.
pub fn get(db: &Db, connection: ConnectionId, version: u32) -> Result<Version, StoreError> {
    let sql = "SELECT * FROM credential WHERE connection_id = ?1 AND version = ?2";
    let found = db.query_row(sql, (connection.0, version), from_row).optional()?;
    found.ok_or_else(|| StoreError::NotFound { what: "version", name: version.to_string() })
}

/// The version in use.
pub fn active(db: &Db, connection: ConnectionId) -> Result<Option<u32>, StoreError> {
    let sql = "SELECT version FROM credential WHERE connection_id = ?1 AND state = 'active'";
    Ok(db.query_row(sql, [connection.0], |row| row.get("version")).optional()?)
}

/// The versions whose secret may still lie in the vault.
pub fn with_secret(db: &Db, connection: ConnectionId) -> Result<Vec<u32>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT version FROM credential WHERE connection_id = ?1 AND state <> 'purged' ORDER BY version",
    )?;
    let rows = statement.query_map([connection.0], |row| row.get("version"))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Every version of every connection whose secret may still lie in the vault, where their secret settings lie, and the key of
/// kept bodies, where one was made.
pub fn everywhere(db: &Db) -> Result<Vec<(ConnectionId, u32)>, StoreError> {
    let sql = "SELECT connection_id, version FROM credential WHERE state <> 'purged'
               UNION SELECT id, private_version FROM connection WHERE private_version IS NOT NULL
               UNION SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM setting WHERE name = ?3) ORDER BY 1, 2";
    pairs(db, sql, (KEY_PLACE.0.0, KEY_PLACE.1, KEY_MADE))
}

/// The versions whose time to be erased has come.
pub fn due(db: &Db, now: Timestamp) -> Result<Vec<(ConnectionId, u32)>, StoreError> {
    let sql = "SELECT connection_id, version FROM credential
               WHERE erase_at <= ?1 AND state IN ('retiring', 'revoked') ORDER BY 1, 2";
    pairs(db, sql, [now.0])
}

fn pairs(db: &Db, sql: &str, values: impl rusqlite::Params) -> Result<Vec<(ConnectionId, u32)>, StoreError> {
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement
        .query_map(values, |row| Ok((ConnectionId(row.get("connection_id")?), row.get("version")?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Names of the other connections that have the same key in use or waiting: they share the provider's limits.
pub fn sharing(db: &Db, connection: ConnectionId) -> Result<Vec<String>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT DISTINCT c.name FROM credential own
         JOIN credential k ON k.fingerprint = own.fingerprint AND k.connection_id <> own.connection_id
             AND k.state IN ('active', 'standby', 'staged')
         JOIN connection c ON c.id = k.connection_id
         WHERE own.connection_id = ?1 AND own.state IN ('active', 'standby', 'staged') ORDER BY c.name",
    )?;
    let rows = statement.query_map([connection.0], |row| row.get("name"))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn unfit(version: u32, state: CredentialState) -> StoreError {
    StoreError::Unfit { what: format!("Version {version}"), state: state.as_str() }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Version> {
    let time = |name| row.get::<_, Option<i64>>(name).map(|at| at.map(Timestamp));
    Ok(Version {
        version: row.get("version")?,
        state: CredentialState::parse(&row.get::<_, String>("state")?),
        tail: row.get("tail")?,
        fingerprint: row.get("fingerprint")?,
        created_at: Timestamp(row.get("created_at")?),
        activated_at: time("activated_at")?,
        retired_at: time("retired_at")?,
        expires_at: time("expires_at")?,
        tested_at: time("tested_at")?,
        test_verdict: row.get("test_verdict")?,
        erase_at: time("erase_at")?,
        purged_at: time("purged_at")?,
    })
}
