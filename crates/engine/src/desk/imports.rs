//! Importing: connections that the environment, a file or this machine speaks of. First a plan, which reads no key; then all that
//! was chosen in one change.

mod apply;
mod machine;
mod names;
mod source;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use patchbay_core::catalog::{KeyNeed, provider};
use patchbay_core::code::Code;
use patchbay_core::connection::{key_from_name, normalise_base_url};
use patchbay_core::import::{Found, KeyAt, Sighting, Skipped, leads_to};
use patchbay_core::secret::Secret;
use serde::Serialize;

use super::configuration::{self, ImportStep, Mode};
use crate::changes::Changed;
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::{Engine, clock};
use names::Spot;
use source::Variables;

/// Where connections are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The variables of this process.
    Environment,
    /// Model servers on this machine.
    Machine,
    /// `.env`, LiteLLM's `config.yaml`, or an export of Patchbay's.
    File(PathBuf),
}

/// What an import would make, or made.
#[derive(Clone, Debug, Default, Serialize, specta::Type)]
pub struct Import {
    /// Connections.
    pub connections: Vec<Planned>,
    /// What else is new or changes: aliases and profiles for names that bots ask for, or all of an export of Patchbay's.
    pub steps: Vec<ImportStep>,
    /// Connections that get a key from an export of Patchbay's.
    pub keys: Vec<String>,
    /// What is left alone.
    pub skipped: Vec<LeftAlone>,
}

/// A connection that would be made.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Planned {
    /// Where it was found; by this it is chosen.
    pub origin: String,
    /// The provider's slug.
    pub provider: String,
    /// The provider's name.
    pub provider_name: String,
    /// Its name.
    pub name: String,
    /// Its connection key.
    pub key: String,
    /// Where requests go.
    pub base_url: String,
    /// Tests and the playground use it.
    pub default_model: Option<String>,
    /// The variable that its key is in, or "the file"; `None` = it has none.
    pub key_from: Option<String>,
    /// How many models its server has, where it was asked.
    pub models: Option<u32>,
    /// The connection that is probably the same. It is made only where it is chosen by its origin.
    pub clash: Option<String>,
    /// What should be known of it.
    pub notes: Vec<String>,
}

/// Something that nothing is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct LeftAlone {
    /// What it is.
    pub what: String,
    /// Why.
    pub why: String,
}

/// What was found, and how its secrets are read.
struct Look {
    sighting: Sighting,
    variables: Variables,
    /// By origin, how many models a server has.
    models: Vec<(String, u32)>,
}

/// Tells what an import would make. Keys are not read.
pub async fn plan(
    engine: &Arc<Engine>,
    source: &Source,
    passphrase: impl FnOnce() -> Result<Secret, Error> + Send + 'static,
) -> Result<Import, Error> {
    if let Some(file) = own_export(source) {
        return Ok(own(configuration::import(engine, file, Mode::DryRun, passphrase).await?));
    }
    let look = look(engine, source).await?;
    let snapshot = engine.snapshot()?;
    let mut plan = planned(&snapshot, &look, port(engine));
    let spots: Vec<Spot> = plan.connections.iter().map(|planned| spot(&snapshot, planned)).collect();
    let (namings, left) = names::settle(&snapshot, &look.sighting.names, &spots);
    plan.steps = namings.iter().map(names::Naming::step).collect();
    plan.skipped.extend(left);
    Ok(plan)
}

/// Makes what was chosen by its origin, or all that clashes with nothing, in one change. Answers what was made.
pub async fn apply(
    engine: &Arc<Engine>,
    source: &Source,
    chosen: Option<Vec<String>>,
    passphrase: impl FnOnce() -> Result<Secret, Error> + Send + 'static,
) -> Result<Import, Error> {
    if let Some(file) = own_export(source) {
        return Ok(own(configuration::import(engine, file, Mode::Apply, passphrase).await?));
    }
    let look = look(engine, source).await?;
    let plan = planned(&*engine.snapshot()?, &look, port(engine));
    let from = name_of(source);
    let made =
        engine.blocking(move |engine| apply::run(engine, plan, &look, chosen.as_deref(), from)).await?;
    engine.changes.send(Changed::Connections);
    if !made.steps.is_empty() {
        engine.changes.send(Changed::Profiles);
    }
    Ok(made)
}

/// What is said of a sealed file without its passphrase.
pub fn sealed() -> Error {
    Error::new(Code::VaultLocked, "This file is sealed.", "Enter the passphrase that it was sealed with.")
}

