//! Saved views: days, filters and groups of the Usage screen under a name, to come back to.

use std::sync::Arc;

use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::time::Timestamp;
use patchbay_store::{Recorded, saved_view as table};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::usage::{ExploreQuery, UsageQuery};
use crate::changes::Changed;
use crate::error::Error;
use crate::{Engine, clock};

const LONGEST_NAME: usize = 80;
/// Under which name a configuration holds them.
const SECTION: &str = "saved_views";

/// What a saved view shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "screen", rename_all = "snake_case")]
pub enum Shows {
    /// The figures and charts of Usage.
    Usage {
        /// Days, filters and groups.
        query: UsageQuery,
        /// Beside the days before.
        compare: bool,
        /// Spend by the calendar instead of over time.
        calendar: bool,
    },
    /// One number by groups.
    Explore {
        /// Days, filters, number and groups.
        query: ExploreQuery,
        /// Beside the days before.
        compare: bool,
    },
}

/// A saved view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct SavedView {
    /// Unique.
    pub name: String,
    /// What it shows.
    pub shows: Shows,
    /// When it was last saved or renamed.
    pub updated_at: Timestamp,
}

/// All of them by name.
pub async fn list(engine: &Arc<Engine>) -> Result<Vec<SavedView>, Error> {
    engine.blocking(|engine| Ok(engine.store.read(table::all)?.into_iter().filter_map(view).collect())).await
}

/// Nothing writes a view that cannot be read; one that was edited by hand must not hide the others.
fn view(row: table::SavedViewRow) -> Option<SavedView> {
    let table::SavedViewRow { name, shows, updated_at } = row;
    match serde_json::from_value(shows) {
        Ok(shows) => Some(SavedView { name, shows, updated_at }),
        Err(error) => {
            tracing::warn!(name, %error, "a saved view cannot be read");
            None
        }
    }
}

/// One of them.
pub async fn one(engine: &Arc<Engine>, name: &str) -> Result<SavedView, Error> {
    let found = list(engine).await?.into_iter().find(|view| view.name == name);
    found.ok_or_else(|| {
        Error::invalid(format!("There is no saved view \"{name}\"."), "Choose one: `patchbay views list`.")
    })
}

/// Saves a new one.
pub async fn add(engine: &Arc<Engine>, name: &str, shows: Shows) -> Result<SavedView, Error> {
    let (name, document) = (checked(name)?, json!(shows));
    let (now, named) = (clock::now(), name.clone());
    let saved = engine.change(move |db| {
        table::add(db, &named, &document, now)?;
        let entry = Entry::user(Action::Create, Kind::View, named);
        Ok(Recorded::new((), entry.change(Change::made(&document))))
    });
    saved.await?;
    engine.changes.send(Changed::Views);
    Ok(SavedView { name, shows, updated_at: now })
}

/// Lets one show something else.
pub async fn replace(engine: &Arc<Engine>, name: &str, shows: Shows) -> Result<SavedView, Error> {
    let (name, document) = (name.to_owned(), json!(shows));
    let (now, named) = (clock::now(), name.clone());
    let saved = engine.change(move |db| {
        let before = table::replace(db, &named, &document, now)?;
        let change = Change::between(&before, &document);
        if change.is_empty() {
            return Ok(Recorded::unchanged(()));
        }
        Ok(Recorded::new((), Entry::user(Action::Update, Kind::View, named).change(change)))
    });
    saved.await?;
    engine.changes.send(Changed::Views);
    Ok(SavedView { name, shows, updated_at: now })
}

/// Gives one another name.
pub async fn rename(engine: &Arc<Engine>, name: &str, to: &str) -> Result<(), Error> {
    let (name, to) = (name.to_owned(), checked(to)?);
    if name == to {
        return Ok(());
    }
    let now = clock::now();
    let renamed = engine.change(move |db| {
        table::rename(db, &name, &to, now)?;
        let change = Change::default().with("name", &name, &to);
        Ok(Recorded::new((), Entry::user(Action::Update, Kind::View, name).change(change)))
    });
    renamed.await?;
    engine.changes.send(Changed::Views);
    Ok(())
}

/// Deletes one. Saving it again brings all of it back.
pub async fn remove(engine: &Arc<Engine>, name: &str) -> Result<(), Error> {
    let name = name.to_owned();
    let removed = engine.change(move |db| {
        let before = table::remove(db, &name)?;
        let change = Change::between(&before, &json!({}));
        Ok(Recorded::new((), Entry::user(Action::Delete, Kind::View, name).change(change)))
    });
    removed.await?;
    engine.changes.send(Changed::Views);
    Ok(())
}

fn checked(name: &str) -> Result<String, Error> {
    let name = name.trim();
    let is_name = (1..=LONGEST_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if is_name {
        return Ok(name.to_owned());
    }
    let message = if name.is_empty() { "A view needs a name." } else { "That cannot be the name of a view." };
    Err(Error::invalid(message, format!("Give it 1 to {LONGEST_NAME} characters on one line.")))
}

/// Whether the views of a configuration can be read: the database knows nothing of what they show.
pub(super) fn check_document(whole: &Map<String, Value>) -> Result<(), Error> {
    let records = whole.get(SECTION).and_then(Value::as_array).into_iter().flatten();
    for record in records {
        let name = record["name"].as_str().unwrap_or_default();
        checked(name)?;
        serde_json::from_value::<Shows>(record["shows"].clone()).map_err(|error| {
            Error::invalid(
                format!("The saved view \"{name}\" cannot be read: {error}."),
                "Correct it in the file, or take it out.",
            )
        })?;
    }
    Ok(())
}
