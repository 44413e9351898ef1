//! Whether a profile can be as it is written, and what the models of its chain lack.

use patchbay_core::connection::Connection;
use patchbay_core::profile::{
    Place, ProfileHint, Spec, SpecError, SpecTarget, TargetFacts, hints as hints_of, is_profile_name,
};

use crate::error::Error;
use crate::snapshot::Snapshot;

impl From<SpecError> for Error {
    fn from(error: SpecError) -> Self {
        Self::invalid(error.message, error.hint)
    }
}

/// Whether a text may be a profile's name.
pub(super) fn name(text: &str) -> Result<String, Error> {
    let text = text.trim();
    if is_profile_name(text) {
        return Ok(text.to_owned());
    }
    Err(Error::invalid(
        format!("\"{text}\" cannot be the name of a profile."),
        "Bots send it as a model: use 1 to 64 of a-z, A-Z, 0-9, and . _ : -",
    ))
}

/// A profile whose values are in their ranges and whose steps all lead somewhere (M4).
pub(super) fn spec(snapshot: &Snapshot, spec: &Spec) -> Result<(), Error> {
    spec.check()?;
    match lost_step(snapshot, spec) {
        None => Ok(()),
        Some(lost) => Err(lost.into()),
    }
}

/// The first step that leads nowhere.
pub(super) fn lost_step(snapshot: &Snapshot, spec: &Spec) -> Option<SpecError> {
    let lost = |step: usize, what: &str, name: &str, hint: &str| SpecError {
        field: "targets",
        message: format!("Step {step} leads to the {what} \"{name}\", which is not there."),
        hint: hint.to_owned(),
    };
    (1..).zip(&spec.targets).find_map(|(step, target)| match target.place()? {
        Place::Connection(key) if snapshot.connection(key).is_none() => {
            Some(lost(step, "connection", key, "`patchbay connections list` shows those that are."))
        }
        Place::Provider(slug) if snapshot.provider(slug).is_err() => {
            Some(lost(step, "provider", slug, "`patchbay providers list` shows those that are."))
        }
        _ => None,
    })
}

/// What the models of the chain lack (M4, M3). A step that leads nowhere lacks nothing.
pub(super) fn hints(snapshot: &Snapshot, spec: &Spec) -> Vec<ProfileHint> {
    let facts: Vec<Option<TargetFacts<'_>>> =
        spec.targets.iter().map(|target| facts(snapshot, target)).collect();
    let known: Vec<TargetFacts<'_>> = facts.iter().flatten().copied().collect();
    let steps: Vec<u32> =
        (1..).zip(&facts).filter_map(|(step, facts)| facts.is_some().then_some(step)).collect();
    let renumbered = |hint: ProfileHint| {
        let step = steps.get(hint.step as usize - 1).copied().unwrap_or(hint.step);
        ProfileHint { step, ..hint }
    };
    hints_of(spec, &known).into_iter().map(renumbered).collect()
}

fn facts<'a>(snapshot: &'a Snapshot, target: &'a SpecTarget) -> Option<TargetFacts<'a>> {
    let (provider, protocol) = match target.place()? {
        Place::Connection(key) => {
            let connection = snapshot.connection(key)?;
            (connection.provider.as_str(), connection.protocol)
        }
        Place::Provider(slug) => {
            let provider = snapshot.provider(slug).ok()?;
            (provider.slug.as_str(), provider.protocol)
        }
    };
    let is_it =
        |facts: &&patchbay_core::route::ModelFacts| facts.provider == provider && facts.model == target.model;
    let known = snapshot.models.iter().find(is_it);
    Some(TargetFacts {
        provider,
        protocol,
        model: &target.model,
        state: known.map(|facts| facts.state),
        capabilities: known.and_then(|facts| facts.capabilities),
        max_output: known.and_then(|facts| facts.max_output),
    })
}

/// The connection that a step is tried at first.
pub(super) fn first_connection<'a>(snapshot: &'a Snapshot, target: &SpecTarget) -> Option<&'a Connection> {
    match target.place()? {
        Place::Connection(key) => snapshot.connection(key),
        Place::Provider(slug) => {
            let members = snapshot.connections.iter().filter(|connection| connection.provider == slug);
            members.min_by_key(|connection| (connection.priority, !connection.is_default, connection.id))
        }
    }
}
