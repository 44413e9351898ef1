//! Adding, changing and removing providers. What the catalogue says of its own is the program's; the rest is the user's.

use std::sync::Arc;

use patchbay_core::audit::{Action, Actor, Change, Entry, Kind};
use patchbay_core::catalog::{KeyNeed, Protocol, Quirks};
use patchbay_core::code::Code;
use patchbay_core::connection::{is_key, is_same_server, key_from_name};
use patchbay_core::id::{ConnectionId, ProviderId};
use patchbay_core::provider::{self as rules, ProviderFacts, ProviderStatus};
use patchbay_core::time::Timestamp;
use patchbay_store::{Recorded, credential, model, provider};
use serde::Deserialize;

use super::list::{Provider, get};
use crate::changes::Changed;
use crate::desk::connections::{in_range, optional_url};
use crate::error::Error;
use crate::{Engine, clock};

/// A provider that is about to be added. `None` and empty are defaults.
#[derive(Clone, Debug, Deserialize, specta::Type)]
pub struct ProviderDraft {
    /// Unique, for people.
    pub name: String,
    /// Unique, for URLs and the command line; `None` = made from the name.
    pub slug: Option<String>,
    /// What it speaks.
    pub protocol: Protocol,
    /// What it speaks besides, at the same address.
    pub also: Vec<Protocol>,
    /// `None` = each connection has its own.
    pub base_url: Option<String>,
    /// Whether it wants a key; `None` = it may.
    pub key: Option<KeyNeed>,
    /// What its keys start with.
    pub key_prefix: Option<String>,
    /// Where its keys are made.
    pub keys_page: Option<String>,
    /// The path that proves a key without spending; `None` = the list of models.
    pub key_check: Option<String>,
    /// The model offered first.
    pub default_model: Option<String>,
    /// Models known without asking.
    pub supported_models: Vec<String>,
    /// Requests at the same time over all of its connections.
    pub max_concurrent_requests: Option<u32>,
    /// Seconds until the first byte, 1..=3600.
    pub default_timeout_s: Option<u32>,
    /// Whether it streams; `None` = yes.
    pub supports_streaming: Option<bool>,
    /// How it differs from its protocol.
    pub quirks: Option<Quirks>,
}

/// One field at a time; `None` clears where there can be nothing.
#[derive(Clone, Debug, Deserialize, specta::Type)]
#[serde(tag = "field", content = "value", rename_all = "snake_case")]
pub enum ProviderEdit {
    /// Unique.
    Name(String),
    /// What it speaks.
    Protocol(Protocol),
    /// What it speaks besides, at the same address.
    Also(Vec<Protocol>),
    /// `None` = each connection has its own.
    BaseUrl(Option<String>),
    /// Whether it may be used.
    Status(ProviderStatus),
    /// Models known without asking.
    SupportedModels(Vec<String>),
    /// Requests at the same time over all of its connections.
    MaxConcurrentRequests(Option<u32>),
    /// Seconds until the first byte, for new connections that say nothing else.
    DefaultTimeoutS(u32),
    /// Whether it streams at all.
    SupportsStreaming(bool),
    /// The key of the connection that is used when two could answer.
    DefaultConnection(Option<String>),
    /// Whether it wants a key.
    Key(KeyNeed),
    /// What its keys start with.
    KeyPrefix(Option<String>),
    /// Where its keys are made.
    KeysPage(Option<String>),
    /// The path that proves a key without spending.
    KeyCheck(Option<String>),
    /// The model offered first.
    DefaultModel(Option<String>),
    /// How it differs from its protocol.
    Quirks(Quirks),
}

impl ProviderEdit {
    /// Whether it is a fact of the catalogue, for a provider that comes from there.
    fn is_fact(&self) -> bool {
        !matches!(
            self,
            Self::Status(_)
                | Self::SupportedModels(_)
                | Self::MaxConcurrentRequests(_)
                | Self::DefaultTimeoutS(_)
                | Self::DefaultConnection(_)
        )
    }
}

/// Adds a provider of the user's own.
pub async fn add(engine: &Arc<Engine>, draft: ProviderDraft) -> Result<Provider, Error> {
    let fresh = from_draft(draft)?;
    let slug = fresh.slug.clone();
    engine
        .change(move |db| {
            provider::insert(db, &fresh, clock::now())?;
            let entry = Entry::user(Action::Create, Kind::Provider, &fresh.slug);
            Ok(Recorded::new((), entry.change(Change::made(&fresh))))
        })
        .await?;
    changed(engine);
    get(engine, &slug)
}

