//! Reading the providers' own lists. All pages of all connections of a provider are read first and then written at once, so a
//! sync that fails or is stopped changes nothing (M1).

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::future::join_all;
use patchbay_core::audit::{Action, Actor, Change, Entry, Kind};
use patchbay_core::catalog::{KeyNeed, Protocol};
use patchbay_core::code::Code;
use patchbay_core::connection::{Connection, ConnectionStatus};
use patchbay_core::dialect::Failure;
use patchbay_core::dialect::models::{ListedModel, ModelPage, decode, route};
use patchbay_core::id::{ConnectionId, ProviderId};
use patchbay_core::price::{Price, PriceBook, PriceSource, PriceVersion};
use patchbay_core::provider::Provider;
use patchbay_core::time::Timestamp;
use patchbay_store::model::{ListChanges, Listing};
use patchbay_store::{Db, Recorded, StoreError, model, price};
use serde::Serialize;
use tokio::sync::Notify;

use super::detail::Reliance;
use crate::changes::Changed;
use crate::error::Error;
use crate::{Engine, clock, upstream};

/// No list has so many pages; one that goes on for ever is broken off.
const MAX_PAGES: usize = 100;

/// Syncs on their way.
#[derive(Debug, Default)]
pub struct Syncs(Notify);

/// How the sync of a provider ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum SyncOutcome {
    /// The catalogue is in step with the list.
    Done,
    /// No list was read: nothing has changed.
    Failed,
    /// The list was empty: nothing has changed.
    Empty,
    /// There is no connection to ask through.
    NotConnected,
    /// It was stopped: nothing has changed.
    Stopped,
}

/// What the sync of a provider did.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct SyncReport {
    /// The provider's slug.
    pub provider: String,
    /// The provider's name.
    pub provider_name: String,
    /// How it ended.
    pub outcome: SyncOutcome,
    /// The connections that were asked.
    pub asked: Vec<Asked>,
    /// How many models were named.
    pub listed: u32,
    /// Ids that were named for the first time.
    pub added: Vec<String>,
    /// Models that were not named any more.
    pub gone: Vec<GoneModel>,
    /// Ids that were named again.
    pub returned: Vec<String>,
    /// Models that were given a day of their end.
    pub deprecated: Vec<GoneModel>,
    /// How many prices are new or different.
    pub prices_changed: u32,
}

/// A connection that was asked for its list.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Asked {
    /// The connection key.
    pub connection: String,
    /// How many models it named.
    pub listed: u32,
    /// Why there is no list.
    pub error: Option<Error>,
}

/// A model that is gone or going, and what it leaves behind (M3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct GoneModel {
    /// Its id.
    pub model: String,
    /// What relies on it.
    pub relied_on_by: Vec<Reliance>,
}

/// Reads the list of one provider, or of every one that has a connection.
pub async fn sync(engine: &Arc<Engine>, only: Option<String>) -> Result<Vec<SyncReport>, Error> {
    let snapshot = engine.snapshot()?;
    let wanted: Vec<&Provider> = if let Some(slug) = &only {
        vec![snapshot.provider(slug)?]
    } else {
        let connected = |p: &&Provider| snapshot.connections.iter().any(|c| c.provider == p.slug);
        snapshot.providers.iter().filter(connected).collect()
    };
    let work = wanted.iter().map(|provider| sync_one(engine, provider, &snapshot.connections));
    let reports = join_all(work).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    if reports.iter().any(|report| report.outcome == SyncOutcome::Done) {
        engine.changes.send(Changed::Models);
        engine.changes.send(Changed::Connections);
    }
    Ok(reports)
}

/// Stops all syncs of this process that still read; what is being written is written to its end.
pub fn sync_stop(engine: &Engine) {
    engine.syncs.0.notify_waiters();
}

fn report(provider: &Provider, outcome: SyncOutcome) -> SyncReport {
    SyncReport {
        provider: provider.slug.clone(),
        provider_name: provider.name.clone(),
        outcome,
        asked: Vec::new(),
        listed: 0,
        added: Vec::new(),
        gone: Vec::new(),
        returned: Vec::new(),
        deprecated: Vec::new(),
        prices_changed: 0,
    }
}

async fn sync_one(
    engine: &Arc<Engine>,
    provider: &Provider,
    connections: &[Connection],
) -> Result<SyncReport, Error> {
    let through: Vec<&Connection> =
        connections.iter().filter(|c| c.provider == provider.slug && may_ask(c)).collect();
    if through.is_empty() {
        return Ok(report(provider, SyncOutcome::NotConnected));
    }
    let lists = join_all(through.iter().map(|connection| read_list(engine, provider.protocol, connection)));
    let lists = tokio::select! {
        lists = lists => lists,
        () = engine.syncs.0.notified() => return Ok(report(provider, SyncOutcome::Stopped)),
    };
    let heard: Heard = through.into_iter().zip(lists).collect();
    let asked = heard.asked.clone();
    let outcome = match (heard.lists.is_empty(), heard.listing.models.is_empty()) {
        (true, _) => SyncOutcome::Failed,
        (false, true) => SyncOutcome::Empty,
        (false, false) => {
            let done = write(engine, provider, heard).await?;
            return Ok(SyncReport { asked, ..done });
        }
    };
    Ok(SyncReport { asked, ..report(provider, outcome) })
}

/// A pause is kept here too (F5), and a provider that wants a key is not asked without one.
fn may_ask(connection: &Connection) -> bool {
    connection.status == ConnectionStatus::Active
        && (connection.facts.key != KeyNeed::Required || connection.credential.is_some())
}

