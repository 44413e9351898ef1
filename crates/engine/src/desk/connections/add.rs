//! Adding a connection: a draft is put into its one form, tested, and saved whole or not at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::catalog::{DEMO, KeyNeed};
use patchbay_core::code::Code;
use patchbay_core::connection::{
    self as rules, ConnectionStatus, CredentialRef, Limits, Timeouts, is_key, key_from_name,
};
use patchbay_core::diagnose::{CheckReport, RemedyAction, Spend, StageReport, Verdict};
use patchbay_core::id::ConnectionId;
use patchbay_core::private::{Private, PrivateValues, plain_header, secret_header, split_login};
use patchbay_core::provider::Provider;
use patchbay_core::secret::Secret;
use patchbay_core::time::Timestamp;
use patchbay_store::connection::NewConnection;
use patchbay_store::credential::Predecessor;
use patchbay_store::{Db, Recorded, StoreError, connection, credential};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::edit::{checked_name, checked_proxy, optional_url};
use super::list::{Connection, get};
use super::test::remember;
use crate::changes::Changed;
use crate::custody::{Holds, Laid, credential_name};
use crate::error::Error;
use crate::{Engine, checks, clock};

/// The version of a key that is lent to a test; secret settings have the next.
const LENT: u32 = 0;

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
    /// HTTP or SOCKS5; a login in it goes into the vault.
    pub proxy: Option<String>,
    /// Without secrets.
    pub headers: BTreeMap<String, String>,
    /// Headers with secrets: they go into the vault.
    pub private: PrivateValues,
    /// From 1.
    pub priority: Option<u32>,
    /// See [`Limits`].
    pub limits: Limits,
    /// 0..=10.
    pub max_retries: Option<u32>,
    /// Until the first byte, in seconds.
    pub timeout_s: Option<u32>,
}

impl NewSettings {
    /// With every name in its one form, and nothing secret where everybody may read.
    fn checked(mut self) -> Result<Self, Error> {
        let (bare, login) = self.proxy.take().as_deref().map(split_login).unzip();
        self.proxy = bare.map(|bare| checked_proxy(&bare)).transpose()?;
        self.private.proxy_login = login.flatten();
        let plain = self.headers.iter().map(|(name, value)| plain_header(name, value));
        self.headers = plain.collect::<Result<_, _>>().map_err(Error::from)?;
        let secret = std::mem::take(&mut self.private.headers).into_iter();
        let secret = secret.map(|(name, value)| secret_header(&name, &value).map(|name| (name, value)));
        self.private.headers = secret.collect::<Result<_, _>>().map_err(Error::from)?;
        Ok(self)
    }
}

/// The end of adding with a test.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct AddOutcome {
    /// What the test found.
    pub report: CheckReport,
    /// `None` when the test failed: nothing was saved.
    pub connection: Option<Connection>,
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
    lend(engine, &draft, &settings);
    let mut report = checks::run(engine, &settings, Spend::Allowed, stages).await;
    // There is nothing to turn off yet.
    report.remedies.retain(|remedy| remedy.action != Some(RemedyAction::TurnOff));
    engine.keys.take_back(settings.id);
    if report.verdict != Verdict::Passed {
        return Ok(AddOutcome { report, connection: None });
    }
    let key = save(engine, draft, &settings, Some(report.clone())).await?;
    Ok(AddOutcome { report, connection: Some(get(engine, &key, zone).await?) })
}

/// Lets a test use secrets that are in no vault yet.
fn lend(engine: &Engine, draft: &ConnectionDraft, settings: &rules::Connection) {
    if let (Some(secret), Some(credential)) = (&draft.secret, &settings.credential) {
        engine.keys.lend(settings.id, credential.version, secret);
    }
    if let Some(version) = settings.private.version {
        engine.keys.lend(settings.id, version, &draft.settings.private.seal());
    }
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
    let snapshot = engine.snapshot()?;
    let provider = snapshot
        .provider(&draft.provider)
        .map_err(|error| Error::invalid(error.to_string(), "`patchbay providers list` names them."))?;
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
    draft.base_url = optional_url(draft.base_url.take())?.filter(|url| *url != provider.api_base_url);
    if draft.base_url.is_none() && provider.api_base_url.is_empty() && provider.slug != DEMO {
        return Err(Error::invalid(
            "This provider needs a base URL.",
            "Enter the address of its API, such as http://127.0.0.1:8000/v1.",
        ));
    }
    draft.secret = draft.secret.take().filter(|secret| !secret.is_empty());
    draft.settings = draft.settings.checked()?;
    if draft.secret.is_none()
        && draft.settings.private.headers.is_empty()
        && provider.facts.key == KeyNeed::Required
    {
        return Err(Error::new(
            Code::CredentialMissing,
            format!("{} needs an API key.", provider.name),
            "Paste the key of your account.",
        ));
    }
    let model =
        draft.default_model.take().map(|model| model.trim().to_owned()).filter(|model| !model.is_empty());
    draft.default_model =
        model.or_else(|| Some(provider.default_model.clone()).filter(|model| !model.is_empty()));
    let mut settings = as_connection(&draft, provider, key);
    if settings.provider == DEMO {
        engine.lead_to_demo(std::slice::from_mut(&mut settings));
    }
    draft.key = Some(settings.key.clone());
    Ok((draft, settings))
}

