//! Which models a connection can reach, as its own list said.

use patchbay_core::id::ConnectionId;
use patchbay_core::time::Timestamp;
use rusqlite::Connection as Db;

use crate::error::StoreError;

/// Notes the models that a connection's list named. An empty list changes nothing (M1), and none is deleted.
pub fn seen(db: &Db, connection: ConnectionId, models: &[String], now: Timestamp) -> Result<(), StoreError> {
    let mut reach = db.prepare(
        "INSERT INTO connection_model (connection_id, model, seen_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (connection_id, model) DO UPDATE SET seen_at = excluded.seen_at",
    )?;
    let mut catalogue = db.prepare(
        "INSERT INTO model (provider_id, model, source, first_seen_at, last_seen_at)
         SELECT provider_id, ?2, 'test', ?3, ?3 FROM connection WHERE id = ?1
         ON CONFLICT (provider_id, model) DO UPDATE SET last_seen_at = excluded.last_seen_at, state = 'available'",
    )?;
    for model in models.iter().filter(|model| (1..=200).contains(&model.chars().count())) {
        reach.execute((connection.0, model, now.0))?;
        catalogue.execute((connection.0, model, now.0))?;
    }
    Ok(())
}
