//! What a user does to connections.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::catalog::{self, KeyNeed};
use patchbay_core::code::Code;
use patchbay_core::connection::{
    self as rules, ConnectionStatus, CredentialRef, Limits, Timeouts, is_key, key_from_name,
    normalise_base_url,
};
use patchbay_core::diagnose::{CheckReport, Spend, StageReport, Verdict};
use patchbay_core::id::ConnectionId;
use patchbay_core::secret::Secret;
use patchbay_store::connection::{Editable, NewConnection};
use patchbay_store::vault::Vault;
use patchbay_store::{Db, StoreError, connection, credential, model};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::list::{Connection, get};
use crate::changes::Changed;
use crate::error::Error;
use crate::{Engine, checks, clock};

/// A connection that is about to be added.
#[derive(Debug, Deserialize, specta::Type)]
pub struct ConnectionDraft {
    /// The provider's slug.
    pub provider: String,
    /// Unique.
    pub name: String,
    /// `None` = made from the name.
    pub key: Option<String>,
    /// `None` = the provider's.
    pub base_url: Option<String>,
    /// `None` = the provider's first.
    pub default_model: Option<String>,
    /// The API key; write-only.
    #[specta(type = Option<String>)]
    pub secret: Option<Secret>,
    /// What only the command line sets.
    #[serde(skip, default)]
    pub settings: NewSettings,
}

/// Settings beyond a name and a key; `None` and empty are defaults.
#[derive(Clone, Debug, Default)]
pub struct NewSettings {
    /// HTTP or SOCKS5.
    pub proxy: Option<String>,
    /// Without secrets.
    pub headers: BTreeMap<String, String>,
    /// From 1.
    pub priority: Option<u32>,
    /// See [`Limits`].
    pub limits: Limits,
    /// 0..=10.
    pub max_retries: Option<u32>,
    /// Until the first byte, in seconds.
    pub timeout_s: Option<u32>,
}

/// The end of adding with a test.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct AddOutcome {
    /// What the test found.
    pub report: CheckReport,
    /// `None` when the test failed: nothing was saved.
    pub connection: Option<Connection>,
}

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

/// Tests a draft and saves it only if every stage passes.
pub async fn add_tested(
    engine: &Arc<Engine>,
    draft: ConnectionDraft,
    stages: mpsc::Sender<StageReport>,
    zone: TimeZone,
) -> Result<AddOutcome, Error> {
    let (draft, settings) = validated(engine, draft)?;
    refuse_taken(engine, &settings)?;
    engine.keys.lend(settings.id, draft.secret.as_ref());
    let report = checks::run(engine, &settings, Spend::Allowed, stages).await;
    engine.keys.take_back(settings.id);
    if report.verdict != Verdict::Passed {
        return Ok(AddOutcome {
            report,
            connection: None,
        });
    }
    let key = save(engine, draft, &settings, Some(report.clone())).await?;
    Ok(AddOutcome {
        report,
        connection: Some(get(engine, &key, zone).await?),
    })
}

/// Saves a draft without a test: it shows as untested and stays out of chains.
pub async fn add_untested(
    engine: &Arc<Engine>,
    draft: ConnectionDraft,
    zone: TimeZone,
) -> Result<Connection, Error> {
    let (draft, settings) = validated(engine, draft)?;
    let key = save(engine, draft, &settings, None).await?;
    get(engine, &key, zone).await
}

