//! Deleting a connection, and taking that back.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::code::Code;
use patchbay_core::connection as rules;
use patchbay_core::id::ConnectionId;
use patchbay_store::connection::Editable;
use patchbay_store::{Recorded, connection, credential, deleted};
use serde::Serialize;

use super::list::{Connection, find, get};
use crate::changes::Changed;
use crate::error::Error;
use crate::{Engine, clock};

/// Whether a deletion can be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undo {
    /// Keys are erased at once.
    Never,
    /// By this process, for so long.
    For(Duration),
}

/// What a deletion would meet (M6).
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Removal {
    /// What points at the connection: profiles, aliases, budgets.
    pub users: Vec<String>,
    /// Those of them that cannot be given to another connection: the deletion is refused as long as they are there.
    pub blocked_by: Vec<String>,
}

/// Tells what uses a connection, before it is deleted.
pub async fn removal(engine: &Arc<Engine>, key: &str) -> Result<Removal, Error> {
    let id = find(engine, key)?.id;
    engine
        .blocking(move |engine| {
            Ok(engine.store.read(|db| {
                let users = connection::users(db, id)?;
                Ok(Removal { users, blocked_by: connection::profiles(db, id)? })
            })?)
        })
        .await
}

/// Deletes a connection and its keys. Its history stays. What uses it is named and keeps it (M6).
pub async fn remove(engine: &Arc<Engine>, key: &str) -> Result<(), Error> {
    remove_with(engine, key, None, Undo::Never).await
}

/// The same; aliases and budgets that use it are given to an heir first, and it can be taken back.
pub async fn remove_with(
    engine: &Arc<Engine>,
    key: &str,
    heir: Option<&str>,
    undo: Undo,
) -> Result<(), Error> {
    let settings = find(engine, key)?;
    let heir = heir.map(|heir| heir_of(engine, &settings, heir)).transpose()?;
    let id = settings.id;
    let versions = engine.blocking(move |engine| delete(engine, &settings, heir, undo)).await?;
    match undo {
        Undo::Never => {
            let erase = move |engine: &Engine| {
                engine.erase_soon(id, &versions);
                Ok(())
            };
            engine.blocking(erase).await?;
        }
        Undo::For(time) => end_later(engine, id, versions, time),
    }
    engine.changes.send(Changed::Connections);
    Ok(())
}

fn heir_of(
    engine: &Engine,
    settings: &rules::Connection,
    heir: &str,
) -> Result<(ConnectionId, String), Error> {
    let heir = find(engine, heir)?;
    if heir.id == settings.id {
        return Err(Error::invalid("A connection cannot be its own heir.", "Name another connection."));
    }
    Ok((heir.id, heir.key))
}

/// Answers the versions of secrets that nothing names any more.
fn delete(
    engine: &Engine,
    settings: &rules::Connection,
    heir: Option<(ConnectionId, String)>,
    undo: Undo,
) -> Result<Vec<u32>, Error> {
    let (id, settings, custody) = (settings.id, settings.clone(), engine.custody());
    let owner = engine.owner.name().to_owned();
    let deleted = engine.store.change(clock::now(), move |db| {
        let mut versions = credential::with_secret(db, id)?;
        versions.extend(settings.private.version);
        custody.note(db, id, &versions)?;
        let change = Change::between(&Editable::from(&settings), &serde_json::json!({}));
        let mut entry = Entry::user(Action::Delete, Kind::Connection, settings.key).change(change);
        if let Some((heir, key)) = heir {
            connection::reassign(db, id, heir)?;
            entry = entry.because(format!("{key} took over what used it"));
        }
        if let Undo::For(_) = undo {
            deleted::keep(db, id, &owner)?;
        }
        connection::delete(db, id)?;
        Ok(Recorded::new(versions, entry))
    });
    deleted.map_err(|error| in_use(error.into()))
}

fn in_use(error: Error) -> Error {
    if error.code != Code::InUse {
        return error;
    }
    let hint = "Give aliases and budgets to another connection (`connections remove KEY --reassign-to OTHER`) and lead its \
                profiles elsewhere (`profiles retarget KEY OTHER`), or turn it off: that keeps everything and takes no calls.";
    Error { hint: hint.to_owned(), ..error }
}

/// A process that ends before this leaves it to the next start.
fn end_later(engine: &Arc<Engine>, id: ConnectionId, versions: Vec<u32>, time: Duration) {
    let engine = Arc::downgrade(engine);
    tokio::spawn(async move {
        tokio::time::sleep(time).await;
        let Some(engine) = engine.upgrade() else { return };
        let ended = engine.blocking(move |engine| end(engine, id, &versions)).await;
        if let Err(error) = ended {
            tracing::warn!(%error, "a deleted connection's keys could not be erased; the next start does it");
        }
    });
}

fn end(engine: &Engine, id: ConnectionId, versions: &[u32]) -> Result<(), Error> {
    let is_over = engine.store.change(clock::now(), move |db| {
        let is_over = deleted::all(db)?.iter().any(|deleted| deleted.connection == id);
        deleted::forget(db, id)?;
        Ok(Recorded::unchanged(is_over))
    })?;
    if is_over {
        engine.erase_soon(id, versions);
    }
    Ok(())
}

/// Takes a deletion back: the connection, its keys and its place are as they were.
pub async fn undo_remove(engine: &Arc<Engine>, key: &str, zone: TimeZone) -> Result<Connection, Error> {
    let (name, owner, custody) = (key.to_owned(), engine.owner.name().to_owned(), engine.custody());
    engine
        .change(move |db| {
            let id = deleted::restore(db, &name, &owner)?;
            let mut versions = credential::with_secret(db, id)?;
            versions.extend(connection::private_version(db, id)?);
            custody.keep(db, id, &versions)?;
            let entry = Entry::user(Action::Create, Kind::Connection, name);
            Ok(Recorded::new((), entry.because("its deletion was taken back")))
        })
        .await?;
    engine.changes.send(Changed::Connections);
    get(engine, key, zone).await
}
