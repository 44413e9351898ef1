//! Which connections take calls, and in which order. What a person turned off stays off (F5).

use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::connection::ConnectionStatus;
use patchbay_store::{Recorded, connection};

use super::list::{Connection, find, get};
use crate::changes::Changed;
use crate::error::Error;
use crate::{Engine, clock};

/// Lets a connection take calls again, and forgets its errors.
pub async fn enable(engine: &Arc<Engine>, key: &str, zone: TimeZone) -> Result<Connection, Error> {
    set_status(engine, key, ConnectionStatus::Active, zone).await
}

/// Takes a connection out until the user turns it on again.
pub async fn pause(engine: &Arc<Engine>, key: &str, zone: TimeZone) -> Result<Connection, Error> {
    set_status(engine, key, ConnectionStatus::Inactive, zone).await
}

/// Stops a connection: like a pause, and it shows that this was done on purpose, by a rule or a person.
pub async fn suspend(engine: &Arc<Engine>, key: &str, zone: TimeZone) -> Result<Connection, Error> {
    set_status(engine, key, ConnectionStatus::Suspended, zone).await
}

async fn set_status(
    engine: &Arc<Engine>,
    key: &str,
    status: ConnectionStatus,
    zone: TimeZone,
) -> Result<Connection, Error> {
    let settings = find(engine, key)?;
    engine
        .change(move |db| {
            connection::set_status(db, settings.id, status, clock::now())?;
            let action = match status {
                ConnectionStatus::Active => Action::Enable,
                ConnectionStatus::Inactive => Action::Pause,
                ConnectionStatus::Suspended => Action::Stop,
            };
            let change = Change::default().with("status", settings.status.as_str(), status.as_str());
            Ok(Recorded::new((), Entry::user(action, Kind::Connection, settings.key).change(change)))
        })
        .await?;
    engine.changes.send(Changed::Connections);
    get(engine, key, zone).await
}

/// Sets the order of one provider's connections, first tried first.
pub async fn reorder(engine: &Arc<Engine>, keys: Vec<String>) -> Result<(), Error> {
    let snapshot = engine.snapshot()?;
    engine
        .change(move |db| {
            connection::reorder(db, &keys, clock::now())?;
            let change = (1_u32..).zip(&keys).fold(Change::default(), |change, (priority, key)| {
                change.with(key, snapshot.connection(key).map(|connection| connection.priority), priority)
            });
            if change.is_empty() {
                return Ok(Recorded::unchanged(()));
            }
            Ok(Recorded::new(
                (),
                Entry::user(Action::Reorder, Kind::Connection, keys.join(", ")).change(change),
            ))
        })
        .await?;
    engine.changes.send(Changed::Connections);
    Ok(())
}
