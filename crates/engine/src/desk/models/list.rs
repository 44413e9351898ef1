//! Searching the catalogue, and how old it is.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::diagnose::nearest;
use patchbay_core::model::{Capability, ModelFilter, ModelState, Pricing};
use patchbay_core::money::{DecimalUsd, NanoUsd};
use patchbay_core::price::bundled_on;
use patchbay_core::report::{Field, Filter, GroupBy};
use patchbay_core::time::{HOUR_MS, Timestamp, day_range};
use patchbay_store::model::{self, Allowed};
use patchbay_store::rollup::{self, ModelUse};
use patchbay_store::{Db, Recorded, StoreError, setting};
use serde::{Deserialize, Serialize};

use super::library::{Library, Model, ModelReach, PINNED};
use crate::changes::Changed;
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::{Engine, clock};

/// After this long, a list or a table of prices is called stale.
const STALE_MS: i64 = 7 * 24 * HOUR_MS;
/// How many names a search that found nothing is answered with.
const NEAREST: usize = 5;

/// Which models are wanted, and in which order. What is left out is any.
#[derive(Clone, Debug, Default, Deserialize, specta::Type)]
#[serde(default)]
pub struct ModelQuery {
    /// The provider's slug.
    pub provider: Option<String>,
    /// This connection has them, whether it may use them or not; requests are its own then.
    pub connection: Option<String>,
    /// Words that all occur in the id or the provider's name.
    pub text: String,
    /// It can do all of these.
    pub capabilities: Vec<Capability>,
    /// Its state.
    pub state: Option<ModelState>,
    /// Whether its price is known.
    pub pricing: Option<Pricing>,
    /// Its input price per million tokens, at most.
    pub max_input: Option<DecimalUsd>,
    /// Its context window, at least.
    pub min_context: Option<u32>,
    /// Of all providers, or of those with a connection.
    pub scope: ModelScope,
    /// The order.
    pub sort: ModelSort,
    /// The other way round.
    pub reversed: bool,
    /// At most so many; `None` = all.
    pub limit: Option<u32>,
}

/// Whose models are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ModelScope {
    /// Every provider's.
    #[default]
    Everything,
    /// Those of providers with a connection.
    Connected,
}

/// The order of a list. Names decide between equals, and what is not known comes last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ModelSort {
    /// Most requests of the last 30 days first.
    #[default]
    Requests,
    /// By id.
    Name,
    /// Cheapest input first.
    Input,
    /// Cheapest output first.
    Output,
    /// Cheapest for the user's mix first.
    Mix,
    /// Largest context window first.
    Context,
    /// Quickest first token first.
    FirstToken,
}

/// The answer to a query.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct ModelList {
    /// In the order that was asked for.
    pub models: Vec<Model>,
    /// How many fit, those beyond the limit included.
    pub matched: u32,
    /// How many there are in the scope.
    pub total: u32,
    /// Ids that look like the text, where nothing fits.
    pub nearest: Vec<String>,
    /// What "your mix" is; `None` without use in the last 30 days.
    pub mix: Option<Mix>,
    /// How old all this is.
    pub age: CatalogueAge,
}

/// The user's tokens of the last 30 days, in basis points of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct Mix {
    /// Input, cached included.
    pub input_bp: u32,
    /// Of all: input read from a cache.
    pub cached_bp: u32,
    /// Output.
    pub output_bp: u32,
}

/// How old the catalogue is.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct CatalogueAge {
    /// The day on which the bundled prices were read (2026-11-21).
    pub bundled_on: String,
    /// That is over 7 days ago.
    pub bundled_stale: bool,
    /// The last list of each provider that was read.
    pub syncs: Vec<SyncAge>,
    /// Providers with a connection whose list is stale or was never read.
    pub due: Vec<String>,
}

/// When a provider's list was read last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct SyncAge {
    /// The provider's slug.
    pub provider: String,
    /// The provider's name.
    pub provider_name: String,
    /// When.
    pub at: Timestamp,
    /// How many models it named.
    pub models: u32,
    /// How many of them came with a price.
    pub priced: u32,
    /// Over 7 days ago.
    pub stale: bool,
}

