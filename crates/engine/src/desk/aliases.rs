//! Aliases: well-known model ids, for bots that refuse any other, that stand for a target or a profile.

use std::sync::Arc;

use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_store::{Recorded, alias};
use serde::Serialize;

use crate::Engine;
use crate::changes::Changed;
use crate::error::Error;
use crate::snapshot::Snapshot;

/// An alias.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct Alias {
    /// What bots ask for.
    pub alias: String,
    /// What they get: a profile, `connection_key/model`, `provider/model`, a connection key or a model id.
    pub target: String,
    /// Whether anything could answer for it, as things are set up.
    pub leads: bool,
}

/// All aliases by name.
pub fn list(engine: &Arc<Engine>) -> Result<Vec<Alias>, Error> {
    let snapshot = engine.snapshot()?;
    let mut list: Vec<Alias> = snapshot
        .aliases
        .iter()
        .map(|(alias, target)| Alias {
            alias: alias.clone(),
            target: target.clone(),
            leads: leads(&snapshot, target),
        })
        .collect();
    list.sort_by(|one, other| one.alias.cmp(&other.alias));
    Ok(list)
}

/// Lets an alias stand for a target from now on.
pub async fn set(engine: &Arc<Engine>, alias: &str, target: &str) -> Result<Alias, Error> {
    let (alias, target) = (alias.trim().to_owned(), target.trim().to_owned());
    check(&*engine.snapshot()?, &alias, &target)?;
    let (named, leads_to) = (alias.clone(), target.clone());
    engine
        .change(move |db| {
            let before = alias::set(db, &named, &leads_to)?;
            let action = if before.is_some() { Action::Update } else { Action::Create };
            let change = Change::default().with("target", &before, &leads_to);
            if change.is_empty() {
                return Ok(Recorded::unchanged(()));
            }
            Ok(Recorded::new((), Entry::user(action, Kind::Model, named).change(change)))
        })
        .await?;
    engine.changes.send(Changed::Profiles);
    Ok(Alias { alias, target, leads: true })
}

/// Removes an alias.
pub async fn remove(engine: &Arc<Engine>, alias: &str) -> Result<(), Error> {
    let alias = alias.to_owned();
    engine
        .change(move |db| {
            let before = alias::remove(db, &alias)?;
            let change = Change::default().with("target", before, Option::<String>::None);
            Ok(Recorded::new((), Entry::user(Action::Delete, Kind::Model, alias).change(change)))
        })
        .await?;
    engine.changes.send(Changed::Profiles);
    Ok(())
}

/// Whether a text may be an alias.
pub(super) fn is_alias(text: &str) -> bool {
    let is_plain = |c: char| !c.is_control() && !c.is_whitespace();
    (1..=200).contains(&text.chars().count()) && text.chars().all(is_plain)
}

fn check(snapshot: &Snapshot, alias: &str, target: &str) -> Result<(), Error> {
    if !is_alias(alias) {
        return Err(Error::invalid(
            format!("\"{alias}\" cannot be an alias."),
            "Use the model id that the bot asks for: 1 to 200 characters without spaces.",
        ));
    }
    if snapshot.aliases.contains_key(target) {
        return Err(Error::invalid(
            format!("\"{target}\" is an alias itself, and an alias does not lead on to another."),
            format!("Write what it stands for: {}.", snapshot.aliases[target]),
        ));
    }
    if alias == target || !leads(snapshot, target) {
        return Err(Error::invalid(
            format!("Nothing answers for \"{target}\", so \"{alias}\" would lead nowhere."),
            "Give a profile, CONNECTION/MODEL, PROVIDER/MODEL, a connection key or a model of `patchbay models list`.",
        ));
    }
    Ok(())
}

/// Whether a target is the name of anything, whatever its state is now.
fn leads(snapshot: &Snapshot, target: &str) -> bool {
    let is_profile = snapshot.profiles.iter().any(|row| row.name == target && !row.is_archived);
    let (first, model) = target.split_once('/').unwrap_or((target, ""));
    let connection = |key: &str| snapshot.connection(key);
    let is_connection = connection(first).is_some_and(|connection| {
        !model.is_empty() || (target == first && connection.default_model.is_some())
    });
    let is_provider =
        !model.is_empty() && snapshot.connections.iter().any(|connection| connection.provider == first);
    let has_it = snapshot.connections.iter().any(|connection| {
        connection.models.iter().chain(&connection.default_model).any(|known| known == target)
    });
    is_profile || is_connection || is_provider || has_it
}
