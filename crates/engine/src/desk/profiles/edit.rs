//! Making and changing profiles. Every change of what a profile says is a new version; none is ever overwritten (M2).

use std::sync::Arc;

use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::profile::{Spec, SpecTarget};
use patchbay_store::profile::{self, ProfileRow};
use patchbay_store::{Db, Recorded, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::checked;
use super::list::{Profile, get};
use crate::changes::Changed;
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::{Engine, clock};

/// A profile to be made, or what an existing one is to say from now on.
#[derive(Clone, Debug, Deserialize, specta::Type)]
pub struct ProfileDraft {
    /// Unique.
    pub name: String,
    /// Everything that it says.
    pub spec: Spec,
    /// Why; may be empty.
    pub note: String,
}

/// What became of an edit.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Edited {
    /// The profile as it is now.
    pub profile: Profile,
    /// Whether there was anything to change: an edit without one makes no version.
    pub changed: bool,
}

/// What happens to what points at a profile that goes (M6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Heirs {
    /// The profile stays while anything points at it.
    #[default]
    Block,
    /// That profile takes it over.
    Reassign(String),
}

/// Makes a profile.
pub async fn add(engine: &Arc<Engine>, draft: ProfileDraft) -> Result<Profile, Error> {
    let name = checked::name(&draft.name)?;
    checked::spec(&*engine.snapshot()?, &draft.spec)?;
    let ProfileDraft { spec, note, .. } = draft;
    let made = name.clone();
    engine
        .change(move |db| {
            profile::insert(db, &made, &spec, note.trim(), clock::now())?;
            let entry = Entry::user(Action::Create, Kind::Profile, &made).change(Change::made(&told(&spec)));
            Ok(Recorded::new((), entry.because(note.trim())))
        })
        .await?;
    engine.changes.send(Changed::Profiles);
    get(engine, &name).await
}

/// Makes a new version. `expected` is the version that the caller has seen: where another one is in use by now, nothing changes.
pub async fn edit(engine: &Arc<Engine>, draft: ProfileDraft, expected: Option<u32>) -> Result<Edited, Error> {
    checked::spec(&*engine.snapshot()?, &draft.spec)?;
    let ProfileDraft { name, spec, note } = draft;
    let edited = name.clone();
    let changed = engine
        .blocking(move |engine| {
            engine
                .store
                .change(clock::now(), move |db| {
                    let row = profile::get(db, &edited)?;
                    if expected.is_some_and(|seen| seen != row.version.number) {
                        return Ok(Recorded::unchanged(Err(row.version.number)));
                    }
                    Ok(match write(db, &row, &spec, note.trim())? {
                        Some(entry) => Recorded::new(Ok(true), entry),
                        None => Recorded::unchanged(Ok(false)),
                    })
                })?
                .map_err(moved_on)
        })
        .await?;
    engine.changes.send(Changed::Profiles);
    Ok(Edited { profile: get(engine, &name).await?, changed })
}

fn moved_on(now: u32) -> Error {
    Error::invalid(
        format!("Version {now} was made meanwhile, so nothing was saved."),
        "Look at what it says, then save yours on top of it.",
    )
}

/// Lets an older version be in use again, as a new version that says the same.
pub async fn restore(engine: &Arc<Engine>, name: &str, number: u32) -> Result<Edited, Error> {
    let row = find(&*engine.snapshot()?, name)?.clone();
    let old = engine.store.read(|db| profile::versions(db, row.id))?;
    let old = old
        .into_iter()
        .find(|version| version.number == number)
        .ok_or_else(|| StoreError::NotFound { what: "version", name: format!("{number} of {name}") })?;
    let note = format!("version {number} again");
    edit(engine, ProfileDraft { name: name.to_owned(), spec: old.spec, note }, None).await
}

/// Makes another profile that says the same.
pub async fn clone_as(engine: &Arc<Engine>, name: &str, new_name: &str) -> Result<Profile, Error> {
    let row = find(&*engine.snapshot()?, name)?.clone();
    let note = format!("like {name}, version {}", row.version.number);
    add(engine, ProfileDraft { name: new_name.to_owned(), spec: row.version.spec, note }).await
}

