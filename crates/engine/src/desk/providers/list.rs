//! Providers as lists and cards show them.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::catalog::{self, KeyNeed, Protocol, Quirks};
use patchbay_core::connection::ConnectionStatus;
use patchbay_core::health::Health;
use patchbay_core::money::DecimalUsd;
use patchbay_core::provider::{self as rules, ProviderStatus};
use patchbay_core::report::{Filter, GroupBy, Totals};
use patchbay_core::time::last_days;
use patchbay_store::rollup;
use serde::Serialize;

use crate::desk::connections::healths;
use crate::desk::models::{SyncAge, counts, sync_ages};
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::{Engine, clock};

/// A provider as the window shows it.
#[derive(Clone, Debug, Serialize, specta::Type)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own that the window shows beside the others"
)]
pub struct Provider {
    /// Unique.
    pub slug: String,
    /// As people write it.
    pub name: String,
    /// Two letters for the tile.
    pub tile: String,
    /// 1..=6: its fixed chart colour.
    pub color: u8,
    /// What it speaks.
    pub protocol: Protocol,
    /// What it speaks besides, at the same address.
    pub also: Vec<Protocol>,
    /// Empty where the user must give one.
    pub base_url: String,
    /// One line under its name.
    pub blurb: String,
    /// Whether it wants a key.
    pub key: KeyNeed,
    /// What its keys start with; empty for any.
    pub key_prefix: String,
    /// Where its keys are made; empty where there is no such page.
    pub keys_page: String,
    /// Whether it has a page where keys are made.
    pub has_keys_page: bool,
    /// The path, below the base URL, that proves a key without spending; empty for the list of models.
    pub key_check: String,
    /// Runs on this machine.
    pub local: bool,
    /// Shown in the short picker of the first run.
    pub featured: bool,
    /// The model offered first; empty for none.
    pub default_model: String,
    /// Models known without asking.
    pub known_models: Vec<String>,
    /// Whether it may be used.
    pub status: ProviderStatus,
    /// From the catalogue: name, addresses and quirks are the program's.
    pub built_in: bool,
    /// Requests at the same time over all of its connections; `None` is no limit.
    pub max_concurrent_requests: Option<u32>,
    /// Seconds until the first byte, for new connections that say nothing else.
    pub default_timeout_s: u32,
    /// Whether it streams at all.
    pub supports_streaming: bool,
    /// The key of the connection that is used when two could answer.
    pub default_connection: Option<String>,
    /// How it differs from its protocol.
    pub quirks: Quirks,
}

/// A provider with its figures.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct ProviderCard {
    /// The provider.
    pub provider: Provider,
    /// Its connections, off or on.
    pub connections: u32,
    /// How many of them are on.
    pub connections_on: u32,
    /// How many of those fail.
    pub connections_failing: u32,
    /// The worst health of those that are on; unknown without any.
    pub health: Health,
    /// Models of the catalogue, those that are gone left out.
    pub models: u32,
    /// Spend since midnight.
    pub cost_today: DecimalUsd,
    /// Requests since midnight.
    pub requests_today: u32,
    /// When its list of models was read last; `None` = never.
    pub sync: Option<SyncAge>,
}

/// All providers, in the order of the picker: the catalogue's, then the user's own by name.
pub fn list(engine: &Engine) -> Result<Vec<Provider>, Error> {
    let snapshot = engine.snapshot()?;
    let mut providers: Vec<&rules::Provider> = snapshot.providers.iter().collect();
    providers.sort_by_key(|provider| place(provider));
    Ok(providers.into_iter().map(|provider| view(&snapshot, provider)).collect())
}

/// One provider.
pub fn get(engine: &Engine, slug: &str) -> Result<Provider, Error> {
    let snapshot = engine.snapshot()?;
    Ok(view(&snapshot, snapshot.provider(slug)?))
}

fn place(provider: &rules::Provider) -> usize {
    let known = catalog::providers().iter().position(|known| known.slug == provider.slug);
    known.filter(|_| provider.built_in).unwrap_or(usize::MAX)
}

