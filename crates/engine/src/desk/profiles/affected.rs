//! Profiles whose model is gone or will end, with what may take its place (M3). Nothing changes by itself.

use std::sync::Arc;

use patchbay_core::model::ModelState;
use patchbay_core::profile::{Offered, Place, SpecTarget, replacement};
use patchbay_core::route::ModelFacts;
use patchbay_store::model::{self, ModelRow};
use serde::Serialize;

use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::{Engine, clock};

/// A step of a profile whose model is gone or will end.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct AffectedStep {
    /// The profile.
    pub profile: String,
    /// The version in use.
    pub version: u32,
    /// The step, from 1.
    pub step: u32,
    /// Where it leads, as a call would name it: for a test side by side.
    pub from: String,
    /// Gone, or to end.
    pub state: ModelState,
    /// The day of its end (2026-11-30), where one is named.
    pub retires_on: Option<String>,
    /// What may take its place, as a call would name it; `None` where nothing near is known.
    pub to: Option<String>,
}

/// All such steps of all profiles in use, or of those that lead to one model.
pub async fn affected(
    engine: &Arc<Engine>,
    only: Option<(String, String)>,
) -> Result<Vec<AffectedStep>, Error> {
    engine
        .blocking(move |engine| {
            let snapshot = engine.snapshot()?;
            let rows = engine.store.read(model::all)?;
            let in_use = snapshot.profiles.iter().filter(|row| !row.is_archived);
            let steps = in_use.flat_map(|row| {
                let steps = (1_u32..).zip(&row.version.spec.targets);
                steps.map(move |(step, target)| (row, step, target))
            });
            Ok(steps
                .filter_map(|(row, step, target)| {
                    let provider = provider_of(&snapshot, target)?;
                    let known = rows
                        .iter()
                        .find(|known| known.provider == provider && known.model == target.model)?;
                    let is_meant =
                        only.as_ref().is_none_or(|(slug, model)| slug == provider && *model == target.model);
                    (known.state != ModelState::Available && is_meant).then(|| AffectedStep {
                        profile: row.name.clone(),
                        version: row.version.number,
                        step,
                        from: target.address(),
                        state: known.state,
                        retires_on: known.retires_on.clone(),
                        to: proposal(&snapshot, target, known),
                    })
                })
                .collect())
        })
        .await
}

fn provider_of<'a>(snapshot: &'a Snapshot, target: &'a SpecTarget) -> Option<&'a str> {
    match target.place()? {
        Place::Connection(key) => Some(&snapshot.connection(key)?.provider),
        Place::Provider(slug) => Some(slug),
    }
}

/// The nearest model that can be had: at the same place where its provider has it, else at the first connection of another one.
fn proposal(snapshot: &Snapshot, target: &SpecTarget, gone: &ModelRow) -> Option<String> {
    let connected = |slug: &str| snapshot.connections.iter().find(|connection| connection.provider == slug);
    let rows = snapshot.models.iter().filter(|known| connected(&known.provider).is_some());
    let offered: Vec<Offered<'_>> = rows.map(|known| offer(snapshot, known)).collect();
    let lost = offered.iter().find(|one| one.provider == gone.provider && one.model == gone.model).cloned();
    let found = replacement(&lost?, &offered)?;
    let place = match target.place()? {
        Place::Connection(key) if snapshot.connection(key)?.provider == found.provider => key,
        Place::Provider(slug) if slug == found.provider => slug,
        _ => &connected(found.provider)?.key,
    };
    Some(format!("{place}/{}", found.model))
}

fn offer<'a>(snapshot: &'a Snapshot, known: &'a ModelFacts) -> Offered<'a> {
    let price = snapshot.prices.find(&known.provider, &known.model, clock::now(), 0);
    Offered {
        provider: &known.provider,
        model: &known.model,
        state: known.state,
        capabilities: known.capabilities,
        context: known.context,
        input: price.map(|price| price.input),
    }
}
