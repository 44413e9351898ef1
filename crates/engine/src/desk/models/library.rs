//! The catalogue at one moment, from all that is known of it: lists, tables of this program, prices, connections and use.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use patchbay_core::connection::{Connection, ConnectionStatus};
use patchbay_core::health::Health;
use patchbay_core::model::{BundledModel, Capability, ModelSource, ModelState, Traits, bundled};
use patchbay_core::money::{DecimalUsd, NanoUsd};
use patchbay_core::price::{Price, PriceSource, bundled_models};
use patchbay_core::provider::ProviderStatus;
use patchbay_core::time::{HOUR_MS, Range, Timestamp};
use patchbay_store::model::{Allowed, ModelRow};
use patchbay_store::rollup::{self, ModelUse};
use patchbay_store::{model, setting};
use serde::Serialize;

use crate::desk::connections::healths;
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::{Engine, clock};

/// How far back use is looked at.
const USE_MS: i64 = 30 * 24 * HOUR_MS;
/// Which models the user pinned.
pub(super) const PINNED: &str = "pinned_models";

/// A model of a provider, as lists show it.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Model {
    /// `provider-slug/model`: unique, and what a bot may ask for.
    pub id: String,
    /// The provider's slug.
    pub provider: String,
    /// The provider's name.
    pub provider_name: String,
    /// Two letters for the tile.
    pub tile: String,
    /// 1..=6.
    pub color: u8,
    /// The id at its provider.
    pub model: String,
    /// Whether its provider has it.
    pub state: ModelState,
    /// Since when; `None` where no list ever named it.
    pub state_since: Option<Timestamp>,
    /// The day of its end (2026-11-30), where one is named.
    pub retires_on: Option<String>,
    /// Whether it can be called now, and why not.
    pub reach: ModelReach,
    /// The user's connections that have it, in the order of trying.
    pub offered_by: Vec<ModelOffer>,
    /// Where it is known from.
    pub source: ModelSource,
    /// The longest prompt and answer together, in tokens; `None` = not known.
    pub context_window: Option<u32>,
    /// The longest answer, in tokens; `None` = not known.
    pub max_output: Option<u32>,
    /// What it is known to do.
    pub capabilities: Vec<Capability>,
    /// What is missing above is known not to be there.
    pub capabilities_complete: bool,
    /// Per million tokens; `None` = not known.
    pub input_price: Option<DecimalUsd>,
    /// Per million tokens.
    pub output_price: Option<DecimalUsd>,
    /// Per million tokens read from a cache; `None` = as input.
    pub cached_price: Option<DecimalUsd>,
    /// Per million tokens written to a cache; `None` = as input.
    pub cache_write_price: Option<DecimalUsd>,
    /// Who says the price.
    pub price_source: Option<PriceSource>,
    /// Long prompts cost more.
    pub tiered: bool,
    /// Per million tokens of the user's mix of the last 30 days; `None` without a price or without use.
    pub mix_price: Option<DecimalUsd>,
    /// Median time to the first piece of an answer, last 30 days.
    pub first_token_ms: Option<u32>,
    /// Requests of the last 30 days.
    pub requests: u32,
    /// The user pinned it.
    pub pinned: bool,
    /// When a list named it first.
    pub first_seen_at: Option<Timestamp>,
    /// When a list named it last.
    pub last_seen_at: Option<Timestamp>,
}

/// Whether a model can be called now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ModelReach {
    /// Yes.
    Ready,
    /// A connection has it, and all that do fail.
    Failing,
    /// The connections that have it are off, or their provider is in maintenance.
    Off,
    /// There are connections to its provider, and none may use it.
    NotAllowed,
    /// There is no connection to its provider.
    NotConnected,
    /// Its provider has it no more.
    Gone,
}

/// A connection that has a model.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct ModelOffer {
    /// The connection key.
    pub connection: String,
    /// The connection's name.
    pub name: String,
    /// Whether it may use it.
    pub allowed: bool,
    /// Whether it is on.
    pub on: bool,
    /// How it is.
    pub health: Health,
}