fn view(snapshot: &Snapshot, provider: &rules::Provider) -> Provider {
    let known = provider.catalogued();
    let by_id = |id| snapshot.connections.iter().find(|connection| connection.id == id);
    Provider {
        slug: provider.slug.clone(),
        name: provider.name.clone(),
        tile: provider.tile(),
        color: provider.color(),
        protocol: provider.protocol,
        also: provider.also.clone(),
        base_url: provider.api_base_url.clone(),
        blurb: known.map_or_else(|| "Your own".to_owned(), |known| known.blurb.clone()),
        key: provider.facts.key,
        key_prefix: provider.key_prefix.clone(),
        keys_page: provider.facts.keys_page.clone(),
        has_keys_page: !provider.facts.keys_page.is_empty(),
        key_check: provider.facts.key_check.clone(),
        local: provider.is_local(),
        featured: known.is_some_and(|known| known.featured),
        default_model: provider.default_model.clone(),
        known_models: provider.supported_models.clone(),
        status: provider.facts.status,
        built_in: provider.built_in,
        max_concurrent_requests: provider.facts.max_concurrent_requests,
        default_timeout_s: provider.default_timeout_s,
        supports_streaming: provider.facts.streaming,
        default_connection: provider
            .default_connection
            .and_then(by_id)
            .map(|connection| connection.key.clone()),
        quirks: provider.quirks,
    }
}

/// Every provider that has a connection, or that the user made, with its figures: the most used today first.
pub async fn cards(engine: &Arc<Engine>, zone: TimeZone) -> Result<Vec<ProviderCard>, Error> {
    engine
        .blocking(move |engine| {
            let snapshot = engine.snapshot()?;
            let healths: HashMap<String, Health> = healths(engine, &snapshot)?.into_iter().collect();
            let now = clock::now();
            let today = last_days(now, 1, &zone).into_iter().next().map(|(_, range)| range);
            let filter = Filter { range: today, ..Filter::default() };
            let (spent, syncs) = engine.store.read(|db| {
                Ok((rollup::groups(db, &filter, GroupBy::Provider, &zone)?, sync_ages(db, &snapshot, now)?))
            })?;
            let models = counts(engine)?;
            let shown = snapshot.providers.iter().filter(|provider| {
                !provider.built_in || snapshot.connections.iter().any(|c| c.provider == provider.slug)
            });
            let mut cards: Vec<ProviderCard> = shown
                .map(|provider| {
                    let totals =
                        spent.iter().find(|group| group.key == provider.slug).map(|group| &group.totals);
                    let sync = syncs.iter().find(|sync| sync.provider == provider.slug).cloned();
                    let models = models.get(&provider.slug).copied().unwrap_or(0);
                    card(&snapshot, provider, &healths, totals, (models, sync))
                })
                .collect();
            cards.sort_by_key(|card| std::cmp::Reverse(card.requests_today));
            Ok(cards)
        })
        .await
}

fn card(
    snapshot: &Snapshot,
    provider: &rules::Provider,
    healths: &HashMap<String, Health>,
    today: Option<&Totals>,
    (models, sync): (u32, Option<SyncAge>),
) -> ProviderCard {
    let own = || snapshot.connections.iter().filter(|connection| connection.provider == provider.slug);
    let on = || own().filter(|connection| connection.status == ConnectionStatus::Active);
    let health = |key: &str| healths.get(key).copied().unwrap_or(Health::Unknown);
    ProviderCard {
        provider: view(snapshot, provider),
        connections: short(own().count()),
        connections_on: short(on().count()),
        connections_failing: short(on().filter(|c| health(&c.key) == Health::Critical).count()),
        health: on()
            .map(|connection| health(&connection.key))
            .max_by_key(|health| gravity(*health))
            .unwrap_or(Health::Unknown),
        models,
        cost_today: today.map(|totals| totals.cost).unwrap_or_default().into(),
        requests_today: today.map_or(0, |totals| u32::try_from(totals.calls).unwrap_or(u32::MAX)),
        sync,
    }
}

fn gravity(health: Health) -> u8 {
    match health {
        Health::Unknown => 0,
        Health::Healthy => 1,
        Health::Degraded => 2,
        Health::Warning => 3,
        Health::Critical => 4,
    }
}

fn short(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The page where a provider's keys are made; only addresses that begin with https:// are ever stored.
pub fn keys_page(engine: &Engine, slug: &str) -> Result<String, Error> {
    let page = engine.snapshot()?.provider(slug)?.facts.keys_page.clone();
    if page.is_empty() {
        return Err(Error::invalid(
            format!("\"{slug}\" has no page for keys."),
            "Ask whoever runs this server for a key.",
        ));
    }
    Ok(page)
}
