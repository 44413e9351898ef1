//! Names that bots ask for: one that leads to one place becomes an alias, one that leads to several a profile with a chain.

use patchbay_core::audit::{Action, Actor, Change, Entry, Kind};
use patchbay_core::connection::Connection;
use patchbay_core::import::Named;
use patchbay_core::profile::{Spec, SpecTarget, is_profile_name};
use patchbay_core::time::Timestamp;
use patchbay_store::{Db, StoreError, alias, profile};

use super::{ImportStep, LeftAlone, Planned};
use crate::desk::aliases::is_alias;
use crate::desk::audit::FieldChange;
use crate::desk::profiles::told;
use crate::snapshot::Snapshot;

/// A connection that names may lead to.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    origin: String,
    key: String,
    /// Models that calls find there by their id alone.
    knows: Vec<String>,
}

impl Spot {
    /// One that is to be made.
    pub(super) fn new(planned: &Planned) -> Self {
        let knows = planned.default_model.iter().cloned().collect();
        Self { origin: planned.origin.clone(), key: planned.key.clone(), knows }
    }

    /// One that is there already.
    pub(super) fn there(origin: &str, connection: &Connection) -> Self {
        let knows = connection.default_model.iter().chain(&connection.models).cloned().collect();
        Self { origin: origin.to_owned(), key: connection.key.clone(), knows }
    }
}

/// What a name becomes.
#[derive(Clone, Debug)]
pub(super) enum Naming {
    Alias { name: String, target: String },
    Profile { name: String, spec: Box<Spec> },
}

/// What names become where these connections are, and those that nothing is made of.
pub(super) fn settle(snapshot: &Snapshot, names: &[Named], spots: &[Spot]) -> (Vec<Naming>, Vec<LeftAlone>) {
    let (mut namings, mut left) = (Vec::new(), Vec::new());
    for named in names {
        match become_of(snapshot, named, spots) {
            Ok(made) => namings.extend(made),
            Err(why) => left.push(LeftAlone { what: named.name.clone(), why }),
        }
    }
    (namings, left)
}

/// Nothing, where the name leads there already.
fn become_of(snapshot: &Snapshot, named: &Named, spots: &[Spot]) -> Result<Vec<Naming>, String> {
    let mut chain: Vec<SpecTarget> = Vec::new();
    let mut is_known = false;
    for (origin, model) in &named.places {
        let Some(spot) = spots.iter().find(|spot| spot.origin == *origin) else { continue };
        is_known = *model == named.name && spot.knows.contains(model);
        let step = SpecTarget { connection: Some(spot.key.clone()), provider: None, model: model.clone() };
        if !chain.contains(&step) {
            chain.push(step);
        }
    }
    match &chain[..] {
        [] => Err("None of the connections that it leads to is there or chosen.".to_owned()),
        [_] if is_known => Ok(Vec::new()),
        [step] => Ok(as_alias(snapshot, &named.name, step.address())?.into_iter().collect()),
        _ => as_profile(snapshot, &named.name, chain, spots),
    }
}

fn as_alias(snapshot: &Snapshot, name: &str, target: String) -> Result<Option<Naming>, String> {
    if !is_alias(name) {
        return Err("An alias has 1 to 200 characters and no spaces.".to_owned());
    }
    if snapshot.profiles.iter().any(|row| row.name == name) {
        return Err("A profile has this name already.".to_owned());
    }
    match snapshot.aliases.get(name) {
        Some(before) if *before == target => Ok(None),
        Some(before) => Err(format!("It is an alias already, of {before}.")),
        None => Ok(Some(Naming::Alias { name: name.to_owned(), target })),
    }
}

/// A name with characters that no profile has becomes an alias of one with such a name.
fn as_profile(
    snapshot: &Snapshot,
    name: &str,
    chain: Vec<SpecTarget>,
    spots: &[Spot],
) -> Result<Vec<Naming>, String> {
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let own = if is_profile_name(name) { name.to_owned() } else { plain };
    if !is_profile_name(&own) {
        return Err("It is too long for a profile, which several places need.".to_owned());
    }
    let spec = Spec { targets: chain, ..Spec::default() };
    spec.check().map_err(|error| error.message)?;
    let mut made = Vec::new();
    match snapshot.profiles.iter().find(|row| row.name == own) {
        Some(row) if row.version.spec == spec => {}
        Some(_) => return Err(format!("There is a profile {own} already, and it says something else.")),
        None if snapshot.aliases.contains_key(&own) => {
            return Err(format!("There is an alias {own} already."));
        }
        None if snapshot.connection(&own).is_some() || spots.iter().any(|spot| spot.key == own) => {
            return Err(format!("{own} is the key of a connection, so no profile can have this name."));
        }
        None => made.push(Naming::Profile { name: own.clone(), spec: Box::new(spec) }),
    }
    if own != name {
        made.extend(as_alias(snapshot, name, own)?);
    }
    Ok(made)
}

impl Naming {
    /// As a plan tells it.
    pub(super) fn step(&self) -> ImportStep {
        let (kind, name, field, after) = match self {
            Self::Alias { name, target } => ("alias", name, "target", target.clone()),
            Self::Profile { name, spec } => {
                let steps: Vec<String> = spec.targets.iter().map(SpecTarget::address).collect();
                ("profile", name, "targets", steps.join(" → "))
            }
        };
        let change = FieldChange { field: field.to_owned(), before: String::new(), after };
        ImportStep {
            action: "create".to_owned(),
            kind: kind.to_owned(),
            name: name.clone(),
            changes: vec![change],
        }
    }

    /// Makes it, in the caller's transaction.
    pub(super) fn write(&self, db: &Db, from: &str, now: Timestamp) -> Result<Entry, StoreError> {
        let by_import = |kind: Kind, name: &str| Entry::by(Actor::Import, Action::Create, kind, name);
        Ok(match self {
            Self::Alias { name, target } => {
                let before = alias::set(db, name, target)?;
                by_import(Kind::Model, name).change(Change::default().with("target", &before, target))
            }
            Self::Profile { name, spec } => {
                let note = format!("from {from}");
                profile::insert(db, name, spec, &note, now)?;
                by_import(Kind::Profile, name).change(Change::made(&told(spec))).because(&note)
            }
        })
    }
}