/// The draft with its names and URLs in their one form, and as the connection that it would be.
fn validated(
    engine: &Engine,
    mut draft: ConnectionDraft,
) -> Result<(ConnectionDraft, rules::Connection), Error> {
    let provider = catalog::provider(&draft.provider)
        .filter(|provider| provider.protocol.is_spoken())
        .ok_or_else(|| {
            Error::invalid(
                format!("There is no provider \"{}\".", draft.provider),
                "`patchbay providers list` names them.",
            )
        })?;
    draft.name = checked_name(&draft.name)?;
    let key = draft
        .key
        .take()
        .filter(|key| !key.trim().is_empty())
        .unwrap_or_else(|| free_key(engine, &draft.name));
    if !is_key(&key) {
        return Err(Error::invalid(
            format!("\"{key}\" cannot be a connection key."),
            "Use 1 to 64 of a-z, 0-9, _ and -.",
        ));
    }
    draft.base_url = optional_url(draft.base_url.take())?.filter(|url| *url != provider.base_url);
    if draft.base_url.is_none() && provider.base_url.is_empty() && provider.slug != catalog::DEMO {
        return Err(Error::invalid(
            "This provider needs a base URL.",
            "Enter the address of its API, such as http://127.0.0.1:8000/v1.",
        ));
    }
    draft.secret = draft.secret.take().filter(|secret| !secret.is_empty());
    if draft.secret.is_none() && provider.key == KeyNeed::Required {
        return Err(Error::new(
            Code::CredentialMissing,
            format!("{} needs an API key.", provider.name),
            "Paste the key of your account.",
        ));
    }
    let model = draft
        .default_model
        .take()
        .map(|model| model.trim().to_owned())
        .filter(|model| !model.is_empty());
    draft.default_model =
        model.or_else(|| Some(provider.default_model.clone()).filter(|model| !model.is_empty()));
    let settings = as_connection(&draft, provider, key);
    draft.key = Some(settings.key.clone());
    Ok((draft, settings))
}

/// What a test works on before anything is saved. Its id is no row's.
fn as_connection(
    draft: &ConnectionDraft,
    provider: &catalog::CatalogProvider,
    key: String,
) -> rules::Connection {
    let default = Timeouts::default();
    let first_byte_ms = draft
        .settings
        .timeout_s
        .map_or(default.first_byte_ms, |seconds| seconds.saturating_mul(1_000));
    rules::Connection {
        id: ConnectionId(-1 - i64::from(fastrand::u32(..))),
        key,
        name: draft.name.clone(),
        provider: provider.slug.clone(),
        provider_name: provider.name.clone(),
        status: ConnectionStatus::Active,
        priority: draft.settings.priority.unwrap_or(1),
        is_default: false,
        tested: false,
        own_base_url: draft.base_url.clone(),
        base_url: draft
            .base_url
            .clone()
            .unwrap_or_else(|| provider.base_url.clone()),
        default_model: draft.default_model.clone(),
        organization: None,
        project: None,
        proxy: draft.settings.proxy.clone(),
        headers: draft.settings.headers.clone(),
        limits: draft.settings.limits,
        max_retries: draft.settings.max_retries.unwrap_or(1),
        timeouts: Timeouts {
            first_byte_ms,
            ..default
        },
        streaming: true,
        credential: draft.secret.as_ref().map(|secret| CredentialRef {
            version: 0,
            tail: secret.tail(),
            created_at: clock::now(),
        }),
        models: provider.known_models.clone(),
        quirks: provider.quirks,
    }
}

fn checked_name(name: &str) -> Result<String, Error> {
    let name = name.trim();
    if (1..=80).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        return Ok(name.to_owned());
    }
    Err(Error::invalid(
        "A connection needs a name of 1 to 80 characters.",
        "Name it so that you recognise it in a chart.",
    ))
}

fn optional_url(text: Option<String>) -> Result<Option<String>, Error> {
    let text = text.filter(|text| !text.trim().is_empty());
    text.map(|text| normalise_base_url(&text))
        .transpose()
        .map_err(|error| Error::invalid(error.to_string(), "Correct the base URL."))
}

/// A key from the name that nobody has yet.
fn free_key(engine: &Engine, name: &str) -> String {
    let key = key_from_name(name);
    let taken = |key: &str| {
        engine
            .snapshot()
            .is_ok_and(|snapshot| snapshot.connection(key).is_some())
    };
    if !taken(&key) {
        return key;
    }
    (2..1_000)
        .map(|n| format!("{key}_{n}"))
        .find(|key| !taken(key))
        .unwrap_or(key)
}

fn refuse_taken(engine: &Engine, draft: &rules::Connection) -> Result<(), Error> {
    let snapshot = engine.snapshot()?;
    let taken = |what, name: &str| {
        Error::from(StoreError::NameTaken {
            what,
            name: name.to_owned(),
        })
    };
    if snapshot.connection(&draft.key).is_some() {
        return Err(taken("a connection with the key", &draft.key));
    }
    if snapshot.connections.iter().any(|other| other.name == draft.name) {
        return Err(taken("a connection named", &draft.name));
    }
    Ok(())
}

