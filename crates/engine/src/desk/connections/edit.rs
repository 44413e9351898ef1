//! Changing a connection, one field at a time.

use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::catalog::DEMO;
use patchbay_core::connection::{self as rules, Limits, is_same_server, normalise_base_url};
use patchbay_core::private::{HeaderError, header_name, plain_header, secret_header, split_login};
use patchbay_core::secret::Secret;
use patchbay_store::connection::Editable;
use patchbay_store::{Recorded, connection};
use serde::Deserialize;

use super::list::{Connection, find, get};
use super::private::{PrivateEdit, Rewrite};
use crate::Engine;
use crate::changes::Changed;
use crate::error::Error;

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
    /// HTTP or SOCKS5; a login in it goes into the vault. One that was given for this proxy stays where none is in it.
    Proxy(Option<String>),
    /// An extra header that everybody may read.
    Header(HeaderEdit),
    /// An extra header whose value goes into the vault.
    SecretHeader(SecretHeaderEdit),
}

/// An extra header.
#[derive(Clone, Debug, Deserialize, specta::Type)]
pub struct HeaderEdit {
    /// In any case.
    pub name: String,
    /// `None` takes it away.
    pub value: Option<String>,
}

/// An extra header whose value is write-only.
#[derive(Clone, Debug, Deserialize, specta::Type)]
pub struct SecretHeaderEdit {
    /// In any case.
    pub name: String,
    /// `None` takes it away.
    #[specta(type = Option<String>)]
    pub value: Option<Secret>,
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
        let (fields, secrets) = applied(Editable::from(&settings), &settings, &providers_url, edit)?;
        let base_url = fields.base_url.as_deref().unwrap_or(&providers_url);
        let moved = fields.base_url != settings.own_base_url && !is_same_server(&settings.base_url, base_url);
        let secrets = if moved { PrivateEdit::Moved } else { secrets };
        Rewrite::plan(engine, settings, fields, secrets).await?.run(engine).await?;
    }
    engine.changes.send(Changed::Connections);
    get(engine, key, zone).await
}

/// An edit that changes nothing is none.
pub(super) fn updated(key: &str, change: Change) -> Recorded<()> {
    if change.is_empty() {
        return Recorded::unchanged(());
    }
    Recorded::new((), Entry::user(Action::Update, Kind::Connection, key).change(change))
}

fn applied(
    mut fields: Editable,
    settings: &rules::Connection,
    providers_url: &str,
    edit: ConnectionEdit,
) -> Result<(Editable, PrivateEdit), Error> {
    let blank =
        |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let mut secrets = PrivateEdit::None;
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
        ConnectionEdit::Proxy(proxy) => {
            let (bare, login) = blank(proxy).as_deref().map(split_login).unzip();
            let (bare, login) = (bare.map(|bare| checked_proxy(&bare)).transpose()?, login.flatten());
            // A login that was given for one proxy is not shown to another (K5).
            if login.is_some() || bare != settings.proxy {
                secrets = PrivateEdit::ProxyLogin(login);
            }
            fields.proxy = bare;
        }
        ConnectionEdit::Header(header) => {
            let (name, value) = checked_header(header)?;
            match value {
                Some(value) => fields.headers.insert(name.clone(), value),
                None => fields.headers.remove(&name),
            };
            secrets = PrivateEdit::Header(name, None);
        }
        ConnectionEdit::SecretHeader(SecretHeaderEdit { name, value }) => {
            let name = checked_secret_header(&name, value.as_ref())?;
            fields.headers.remove(&name);
            secrets = PrivateEdit::Header(name, value.filter(|value| !value.is_empty()));
        }
        ConnectionEdit::IsDefault(_) => {}
    }
    Ok((fields, secrets))
}

fn checked_header(header: HeaderEdit) -> Result<(String, Option<String>), Error> {
    let value = header.value.filter(|value| !value.trim().is_empty());
    match value {
        Some(value) => {
            plain_header(&header.name, &value).map(|(name, value)| (name, Some(value))).map_err(Error::from)
        }
        None => header_name(&header.name).map(|name| (name, None)).map_err(Error::from),
    }
}

fn checked_secret_header(name: &str, value: Option<&Secret>) -> Result<String, Error> {
    match value.filter(|value| !value.is_empty()) {
        Some(value) => secret_header(name, value).map_err(Error::from),
        None => header_name(name).map_err(Error::from),
    }
}

impl From<HeaderError> for Error {
    fn from(error: HeaderError) -> Self {
        let hint = match error {
            HeaderError::Name(_) => "Names have letters, digits and hyphens, such as x-desk.",
            HeaderError::Reserved(_) => "Leave it out.",
            HeaderError::Value(_) => "Use plain characters in one line.",
            HeaderError::Secret(_) => "Give it as a secret header: its value then lies in the vault.",
        };
        Self::invalid(error.to_string(), hint)
    }
}

/// An address that the client can dial, without its login.
pub(super) fn checked_proxy(bare: &str) -> Result<String, Error> {
    let with_scheme = if bare.contains("://") { bare.to_owned() } else { format!("http://{bare}") };
    let is_proxy = url::Url::parse(&with_scheme).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h")
            && url.host_str().is_some_and(|host| !host.is_empty())
    });
    if is_proxy {
        return Ok(with_scheme);
    }
    Err(Error::invalid(
        "This is no address of a proxy.",
        "It looks like http://127.0.0.1:3128 or socks5://127.0.0.1:1080.",
    ))
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

/// The limits as they are.
pub fn limits(engine: &Engine, key: &str) -> Result<Limits, Error> {
    Ok(find(engine, key)?.limits)
}