/// Reads all pages of a connection's list.
async fn read_list(
    engine: &Engine,
    protocol: Protocol,
    connection: &Connection,
) -> Result<Vec<ListedModel>, Failure> {
    let pass = engine.keys.of(connection).await.map_err(|error| Failure::new(error.code, error.message))?;
    let mut models = Vec::new();
    let mut next: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let response = engine.upstream.get(connection, &pass, &route(protocol, next.as_deref())).await?;
        let body = upstream::read_whole(response, connection).await?;
        let page: ModelPage = decode(protocol, &body)?;
        models.extend(page.models);
        match page.next {
            None => return Ok(models),
            again if again == next => break,
            following => next = following,
        }
    }
    Err(Failure::new(
        Code::MalformedAnswer,
        format!("The list of models of {} does not end.", connection.name),
    ))
}

/// What the connections of a provider answered.
#[derive(Default)]
struct Heard {
    asked: Vec<Asked>,
    lists: Vec<(ConnectionId, Vec<String>)>,
    listing: Listing,
}

impl<'a> FromIterator<(&'a Connection, Result<Vec<ListedModel>, Failure>)> for Heard {
    fn from_iter<T: IntoIterator<Item = (&'a Connection, Result<Vec<ListedModel>, Failure>)>>(
        lists: T,
    ) -> Self {
        let mut heard = Self::default();
        let mut named = HashSet::new();
        for (connection, list) in lists {
            let mut asked = Asked { connection: connection.key.clone(), listed: 0, error: None };
            match list {
                Ok(models) => {
                    asked.listed = short(models.len());
                    heard.lists.push((connection.id, models.iter().map(|model| model.id.clone()).collect()));
                    heard
                        .listing
                        .models
                        .extend(models.into_iter().filter(|model| named.insert(model.id.clone())));
                }
                Err(failure) => {
                    heard.listing.unheard.push(connection.id);
                    asked.error = Some(failure.into());
                }
            }
            heard.asked.push(asked);
        }
        heard
    }
}

/// Lists, reach and prices in one transaction.
async fn write(engine: &Arc<Engine>, provider: &Provider, heard: Heard) -> Result<SyncReport, Error> {
    let (id, slug) = (provider.id, provider.slug.clone());
    let book = engine.snapshot()?;
    let base = report(provider, SyncOutcome::Done);
    engine
        .blocking(move |engine| {
            let written = engine.store.change(clock::now(), move |db| {
                let now = clock::now();
                let changes = write_models(db, id, &heard, now)?;
                let prices_changed = write_prices(db, &slug, &heard.listing.models, &book.prices, now)?;
                let done = SyncReport {
                    listed: short(heard.listing.models.len()),
                    gone: affected(db, &slug, changes.gone)?,
                    deprecated: affected(db, &slug, changes.deprecated)?,
                    added: changes.added,
                    returned: changes.returned,
                    prices_changed,
                    ..base
                };
                let entry = noted(&done);
                Ok(match entry {
                    Some(entry) => Recorded::new(done, entry),
                    None => Recorded::unchanged(done),
                })
            });
            Ok(written?)
        })
        .await
}

/// A list that says nothing new is no change.
fn noted(done: &SyncReport) -> Option<Entry> {
    let names = |gone: &[GoneModel]| gone.iter().map(|gone| gone.model.clone()).collect::<Vec<_>>();
    let parts = [
        ("models.added", done.added.clone()),
        ("models.gone", names(&done.gone)),
        ("models.returned", done.returned.clone()),
        ("models.deprecated", names(&done.deprecated)),
    ];
    let told = parts.into_iter().filter(|(_, models)| !models.is_empty());
    let change = told.fold(Change::default(), |change, (what, models)| change.fact(what, models));
    let change = if done.prices_changed > 0 { change.fact("prices", done.prices_changed) } else { change };
    let entry = Entry::by(Actor::Import, Action::Import, Kind::Provider, done.provider.clone());
    (!change.is_empty()).then(|| entry.change(change).because("its list of models"))
}

fn write_models(
    db: &Db,
    provider: ProviderId,
    heard: &Heard,
    now: Timestamp,
) -> Result<ListChanges, StoreError> {
    let changes = model::sync(db, provider, &heard.listing, now)?;
    for (connection, models) in &heard.lists {
        model::reached(db, *connection, models, now)?;
    }
    Ok(changes)
}

/// Only a price that differs makes a version, so that a history shows changes and not syncs.
fn write_prices(
    db: &Db,
    slug: &str,
    models: &[ListedModel],
    book: &PriceBook,
    now: Timestamp,
) -> Result<u32, StoreError> {
    let mut changed = 0;
    for listed in models.iter().filter(|listed| !listed.prices.is_empty() && model::is_name(&listed.id)) {
        let known = book.newest(slug, &listed.id, PriceSource::Provider);
        if known.is_some_and(|known| sorted(&known.prices) == sorted(&listed.prices)) {
            continue;
        }
        let version = PriceVersion {
            source: PriceSource::Provider,
            effective_from: now,
            prices: sorted(&listed.prices),
        };
        price::set(db, slug, &listed.id, &version, now)?;
        changed += 1;
    }
    Ok(changed)
}

/// By size of prompt; a size that is named twice counts once.
fn sorted(prices: &[Price]) -> Vec<Price> {
    let mut prices = prices.to_vec();
    prices.sort_by_key(|price| price.above_tokens);
    prices.dedup_by_key(|price| price.above_tokens);
    prices
}

fn affected(db: &Db, slug: &str, models: Vec<String>) -> Result<Vec<GoneModel>, StoreError> {
    let with_users = models.into_iter().map(|name| {
        let relied_on_by = model::relying(db, slug, &name)?.into_iter().map(Into::into).collect();
        Ok(GoneModel { model: name, relied_on_by })
    });
    with_users.collect()
}

fn short(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
