//! Places in a vault that may hold a secret which no credential needs. The vault and the database cannot be changed in one
//! transaction, so what is about to change in the vault is noted here first; what a crash leaves is erased later.

use patchbay_core::id::ConnectionId;
use rusqlite::{Connection as Db, Row};

use crate::error::StoreError;
use crate::vault::{Slot, VaultKind};

/// A place and who works on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loose {
    /// Which vault.
    pub vault: VaultKind,
    /// Where in it.
    pub slot: Slot,
    /// The process that works on it; empty where none does.
    pub owner: String,
}

/// Notes a place, before the vault is touched.
pub fn note(db: &Db, vault: VaultKind, slot: &Slot, owner: &str) -> Result<(), StoreError> {
    db.execute(
        "INSERT INTO loose_secret (vault, store, connection_id, version, owner) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET owner = excluded.owner",
        (vault.as_str(), &slot.store, slot.connection.0, slot.version, owner),
    )?;
    Ok(())
}

/// Leaves a place to whoever comes next: the vault would not have it now.
pub fn release(db: &Db, vault: VaultKind, slot: &Slot) -> Result<(), StoreError> {
    db.execute(
        "UPDATE loose_secret SET owner = '' WHERE vault = ?1 AND store = ?2 AND connection_id = ?3 AND version = ?4",
        (vault.as_str(), &slot.store, slot.connection.0, slot.version),
    )?;
    Ok(())
}

/// Crosses a place out: its secret is erased, or a credential names it now.
pub fn cross_out(db: &Db, vault: VaultKind, slot: &Slot) -> Result<(), StoreError> {
    db.execute(
        "DELETE FROM loose_secret WHERE vault = ?1 AND store = ?2 AND connection_id = ?3 AND version = ?4",
        (vault.as_str(), &slot.store, slot.connection.0, slot.version),
    )?;
    Ok(())
}

/// All places.
pub fn all(db: &Db) -> Result<Vec<Loose>, StoreError> {
    let mut statement =
        db.prepare_cached("SELECT * FROM loose_secret ORDER BY vault, store, connection_id, version")?;
    let rows = statement.query_map([], from_row)?;
    Ok(rows.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Option<Loose>> {
    let slot = Slot {
        store: row.get("store")?,
        connection: ConnectionId(row.get("connection_id")?),
        version: row.get("version")?,
    };
    let owner = row.get("owner")?;
    Ok(VaultKind::parse(&row.get::<_, String>("vault")?).map(|vault| Loose { vault, slot, owner }))
}