/// What a test works on before anything is saved. Its id is no row's.
fn as_connection(draft: &ConnectionDraft, provider: &Provider, key: String) -> rules::Connection {
    let default = Timeouts::default();
    let first_byte_ms = draft.settings.timeout_s.unwrap_or(provider.default_timeout_s).saturating_mul(1_000);
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
        cleared_at: None,
        own_base_url: draft.base_url.clone(),
        base_url: draft.base_url.clone().unwrap_or_else(|| provider.api_base_url.clone()),
        default_model: draft.default_model.clone(),
        organization: None,
        project: None,
        proxy: draft.settings.proxy.clone(),
        headers: draft.settings.headers.clone(),
        private: names(&draft.settings.private, LENT + 1),
        limits: draft.settings.limits,
        max_retries: draft.settings.max_retries.unwrap_or(1),
        timeouts: Timeouts { first_byte_ms, ..default },
        streaming: true,
        credential: draft.secret.as_ref().map(|secret| CredentialRef {
            version: LENT,
            tail: secret.tail(),
            created_at: clock::now(),
        }),
        models: provider.supported_models.clone(),
        protocol: provider.protocol,
        also: provider.also.clone(),
        quirks: provider.quirks,
        facts: provider.facts.clone(),
    }
}

/// A connection to a provider's own address that nobody has saved: for looking whether anybody is there.
pub(in crate::desk) fn provisional(provider: &Provider) -> rules::Connection {
    let draft = ConnectionDraft {
        provider: provider.slug.clone(),
        name: provider.name.clone(),
        key: None,
        base_url: None,
        default_model: None,
        secret: None,
        settings: NewSettings::default(),
    };
    as_connection(&draft, provider, provider.slug.clone())
}

fn names(values: &PrivateValues, version: u32) -> Private {
    let names = values.names();
    Private { version: Some(version).filter(|_| !names.is_empty()), ..names }
}

/// A key from the name that nobody has yet.
fn free_key(engine: &Engine, name: &str) -> String {
    let key = key_from_name(name);
    let taken = |key: &str| engine.snapshot().is_ok_and(|snapshot| snapshot.connection(key).is_some());
    if !taken(&key) {
        return key;
    }
    (2..1_000).map(|n| format!("{key}_{n}")).find(|key| !taken(key)).unwrap_or(key)
}

fn refuse_taken(engine: &Engine, draft: &rules::Connection) -> Result<(), Error> {
    let snapshot = engine.snapshot()?;
    let taken = |what, name: &str| Error::from(StoreError::NameTaken { what, name: name.to_owned() });
    if snapshot.connection(&draft.key).is_some() {
        return Err(taken("a connection with the key", &draft.key));
    }
    if snapshot.connections.iter().any(|other| other.name == draft.name) {
        return Err(taken("a connection named", &draft.name));
    }
    Ok(())
}

/// Saves the secret first and then, in one transaction, everything that names it: whole or not at all.
async fn save(
    engine: &Arc<Engine>,
    draft: ConnectionDraft,
    settings: &rules::Connection,
    report: Option<CheckReport>,
) -> Result<String, Error> {
    let values = draft.settings.private;
    let has_key = draft.secret.is_some();
    let key = draft.secret.map(|secret| (Holds::Key, secret));
    let secrets: Vec<_> = key.into_iter().chain(sealed(&values)).collect();
    let new = NewConnection {
        id: None,
        provider: draft.provider,
        key: settings.key.clone(),
        name: draft.name,
        base_url: draft.base_url,
        default_model: draft.default_model,
        proxy: settings.proxy.clone(),
        headers: settings.headers.clone(),
        private: values.names(),
        priority: draft.settings.priority,
        limits: settings.limits,
        max_retries: Some(settings.max_retries),
        first_byte_ms: Some(settings.timeouts.first_byte_ms),
        tested: report.is_some(),
    };
    engine
        .blocking(move |engine| {
            let (id, laid) = engine.lay_all(None, &secrets)?;
            engine.name_all(laid, move |db, laid, now| {
                let (key, private) = laid.split_at(usize::from(has_key));
                let (key, private) = (key.first(), private.first());
                let version = private.map(|private| private.place().1);
                let new = NewConnection { id, private: Private { version, ..new.private }, ..new };
                private.map_or(Ok(()), |private| private.settle(db))?;
                insert(db, &new, report.as_ref(), key, now)
            })
        })
        .await?;
    engine.changes.send(Changed::Connections);
    Ok(settings.key.clone())
}

fn sealed(values: &PrivateValues) -> Option<(Holds, Secret)> {
    (!values.names().is_empty()).then(|| (Holds::Settings, values.seal()))
}

fn insert(
    db: &Db,
    new: &NewConnection,
    report: Option<&CheckReport>,
    laid: Option<&Laid>,
    now: Timestamp,
) -> Result<Recorded<()>, StoreError> {
    let id = connection::insert(db, new, now)?;
    let created = Entry::user(Action::Create, Kind::Connection, &new.key).change(Change::made(new));
    let mut entries = vec![created];
    if let Some(laid) = laid {
        entries.push(laid.stage(db, &new.key, now)?);
        let retires = Predecessor::Retires { erase_at: now };
        credential::promote(db, id, laid.version(), retires, now)?;
        let name = credential_name(&new.key, laid.version());
        entries.push(Entry::user(Action::Activate, Kind::Credential, name));
    }
    if let Some(report) = report {
        entries.push(remember(db, (id, &new.key), report)?);
    }
    Ok(Recorded::all((), entries))
}
