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

use super::heir::{Estate, Handover};
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
    /// What points at the connection: profiles, aliases, budgets, apps' lists. It is not deleted as long as they do.
    pub users: Vec<String>,
    /// Where they are going to lead, where an heir is named. Each profile gets a new version.
    pub handovers: Vec<Handover>,
}

/// Tells what uses a connection before it is deleted, and what an heir would get.
pub async fn removal(engine: &Arc<Engine>, key: &str, heir: Option<&str>) -> Result<Removal, Error> {
    let settings = find(engine, key)?;
    let id = settings.id;
    let estate = heir.map(|heir| estate(engine, &settings, heir)).transpose()?;
    let users = engine.blocking(move |engine| Ok(engine.store.read(|db| connection::users(db, id))?)).await?;
    Ok(Removal { users, handovers: estate.map(|estate| estate.told()).unwrap_or_default() })
}

/// Deletes a connection and its keys. Its history stays. What uses it is named and keeps it (M6).
pub async fn remove(engine: &Arc<Engine>, key: &str) -> Result<(), Error> {
    remove_with(engine, key, None, Undo::Never).await
}

/// The same; profiles, aliases, budgets and apps' lists that name it are given to an heir first, and it can be taken back.
pub async fn remove_with(
    engine: &Arc<Engine>,
    key: &str,
    heir: Option<&str>,
    undo: Undo,
) -> Result<(), Error> {
    let settings = find(engine, key)?;
    let estate = heir.map(|heir| estate(engine, &settings, heir)).transpose()?;
    let id = settings.id;
    let has_heir = estate.is_some();
    let versions = engine.blocking(move |engine| delete(engine, &settings, estate, undo)).await?;
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
    tell(engine, has_heir);
    Ok(())
}

fn tell(engine: &Engine, has_heir: bool) {
    engine.changes.send(Changed::Connections);
    if has_heir {
        engine.changes.send(Changed::Profiles);
        engine.changes.send(Changed::Budgets);
        engine.changes.send(Changed::Apps);
    }
}

fn estate(engine: &Engine, settings: &rules::Connection, heir: &str) -> Result<Estate, Error> {
    let heir = find(engine, heir)?;
    if heir.id == settings.id {
        return Err(Error::invalid("A connection cannot be its own heir.", "Name another connection."));
    }
    Estate::of(&*engine.snapshot()?, settings, &heir)
}

/// Answers the versions of secrets that nothing names any more.
fn delete(
    engine: &Engine,
    settings: &rules::Connection,
    estate: Option<Estate>,
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
        if let Undo::For(_) = undo {
            deleted::keep(db, id, &owner, &serde_json::json!(estate))?;
        }
        let mut entries = Vec::new();
        if let Some(estate) = estate {
            entries = estate.give(db)?;
            entry = entry.because(format!("{} took over what used it", estate.heir()));
        }
        connection::delete(db, id)?;
        entries.push(entry);
        Ok(Recorded::all(versions, entries))
    });
    deleted.map_err(|error| in_use(error.into()))
}

fn in_use(error: Error) -> Error {
    if error.code != Code::InUse {
        return error;
    }
    let hint = "Give them to another connection (`connections remove KEY --reassign-to OTHER`), or turn it off: that keeps \
                everything and takes no calls.";
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
    let has_heir = engine
        .change(move |db| {
            let (id, estate) = deleted::restore(db, &name, &owner)?;
            let mut versions = credential::with_secret(db, id)?;
            versions.extend(connection::private_version(db, id)?);
            custody.keep(db, id, &versions)?;
            let entry = Entry::user(Action::Create, Kind::Connection, name);
            let mut entries = vec![entry.because("its deletion was taken back")];
            let estate: Option<Estate> = serde_json::from_value(estate).unwrap_or_default();
            if let Some(estate) = &estate {
                entries.extend(estate.give_back(db)?);
            }
            Ok(Recorded::all(estate.is_some(), entries))
        })
        .await?;
    tell(engine, has_heir);
    get(engine, key, zone).await
}
