//! The configuration as a file: what a person set, to look at, to keep, to take to another machine.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use patchbay_core::audit::{Action, Actor, Change, Entry, Kind};
use patchbay_core::code::Code;
use patchbay_core::connection::{Connection as Settings, is_same_server, normalise_base_url};
use patchbay_core::credential::CredentialState;
use patchbay_core::id::ConnectionId;
use patchbay_core::private::{Private, plain_header, split_login};
use patchbay_core::secret::Secret;
use patchbay_store::configuration::{self as document, Step};
use patchbay_store::credential::Predecessor;
use patchbay_store::{Db, Recorded, StoreError, connection, credential, credential_policy, files, sealed};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::audit::FieldChange;
use super::backup::{Copied, Secrets};
use super::views;
use crate::changes::Changed;
use crate::custody::{Custody, Holds, credential_name};
use crate::error::Error;
use crate::{Engine, clock};

/// Under which names the document holds keys and secret settings, by connection key; only in a sealed file.
const KEYS: &str = "keys";
const PRIVATE: &str = "private_settings";
/// A document is a few hundred kilobytes; more is none.
const LONGEST: u64 = 64 * 1024 * 1024;

/// Whether an import is done or only told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is done.
    Apply,
    /// It is told and taken back.
    DryRun,
}

/// What an import does with one thing.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct ImportStep {
    /// `create` or `update`.
    pub action: String,
    /// `connection`, `app`, …
    pub kind: String,
    /// Which.
    pub name: String,
    /// Fields before and after.
    pub changes: Vec<FieldChange>,
}

/// What an import did, or would do.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Imported {
    /// Things that are new or change; the rest is the same already.
    pub steps: Vec<ImportStep>,
    /// Connections that get a key from the file.
    pub keys: Vec<String>,
}

/// Writes the configuration into a file.
pub async fn export(engine: &Arc<Engine>, file: PathBuf, secrets: Secrets) -> Result<Copied, Error> {
    engine
        .blocking(move |engine| {
            let mut whole = engine.store.read(document::export)?;
            let mut count = 0;
            if let Secrets::Sealed(_) = secrets {
                let [keys, private] = all_secrets(engine)?;
                count = keys.len();
                whole[KEYS] = Value::Object(keys);
                whole[PRIVATE] = Value::Object(private);
            }
            write(&file, &whole, &secrets)?;
            let change = Change::default().fact("keys", count);
            let path = file.display().to_string();
            engine.store.change(clock::now(), move |_| {
                let entry = Entry::user(Action::Export, Kind::Store, "configuration").change(change);
                Ok(Recorded::new((), entry.because(format!("to {path}"))))
            })?;
            Ok(Copied { path: file, keys: u32::try_from(count).unwrap_or(u32::MAX) })
        })
        .await
}

/// The active keys and the secret settings, by connection key.
fn all_secrets(engine: &Engine) -> Result<[Map<String, Value>; 2], Error> {
    let (mut keys, mut private) = (Map::new(), Map::new());
    for connection in &engine.snapshot()?.connections {
        let key = connection.credential.as_ref().map(|known| known.version);
        for (version, into) in [(key, &mut keys), (connection.private.version, &mut private)] {
            let Some(version) = version else { continue };
            let slot = engine.keys.slot(connection.id, version);
            if let Some(secret) = engine.keys.vault().get(&slot)? {
                into.insert(connection.key.clone(), json!(secret.expose()));
            }
        }
    }
    Ok([keys, private])
}

fn write(file: &Path, whole: &Value, secrets: &Secrets) -> Result<(), Error> {
    let text = format!("{whole:#}\n");
    let written = match secrets {
        Secrets::Without => files::replace(file, text.as_bytes()),
        Secrets::Sealed(passphrase) => files::replace_with(file, |out| {
            sealed::seal(out, passphrase, |sealed| sealed.write_all(text.as_bytes()))
        }),
    };
    written.map_err(|error| {
        Error::new(
            Code::DiskFull,
            format!("{} cannot be written: {error}.", file.display()),
            "Free some space or choose another place, then try again.",
        )
    })
}

/// Adds and changes what the file says, in one transaction; nothing is deleted. Keys in a sealed file are stored afterwards,
/// one by one.
pub async fn import(
    engine: &Arc<Engine>,
    file: PathBuf,
    mode: Mode,
    passphrase: impl FnOnce() -> Result<Secret, Error> + Send + 'static,
) -> Result<Imported, Error> {
    let imported = engine.blocking(move |engine| run(engine, &file, mode, passphrase)).await?;
    if mode == Mode::Apply {
        for changed in [Changed::Connections, Changed::Apps, Changed::Settings, Changed::Views] {
            engine.changes.send(changed);
        }
    }
    Ok(imported)
}

