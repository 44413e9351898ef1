//! What points at a connection that goes: an heir gets it, and gives it back when the deletion is taken back (M6).

mod lists;

use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::connection::Connection;
use patchbay_core::profile::{Spec, SpecTarget};
use patchbay_store::{Db, StoreError, alias, connection, profile};
use serde::{Deserialize, Serialize};

use self::lists::{DetourMove, ListMove, Way, detours, lists};
use crate::desk::profiles;
use crate::error::Error;
use crate::snapshot::Snapshot;

/// What leads to another connection from a deletion on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct Handover {
    /// `the profile signals`, `the alias gpt-4`, `the list of the app bot`.
    pub user: String,
    /// Where it leads.
    pub before: String,
    /// Where it is going to lead.
    pub after: String,
}

/// Everything that an heir gets, with what it was before.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Estate {
    from: String,
    heir: String,
    aliases: Vec<AliasMove>,
    chains: Vec<ChainMove>,
    lists: Vec<ListMove>,
    detours: Vec<DetourMove>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct AliasMove {
    alias: String,
    before: String,
    after: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct ChainMove {
    profile: String,
    before: Vec<SpecTarget>,
    after: Vec<SpecTarget>,
}

impl Estate {
    /// What goes from one connection to another. A model keeps its name where the heir has it, else it is the heir's default.
    pub(super) fn of(snapshot: &Snapshot, own: &Connection, heir: &Connection) -> Result<Self, Error> {
        let mut estate = Self { from: own.key.clone(), heir: heir.key.clone(), ..Self::default() };
        for (alias, target) in &snapshot.aliases {
            let Some(after) = named(own, heir, target, &format!("The alias {alias}"))? else { continue };
            estate.aliases.push(AliasMove { alias: alias.clone(), before: target.clone(), after });
        }
        estate.aliases.sort_by(|one, other| one.alias.cmp(&other.alias));
        for row in snapshot.profiles.iter().filter(|row| !row.is_archived) {
            let before = &row.version.spec.targets;
            let after = led(own, heir, before, &row.name)?;
            if after != *before {
                estate.chains.push(ChainMove { profile: row.name.clone(), before: before.clone(), after });
            }
        }
        estate.lists = lists(snapshot, own, heir)?;
        estate.detours = detours(snapshot, own, heir)?;
        Ok(estate)
    }

    /// The heir's key.
    pub(super) fn heir(&self) -> &str {
        &self.heir
    }

    /// What a person is told of it.
    pub(super) fn told(&self) -> Vec<Handover> {
        let chain = |steps: &[SpecTarget]| {
            let steps: Vec<String> = steps.iter().map(SpecTarget::address).collect();
            steps.join(" → ")
        };
        let chains = self.chains.iter().map(|one| Handover {
            user: format!("the profile {}", one.profile),
            before: chain(&one.before),
            after: chain(&one.after),
        });
        let aliases = self.aliases.iter().map(|one| Handover {
            user: format!("the alias {}", one.alias),
            before: one.before.clone(),
            after: one.after.clone(),
        });
        let lists = self.lists.iter().map(ListMove::told);
        chains.chain(aliases).chain(lists).chain(self.detours.iter().map(DetourMove::told)).collect()
    }

    /// Hands everything over, in the caller's transaction. What was led elsewhere meanwhile stays there.
    pub(super) fn give(&self, db: &Db) -> Result<Vec<Entry>, StoreError> {
        let note = format!("{} instead of {}", self.heir, self.from);
        connection::reassign_budgets(db, &self.from, &self.heir)?;
        let mut entries = Vec::new();
        for one in &self.aliases {
            entries.extend(lead_alias(db, &one.alias, (&one.before, &one.after))?);
        }
        for one in &self.chains {
            entries.extend(lead_chain(db, &one.profile, (&one.before, &one.after), &note)?);
        }
        self.lead_lists(db, Way::ToHeir, &mut entries)?;
        Ok(entries)
    }

    /// Gives everything back, in the caller's transaction. What was led elsewhere meanwhile stays there.
    pub(super) fn give_back(&self, db: &Db) -> Result<Vec<Entry>, StoreError> {
        let note = format!("{} is back", self.from);
        let mut entries = Vec::new();
        for one in &self.aliases {
            entries.extend(lead_alias(db, &one.alias, (&one.after, &one.before))?);
        }
        for one in &self.chains {
            entries.extend(lead_chain(db, &one.profile, (&one.after, &one.before), &note)?);
        }
        self.lead_lists(db, Way::Back, &mut entries)?;
        Ok(entries)
    }

    fn lead_lists(&self, db: &Db, way: Way, entries: &mut Vec<Entry>) -> Result<(), StoreError> {
        for one in &self.lists {
            entries.extend(one.lead(db, way)?);
        }
        for one in &self.detours {
            entries.extend(one.lead(db, way)?);
        }
        Ok(())
    }
}

/// The chain with the heir in the place of the other. A step that is there already is not named twice.
fn led(
    own: &Connection,
    heir: &Connection,
    targets: &[SpecTarget],
    profile: &str,
) -> Result<Vec<SpecTarget>, Error> {
    let mut after: Vec<SpecTarget> = Vec::new();
    for step in targets {
        let mut step = step.clone();
        if step.connection.as_ref() == Some(&own.key) {
            let model = model_at(own, heir, &step.model, &format!("The profile {profile}"))?.to_owned();
            step = SpecTarget { connection: Some(heir.key.clone()), provider: None, model };
        }
        if !after.contains(&step) {
            after.push(step);
        }
    }
    Ok(after)
}

/// What names a connection, or a model there, at its heir; `None` for what names neither. An app's `KEY/*` is all of its models.
fn named(own: &Connection, heir: &Connection, name: &str, who: &str) -> Result<Option<String>, Error> {
    Ok(match name.split_once('/') {
        None if name == own.key => Some(heir.key.clone()),
        Some((first, "*")) if first == own.key => Some(format!("{}/*", heir.key)),
        Some((first, model)) if first == own.key => {
            Some(format!("{}/{}", heir.key, model_at(own, heir, model, who)?))
        }
        _ => None,
    })
}

/// What a model of one connection is at another.
fn model_at<'a>(own: &Connection, heir: &'a Connection, model: &'a str, who: &str) -> Result<&'a str, Error> {
    if own.provider == heir.provider || heir.models.iter().any(|known| known == model) {
        return Ok(model);
    }
    heir.default_model.as_deref().ok_or_else(|| {
        Error::invalid(
            format!(
                "{who} asks for {model}, which {} does not have, and it has no default model.",
                heir.name
            ),
            "Choose another connection, or give this one a default model first.",
        )
    })
}

fn lead_alias(db: &Db, name: &str, (from, to): (&String, &String)) -> Result<Option<Entry>, StoreError> {
    if alias::find(db, name)?.as_ref() != Some(from) {
        return Ok(None);
    }
    alias::set(db, name, to)?;
    let change = Change::default().with("target", from, to);
    Ok(Some(Entry::user(Action::Update, Kind::Model, name).change(change)))
}

fn lead_chain(
    db: &Db,
    name: &str,
    (from, to): (&[SpecTarget], &[SpecTarget]),
    note: &str,
) -> Result<Option<Entry>, StoreError> {
    let Some(row) = profile::find(db, name)?.filter(|row| row.version.spec.targets == from) else {
        return Ok(None);
    };
    let spec = Spec { targets: to.to_vec(), ..row.version.spec.clone() };
    profiles::write(db, &row, &spec, note)
}