/// Searches the catalogue.
pub async fn list(engine: &Arc<Engine>, query: ModelQuery) -> Result<ModelList, Error> {
    let filter = filter(&query)?;
    engine
        .blocking(move |engine| {
            let library = Library::read(engine)?;
            let syncs = engine.store.read(|db| sync_ages(db, &library.snapshot, library.now))?;
            let mut models: Vec<Model> =
                library.names().into_iter().map(|(slug, model)| library.model(slug, model)).collect();
            if let Some(key) = &query.connection {
                only_of(engine, &library, key, &mut models)?;
            }
            models.retain(|model| {
                query.scope == ModelScope::Everything || model.reach != ModelReach::NotConnected
            });
            let total = models.len();
            let close = close_names(&library, &models, &filter);
            models.retain(|model| filter.admits(&library.traits(model)));
            let matched = models.len();
            sort(&mut models, &query);
            models.truncate(
                query.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX)),
            );
            Ok(ModelList {
                matched: short(matched),
                total: short(total),
                nearest: if matched == 0 { close } else { Vec::new() },
                mix: mix(&library.all_use),
                age: age(&library, syncs),
                models,
            })
        })
        .await
}

/// Leaves what a connection has, with the requests that it answered itself.
fn only_of(engine: &Engine, library: &Library, key: &str, models: &mut Vec<Model>) -> Result<(), Error> {
    models.retain(|model| model.offered_by.iter().any(|offer| offer.connection == key));
    let filter = Filter::during(library.used_during()).only(Field::Connection, key);
    let groups = engine.store.read(|db| rollup::groups(db, &filter, GroupBy::Model, &TimeZone::UTC))?;
    let calls: HashMap<String, u64> =
        groups.into_iter().map(|group| (group.key, group.totals.calls)).collect();
    for model in models {
        let own = calls.get(&model.model).copied().unwrap_or(0);
        model.requests = u32::try_from(own).unwrap_or(u32::MAX);
    }
    Ok(())
}

fn filter(query: &ModelQuery) -> Result<ModelFilter, Error> {
    let amount = |text: &DecimalUsd| {
        NanoUsd::from_decimal(text.0.trim()).ok_or_else(|| {
            Error::invalid(
                format!("\"{}\" is no price.", text.0),
                "Write dollars per million tokens, such as 0.15.",
            )
        })
    };
    Ok(ModelFilter {
        provider: query.provider.clone(),
        text: query.text.clone(),
        capabilities: query.capabilities.clone(),
        state: query.state,
        pricing: query.pricing,
        max_input: query.max_input.as_ref().map(amount).transpose()?,
        min_context: query.min_context,
    })
}

/// Ids that are written nearly like the text, among those that fit the rest of the filter.
fn close_names(library: &Library, models: &[Model], filter: &ModelFilter) -> Vec<String> {
    if filter.text.trim().is_empty() {
        return Vec::new();
    }
    let fitting = models.iter().filter(|model| filter.admits_all_but_text(&library.traits(model)));
    let names: BTreeSet<String> = fitting.map(|model| model.model.clone()).collect();
    let names: Vec<String> = names.into_iter().collect();
    nearest(filter.text.trim(), &names, NEAREST).into_iter().map(str::to_owned).collect()
}

/// Each order is a number that grows; what is not known is the largest, in either direction.
fn sort(models: &mut [Model], query: &ModelQuery) {
    let nano = |price: &Option<DecimalUsd>| {
        price.as_ref().and_then(|price| NanoUsd::from_decimal(&price.0)).map(|amount| amount.0)
    };
    let value = |model: &Model| match query.sort {
        ModelSort::Name => Some(0),
        ModelSort::Requests => Some(-i64::from(model.requests)),
        ModelSort::Input => nano(&model.input_price),
        ModelSort::Output => nano(&model.output_price),
        ModelSort::Mix => nano(&model.mix_price),
        ModelSort::Context => model.context_window.map(|size| -i64::from(size)),
        ModelSort::FirstToken => model.first_token_ms.map(i64::from),
    };
    let sign = if query.reversed { -1 } else { 1 };
    models.sort_by_cached_key(|model| {
        (value(model).map_or(i64::MAX, |value| value * sign), model.model.clone(), model.provider.clone())
    });
    if query.sort == ModelSort::Name && query.reversed {
        models.reverse();
    }
}

