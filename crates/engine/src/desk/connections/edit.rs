//! Changing, ordering and removing connections.

use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::audit::{Action, Actor, Change, Entry, Kind};
use patchbay_core::catalog::DEMO;
use patchbay_core::connection::{
    self as rules, ConnectionStatus, Limits, is_same_server, normalise_base_url,
};
use patchbay_store::connection::Editable;
use patchbay_store::{Recorded, connection, credential};
use serde::Deserialize;

use super::list::{Connection, find, get};
use crate::changes::Changed;
use crate::error::Error;
use crate::{Engine, clock};

/// One field at a time; `None` clears where there can be nothing.
#[derive(Clone, Debug, Deserialize, specta::Type)]
#[serde(tag = "field", content = "value", rename_all = "snake_case")]
pub enum ConnectionEdit {
    /// Unique.
    Name(String),
    /// `None` = the provider's.
    BaseUrl(Option<String>),
    /// OpenAI's organization header.
    Organization(Option<String>),
    /// OpenAI's project header.
    Project(Option<String>),
    /// Tests and the playground use it.
    DefaultModel(Option<String>),
    /// Until the first byte, in seconds, 1..=3600.
    TimeoutS(u32),
    /// 0..=10.
    MaxRetries(u32),
    /// Whether streams are allowed.
    Streaming(bool),
    /// The provider's default.
    IsDefault(bool),
    /// From 1. The command line's; the window reorders.
    #[specta(skip)]
    Priority(u32),
    /// The command line's.
    #[specta(skip)]
    #[serde(skip)]
    Limits(Limits),
    /// The command line's.
    #[specta(skip)]
    Proxy(Option<String>),
}

pub(super) fn checked_name(name: &str) -> Result<String, Error> {
    let name = name.trim();
    if (1..=80).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        return Ok(name.to_owned());
    }
    Err(Error::invalid(
        "A connection needs a name of 1 to 80 characters.",
        "Name it so that you recognise it in a chart.",
    ))
}

pub(in crate::desk) fn optional_url(text: Option<String>) -> Result<Option<String>, Error> {
    let text = text.filter(|text| !text.trim().is_empty());
    text.map(|text| normalise_base_url(&text))
        .transpose()
        .map_err(|error| Error::invalid(error.to_string(), "Correct the base URL."))
}

/// Changes one field; everything else stays as it is (K5).
pub async fn edit(
    engine: &Arc<Engine>,
    key: &str,
    edit: ConnectionEdit,
    zone: TimeZone,
) -> Result<Connection, Error> {
    let settings = find(engine, key)?;
    if let ConnectionEdit::IsDefault(on) = edit {
        engine
            .change(move |db| {
                let set = if on { connection::set_default } else { connection::clear_default };
                set(db, settings.id)?;
                Ok(updated(&settings.key, Change::default().with("is_default", settings.is_default, on)))
            })
            .await?;
    } else {
        let providers_url = engine.snapshot()?.provider(&settings.provider)?.api_base_url.clone();
        let fields = applied(Editable::from(&settings), &settings, &providers_url, edit)?;
        engine.blocking(move |engine| write(engine, &settings, &providers_url, fields)).await?;
    }
    engine.changes.send(Changed::Connections);
    get(engine, key, zone).await
}

/// An edit that changes nothing is none.
fn updated(key: &str, change: Change) -> Recorded<()> {
    if change.is_empty() {
        return Recorded::unchanged(());
    }
    Recorded::new((), Entry::user(Action::Update, Kind::Connection, key).change(change))
}

/// Writes the fields. A key that was given for one server is not sent to another: it is asked for again (K5).
fn write(
    engine: &Engine,
    settings: &rules::Connection,
    providers_url: &str,
    fields: Editable,
) -> Result<(), Error> {
    let id = settings.id;
    let base_url = fields.base_url.as_deref().unwrap_or(providers_url);
    let moved = fields.base_url != settings.own_base_url && !is_same_server(&settings.base_url, base_url);
    let forget = if moved { engine.store.read(|db| credential::with_secret(db, id))? } else { Vec::new() };
    let change = Change::between(&Editable::from(settings), &fields);
    let (custody, key, versions, now) =
        (engine.custody(), settings.key.clone(), forget.clone(), clock::now());
    engine.store.change(now, move |db| {
        let revoked = custody.condemn(db, (id, &key), &versions, Actor::User, now)?;
        connection::update(db, id, &fields, now)?;
        let because = |entry: Entry| entry.because("the base URL leads to another server");
        Ok(revoked.into_iter().map(because).fold(updated(&key, change), Recorded::and))
    })?;
    engine.erase_soon(id, &forget);
    Ok(())
}

