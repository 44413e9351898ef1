//! The failover drill: pretend that somebody is in trouble, and see where each profile would go and what would have no home: in a
//! dry run on the real plan, in which nothing is sent, or in force, so that real calls meet it. Nobody's health changes.

mod force;

use std::sync::Arc;

use patchbay_core::route::{Drill, Fate, Needs, Rehearsal, Stop, Struck, Trouble};
use serde::{Deserialize, Serialize};

use crate::Engine;
use crate::error::Error;
use crate::snapshot::Snapshot;

pub(crate) use force::in_words;
pub use force::{DrillInForce, DrillStarted, Homeless, LONGEST_MIN, end, in_force, start};

/// What is pretended.
#[derive(Clone, Debug, Deserialize, specta::Type)]
pub struct DrillRequest {
    /// A connection key or a provider's slug.
    pub struck: String,
    /// What is the matter.
    pub trouble: TroubleKind,
    /// For slowness: milliseconds until the first byte; `None` = 30,000.
    pub first_byte_ms: Option<u32>,
}

/// What is the matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum TroubleKind {
    /// It cannot be reached.
    Outage,
    /// It answers 429.
    RateLimited,
    /// Its first byte comes late.
    Slow,
}

/// What would happen.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct DrillReport {
    /// Who was said to be in trouble, as a person calls it.
    pub struck: String,
    /// Every profile in use, then every alias that leads elsewhere than to a profile.
    pub rows: Vec<DrillRow>,
    /// How many of them would have no home.
    pub homeless: u32,
}

/// What would happen to calls of one name.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct DrillRow {
    /// What bots ask for.
    pub name: String,
    /// Its way leads past whoever is in trouble.
    pub is_struck: bool,
    /// Who would answer: the connection's name; `None` for nobody.
    pub home: Option<String>,
    /// The model there.
    pub model: Option<String>,
    /// How much later the answer would begin, or the caller would be told, in milliseconds at most.
    pub delay_ms: u32,
    /// Every stop, in the order of trying; who is passed by comes last.
    pub stops: Vec<DrillStop>,
}

/// A stop on a call's way.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct DrillStop {
    /// The connection key.
    pub connection: String,
    /// The connection's name.
    pub name: String,
    /// The model that would be asked for; empty for who is passed by.
    pub model: String,
    /// What would become of it.
    pub outcome: DrillOutcome,
    /// In plain words.
    pub text: String,
}

/// What would become of a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum DrillOutcome {
    /// It would answer.
    Answers,
    /// It would fail.
    Fails,
    /// It is passed by as things are now.
    Skipped,
    /// The call would not come this far.
    Spare,
}

/// Runs a drill over everything that bots may ask for by a name of the user's own.
pub fn run(engine: &Arc<Engine>, request: &DrillRequest) -> Result<DrillReport, Error> {
    let snapshot = engine.snapshot()?;
    let drill = request.drill(&snapshot)?;
    engine.board.recall(&snapshot);
    let names = names(&snapshot);
    let rows: Vec<DrillRow> = names
        .iter()
        .map(|name| row(name, &engine.board.rehearse(&snapshot.directory, name, &Needs::default(), &drill)))
        .collect();
    let homeless = rows.iter().filter(|row| row.home.is_none()).count();
    Ok(DrillReport {
        struck: label(&snapshot, &drill.struck),
        rows,
        homeless: u32::try_from(homeless).unwrap_or(u32::MAX),
    })
}

impl DrillRequest {
    fn drill(&self, snapshot: &Snapshot) -> Result<Drill, Error> {
        let trouble = match self.trouble {
            TroubleKind::Outage => Trouble::Outage,
            TroubleKind::RateLimited => Trouble::RateLimited,
            TroubleKind::Slow => Trouble::Slow { first_byte_ms: self.first_byte_ms.unwrap_or(30_000).into() },
        };
        Ok(Drill { struck: struck(snapshot, &self.struck)?, trouble })
    }
}

/// As a person calls it; what is gone keeps its key.
fn label(snapshot: &Snapshot, struck: &Struck) -> String {
    match struck {
        Struck::Connection(key) => {
            snapshot.connection(key).map_or(key, |connection| &connection.name).clone()
        }
        Struck::Provider(slug) => snapshot.provider_name(slug).to_owned(),
    }
}

fn struck(snapshot: &Snapshot, name: &str) -> Result<Struck, Error> {
    if snapshot.connection(name).is_some() {
        return Ok(Struck::Connection(name.to_owned()));
    }
    if snapshot.provider(name).is_ok() {
        return Ok(Struck::Provider(name.to_owned()));
    }
    Err(Error::invalid(
        format!("\"{name}\" is neither a connection nor a provider."),
        "Give a connection key or a provider's slug.",
    ))
}

fn names(snapshot: &Snapshot) -> Vec<String> {
    let in_use = snapshot.profiles.iter().filter(|row| !row.is_archived).map(|row| row.name.clone());
    let is_profile = |target: &str| snapshot.profiles.iter().any(|row| row.name == target);
    let mut aliases: Vec<String> = snapshot
        .aliases
        .iter()
        .filter(|(_, target)| !is_profile(target))
        .map(|(alias, _)| alias.clone())
        .collect();
    aliases.sort();
    in_use.chain(aliases).collect()
}

fn row(name: &str, rehearsal: &Rehearsal<'_>) -> DrillRow {
    let home = rehearsal.home();
    DrillRow {
        name: name.to_owned(),
        is_struck: rehearsal.is_struck,
        home: home.map(|stop| stop.connection.name.clone()),
        model: home.and_then(|stop| stop.model).map(str::to_owned),
        delay_ms: u32::try_from(rehearsal.delay_ms).unwrap_or(u32::MAX),
        stops: rehearsal.stops.iter().map(stop).collect(),
    }
}

fn stop(stop: &Stop<'_>) -> DrillStop {
    let (outcome, text) = match stop.fate {
        Fate::Answers => (DrillOutcome::Answers, "would answer".to_owned()),
        Fate::Spare => (DrillOutcome::Spare, "would not be needed, or not be reached".to_owned()),
        Fate::Skipped(reason) => (DrillOutcome::Skipped, reason.to_string()),
        Fate::Fails { code, tries } => {
            let how = code.as_str().replace('_', " ");
            let times = if tries == 1 { String::new() } else { format!(", {tries} times") };
            (DrillOutcome::Fails, format!("would fail: {how}{times}"))
        }
    };
    DrillStop {
        connection: stop.connection.key.clone(),
        name: stop.connection.name.clone(),
        model: stop.model.unwrap_or_default().to_owned(),
        outcome,
        text,
    }
}