fn from_draft(draft: ProviderDraft) -> Result<rules::Provider, Error> {
    let name = checked_name(&draft.name)?;
    let slug = blank(draft.slug).unwrap_or_else(|| key_from_name(&name));
    if !is_slug(&slug) {
        return Err(Error::invalid(
            format!("\"{slug}\" cannot be a provider's slug."),
            "Use 1 to 64 of a-z, 0-9, _ and -, beginning with a letter or a number.",
        ));
    }
    let fresh = rules::Provider {
        id: ProviderId(0),
        slug,
        name,
        protocol: draft.protocol,
        also: draft.also,
        api_base_url: String::new(),
        facts: ProviderFacts::default(),
        key_prefix: String::new(),
        default_model: String::new(),
        supported_models: Vec::new(),
        default_timeout_s: 60,
        default_connection: None,
        built_in: false,
        quirks: draft.quirks.unwrap_or_default(),
        created_at: Timestamp(0),
    };
    let mut edits = vec![
        ProviderEdit::BaseUrl(draft.base_url),
        ProviderEdit::KeyPrefix(draft.key_prefix),
        ProviderEdit::KeysPage(draft.keys_page),
        ProviderEdit::KeyCheck(draft.key_check),
        ProviderEdit::DefaultModel(draft.default_model),
        ProviderEdit::SupportedModels(draft.supported_models),
        ProviderEdit::MaxConcurrentRequests(draft.max_concurrent_requests),
    ];
    edits.extend(draft.key.map(ProviderEdit::Key));
    edits.extend(draft.default_timeout_s.map(ProviderEdit::DefaultTimeoutS));
    edits.extend(draft.supports_streaming.map(ProviderEdit::SupportsStreaming));
    edits.into_iter().try_fold(fresh, applied)
}

/// Changes one field; everything else stays as it is.
pub async fn edit(engine: &Arc<Engine>, slug: &str, edit: ProviderEdit) -> Result<Provider, Error> {
    let snapshot = engine.snapshot()?;
    let known = snapshot.provider(slug)?.clone();
    if known.built_in && edit.is_fact() {
        return Err(Error::invalid(
            format!("This is a fact of {} that comes with Patchbay.", known.name),
            "Add a provider of your own with the same address: `patchbay providers add`.",
        ));
    }
    let fields = match edit {
        ProviderEdit::DefaultConnection(key) => {
            let key = blank(key);
            let own = |key: &String| snapshot.connection(key).filter(|c| c.provider == known.slug);
            let id = match &key {
                Some(key) => Some(own(key).map(|c| c.id).ok_or_else(|| not_its_own(&known, key))?),
                None => None,
            };
            rules::Provider { default_connection: id, ..known.clone() }
        }
        other => applied(known.clone(), other)?,
    };
    engine.blocking(move |engine| write(engine, &known, fields)).await?;
    changed(engine);
    get(engine, slug)
}

fn not_its_own(provider: &rules::Provider, key: &str) -> Error {
    Error::invalid(
        format!("\"{key}\" is no connection of {}.", provider.name),
        "`patchbay connections list` names them.",
    )
}

/// Writes the fields. Keys of connections that would be sent to another server from now on are asked for again (K5).
fn write(engine: &Engine, known: &rules::Provider, fields: rules::Provider) -> Result<(), Error> {
    let id = known.id;
    let moved = known.api_base_url != fields.api_base_url
        && !is_same_server(&known.api_base_url, &fields.api_base_url);
    let moving = if moved { followers(engine, &known.slug)? } else { Vec::new() };
    let mut forget = Vec::new();
    for (connection, key) in moving {
        let versions = engine.store.read(|db| credential::with_secret(db, connection))?;
        forget.push((connection, key, versions));
    }
    let (custody, condemned, now) = (engine.custody(), forget.clone(), clock::now());
    let entry = Entry::user(Action::Update, Kind::Provider, &known.slug);
    let entry = entry.change(Change::between(known, &fields));
    engine.store.change(now, move |db| {
        let mut recorded = Recorded::new((), entry);
        for (connection, key, versions) in &condemned {
            let revoked = custody.condemn(db, (*connection, key), versions, Actor::User, now)?;
            let because = |entry: Entry| entry.because("the base URL leads to another server");
            recorded = revoked.into_iter().map(because).fold(recorded, Recorded::and);
        }
        provider::update(db, id, &fields, now)?;
        Ok(recorded)
    })?;
    for (connection, _, versions) in forget {
        engine.erase_soon(connection, &versions);
    }
    Ok(())
}

/// The connections that go where their provider goes.
fn followers(engine: &Engine, slug: &str) -> Result<Vec<(ConnectionId, String)>, Error> {
    let snapshot = engine.snapshot()?;
    let own = snapshot.connections.iter().filter(|c| c.provider == slug && c.own_base_url.is_none());
    Ok(own.map(|connection| (connection.id, connection.key.clone())).collect())
}

