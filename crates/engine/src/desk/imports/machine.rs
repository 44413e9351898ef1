//! Model servers that run on this machine, at the addresses they are known to have. Only loopback is asked.

use std::sync::Arc;

use futures_util::future::join_all;
use patchbay_core::catalog::{CatalogProvider, provider, providers};
use patchbay_core::connection::{Connection, Limits, Timeouts, is_loopback_host};
use patchbay_core::dialect::models::{decode, route};
use patchbay_core::import::{Found, KeyAt, Sighting};

use url::Url;

use super::Look;
use super::source::{self, Variables};
use crate::Engine;
use crate::desk::connections::provisional;
use crate::pass::Pass;

/// A server on this machine answers at once or not at all, in milliseconds.
const PATIENCE: Timeouts =
    Timeouts { connect_ms: 300, first_byte_ms: 1_000, idle_ms: 1_000, total_ms: 1_500 };

/// Asks for servers at their well-known ports, and where this process's variables say that one is (`OLLAMA_HOST`).
pub(super) async fn look(engine: &Arc<Engine>) -> Look {
    let local = providers().iter().filter(|provider| provider.local && !provider.base_url.is_empty());
    let well_known = local.map(|provider| Place { provider, base_url: None });
    let places: Vec<Place> = well_known.chain(named()).collect();
    let answers = join_all(places.iter().map(|place| ask(engine, place))).await;
    let (mut sighting, mut models) = (Sighting::default(), Vec::new());
    for (found, count) in answers.into_iter().flatten() {
        models.push((found.origin.clone(), count));
        sighting.found.push(found);
    }
    Look { sighting, variables: Variables::default(), models }
}

/// Where a server may be.
struct Place {
    provider: &'static CatalogProvider,
    /// `None` = the provider's own.
    base_url: Option<String>,
}

/// Other addresses of this machine that variables speak of.
fn named() -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for found in source::environment().sighting.found {
        let local = provider(&found.provider).filter(|provider| provider.local);
        let here = found.base_url.filter(|url| {
            let is_here = Url::parse(url).is_ok_and(|url| url.host_str().is_some_and(is_loopback_host));
            is_here && !places.iter().any(|place| place.base_url.as_ref() == Some(url))
        });
        if let (Some(provider), Some(url)) = (local, here) {
            places.push(Place { provider, base_url: Some(url) });
        }
    }
    places
}

/// `None` where nobody answers, or somebody else does.
async fn ask(engine: &Engine, place: &Place) -> Option<(Found, u32)> {
    let provider = place.provider;
    let snapshot = engine.snapshot().ok()?;
    let known = provisional(snapshot.provider(&provider.slug).ok()?);
    let base_url = place.base_url.clone().unwrap_or_else(|| known.base_url.clone());
    let there = Connection { timeouts: PATIENCE, base_url, ..known };
    let route = route(provider.protocol, None);
    let seen = engine.upstream.look(&there, &Pass::default(), provider.protocol, &route).await.ok()?;
    let page = decode(provider.protocol, &seen.body).ok().filter(|_| seen.status == 200)?;
    let at = place.base_url.as_ref().map(|url| format!(" at {url}"));
    let found = Found {
        origin: format!("{}{}", provider.name, at.unwrap_or_default()),
        provider: provider.slug.clone(),
        name: provider.name.clone(),
        base_url: place.base_url.clone(),
        default_model: page.models.first().map(|model| model.id.clone()),
        organization: None,
        limits: Limits::default(),
        max_retries: None,
        timeout_s: None,
        key: KeyAt::Nowhere,
        notes: Vec::new(),
    };
    Some((found, u32::try_from(page.models.len()).unwrap_or(u32::MAX)))
}