fn run(
    engine: &Engine,
    file: &Path,
    mode: Mode,
    passphrase: impl FnOnce() -> Result<Secret, Error>,
) -> Result<Imported, Error> {
    let mut whole = read(file, passphrase)?;
    let (keys, private) = (secrets_of(&mut whole, KEYS), secrets_of(&mut whole, PRIVATE));
    check_addresses(&whole)?;
    views::check_document(&whole)?;
    let whole = Value::Object(whole);
    let steps = match mode {
        Mode::DryRun => {
            let now = clock::now();
            let told = move |db: &Db| document::try_import(db, &whole, now).map(Recorded::unchanged);
            engine.store.change(now, told)?
        }
        Mode::Apply => apply(engine, whole, file)?,
    };
    let names = keys.iter().map(|(name, _)| name.clone()).collect();
    if mode == Mode::Apply {
        for (connection, secret) in &keys {
            store_key(engine, connection, secret)?;
        }
        for (connection, sealed) in &private {
            store_private(engine, connection, sealed)?;
        }
    }
    Ok(Imported { steps: steps.into_iter().map(view).collect(), keys: names })
}

/// Takes the secrets of that name out of a document.
fn secrets_of(whole: &mut Map<String, Value>, name: &str) -> Vec<(String, Secret)> {
    let Some(Value::Object(secrets)) = whole.remove(name) else { return Vec::new() };
    let secret = |secret: &Value| Secret::new(secret.as_str().unwrap_or_default().to_owned());
    secrets.iter().map(|(connection, value)| (connection.clone(), secret(value))).collect()
}

/// Whether a text is an export of Patchbay's, of whichever format.
pub(super) fn is_document(text: &str) -> bool {
    text.trim_start().starts_with('{')
        && serde_json::from_str::<Map<String, Value>>(text).is_ok_and(|whole| document::is_ours(&whole))
}

fn read(
    file: &Path,
    passphrase: impl FnOnce() -> Result<Secret, Error>,
) -> Result<Map<String, Value>, Error> {
    let bad = |why: String| StoreError::BadFile { path: file.to_owned(), why };
    let mut text = String::new();
    let read = if sealed::is_sealed(file)? {
        sealed::open(file, &passphrase()?)?.take(LONGEST).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|plain| plain.take(LONGEST).read_to_string(&mut text))
    };
    read.map_err(|error| bad(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| bad(format!("it is no JSON document ({error})")).into())
}

/// Addresses are what the database cannot check.
fn check_addresses(whole: &Map<String, Value>) -> Result<(), Error> {
    for (section, field) in [("connections", "base_url"), ("providers", "api_base_url")] {
        let records = whole.get(section).and_then(Value::as_array).into_iter().flatten();
        for url in records.filter_map(|record| record[field].as_str()).filter(|url| !url.is_empty()) {
            normalise_base_url(url)
                .map_err(|error| Error::invalid(error.to_string(), "Correct it in the file."))?;
        }
    }
    let connections = whole.get("connections").and_then(Value::as_array).into_iter().flatten();
    for connection in connections {
        check_nothing_secret(connection)?;
    }
    Ok(())
}

/// What lies in the database can be read by everybody who has the file.
fn check_nothing_secret(connection: &Value) -> Result<(), Error> {
    let name = connection["connection_key"].as_str().unwrap_or_default();
    let proxy = connection["proxy"].as_str().unwrap_or_default();
    if split_login(proxy).1.is_some() {
        return Err(Error::invalid(
            format!("The proxy of {name} has a name and a password in its address."),
            "Take them out of the file, and enter them in Patchbay afterwards.",
        ));
    }
    for (header, value) in connection["headers"].as_object().into_iter().flatten() {
        plain_header(header, value.as_str().unwrap_or_default())
            .map_err(|error| Error::invalid(format!("{name}: {error}"), "Correct it in the file."))?;
    }
    Ok(())
}