fn applied(mut fields: rules::Provider, edit: ProviderEdit) -> Result<rules::Provider, Error> {
    match edit {
        ProviderEdit::Name(name) => fields.name = checked_name(&name)?,
        ProviderEdit::Protocol(protocol) => fields.protocol = protocol,
        ProviderEdit::Also(also) => fields.also = also,
        ProviderEdit::BaseUrl(url) => fields.api_base_url = optional_url(url)?.unwrap_or_default(),
        ProviderEdit::Status(status) => fields.facts.status = status,
        ProviderEdit::SupportedModels(models) => fields.supported_models = checked_models(models)?,
        ProviderEdit::MaxConcurrentRequests(most) => {
            if let Some(most) = most {
                in_range("The limit", most, 1..=10_000, "requests at the same time")?;
            }
            fields.facts.max_concurrent_requests = most;
        }
        ProviderEdit::DefaultTimeoutS(seconds) => {
            in_range("The timeout", seconds, 1..=3_600, "seconds")?;
            fields.default_timeout_s = seconds;
        }
        ProviderEdit::SupportsStreaming(on) => fields.facts.streaming = on,
        ProviderEdit::Key(key) => fields.facts.key = key,
        ProviderEdit::KeyPrefix(prefix) => fields.key_prefix = blank(prefix).unwrap_or_default(),
        ProviderEdit::KeysPage(page) => fields.facts.keys_page = checked_page(page)?,
        ProviderEdit::KeyCheck(path) => {
            fields.facts.key_check = checked_path(path);
        }
        ProviderEdit::DefaultModel(model) => fields.default_model = blank(model).unwrap_or_default(),
        ProviderEdit::Quirks(quirks) => fields.quirks = quirks,
        ProviderEdit::DefaultConnection(_) => {}
    }
    Ok(fields)
}

/// Removes a provider of the user's own. One that is in use is refused with the names of its users (M6), unless its
/// connections are given to another provider first.
pub async fn remove(engine: &Arc<Engine>, slug: &str, reassign_to: Option<String>) -> Result<(), Error> {
    let snapshot = engine.snapshot()?;
    let known = snapshot.provider(slug)?.clone();
    if known.built_in {
        return Err(Error::invalid(
            format!("{} comes with Patchbay and cannot be removed.", known.name),
            "Set its status to maintenance: nothing is sent to it then.",
        ));
    }
    let heir = match &reassign_to {
        Some(other) => Some(heir(&known, snapshot.provider(other)?)?),
        None => None,
    };
    engine
        .blocking(move |engine| {
            let removed = engine.store.change(clock::now(), move |db| {
                let mut entry = Entry::user(Action::Delete, Kind::Provider, &known.slug);
                if let (Some(heir), Some(slug)) = (heir, reassign_to) {
                    provider::reassign(db, known.id, heir, clock::now())?;
                    entry = entry.because(format!("{slug} took over its connections"));
                }
                provider::delete(db, known.id)?;
                Ok(Recorded::new((), entry))
            });
            removed.map_err(|error| in_use(error.into()))
        })
        .await?;
    changed(engine);
    Ok(())
}

/// Who takes over the connections: they go on speaking as they did.
fn heir(known: &rules::Provider, other: &rules::Provider) -> Result<ProviderId, Error> {
    if other.id == known.id || other.protocol != known.protocol {
        return Err(Error::invalid(
            format!("{} cannot take over the connections of {}.", other.name, known.name),
            "Choose another provider that speaks the same protocol.",
        ));
    }
    Ok(other.id)
}

fn in_use(error: Error) -> Error {
    if error.code != Code::InUse {
        return error;
    }
    let hint = "Delete them, give them to another provider (`providers remove SLUG --reassign-to OTHER`), or set the \
                status to maintenance or deprecated instead.";
    Error { hint: hint.to_owned(), ..error }
}

fn changed(engine: &Engine) {
    engine.changes.send(Changed::Models);
    engine.changes.send(Changed::Connections);
}

fn blank(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn is_slug(text: &str) -> bool {
    is_key(text) && text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

fn checked_name(name: &str) -> Result<String, Error> {
    let name = name.trim();
    if (1..=80).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        return Ok(name.to_owned());
    }
    Err(Error::invalid(
        "A provider needs a name of 1 to 80 characters.",
        "Name it so that you recognise it in a chart.",
    ))
}

fn checked_models(models: Vec<String>) -> Result<Vec<String>, Error> {
    let mut kept: Vec<String> = Vec::new();
    for name in models.into_iter().filter_map(|name| blank(Some(name))) {
        if !model::is_name(&name) || name.chars().any(char::is_control) {
            return Err(Error::invalid(
                "A model's id has 1 to 200 characters.",
                "Correct the list of models.",
            ));
        }
        if !kept.contains(&name) {
            kept.push(name);
        }
    }
    Ok(kept)
}

/// Below the base URL, so without a slash before it.
fn checked_path(path: Option<String>) -> String {
    blank(path).map(|path| path.trim_start_matches('/').to_owned()).unwrap_or_default()
}

fn checked_page(page: Option<String>) -> Result<String, Error> {
    let page = blank(page).unwrap_or_default();
    let is_page = |page: &str| {
        url::Url::parse(page).is_ok_and(|url| url.scheme() == "https" && url.username().is_empty())
    };
    if page.is_empty() || is_page(&page) {
        return Ok(page);
    }
    Err(Error::invalid(
        format!("\"{page}\" is no address of a page."),
        "It begins with https://, and a browser opens it.",
    ))
}
