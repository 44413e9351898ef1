//! What a profile comes to, before it is saved: what is wrong with it, what its models lack, and what is in force at each step
//! (M5). It is read off the request that would be sent.

use std::sync::Arc;

use patchbay_core::catalog::Protocol;
use patchbay_core::chat::{ChatRequest, Delivery};
use patchbay_core::connection::Connection;
use patchbay_core::dialect::models::ModelLimits;
use patchbay_core::dialect::takes::{untaken_by_model, untaken_by_protocol};
use patchbay_core::dialect::{Inbound, Target};
use patchbay_core::profile::{EffectiveSetting, ProfileHint, Recipe, Spec, effective};
use patchbay_core::usage::estimate_tokens;
use serde::Serialize;

use super::checked;
use crate::Engine;
use crate::error::Error;
use crate::snapshot::Snapshot;

/// What a profile comes to.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct ProfileCheck {
    /// Why it cannot be saved; empty where it can.
    pub problems: Vec<SpecProblem>,
    /// What the models of its chain lack.
    pub hints: Vec<ProfileHint>,
    /// What is in force at each step that leads somewhere.
    pub steps: Vec<StepSettings>,
    /// Tokens that it adds to each prompt, as an estimate.
    pub prompt_tokens: u32,
}

/// Something that has to be corrected.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct SpecProblem {
    /// The field, by its name in the profile's document.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// What is in force at one step of a chain.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct StepSettings {
    /// The step, from 1.
    pub step: u32,
    /// As a call would name it.
    pub target: String,
    /// The connection's name; of a provider's connections, the first.
    pub connection: String,
    /// Each setting with who says so.
    pub settings: Vec<EffectiveSetting>,
    /// What would be changed or left out of a request on its way there.
    pub notices: Vec<String>,
    /// Why a request could not be sent there at all; `None` where it could.
    pub refusal: Option<String>,
}

/// Looks at a profile without saving it.
pub fn check(engine: &Arc<Engine>, spec: &Spec) -> Result<ProfileCheck, Error> {
    let snapshot = engine.snapshot()?;
    let problem = spec.check().err().or_else(|| checked::lost_step(&snapshot, spec));
    let recipe = Arc::new(spec.recipe());
    let steps = (1..).zip(&spec.targets).filter_map(|(step, target)| {
        let connection = checked::first_connection(&snapshot, target)?;
        Some(step_settings(&snapshot, connection, (step, target.address(), &target.model), (spec, &recipe)))
    });
    Ok(ProfileCheck {
        problems: problem
            .map(|error| SpecProblem {
                field: error.field.to_owned(),
                message: error.message,
                hint: error.hint,
            })
            .into_iter()
            .collect(),
        hints: checked::hints(&snapshot, spec),
        steps: steps.collect(),
        prompt_tokens: u32::try_from(estimate_tokens(recipe.prompt_bytes())).unwrap_or(u32::MAX),
    })
}

fn step_settings(
    snapshot: &Snapshot,
    connection: &Connection,
    (step, target, model): (u32, String, &str),
    (spec, recipe): (&Spec, &Arc<Recipe>),
) -> StepSettings {
    let protocol = connection.protocol_for(Protocol::Openai);
    let by_model = untaken_by_model(&connection.provider, model);
    let untaken = by_model.or(untaken_by_protocol(protocol));
    let settings = effective(&Recipe::default(), Some((recipe, &spec.conduct())), connection, untaken);
    let is_it = |facts: &&patchbay_core::route::ModelFacts| {
        facts.provider == connection.provider && facts.model == model
    };
    let known = snapshot.models.iter().find(is_it);
    let limits = ModelLimits { max_output: known.and_then(|facts| facts.max_output) };
    let sent = Target { protocol, model, quirks: connection.quirks, limits, untaken: by_model };
    let (notices, refusal) = match sample(recipe).and_then(|inbound| inbound.for_provider(&sent, |_| None)) {
        Ok(encoded) => (encoded.notices, None),
        Err(failure) => (Vec::new(), Some(failure.message)),
    };
    StepSettings { step, target, connection: connection.name.clone(), settings, notices, refusal }
}

/// The shortest request there is, completed by the recipe.
fn sample(recipe: &Arc<Recipe>) -> Result<Inbound, patchbay_core::dialect::Failure> {
    let request = ChatRequest::prompt("profile", "Hello", Delivery::Whole);
    Ok(Inbound::own(&request)?.by_recipe(recipe))
}