fn mix(used: &ModelUse) -> Option<Mix> {
    let all = used.input + used.output;
    let share = |tokens: u64| {
        let bp = (u128::from(tokens) * 10_000 + u128::from(all / 2)).checked_div(u128::from(all))?;
        u32::try_from(bp).ok()
    };
    let input_bp = share(used.input)?;
    Some(Mix { input_bp, cached_bp: share(used.cached)?, output_bp: 10_000_u32.saturating_sub(input_bp) })
}

fn age(library: &Library, syncs: Vec<SyncAge>) -> CatalogueAge {
    let read_on = bundled_on();
    let read_at = read_on.map(|day| day_range(day, &TimeZone::UTC).from);
    let fresh = |slug: &str| syncs.iter().any(|sync| sync.provider == slug && !sync.stale);
    let connected: BTreeSet<&str> =
        library.snapshot.connections.iter().map(|connection| connection.provider.as_str()).collect();
    CatalogueAge {
        bundled_on: read_on.map(|day| day.to_string()).unwrap_or_default(),
        bundled_stale: read_at.is_none_or(|at| is_stale(at, library.now)),
        due: connected.into_iter().filter(|slug| !fresh(slug)).map(str::to_owned).collect(),
        syncs,
    }
}

/// When each provider's list was read last.
pub(in crate::desk) fn sync_ages(
    db: &Db,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Result<Vec<SyncAge>, StoreError> {
    let syncs = model::syncs(db)?.into_iter().map(|sync| SyncAge {
        provider_name: snapshot.provider_name(&sync.provider).to_owned(),
        provider: sync.provider,
        at: sync.at,
        models: sync.models,
        priced: sync.priced,
        stale: is_stale(sync.at, now),
    });
    Ok(syncs.collect())
}

fn is_stale(at: Timestamp, now: Timestamp) -> bool {
    now.0.saturating_sub(at.0) > STALE_MS
}

/// How many models each provider has, those that are gone left out.
pub(in crate::desk) fn counts(engine: &Engine) -> Result<HashMap<String, u32>, Error> {
    let library = Library::read(engine)?;
    let mut counts: HashMap<String, u32> = HashMap::new();
    for (slug, name) in library.names() {
        if library.model(slug, name).state != ModelState::Unavailable {
            *counts.entry(slug.to_owned()).or_default() += 1;
        }
    }
    Ok(counts)
}

/// Lets a connection use a model, or takes it away.
pub async fn allow(engine: &Arc<Engine>, connection: &str, name: String, allowed: bool) -> Result<(), Error> {
    let allowed = if allowed { Allowed::Yes } else { Allowed::No };
    let snapshot = engine.snapshot()?;
    let found = snapshot.connection(connection).map(|connection| connection.id);
    let id = found.ok_or_else(|| StoreError::NotFound { what: "connection", name: connection.to_owned() })?;
    if !model::is_name(&name) {
        return Err(Error::invalid(
            "A model's id has 1 to 200 characters.",
            "Give the id as its provider writes it.",
        ));
    }
    let key = connection.to_owned();
    engine
        .change(move |db| {
            model::allow(db, id, &name, allowed, clock::now())?;
            let entry = Entry::user(Action::Update, Kind::Connection, key);
            let change = Change::default().fact(&format!("models.{name}"), allowed == Allowed::Yes);
            Ok(Recorded::new((), entry.change(change)))
        })
        .await?;
    engine.changes.send(Changed::Models);
    Ok(())
}

/// Pins a model, or takes the pin away.
pub async fn pin(engine: &Arc<Engine>, id: String, pinned: bool) -> Result<(), Error> {
    engine
        .change(move |db| {
            let mut pins: BTreeSet<String> = setting::get(db, PINNED)?.unwrap_or_default();
            if pinned {
                pins.insert(id);
            } else {
                pins.remove(&id);
            }
            setting::set(db, PINNED, &pins, clock::now())?;
            // Where a person looks first changes nothing of what calls do.
            Ok(Recorded::unchanged(()))
        })
        .await?;
    engine.changes.send(Changed::Models);
    Ok(())
}

fn short(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