/// What an import is from, for the audit log.
fn name_of(source: &Source) -> String {
    match source {
        Source::Environment => "the environment".to_owned(),
        Source::Machine => "this machine".to_owned(),
        Source::File(file) => file.display().to_string(),
    }
}

fn own_export(source: &Source) -> Option<PathBuf> {
    match source {
        Source::File(file) if source::is_own_export(file) => Some(file.clone()),
        _ => None,
    }
}

fn own(imported: configuration::Imported) -> Import {
    Import { steps: imported.steps, keys: imported.keys, ..Import::default() }
}

async fn look(engine: &Arc<Engine>, source: &Source) -> Result<Look, Error> {
    match source {
        Source::Environment => Ok(source::environment()),
        Source::Machine => Ok(machine::look(engine).await),
        Source::File(file) => {
            let file = file.clone();
            engine.blocking(move |_| source::file(Path::new(&file))).await
        }
    }
}

/// The gateway's own port: an address that leads to it is Patchbay's.
fn port(engine: &Engine) -> u16 {
    engine.listening().view.port
}

/// The connections of a plan.
fn planned(snapshot: &Snapshot, look: &Look, port: u16) -> Import {
    let skipped = look.sighting.skipped.iter();
    let left = |skipped: &Skipped| LeftAlone { what: skipped.what.clone(), why: skipped.why.clone() };
    let mut plan = Import { skipped: skipped.map(left).collect(), ..Import::default() };
    for found in &look.sighting.found {
        if found.base_url.as_ref().is_some_and(|url| port != 0 && leads_to(url, port)) {
            let why = "It leads to Patchbay already: what is in it is the token of an app.".to_owned();
            plan.skipped.push(LeftAlone { what: found.origin.clone(), why });
            continue;
        }
        let models = look.models.iter().find(|(origin, _)| *origin == found.origin);
        let models = models.map(|(_, count)| *count);
        let view = view(snapshot, &plan.connections, found, models);
        plan.connections.push(view);
    }
    plan
}

/// Where names lead that lead to a planned connection: to the one that is probably the same, where there is one.
fn spot(snapshot: &Snapshot, planned: &Planned) -> Spot {
    let clash = planned.clash.as_ref();
    let same = clash.and_then(|name| snapshot.connections.iter().find(|other| other.name == *name));
    same.map_or_else(|| Spot::new(planned), |same| Spot::there(&planned.origin, same))
}

fn view(snapshot: &Snapshot, earlier: &[Planned], found: &Found, models: Option<u32>) -> Planned {
    let known = snapshot.provider(&found.provider).ok();
    let base_url = found.base_url.clone().or_else(|| known.map(|known| known.api_base_url.clone()));
    let base_url = base_url.map(|url| normalise_base_url(&url).unwrap_or(url)).unwrap_or_default();
    let (name, key) = free(snapshot, earlier, &found.name);
    let clash = snapshot
        .connections
        .iter()
        .find(|other| other.provider == found.provider && other.base_url == base_url)
        .map(|other| other.name.clone());
    let mut notes = found.notes.clone();
    let needs_key = provider(&found.provider).is_some_and(|provider| provider.key == KeyNeed::Required);
    if found.key == KeyAt::Nowhere && needs_key {
        notes.push("It has no key here: give it one afterwards.".to_owned());
    }
    Planned {
        origin: found.origin.clone(),
        provider: found.provider.clone(),
        provider_name: known.map_or_else(|| found.provider.clone(), |known| known.name.clone()),
        name,
        key,
        base_url,
        default_model: found.default_model.clone(),
        key_from: match &found.key {
            KeyAt::Nowhere => None,
            KeyAt::Variable(name) => Some(name.clone()),
            KeyAt::Here(_) => Some("the file".to_owned()),
        },
        models,
        clash,
        notes,
    }
}

/// A name and a key that nobody has: "OpenAI", "OpenAI 2".
fn free(snapshot: &Snapshot, earlier: &[Planned], wanted: &str) -> (String, String) {
    let wanted: String = wanted.chars().take(70).collect();
    let is_free = |name: &str, key: &str| {
        !snapshot.connections.iter().any(|other| other.name == name || other.key == key)
            && !earlier.iter().any(|other| other.name == name || other.key == key)
    };
    let numbered = (1..1_000).map(|n| if n == 1 { wanted.clone() } else { format!("{wanted} {n}") });
    let named = numbered.map(|name| (key_from_name(&name), name));
    named
        .map(|(key, name)| (name, key))
        .find(|(name, key)| is_free(name, key))
        .unwrap_or_else(|| (format!("{wanted} {}", clock::now().0), key_from_name(&wanted)))
}