/// Saves settings, then the secret, then what names it: a keychain that refuses leaves nothing behind.
async fn save(
    engine: &Arc<Engine>,
    draft: ConnectionDraft,
    settings: &rules::Connection,
    report: Option<CheckReport>,
) -> Result<String, Error> {
    let new = NewConnection {
        provider: draft.provider,
        key: settings.key.clone(),
        name: draft.name,
        base_url: draft.base_url,
        default_model: draft.default_model,
        proxy: settings.proxy.clone(),
        headers: settings.headers.clone(),
        priority: draft.settings.priority,
        limits: settings.limits,
        max_retries: Some(settings.max_retries),
        first_byte_ms: Some(settings.timeouts.first_byte_ms),
        tested: report.is_some(),
    };
    let secret = draft.secret;
    let key = settings.key.clone();
    engine
        .blocking(move |engine| {
            let id = engine
                .store
                .write(move |db| connection::insert(db, &new, clock::now()))?;
            if let Some(secret) = secret
                && let Err(error) = store_secret(engine, id, &secret)
            {
                engine.store.write(move |db| connection::delete(db, id))?;
                return Err(error);
            }
            if let Some(report) = report {
                engine.store.write(move |db| remember(db, id, &report))?;
            }
            Ok(())
        })
        .await?;
    engine.changes.send(Changed::Connections);
    Ok(key)
}

/// Puts a secret into the vault and makes it the active version. The one before is forgotten.
fn store_secret(engine: &Engine, id: ConnectionId, secret: &Secret) -> Result<(), Error> {
    let version = engine.store.read(|db| credential::next_version(db, id))?;
    let earlier = engine.store.read(|db| credential::versions(db, id))?;
    let vault = engine.keys.vault();
    vault.put(&engine.keys.slot(id, version), secret)?;
    let named = secret.clone();
    let fingerprint = fingerprint(engine, secret);
    let activated = engine
        .store
        .write(move |db| credential::activate(db, id, version, &named, &fingerprint, clock::now()));
    if let Err(error) = activated {
        // Best effort: the slot of a version that was never named is read by nobody.
        let _ = vault.delete(&engine.keys.slot(id, version));
        return Err(error.into());
    }
    purge(engine, vault.as_ref(), id, &earlier);
    Ok(())
}

/// Forgets secrets that are not used any more. One that the vault keeps is tried again with the next change.
fn purge(engine: &Engine, vault: &dyn Vault, id: ConnectionId, versions: &[u32]) {
    for &version in versions {
        if let Err(error) = vault.delete(&engine.keys.slot(id, version)) {
            tracing::warn!(%error, "a replaced key is still in the keychain");
            continue;
        }
        if let Err(error) = engine
            .store
            .write(move |db| credential::mark_purged(db, id, version))
        {
            tracing::warn!(%error, "a purged key could not be noted");
        }
    }
}

/// Tells two keys apart without telling either: keyed by the store, so that it means nothing elsewhere.
fn fingerprint(engine: &Engine, secret: &Secret) -> String {
    let slot = engine.keys.slot(ConnectionId(0), 0);
    let digest = Sha256::new()
        .chain_update(slot.store.as_bytes())
        .chain_update([0])
        .chain_update(secret.expose().as_bytes())
        .finalize();
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn remember(db: &Db, id: ConnectionId, report: &CheckReport) -> Result<(), StoreError> {
    let verdict = match report.verdict {
        Verdict::Passed => "passed",
        Verdict::Limited => "limited",
        Verdict::Failed | Verdict::NotRun => "failed",
    };
    patchbay_store::check::insert(db, id, report.at, report.took_ms, verdict, report)?;
    model::seen(db, id, &report.models, report.at)?;
    if report.verdict == Verdict::Passed {
        connection::mark_tested(db, id)?;
    }
    Ok(())
}

/// Tests a saved connection. A pause stays a pause (F5), whatever the test finds.
pub async fn test(
    engine: &Arc<Engine>,
    key: &str,
    spend: Spend,
    stages: mpsc::Sender<StageReport>,
) -> Result<CheckReport, Error> {
    let settings = find(engine, key)?;
    let report = checks::run(engine, &settings, spend, stages).await;
    if report.verdict != Verdict::NotRun {
        let (id, kept) = (settings.id, report.clone());
        engine
            .blocking(move |engine| Ok(engine.store.write(move |db| remember(db, id, &kept))?))
            .await?;
    }
    engine.changes.send(Changed::Checks);
    engine.changes.send(Changed::Connections);
    Ok(report)
}

/// Stops the running test of a connection, or of a draft, by its key.
pub fn test_stop(engine: &Engine, key: &str) {
    engine.checks.stop(key);
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
        let id = settings.id;
        let set = move |db: &Db| {
            if on {
                connection::set_default(db, id)
            } else {
                connection::clear_default(db, id)
            }
        };
        engine
            .blocking(move |engine| Ok(engine.store.write(set)?))
            .await?;
    } else {
        let fields = applied(Editable::from(&settings), &settings, edit)?;
        let id = settings.id;
        engine
            .blocking(move |engine| {
                Ok(engine
                    .store
                    .write(move |db| connection::update(db, id, &fields, clock::now()))?)
            })
            .await?;
    }
    engine.changes.send(Changed::Connections);
    get(engine, key, zone).await
}

