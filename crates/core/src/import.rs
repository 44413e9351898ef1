//! Connections that other programs' settings speak of: environment variables, `.env` files, LiteLLM's `config.yaml`. What is
//! found is told before anything is made of it, and what is not understood is listed.

pub mod litellm;
pub mod variables;

use url::Url;

use crate::catalog::{CatalogProvider, providers};
use crate::connection::{Limits, is_loopback_host, is_same_server, normalise_base_url};
use crate::secret::Secret;

/// Where the key of a found connection is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyAt {
    /// It needs none.
    Nowhere,
    /// In this environment variable.
    Variable(String),
    /// In the file itself.
    Here(Secret),
}

/// A connection that could be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What people know it by where it was found: a variable's name, a model's. Unique.
    pub origin: String,
    /// The provider's slug.
    pub provider: String,
    /// A name for people.
    pub name: String,
    /// `None` = the provider's.
    pub base_url: Option<String>,
    /// `None` = the provider's first.
    pub default_model: Option<String>,
    /// OpenAI's organization header.
    pub organization: Option<String>,
    /// See [`Limits`].
    pub limits: Limits,
    /// 0..=10.
    pub max_retries: Option<u32>,
    /// Until the first byte, in seconds.
    pub timeout_s: Option<u32>,
    /// Where its key is.
    pub key: KeyAt,
    /// What should be known of it.
    pub notes: Vec<String>,
}

impl Found {
    fn new(origin: &str, provider: &CatalogProvider, name: String, key: KeyAt) -> Self {
        Self {
            origin: origin.to_owned(),
            provider: provider.slug.clone(),
            name,
            base_url: None,
            default_model: None,
            organization: None,
            limits: Limits::default(),
            max_retries: None,
            timeout_s: None,
            key,
            notes: Vec::new(),
        }
    }
}

/// Something that is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// What it is.
    pub what: String,
    /// Why nothing is made of it.
    pub why: String,
}

impl Skipped {
    fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into() }
    }
}

/// A name that bots ask for as a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// What bots ask for.
    pub name: String,
    /// Where it leads, in order: the origin of a found connection, and a model there.
    pub places: Vec<(String, String)>,
}

/// Everything that was found in one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// Connections that could be made.
    pub found: Vec<Found>,
    /// What bots ask for, as far as names are given.
    pub names: Vec<Named>,
    /// What is left alone.
    pub skipped: Vec<Skipped>,
}

/// The provider that answers at an address which was given for `provider`, and the address where it is not that provider's own.
fn at(
    provider: &'static CatalogProvider,
    url: &str,
) -> Result<(&'static CatalogProvider, Option<String>), String> {
    let mut url = normalise_base_url(url).map_err(|error| error.to_string())?;
    if provider.local && Url::parse(&url).is_ok_and(|url| url.path() == "/") {
        // Local servers are known by their host alone; they speak OpenAI's protocol below /v1.
        url = format!("{}/v1", url.trim_end_matches('/'));
    }
    let is_of = |other: &&CatalogProvider| is_same_server(&other.base_url, &url);
    let at = if is_of(&provider) { Some(provider) } else { providers().iter().find(is_of) };
    let own = |known: &CatalogProvider| Some(url.clone()).filter(|url| *url != known.base_url);
    match at {
        Some(known) => Ok((known, own(known))),
        // A server of one's own that speaks the provider's protocol.
        None if provider.protocol != crate::catalog::Protocol::Openai || provider.local => {
            Ok((provider, Some(url)))
        }
        None => crate::catalog::provider("compatible")
            .map(|compatible| (compatible, Some(url)))
            .ok_or_else(|| "The catalogue has no row for servers of one's own.".to_owned()),
    }
}

/// Whether an address leads to a port of this machine.
pub fn leads_to(url: &str, port: u16) -> bool {
    Url::parse(url).is_ok_and(|url| {
        url.port_or_known_default() == Some(port) && url.host_str().is_some_and(is_loopback_host)
    })
}
