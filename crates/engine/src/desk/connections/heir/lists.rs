//! What names a connection without leading calls there by itself: the lists of apps, and the cheaper models of budgets.

use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::connection::Connection;
use patchbay_store::budget::{self, BudgetRow, Terms};
use patchbay_store::{Db, StoreError, app};
use serde::{Deserialize, Serialize};

use super::{Handover, named};
use crate::budgets::in_words;
use crate::clock;
use crate::error::Error;
use crate::snapshot::Snapshot;

/// The list of an app.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ListMove {
    app: String,
    before: Vec<String>,
    after: Vec<String>,
}

/// Where calls go that a budget has no money left for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct DetourMove {
    /// Its row.
    budget: i64,
    /// As people know it.
    name: String,
    before: String,
    after: String,
}

/// Which way something is led.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    ToHeir,
    Back,
}

pub(super) fn lists(
    snapshot: &Snapshot,
    own: &Connection,
    heir: &Connection,
) -> Result<Vec<ListMove>, Error> {
    let mut moves = Vec::new();
    for app in snapshot.apps.values() {
        let before = app.may_use.clone().unwrap_or_default();
        let mut after: Vec<String> = Vec::new();
        for name in &before {
            let led = named(own, heir, name, &format!("The app {}", app.name))?;
            let name = led.unwrap_or_else(|| name.clone());
            if !after.contains(&name) {
                after.push(name);
            }
        }
        if after != before {
            moves.push(ListMove { app: app.name.clone(), before, after });
        }
    }
    moves.sort_by(|one, other| one.app.cmp(&other.app));
    Ok(moves)
}

pub(super) fn detours(
    snapshot: &Snapshot,
    own: &Connection,
    heir: &Connection,
) -> Result<Vec<DetourMove>, Error> {
    let mut moves = Vec::new();
    for row in &snapshot.budgets {
        let Some(before) = row.terms.degrade_to.clone() else { continue };
        let name = in_words(&row.key);
        if let Some(after) = named(own, heir, &before, &format!("The {name}"))? {
            moves.push(DetourMove { budget: row.id.0, name, before, after });
        }
    }
    Ok(moves)
}

impl ListMove {
    pub(super) fn told(&self) -> Handover {
        let only = |these: &[String], others: &[String]| {
            let differ: Vec<&str> =
                these.iter().filter(|name| !others.contains(name)).map(String::as_str).collect();
            differ.join(", ")
        };
        Handover {
            user: format!("the list of the app {}", self.app),
            before: only(&self.before, &self.after),
            // Where the heir is on the list already, that is where it leads.
            after: Some(only(&self.after, &self.before))
                .filter(|names| !names.is_empty())
                .unwrap_or_else(|| self.after.join(", ")),
        }
    }

    /// A list that somebody has changed meanwhile stays as it is.
    pub(super) fn lead(&self, db: &Db, way: Way) -> Result<Option<Entry>, StoreError> {
        let (from, to) = match way {
            Way::ToHeir => (&self.before, &self.after),
            Way::Back => (&self.after, &self.before),
        };
        let Some(found) = app::find(db, &self.app)?.filter(|app| app.may_use.as_ref() == Some(from)) else {
            return Ok(None);
        };
        app::update(db, &patchbay_core::app::App { may_use: Some(to.clone()), ..found }, clock::now())?;
        let change = Change::default().with("may_use", from, to);
        Ok(Some(Entry::user(Action::Update, Kind::App, &self.app).change(change)))
    }
}

impl DetourMove {
    pub(super) fn told(&self) -> Handover {
        Handover {
            user: format!("the cheaper model of the {}", self.name),
            before: self.before.clone(),
            after: self.after.clone(),
        }
    }

    /// A budget that somebody has changed meanwhile stays as it is.
    pub(super) fn lead(&self, db: &Db, way: Way) -> Result<Option<Entry>, StoreError> {
        let (from, to) = match way {
            Way::ToHeir => (&self.before, &self.after),
            Way::Back => (&self.after, &self.before),
        };
        let is_it = |row: &BudgetRow| row.id.0 == self.budget && row.terms.degrade_to.as_ref() == Some(from);
        let Some(found) = budget::all(db)?.into_iter().find(is_it) else { return Ok(None) };
        let terms = Terms { degrade_to: Some(to.clone()), ..found.terms };
        budget::set(db, &found.key, &terms, clock::now())?;
        let change = Change::default().with("degrade_to", from, to);
        Ok(Some(Entry::user(Action::Update, Kind::Budget, found.key.to_string()).change(change)))
    }
}