fn applied(
    mut fields: Editable,
    settings: &rules::Connection,
    edit: ConnectionEdit,
) -> Result<Editable, Error> {
    let blank = |text: Option<String>| {
        text.map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
    };
    match edit {
        ConnectionEdit::Name(name) => fields.name = checked_name(&name)?,
        ConnectionEdit::BaseUrl(url) => {
            let own = catalog::provider(&settings.provider)
                .map(|provider| provider.base_url.as_str())
                .unwrap_or_default();
            fields.base_url = optional_url(url)?.filter(|url| url != own);
            if fields.base_url.is_none() && own.is_empty() && settings.provider != catalog::DEMO {
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

fn in_range(what: &str, value: u32, range: std::ops::RangeInclusive<u32>, unit: &str) -> Result<(), Error> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(
        format!("{what} cannot be {value} {unit}."),
        format!("Use {} to {} {unit}.", range.start(), range.end()),
    ))
}

/// Replaces the key at once. The old one is forgotten.
pub async fn replace_key(
    engine: &Arc<Engine>,
    key: &str,
    secret: Secret,
    zone: TimeZone,
) -> Result<Connection, Error> {
    if secret.is_empty() {
        return Err(Error::invalid(
            "There is no key to store.",
            "Paste the new key. The old one is still in use.",
        ));
    }
    let settings = find(engine, key)?;
    engine
        .blocking(move |engine| store_secret(engine, settings.id, &secret))
        .await?;
    engine.changes.send(Changed::Connections);
    get(engine, key, zone).await
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
    let id = find(engine, key)?.id;
    engine
        .blocking(move |engine| {
            Ok(engine
                .store
                .write(move |db| connection::set_status(db, id, status, clock::now()))?)
        })
        .await?;
    engine.changes.send(Changed::Connections);
    get(engine, key, zone).await
}

/// Deletes a connection and its keys. Its history stays.
pub async fn remove(engine: &Arc<Engine>, key: &str) -> Result<(), Error> {
    let id = find(engine, key)?.id;
    engine
        .blocking(move |engine| {
            let versions = engine.store.read(|db| credential::versions(db, id))?;
            engine.store.write(move |db| connection::delete(db, id))?;
            for version in versions {
                if let Err(error) = engine.keys.vault().delete(&engine.keys.slot(id, version)) {
                    tracing::warn!(%error, "the key of a deleted connection is still in the keychain");
                }
            }
            Ok(())
        })
        .await?;
    engine.changes.send(Changed::Connections);
    Ok(())
}

/// Sets the order of one provider's connections, first tried first.
pub async fn reorder(engine: &Arc<Engine>, keys: Vec<String>) -> Result<(), Error> {
    engine
        .blocking(move |engine| {
            Ok(engine
                .store
                .write(move |db| connection::reorder(db, &keys, clock::now()))?)
        })
        .await?;
    engine.changes.send(Changed::Connections);
    Ok(())
}

/// The limits as they are.
pub fn limits(engine: &Engine, key: &str) -> Result<Limits, Error> {
    Ok(find(engine, key)?.limits)
}

fn find(engine: &Engine, key: &str) -> Result<rules::Connection, Error> {
    let snapshot = engine.snapshot()?;
    let found = snapshot.connection(key).cloned();
    found.ok_or_else(|| {
        StoreError::NotFound {
            what: "connection",
            name: key.to_owned(),
        }
        .into()
    })
}