/// Takes a profile out of use and keeps it with all its versions (M6).
pub async fn archive(engine: &Arc<Engine>, name: &str, heirs: Heirs) -> Result<Profile, Error> {
    let heirs = known_heirs(&*engine.snapshot()?, name, heirs)?;
    let archived = name.to_owned();
    engine
        .blocking(move |engine| {
            let done = engine.store.change(clock::now(), move |db| {
                let row = profile::get(db, &archived)?;
                if row.is_archived {
                    return Ok(Recorded::unchanged(()));
                }
                let entry = Entry::user(Action::Update, Kind::Profile, &archived)
                    .change(Change::default().with("is_archived", false, true));
                let entry = hand_over(db, &archived, &heirs, entry)?;
                profile::archive(db, &row)?;
                Ok(Recorded::new((), entry))
            });
            done.map_err(|error| in_use(error.into()))
        })
        .await?;
    engine.changes.send(Changed::Profiles);
    get(engine, name).await
}

/// Puts a profile back into use.
pub async fn unarchive(engine: &Arc<Engine>, name: &str) -> Result<Profile, Error> {
    let snapshot = engine.snapshot()?;
    checked::spec(&snapshot, &find(&snapshot, name)?.version.spec)?;
    let name_again = name.to_owned();
    engine
        .change(move |db| {
            let row = profile::get(db, &name_again)?;
            profile::unarchive(db, row.id)?;
            let change = Change::default().with("is_archived", row.is_archived, false);
            Ok(Recorded::new((), Entry::user(Action::Update, Kind::Profile, name_again).change(change)))
        })
        .await?;
    engine.changes.send(Changed::Profiles);
    get(engine, name).await
}

/// Deletes a profile with all its versions. The ledger keeps its name. One that is in use is refused with the names of its users,
/// unless another profile takes them over (M6).
pub async fn remove(engine: &Arc<Engine>, name: &str, heirs: Heirs) -> Result<(), Error> {
    let heirs = known_heirs(&*engine.snapshot()?, name, heirs)?;
    let name = name.to_owned();
    engine
        .blocking(move |engine| {
            let removed = engine.store.change(clock::now(), move |db| {
                let row = profile::get(db, &name)?;
                let change = Change::between(&told(&row.version.spec), &json!({}));
                let entry = Entry::user(Action::Delete, Kind::Profile, &name).change(change);
                let entry = hand_over(db, &name, &heirs, entry)?;
                profile::delete(db, &row)?;
                Ok(Recorded::new((), entry))
            });
            removed.map_err(|error| in_use(error.into()))
        })
        .await?;
    engine.changes.send(Changed::Profiles);
    Ok(())
}

/// Leads every step of every profile that goes to `from` to `to` instead, as new versions; answers whose. Both are a connection key
/// or a provider's slug, with `/model` or without; without a model, each step keeps its own. `only` names one profile.
pub async fn retarget(
    engine: &Arc<Engine>,
    (from, to): (&str, &str),
    only: Option<String>,
) -> Result<Vec<String>, Error> {
    let snapshot = engine.snapshot()?;
    let (from, to) = (Route::read(&snapshot, from)?, Route::read(&snapshot, to)?);
    let mut planned = Vec::new();
    for row in snapshot.profiles.iter().filter(|row| !row.is_archived) {
        if only.as_ref().is_none_or(|name| *name == row.name)
            && let Some(spec) = led(&row.version.spec, &from, &to)
        {
            checked::spec(&snapshot, &spec)?;
            planned.push((row.name.clone(), row.version.number, spec));
        }
    }
    let names = planned.iter().map(|(name, ..)| name.clone()).collect();
    let note = format!("{} instead of {}", to.text, from.text);
    engine
        .change(move |db| {
            let mut entries = Vec::new();
            for (name, seen, spec) in planned {
                let row = profile::get(db, &name)?;
                // Who edited it in this moment has led it somewhere else.
                if row.version.number == seen {
                    entries.extend(write(db, &row, &spec, &note)?);
                }
            }
            Ok(Recorded::all((), entries))
        })
        .await?;
    engine.changes.send(Changed::Profiles);
    Ok(names)
}

/// A step of a chain as a person names it: `connection_key/model` or `provider-slug/model`.
pub fn step(engine: &Arc<Engine>, text: &str) -> Result<SpecTarget, Error> {
    let target = Route::read(&*engine.snapshot()?, text)?.target;
    if target.model.is_empty() {
        return Err(Error::invalid(
            format!("\"{text}\" names no model."),
            "Write CONNECTION/MODEL or PROVIDER/MODEL, such as openai_primary/gpt-5-mini.",
        ));
    }
    Ok(target)
}