/// All in one transaction. A connection that leads to another server afterwards loses its keys (K5).
fn apply(engine: &Engine, whole: Value, file: &Path) -> Result<Vec<Step>, Error> {
    let (custody, now, path) = (engine.custody(), clock::now(), file.display().to_string());
    let (steps, moved) = engine.store.change(now, move |db| {
        let before = connection::all(db)?;
        let steps = document::import(db, &whole, now)?;
        let (moved, revoked) = condemn_moved(db, &custody, &before)?;
        let summary = Entry::by(Actor::Import, Action::Import, Kind::Store, "configuration")
            .change(Change::default().fact("changes", steps.len()))
            .because(format!("from {path}"));
        let changes = steps.iter().map(|step| {
            Entry::by(Actor::Import, step.action, step.kind, &step.name).change(step.change.clone())
        });
        let entries = std::iter::once(summary).chain(changes).chain(revoked).collect();
        Ok(Recorded::all((steps, moved), entries))
    })?;
    for (connection, versions) in moved {
        engine.erase_soon(connection, &versions);
    }
    Ok(steps)
}

type Moved = Vec<(ConnectionId, Vec<u32>)>;

fn condemn_moved(db: &Db, custody: &Custody, before: &[Settings]) -> Result<(Moved, Vec<Entry>), StoreError> {
    let (mut moved, mut entries) = (Vec::new(), Vec::new());
    for after in connection::all(db)? {
        let Some(earlier) = before.iter().find(|earlier| earlier.id == after.id) else { continue };
        if earlier.base_url == after.base_url || is_same_server(&earlier.base_url, &after.base_url) {
            continue;
        }
        let mut versions = credential::with_secret(db, after.id)?;
        let revoked = custody.condemn(db, (after.id, &after.key), &versions, Actor::Import, clock::now())?;
        if let Some(version) = after.private.version {
            connection::set_private(db, after.id, &Private { version: None, ..after.private }, clock::now())?;
            custody.note(db, after.id, &[version])?;
            versions.push(version);
        }
        entries
            .extend(revoked.into_iter().map(|entry| entry.because("the base URL leads to another server")));
        moved.push((after.id, versions));
    }
    Ok((moved, entries))
}

/// Puts a key to use, unless it is in use already.
fn store_key(engine: &Engine, key: &str, secret: &Secret) -> Result<(), Error> {
    let snapshot = engine.snapshot()?;
    let found = snapshot.connection(key);
    let connection =
        found.ok_or_else(|| StoreError::NotFound { what: "connection", name: key.to_owned() })?;
    let id = connection.id;
    let fingerprint = engine.keys.fingerprint(secret);
    let known = engine.store.read(|db| credential::all(db, id))?;
    if secret.is_empty()
        || known
            .iter()
            .any(|known| known.state == CredentialState::Active && known.fingerprint == fingerprint)
    {
        return Ok(());
    }
    let (_, laid) = engine.lay_down(Some(id), secret)?;
    let key = key.to_owned();
    engine.name_laid(laid, move |db, laid, now| {
        let staged = Entry { actor: Actor::Import, ..laid.stage(db, &key, now)? };
        let retires = Predecessor::Retires { erase_at: credential_policy::get(db, id)?.erase_at(now) };
        credential::promote(db, id, laid.version(), retires, now)?;
        let name = credential_name(&key, laid.version());
        Ok(Recorded::new((), staged).and(Entry::by(Actor::Import, Action::Activate, Kind::Credential, name)))
    })
}

/// Puts secret settings to use, unless they are in use already. Names come with the document itself.
fn store_private(engine: &Engine, key: &str, sealed: &Secret) -> Result<(), Error> {
    let snapshot = engine.snapshot()?;
    let found = snapshot.connection(key);
    let connection =
        found.ok_or_else(|| StoreError::NotFound { what: "connection", name: key.to_owned() })?;
    let (id, before) = (connection.id, connection.private.clone());
    if let Some(version) = before.version
        && engine.keys.vault().get(&engine.keys.slot(id, version))?.as_ref() == Some(sealed)
    {
        return Ok(());
    }
    let (_, laid) = engine.lay(Some(id), Holds::Settings, sealed)?;
    let (custody, key, replaced) =
        (engine.custody(), key.to_owned(), before.version.into_iter().collect::<Vec<u32>>());
    let gone = replaced.clone();
    engine.name_laid(laid, move |db, laid, now| {
        laid.settle(db)?;
        custody.note(db, id, &replaced)?;
        connection::set_private(db, id, &Private { version: Some(laid.place().1), ..before }, now)?;
        let change = Change::default().fact("secret_settings", laid.fingerprint());
        Ok(Recorded::new((), Entry::by(Actor::Import, Action::Update, Kind::Connection, key).change(change)))
    })?;
    engine.erase_soon(id, &gone);
    Ok(())
}

fn view(step: Step) -> ImportStep {
    ImportStep {
        action: step.action.as_str(),
        kind: step.kind.as_str(),
        name: step.name,
        changes: super::audit::fields(&json!(step.change)),
    }
}
