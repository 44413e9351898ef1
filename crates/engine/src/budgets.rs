//! Budgets as the store has them, for routing: names become what they name, and words for people.

use patchbay_core::admission::Subject;
use patchbay_core::budget::{Budget, Measure, Period, Scope, ScopeKind, ScopeName};
use patchbay_core::money::NanoUsd;
use patchbay_core::route::Fleet;
use patchbay_store::budget::{BudgetRow, Key};

use crate::snapshot::Snapshot;

/// The budgets whose subject exists. One whose subject is gone meets no call.
pub(crate) fn resolved(snapshot: &Snapshot, fleet: &Fleet) -> Vec<Budget> {
    let budget = |row: &BudgetRow| {
        Some(Budget {
            id: row.id,
            scope: scope_of(&row.key.scope, snapshot, fleet)?,
            period: row.key.period,
            measure: row.key.measure,
            cap: row.terms.cap,
            extra: row.extra,
            on_limit: row.terms.on_limit,
            degrade_to: row.terms.degrade_to.clone(),
            levels: row.terms.levels.clone(),
        })
    };
    snapshot.budgets.iter().filter_map(budget).collect()
}

fn scope_of(scope: &ScopeName, snapshot: &Snapshot, fleet: &Fleet) -> Option<Scope> {
    let name = scope.name.as_str();
    Some(Scope::Of(match scope.kind {
        ScopeKind::All => return Some(Scope::All),
        ScopeKind::Feature => return Some(Scope::Feature(name.to_owned())),
        ScopeKind::Provider => Subject::Provider(name.to_owned()),
        ScopeKind::Connection => Subject::Connection(snapshot.connection(name)?.id),
        ScopeKind::Profile => {
            Subject::Profile(fleet.profiles.iter().find(|profile| profile.name == name)?.id)
        }
        ScopeKind::App => Subject::App(snapshot.app_id(name)?),
    }))
}

/// How people know a budget: "daily budget", "monthly token budget of the app bot".
pub(crate) fn in_words(key: &Key) -> String {
    let period = if key.period == Period::Day { "daily" } else { "monthly" };
    let measure = match key.measure {
        Measure::Money => "",
        Measure::Requests => "request ",
        Measure::Tokens => "token ",
    };
    let of = match key.scope.kind {
        ScopeKind::All => String::new(),
        kind => format!(" of the {} {}", kind.as_str(), key.scope.name),
    };
    format!("{period} {measure}budget{of}")
}

/// An amount for people: "$12.00", "1,000 requests".
pub(crate) fn amount_in_words(measure: Measure, amount: u64) -> String {
    match measure {
        Measure::Money => NanoUsd(i64::try_from(amount).unwrap_or(i64::MAX)).in_dollars(),
        Measure::Requests => format!("{amount} requests"),
        Measure::Tokens => format!("{amount} tokens"),
    }
}