/// A step as a person names it.
struct Route {
    text: String,
    target: SpecTarget,
}

impl Route {
    fn read(snapshot: &Snapshot, text: &str) -> Result<Self, Error> {
        let (place, model) = text.split_once('/').unwrap_or((text, ""));
        let (place, model) = (place.to_owned(), model.to_owned());
        let target = if snapshot.connection(&place).is_some() {
            SpecTarget { connection: Some(place), provider: None, model }
        } else if snapshot.provider(&place).is_ok() {
            SpecTarget { connection: None, provider: Some(place), model }
        } else {
            return Err(Error::invalid(
                format!("\"{text}\" is neither a connection nor a provider."),
                "Write a connection key or a provider's slug, with /MODEL or without.",
            ));
        };
        Ok(Self { text: text.to_owned(), target })
    }

    fn is_at(&self, step: &SpecTarget) -> bool {
        let is_place = self.target.connection == step.connection && self.target.provider == step.provider;
        is_place && (self.target.model.is_empty() || self.target.model == step.model)
    }

    fn instead_of(&self, step: &SpecTarget) -> SpecTarget {
        let model = if self.target.model.is_empty() { &step.model } else { &self.target.model };
        SpecTarget { model: model.clone(), ..self.target.clone() }
    }
}

/// The same chain with other steps; `None` where nothing changes. A step that is there already is not named twice.
fn led(spec: &Spec, from: &Route, to: &Route) -> Option<Spec> {
    let mut targets: Vec<SpecTarget> = Vec::new();
    for step in &spec.targets {
        let step = if from.is_at(step) { to.instead_of(step) } else { step.clone() };
        if !targets.contains(&step) {
            targets.push(step);
        }
    }
    (targets != spec.targets).then(|| Spec { targets, ..spec.clone() })
}

/// Writes a version and answers its entry; `None` where there is nothing to change.
pub(in crate::desk) fn write(
    db: &Db,
    row: &ProfileRow,
    spec: &Spec,
    note: &str,
) -> Result<Option<Entry>, StoreError> {
    let change = Change::between(&told(&row.version.spec), &told(spec));
    if *spec == row.version.spec {
        return Ok(None);
    }
    let number = profile::add_version(db, row.id, spec, note, clock::now())?;
    let change = change.with("version", row.version.number, number);
    let entry = Entry::user(Action::Update, Kind::Profile, &row.name).change(change);
    Ok(Some(entry.because(note)))
}

/// A version as the audit log tells it: its chain as addresses.
pub(in crate::desk) fn told(spec: &Spec) -> serde_json::Value {
    let mut told = json!(spec);
    told["targets"] = spec.targets.iter().map(SpecTarget::address).collect();
    told
}

fn find<'a>(snapshot: &'a Snapshot, name: &str) -> Result<&'a ProfileRow, Error> {
    let found = snapshot.profiles.iter().find(|row| row.name == name);
    found.ok_or_else(|| StoreError::NotFound { what: "profile", name: name.to_owned() }.into())
}

fn known_heirs(snapshot: &Snapshot, name: &str, heirs: Heirs) -> Result<Heirs, Error> {
    if let Heirs::Reassign(heir) = &heirs
        && (heir == name || find(snapshot, heir)?.is_archived)
    {
        return Err(Error::invalid(
            format!("\"{heir}\" cannot take over what points at \"{name}\"."),
            "Choose another profile that is in use.",
        ));
    }
    Ok(heirs)
}

fn hand_over(db: &Db, name: &str, heirs: &Heirs, entry: Entry) -> Result<Entry, StoreError> {
    let Heirs::Reassign(heir) = heirs else { return Ok(entry) };
    profile::reassign_users(db, name, heir)?;
    Ok(entry.because(format!("{heir} took over what pointed at it")))
}

fn in_use(error: Error) -> Error {
    if error.code != patchbay_core::code::Code::InUse {
        return error;
    }
    let hint = "Take it out there first, or let another profile take over with --reassign-to OTHER.";
    Error { hint: hint.to_owned(), ..error }
}