/// Everything that models are made of.
pub(super) struct Library {
    pub(super) now: Timestamp,
    pub(super) snapshot: Arc<Snapshot>,
    rows: HashMap<(String, String), ModelRow>,
    allowed: HashMap<(i64, String), Allowed>,
    healths: HashMap<String, Health>,
    pub(super) uses: BTreeMap<(String, String), ModelUse>,
    /// All use of the last 30 days together.
    pub(super) all_use: ModelUse,
    pinned: HashSet<String>,
}

impl Library {
    pub(super) fn read(engine: &Engine) -> Result<Self, Error> {
        let now = clock::now();
        let snapshot = engine.snapshot()?;
        let healths = healths(engine, &snapshot)?.into_iter().collect();
        let library = engine.store.read(|db| {
            let db = db.unchecked_transaction()?;
            let rows = model::all(&db)?.into_iter();
            let reaches = model::reaches(&db)?.into_iter();
            let uses = rollup::by_model(&db, used_during(now))?;
            let mut all_use = ModelUse::default();
            for of_model in uses.values() {
                all_use.merge(of_model);
            }
            Ok(Self {
                now,
                rows: rows.map(|row| ((row.provider.clone(), row.model.clone()), row)).collect(),
                allowed: reaches.map(|reach| ((reach.connection.0, reach.model), reach.allowed)).collect(),
                healths,
                uses,
                all_use,
                pinned: setting::get(&db, PINNED)?.unwrap_or_default(),
                snapshot,
            })
        });
        Ok(library?)
    }

    /// The last 30 days, which figures of use are of.
    pub(super) fn used_during(&self) -> Range {
        used_during(self.now)
    }

    /// Every (provider, model) that anything names, of the providers that are there.
    pub(super) fn names(&self) -> BTreeSet<(&str, &str)> {
        let mut names: BTreeSet<(&str, &str)> =
            self.rows.keys().map(|(slug, model)| (slug.as_str(), model.as_str())).collect();
        for provider in &self.snapshot.providers {
            let slug = provider.slug.as_str();
            names.extend(provider.supported_models.iter().map(|model| (slug, model.as_str())));
            if provider.built_in {
                names.extend(bundled_models(slug).map(|model| (slug, model)));
            }
        }
        for connection in &self.snapshot.connections {
            let own = connection.models.iter().chain(&connection.default_model);
            names.extend(own.map(|model| (connection.provider.as_str(), model.as_str())));
        }
        names
    }

    pub(super) fn model(&self, provider: &str, model: &str) -> Model {
        let key = (provider.to_owned(), model.to_owned());
        let row = self.rows.get(&key);
        let known = bundled(provider, model);
        let offered_by = self.offers(provider, model);
        let state = state(row, known);
        let (tile, color) = self.snapshot.tile(provider);
        let own = self.uses.get(&key);
        let price = self.price(provider, model);
        let (source, price, tiered) = price.map_or((None, None, false), |(s, p, t)| (Some(s), Some(p), t));
        let id = format!("{provider}/{model}");
        Model {
            provider_name: self.snapshot.provider_name(provider).to_owned(),
            tile,
            color,
            state,
            state_since: row.and_then(|row| row.state_since),
            retires_on: row
                .and_then(|row| row.retires_on.clone())
                .or_else(|| known.retires_on.map(str::to_owned)),
            reach: self.reach(provider, state, &offered_by),
            offered_by,
            source: row.map_or(ModelSource::Bundled, |row| row.source),
            context_window: row.and_then(|row| row.context_window).or(known.context_window),
            max_output: row.and_then(|row| row.max_output).or(known.max_output),
            capabilities: capabilities(row, known),
            capabilities_complete: row.is_some_and(|row| row.capabilities_complete),
            input_price: price.map(|price| price.input.into()),
            output_price: price.map(|price| price.output.into()),
            cached_price: price.and_then(|price| price.cached_input).map(Into::into),
            cache_write_price: price.and_then(|price| price.cache_write).map(Into::into),
            price_source: source,
            tiered,
            mix_price: price.and_then(|price| mix_price(&price, &self.all_use)).map(Into::into),
            first_token_ms: own.and_then(|own| own.first_token.percentile(50.0)),
            requests: own.map_or(0, |own| u32::try_from(own.calls).unwrap_or(u32::MAX)),
            pinned: self.pinned.contains(&id),
            first_seen_at: row.map(|row| row.first_seen_at),
            last_seen_at: row.map(|row| row.last_seen_at),
            id,
            provider: key.0,
            model: key.1,
        }
    }

