//! Who sits where, by the names that people use.

use std::collections::HashMap;

use patchbay_core::admission::{Admission, Booked, Estimate, Gate, LevelEvent, Refusal, Subject};
use patchbay_core::alert::{News, of_change, of_crossing};
use patchbay_core::budget::{Measure, ScopeKind, ScopeName};
use patchbay_core::id::{AppId, BudgetId, ConnectionId, ProfileId};
use patchbay_core::route::Fleet;
use patchbay_core::standing::Change;
use patchbay_core::switchboard::Event;
use patchbay_core::time::Now;
use patchbay_store::booked::BookedRow;

use crate::alerts::Dated;
use crate::budgets::{amount_in_words, in_words};
use crate::snapshot::Snapshot;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Roster {
    pub(super) zone: String,
    connections: HashMap<ConnectionId, (String, String)>,
    apps: HashMap<String, AppId>,
    profiles: HashMap<String, ProfileId>,
    budgets: HashMap<BudgetId, Known>,
}

#[derive(Debug)]
struct Known {
    subject: String,
    words: String,
    measure: Measure,
}

impl Roster {
    pub(super) fn new(fleet: &Fleet, snapshot: &Snapshot) -> Self {
        let names = fleet.connections.iter().map(|one| (one.id, (one.key.clone(), one.name.clone())));
        let apps = snapshot.app_ids().filter_map(|id| Some((snapshot.app_name(id)?.to_owned(), id)));
        let budgets = snapshot.budgets.iter().map(|row| {
            let (subject, words) = (row.key.to_string(), in_words(&row.key));
            (row.id, Known { subject, words, measure: row.key.measure })
        });
        Self {
            zone: snapshot.zone.clone(),
            connections: names.collect(),
            apps: apps.collect(),
            profiles: fleet.profiles.iter().map(|one| (one.name.clone(), one.id)).collect(),
            budgets: budgets.collect(),
        }
    }

    pub(super) fn has_budgets(&self) -> bool {
        !self.budgets.is_empty()
    }

    pub(super) fn has_profile(&self, name: &str) -> bool {
        self.profiles.contains_key(name)
    }

    /// Whether what a budget is for exists.
    pub(super) fn knows(&self, scope: &ScopeName, snapshot: &Snapshot) -> bool {
        match scope.kind {
            ScopeKind::All | ScopeKind::Feature => true,
            ScopeKind::Provider => snapshot.provider(&scope.name).is_ok(),
            ScopeKind::Connection => snapshot.connection(&scope.name).is_some(),
            ScopeKind::Profile => self.has_profile(&scope.name),
            ScopeKind::App => self.apps.contains_key(&scope.name),
        }
    }

    pub(super) fn budget_of(&self, subject: &str) -> Option<BudgetId> {
        self.budgets.iter().find(|(_, known)| known.subject == subject).map(|(id, _)| *id)
    }

    /// What the ledger holds, as budgets count it.
    pub(super) fn booked<'a>(&self, row: &'a BookedRow, admission: &Admission) -> Booked<'a> {
        let app = self.apps.get(&row.app).map(|id| Subject::App(*id));
        let profile = self.profiles.get(&row.profile).map(|id| Subject::Profile(*id));
        let (provider, connection) =
            (Subject::Provider(row.provider.clone()), Subject::Connection(row.connection));
        let subjects = [Some(provider), Some(connection), profile, app];
        Booked {
            seats: subjects.map(|subject| subject.and_then(|subject| admission.seat(&subject))),
            feature: &row.feature,
            requests: row.requests,
            used: Estimate { tokens: row.tokens, cost: row.cost },
        }
    }

    /// What a budget says.
    pub(super) fn of_level(&self, event: &LevelEvent) -> Option<Dated> {
        let known = self.budgets.get(&event.budget)?;
        let [used, cap] = [event.used, event.cap].map(|amount| amount_in_words(known.measure, amount));
        let sign = of_crossing(event.crossing, &known.words, &used, &cap);
        let kind = patchbay_core::alert::AlertKind::Budget;
        Some((News::new(kind, &known.subject, sign), Some(event.period)))
    }

    /// What a connection's change says.
    pub(super) fn of_event(&self, event: &Event, now: Now) -> Option<Dated> {
        let (key, name) = self.connections.get(&event.connection)?;
        let until = match event.change {
            Change::BreakerOpened(until) => Some(now.wall_at(until)),
            _ => None,
        };
        let (kind, sign) = of_change(event.change, name, until)?;
        let subject = match event.change {
            Change::ModelMissing => format!("{key}/{}", event.model),
            _ => key.clone(),
        };
        Some((News::new(kind, subject, sign), None))
    }

    /// Why a budget refused.
    pub(super) fn refusal(&self, refusal: &Refusal, admission: &mut Admission, now: Now) -> Option<String> {
        let Gate::Budget(seat) = refusal.gate else { return None };
        let id = admission.budget(seat)?;
        let known = self.budgets.get(&id)?;
        let cap = admission.budget_cap(id, now)?;
        let cap = amount_in_words(known.measure, cap);
        let until = now.wall.plus_ms(i64::try_from(refusal.after_ms?).ok()?).to_rfc3339();
        Some(format!("The {}, {cap}, is used up until {until}.", known.words))
    }
}
