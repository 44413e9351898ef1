//! How the keys of connections are looked after.

use patchbay_core::credential::Policy;
use patchbay_core::id::ConnectionId;
use rusqlite::{Connection as Db, OptionalExtension};

use crate::error::StoreError;

/// The policy of a connection; the default where none was set.
pub fn get(db: &Db, connection: ConnectionId) -> Result<Policy, StoreError> {
    let mut statement = db.prepare_cached("SELECT * FROM credential_policy WHERE connection_id = ?1")?;
    let found = statement.query_row([connection.0], |row| {
        Ok(Policy {
            remind_days: row.get("remind_days")?,
            use_standby: row.get("use_standby")?,
            erase_days: row.get("erase_days")?,
        })
    });
    Ok(found.optional()?.unwrap_or_default())
}

/// Sets the policy of a connection.
pub fn set(db: &Db, connection: ConnectionId, policy: &Policy) -> Result<(), StoreError> {
    db.execute(
        "INSERT INTO credential_policy (connection_id, remind_days, use_standby, erase_days) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (connection_id) DO UPDATE SET
             remind_days = excluded.remind_days, use_standby = excluded.use_standby, erase_days = excluded.erase_days",
        (connection.0, policy.remind_days, policy.use_standby, policy.erase_days),
    )?;
    Ok(())
}