    /// The prices for a prompt of no great size, and whether longer ones cost more.
    fn price(&self, provider: &str, model: &str) -> Option<(PriceSource, Price, bool)> {
        let (source, prices) = self.snapshot.prices.in_effect(provider, model, self.now)?;
        let price = self.snapshot.prices.find(provider, model, self.now, 0)?;
        Some((source, price, prices.len() > 1))
    }

    fn reach(&self, provider: &str, state: ModelState, offers: &[ModelOffer]) -> ModelReach {
        let closed =
            self.snapshot.provider(provider).is_ok_and(|p| p.facts.status == ProviderStatus::Maintenance);
        let allowed = || offers.iter().filter(|offer| offer.allowed);
        let on = || allowed().filter(|offer| offer.on);
        if state == ModelState::Unavailable {
            ModelReach::Gone
        } else if !self.snapshot.connections.iter().any(|connection| connection.provider == provider) {
            ModelReach::NotConnected
        } else if allowed().next().is_none() {
            ModelReach::NotAllowed
        } else if closed || on().next().is_none() {
            ModelReach::Off
        } else if on().all(|offer| offer.health == Health::Critical) {
            ModelReach::Failing
        } else {
            ModelReach::Ready
        }
    }

    fn offers(&self, provider: &str, model: &str) -> Vec<ModelOffer> {
        let own = self.snapshot.connections.iter().filter(|connection| connection.provider == provider);
        own.filter_map(|connection| self.offer(connection, model)).collect()
    }

    fn offer(&self, connection: &Connection, model: &str) -> Option<ModelOffer> {
        let listed = self.allowed.get(&(connection.id.0, model.to_owned()));
        let named = connection.default_model.as_deref() == Some(model)
            || connection.models.iter().any(|known| known == model);
        if listed.is_none() && !named {
            return None;
        }
        Some(ModelOffer {
            connection: connection.key.clone(),
            name: connection.name.clone(),
            allowed: named || listed == Some(&Allowed::Yes),
            on: connection.status == ConnectionStatus::Active,
            health: self.healths.get(&connection.key).copied().unwrap_or(Health::Unknown),
        })
    }

    /// The prices and sizes that a filter looks at.
    pub(super) fn traits<'a>(&self, model: &'a Model) -> Traits<'a> {
        Traits {
            provider: &model.provider,
            provider_name: &model.provider_name,
            model: &model.model,
            capabilities: &model.capabilities,
            state: model.state,
            input: self.price(&model.provider, &model.model).map(|(_, price, _)| price.input),
            context_window: model.context_window,
        }
    }
}

fn used_during(now: Timestamp) -> Range {
    Range { from: now.plus_ms(-USE_MS), to: now.plus_ms(1) }
}

/// The day of its end makes a model deprecated; a list alone makes it unavailable.
fn state(row: Option<&ModelRow>, known: BundledModel) -> ModelState {
    match row.map(|row| row.state) {
        Some(ModelState::Available) | None if known.retires_on.is_some() => ModelState::Deprecated,
        state => state.unwrap_or(ModelState::Available),
    }
}

fn capabilities(row: Option<&ModelRow>, known: BundledModel) -> Vec<Capability> {
    let mut capabilities = row.map(|row| row.capabilities.clone()).unwrap_or_default();
    if known.embeds && !capabilities.contains(&Capability::Embeddings) {
        capabilities.push(Capability::Embeddings);
    }
    capabilities
}

/// What a million tokens cost when they are mixed as those of `used` were; `None` where none were used.
pub(super) fn mix_price(price: &Price, used: &ModelUse) -> Option<NanoUsd> {
    let tokens = i128::from(used.input) + i128::from(used.output);
    let cost = i128::from(price.cost(&used.tokens()).0);
    let mixed = (cost * 1_000_000 + tokens / 2).checked_div(tokens)?;
    i64::try_from(mixed).ok().map(NanoUsd)
}
