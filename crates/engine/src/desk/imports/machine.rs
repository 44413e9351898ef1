//! Model servers that run on this machine, at the addresses they are known to have. Only loopback is asked.

use std::sync::Arc;

use futures_util::future::join_all;
use patchbay_core::catalog::{CatalogProvider, providers};
use patchbay_core::connection::{Connection, Limits, Timeouts};
use patchbay_core::dialect::models::{decode, route};
use patchbay_core::import::{Found, KeyAt, Sighting};

use super::Look;
use super::source::Variables;
use crate::Engine;
use crate::desk::connections::provisional;
use crate::pass::Pass;

/// A server on this machine answers at once or not at all, in milliseconds.
const PATIENCE: Timeouts =
    Timeouts { connect_ms: 300, first_byte_ms: 1_000, idle_ms: 1_000, total_ms: 1_500 };

/// Asks for servers at their well-known ports.
pub(super) async fn look(engine: &Arc<Engine>) -> Look {
    let local = providers().iter().filter(|provider| provider.local && !provider.base_url.is_empty());
    let answers = join_all(local.map(|provider| ask(engine, provider))).await;
    let (mut sighting, mut models) = (Sighting::default(), Vec::new());
    for (found, count) in answers.into_iter().flatten() {
        models.push((found.origin.clone(), count));
        sighting.found.push(found);
    }
    Look { sighting, variables: Variables::default(), models }
}

/// `None` where nobody answers, or somebody else does.
async fn ask(engine: &Engine, provider: &CatalogProvider) -> Option<(Found, u32)> {
    let snapshot = engine.snapshot().ok()?;
    let known = snapshot.provider(&provider.slug).ok()?;
    let there = Connection { timeouts: PATIENCE, ..provisional(known) };
    let route = route(provider.protocol, None);
    let seen = engine.upstream.look(&there, &Pass::default(), provider.protocol, &route).await.ok()?;
    let page = decode(provider.protocol, &seen.body).ok().filter(|_| seen.status == 200)?;
    let found = Found {
        origin: provider.name.clone(),
        provider: provider.slug.clone(),
        name: provider.name.clone(),
        base_url: None,
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
