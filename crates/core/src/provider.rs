//! A provider as it is kept: one of the catalogue or one that the user made. Nothing but the catalogue itself asks which.

use serde::{Deserialize, Serialize};

use crate::catalog::{CatalogProvider, KeyNeed, Protocol, Quirks};
use crate::connection::is_loopback_host;
use crate::id::{ConnectionId, ProviderId};
use crate::time::Timestamp;

/// Whether a provider may be used. The user sets it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ProviderStatus {
    /// Yes.
    #[default]
    Active,
    /// Not for now: none of its connections is called, whatever their own state.
    Maintenance,
    /// Yes, and lists say that it should be left.
    Deprecated,
}

impl ProviderStatus {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Maintenance => "maintenance",
            Self::Deprecated => "deprecated",
        }
    }

    /// The status of that name; anything unknown is taken as maintenance, which sends nothing.
    pub fn parse(name: &str) -> Self {
        match name {
            "active" => Self::Active,
            "deprecated" => Self::Deprecated,
            _ => Self::Maintenance,
        }
    }
}

/// A provider with everything that its connections take from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Provider {
    /// Its row.
    pub id: ProviderId,
    /// Unique, in URLs and on the command line.
    pub slug: String,
    /// Unique, as people write it.
    pub name: String,
    /// What it speaks.
    pub protocol: Protocol,
    /// What it speaks besides, with the same key at the same base URL.
    pub also: Vec<Protocol>,
    /// Without a trailing slash; empty where each connection has its own.
    pub api_base_url: String,
    /// See [`ProviderFacts`].
    pub facts: ProviderFacts,
    /// What its keys start with; empty for any.
    pub key_prefix: String,
    /// The model offered first; empty for none.
    pub default_model: String,
    /// Models known without asking.
    pub supported_models: Vec<String>,
    /// Seconds until the first byte, for connections that say nothing else.
    pub default_timeout_s: u32,
    /// Used when two of its connections could answer.
    pub default_connection: Option<ConnectionId>,
    /// From the catalogue: its facts are the program's.
    pub built_in: bool,
    /// How it differs from its protocol.
    pub quirks: Quirks,
    /// When its row was written first.
    pub created_at: Timestamp,
}

impl Provider {
    /// Two letters for its tile.
    pub fn tile(&self) -> String {
        match self.catalogued() {
            Some(known) => known.tile.clone(),
            None => tile_of(&self.name),
        }
    }

    /// Its chart colour, 1..=6.
    pub fn color(&self) -> u8 {
        self.catalogued().map_or(OTHER_COLOR, |known| known.color)
    }

    /// Whether it runs on this machine.
    pub fn is_local(&self) -> bool {
        self.catalogued().map_or_else(|| leads_to_this_machine(&self.api_base_url), |known| known.local)
    }

    /// Its row of the catalogue.
    pub fn catalogued(&self) -> Option<&'static CatalogProvider> {
        crate::catalog::provider(&self.slug).filter(|_| self.built_in)
    }
}

/// The colour of whatever the catalogue does not know.
pub const OTHER_COLOR: u8 = 6;

/// The first two letters of a name, for a tile.
pub fn tile_of(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).take(2).collect::<String>().to_uppercase()
}

fn leads_to_this_machine(base_url: &str) -> bool {
    url::Url::parse(base_url).is_ok_and(|url| url.host_str().is_some_and(is_loopback_host))
}

/// What a connection takes from its provider's row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProviderFacts {
    /// Whether it may be used.
    pub status: ProviderStatus,
    /// Whether it wants a key.
    pub key: KeyNeed,
    /// Where its keys are made; empty where there is no such page.
    pub keys_page: String,
    /// The path, below the base URL, that proves a key without spending; empty for the list of models.
    pub key_check: String,
    /// Whether it streams at all.
    pub streaming: bool,
    /// Requests at the same time over all of its connections; `None` is no limit.
    pub max_concurrent_requests: Option<u32>,
}

impl Default for ProviderFacts {
    fn default() -> Self {
        Self {
            status: ProviderStatus::Active,
            key: KeyNeed::Optional,
            keys_page: String::new(),
            key_check: String::new(),
            streaming: true,
            max_concurrent_requests: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_names_and_an_unknown_one_sends_nothing() {
        for status in [ProviderStatus::Active, ProviderStatus::Maintenance, ProviderStatus::Deprecated] {
            assert_eq!(ProviderStatus::parse(status.as_str()), status);
        }
        assert_eq!(ProviderStatus::parse("on holiday"), ProviderStatus::Maintenance);
    }

    #[test]
    fn tiles_are_two_letters_of_the_name() {
        for (name, tile) in [("Desk proxy", "DE"), ("x", "X"), ("-vllm 2", "VL"), ("日本語", "日本")] {
            assert_eq!(tile_of(name), tile);
        }
    }
}
