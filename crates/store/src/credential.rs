//! Versions of secrets (behaviours K2). The secrets are in the vault under (connection, version).

use patchbay_core::id::ConnectionId;
use patchbay_core::secret::Secret;
use patchbay_core::time::Timestamp;
use rusqlite::Connection as Db;

use crate::error::StoreError;

/// The next version of a connection's credential. Its secret goes into the vault before [`activate`] names it.
pub fn next_version(db: &Db, connection: ConnectionId) -> Result<u32, StoreError> {
    let sql = "SELECT coalesce(max(version), 0) + 1 AS next FROM credential WHERE connection_id = ?1";
    Ok(db.query_row(sql, [connection.0], |row| row.get("next"))?)
}

/// Makes a version the active one; the one before is revoked. Both in the caller's transaction.
pub fn activate(
    db: &Db,
    connection: ConnectionId,
    version: u32,
    secret: &Secret,
    fingerprint: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    db.execute(
        "UPDATE credential SET state = 'revoked', retired_at = ?2 WHERE connection_id = ?1 AND state = 'active'",
        (connection.0, now.0),
    )?;
    db.execute(
        "INSERT INTO credential (connection_id, version, state, tail, fingerprint, created_at, activated_at)
         VALUES (?1, ?2, 'active', ?3, ?4, ?5, ?5)",
        (connection.0, version, secret.tail(), fingerprint, now.0),
    )?;
    Ok(())
}

/// Revokes the active version: the connection has no key any more.
pub fn revoke_active(db: &Db, connection: ConnectionId, now: Timestamp) -> Result<(), StoreError> {
    db.execute(
        "UPDATE credential SET state = 'revoked', retired_at = ?2 WHERE connection_id = ?1 AND state = 'active'",
        (connection.0, now.0),
    )?;
    Ok(())
}

/// The versions whose secret may still lie in the vault.
pub fn versions(db: &Db, connection: ConnectionId) -> Result<Vec<u32>, StoreError> {
    let mut statement = db.prepare(
        "SELECT version FROM credential WHERE connection_id = ?1 AND state <> 'purged' ORDER BY version",
    )?;
    let rows = statement.query_map([connection.0], |row| row.get("version"))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Notes that the secrets of all revoked versions are gone from the vault.
pub fn mark_purged(db: &Db, connection: ConnectionId, version: u32) -> Result<(), StoreError> {
    db.execute(
        "UPDATE credential SET state = 'purged' WHERE connection_id = ?1 AND version = ?2 AND state = 'revoked'",
        (connection.0, version),
    )?;
    Ok(())
}

/// Names of the other connections that use the same key: they share the provider's limits.
pub fn sharing(db: &Db, connection: ConnectionId) -> Result<Vec<String>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT c.name FROM credential own
         JOIN credential k ON k.fingerprint = own.fingerprint AND k.state = 'active' AND k.connection_id <> own.connection_id
         JOIN connection c ON c.id = k.connection_id
         WHERE own.connection_id = ?1 AND own.state = 'active' ORDER BY c.name",
    )?;
    let rows = statement.query_map([connection.0], |row| row.get("name"))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