fn applied(
    mut fields: Editable,
    settings: &rules::Connection,
    providers_url: &str,
    edit: ConnectionEdit,
) -> Result<Editable, Error> {
    let blank =
        |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    match edit {
        ConnectionEdit::Name(name) => fields.name = checked_name(&name)?,
        ConnectionEdit::BaseUrl(url) => {
            fields.base_url = optional_url(url)?.filter(|url| url != providers_url);
            if fields.base_url.is_none() && providers_url.is_empty() && settings.provider != DEMO {
                return Err(Error::invalid(
                    "This connection needs a base URL.",
                    "Enter the address of its API.",
                ));
            }
        }
        ConnectionEdit::Organization(value) => fields.organization = blank(value),
        ConnectionEdit::Project(value) => fields.project = blank(value),
        ConnectionEdit::DefaultModel(value) => fields.default_model = blank(value),
        ConnectionEdit::TimeoutS(seconds) => {
            in_range("The timeout", seconds, 1..=3_600, "seconds")?;
            fields.timeouts.first_byte_ms = seconds * 1_000;
        }
        ConnectionEdit::MaxRetries(times) => {
            in_range("Retries", times, 0..=10, "times")?;
            fields.max_retries = times;
        }
        ConnectionEdit::Streaming(on) => fields.streaming = on,
        ConnectionEdit::Priority(priority) => fields.priority = priority.max(1),
        ConnectionEdit::Limits(limits) => fields.limits = limits,
        ConnectionEdit::Proxy(proxy) => fields.proxy = blank(proxy),
        ConnectionEdit::IsDefault(_) => {}
    }
    Ok(fields)
}

pub(in crate::desk) fn in_range(
    what: &str,
    value: u32,
    range: std::ops::RangeInclusive<u32>,
    unit: &str,
) -> Result<(), Error> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(
        format!("{what} cannot be {value} {unit}."),
        format!("Use {} to {} {unit}.", range.start(), range.end()),
    ))
}

/// Lets a connection take calls again, and forgets its errors.
pub async fn enable(engine: &Arc<Engine>, key: &str, zone: TimeZone) -> Result<Connection, Error> {
    set_status(engine, key, ConnectionStatus::Active, zone).await
}

/// Takes a connection out until the user turns it on again.
pub async fn pause(engine: &Arc<Engine>, key: &str, zone: TimeZone) -> Result<Connection, Error> {
    set_status(engine, key, ConnectionStatus::Inactive, zone).await
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
            let action = if status == ConnectionStatus::Active { Action::Enable } else { Action::Pause };
            let change = Change::default().with("status", settings.status.as_str(), status.as_str());
            Ok(Recorded::new((), Entry::user(action, Kind::Connection, settings.key).change(change)))
        })
        .await?;
    engine.changes.send(Changed::Connections);
    get(engine, key, zone).await
}

/// Deletes a connection and its keys. Its history stays.
pub async fn remove(engine: &Arc<Engine>, key: &str) -> Result<(), Error> {
    let settings = find(engine, key)?;
    engine
        .blocking(move |engine| {
            let id = settings.id;
            let versions = engine.store.read(|db| credential::with_secret(db, id))?;
            let (custody, noted) = (engine.custody(), versions.clone());
            engine.store.change(clock::now(), move |db| {
                custody.note(db, id, &noted)?;
                connection::delete(db, id)?;
                let change = Change::between(&Editable::from(&settings), &serde_json::json!({}));
                Ok(Recorded::new(
                    (),
                    Entry::user(Action::Delete, Kind::Connection, settings.key).change(change),
                ))
            })?;
            engine.erase_soon(id, &versions);
            Ok(())
        })
        .await?;
    engine.changes.send(Changed::Connections);
    Ok(())
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

/// The limits as they are.
pub fn limits(engine: &Engine, key: &str) -> Result<Limits, Error> {
    Ok(find(engine, key)?.limits)
}
