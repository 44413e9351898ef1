//! Budgets: caps on money, requests or tokens, and how far they are used.

use std::sync::Arc;

use patchbay_core::admission::calendar::PeriodKey;
use patchbay_core::app::is_label;
use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::budget::{
    LEVELS, Measure, OnLimit, Period, ScopeKind, ScopeName, forecast, reaches_cap_at,
};
use patchbay_core::money::{DecimalUsd, NanoUsd};
use patchbay_core::report::{Column, Field, Filter};
use patchbay_core::route::Needs;
use patchbay_core::time::{Range, Timestamp};
use patchbay_store::budget::{BudgetRow, Key, Terms};
use patchbay_store::{Db, Recorded, StoreError, budget as table, setting};
use serde::{Deserialize, Serialize};

use super::{demo, usage};
use crate::board::BudgetStand;
use crate::budgets::in_words;
use crate::changes::Changed;
use crate::error::Error;
use crate::snapshot::{Snapshot, ZONE};
use crate::{Engine, clock};

/// So many levels a budget may have.
const MOST_LEVELS: usize = 10;

/// What tells one budget from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct BudgetKey {
    /// What it is for.
    pub scope: ScopeName,
    /// When it begins anew.
    pub period: Period,
    /// What it counts.
    pub measure: Measure,
}

impl From<BudgetKey> for Key {
    fn from(key: BudgetKey) -> Self {
        Self { scope: key.scope, period: key.period, measure: key.measure }
    }
}

/// An amount in decimals: dollars of money ("12.5"), else a whole number.
pub type Amount = String;

/// A budget and how far it is used.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Budget {
    /// Which one.
    #[serde(flatten)]
    pub key: BudgetKey,
    /// How people know it: "daily budget of the app bot".
    pub name: String,
    /// The cap, without what was added to it.
    pub cap: Amount,
    /// What was added to it for this period.
    pub extra: Amount,
    /// What happens at the cap.
    pub on_limit: OnLimit,
    /// Where calls go instead, for a cap that degrades.
    pub degrade_to: Option<String>,
    /// In percent, ascending.
    pub levels: Vec<u16>,
    /// Settled in this period, by everybody on the folder.
    pub spent: Amount,
    /// Held by calls of this process on their way.
    pub reserved: Amount,
    /// What is left of the cap with what was added.
    pub left: Amount,
    /// Spent, of the cap with what was added; may be over 100.
    pub percent: u32,
    /// Nothing is left of it.
    pub is_reached: bool,
    /// What the period comes to at the usual pace; `None` where nobody looked ahead or there is nothing to go by yet.
    pub on_pace_for: Option<Amount>,
    /// When the cap will be reached at that pace, if within the period.
    pub reaches_cap_at: Option<Timestamp>,
    /// When it begins anew.
    pub resets_at: Timestamp,
    /// A fitting amount to resume with.
    pub more: Amount,
    /// What it is for exists; else it meets no call.
    pub has_subject: bool,
}

/// A budget to set.
#[derive(Clone, Debug, Serialize, Deserialize, specta::Type)]
pub struct BudgetDraft {
    /// Which one.
    #[serde(flatten)]
    pub key: BudgetKey,
    /// The cap.
    pub cap: Amount,
    /// What happens at the cap.
    pub on_limit: OnLimit,
    /// A model, profile or connection that calls go to instead, for a cap that degrades.
    pub degrade_to: Option<String>,
    /// In percent; `None` for those that it has, or the usual ones.
    pub levels: Option<Vec<u16>>,
}

/// All budgets: those of everything first, days before months.
pub async fn list(engine: &Arc<Engine>) -> Result<Vec<Budget>, Error> {
    engine
        .blocking(|engine| {
            let snapshot = engine.snapshot()?;
            engine.board.recall(&snapshot);
            let foreseen = |row| {
                let stand = engine.board.budget(row, &snapshot);
                let (on_pace_for, reaches_cap_at) = heading(engine, row, &stand)?;
                let on_pace_for = on_pace_for.map(|amount| amount_text(row.key.measure, amount));
                Ok(Budget { on_pace_for, reaches_cap_at, ..view(row, stand) })
            };
            snapshot.budgets.iter().map(foreseen).collect()
        })
        .await
}

/// The same without a look ahead.
pub(crate) fn all(engine: &Engine, snapshot: &Snapshot) -> Vec<Budget> {
    engine.board.recall(snapshot);
    snapshot.budgets.iter().map(|row| view(row, engine.board.budget(row, snapshot))).collect()
}

/// What a budget's period comes to and when its cap is reached: as the same hours of the last weeks tell, and as the period went so far
/// where they do not: of tokens, which are not summed up by the hour, and beside sample data, which counts for nobody's budget.
fn heading(
    engine: &Engine,
    row: &BudgetRow,
    stand: &BudgetStand,
) -> Result<(Option<u64>, Option<Timestamp>), Error> {
    let (spent, now) = (stand.used.spent, stand.now);
    let range = Range { from: stand.span.range.from, to: stand.span.range.to };
    let column = match row.key.measure {
        Measure::Money => Some(Column::Cost),
        Measure::Requests => Some(Column::Attempts),
        Measure::Tokens => None,
    };
    let told = match column {
        Some(column) if !demo::is_loaded(&engine.store)? => {
            engine.store.read(|db| usage::usual(db, &of_scope(&row.key.scope), column, now))?
        }
        _ => None,
    };
    let left = stand.cap.saturating_sub(spent);
    Ok(match told {
        Some(usual) => {
            let reaches_cap_at = (left > 0).then(|| usual.reaches(left, range, now)).flatten();
            (Some(spent.saturating_add(usual.rest(range, now))), reaches_cap_at)
        }
        None => (forecast(spent, range, now), reaches_cap_at(spent, stand.cap, range, now)),
    })
}

/// Every attempt that counts for a scope.
fn of_scope(scope: &ScopeName) -> Filter {
    let field = match scope.kind {
        ScopeKind::All => return Filter::default(),
        ScopeKind::Provider => Field::Provider,
        ScopeKind::Connection => Field::Connection,
        ScopeKind::Profile => Field::Profile,
        ScopeKind::App => Field::App,
        ScopeKind::Feature => Field::Feature,
    };
    Filter::default().only(field, &scope.name)
}

fn view(row: &BudgetRow, stand: BudgetStand) -> Budget {
    let (measure, BudgetStand { used, cap, span, has_subject, .. }) = (row.key.measure, stand);
    let text = |amount: u64| amount_text(measure, amount);
    let percent = u128::from(used.spent) * 100 / u128::from(cap.max(1));
    Budget {
        key: BudgetKey { scope: row.key.scope.clone(), period: row.key.period, measure },
        name: in_words(&row.key),
        cap: text(row.terms.cap),
        extra: text(cap.saturating_sub(row.terms.cap)),
        on_limit: row.terms.on_limit,
        degrade_to: row.terms.degrade_to.clone(),
        levels: row.terms.levels.clone(),
        spent: text(used.spent),
        reserved: text(used.reserved),
        left: text(cap.saturating_sub(used.spent)),
        percent: u32::try_from(percent).unwrap_or(u32::MAX),
        is_reached: used.spent >= cap,
        on_pace_for: None,
        reaches_cap_at: None,
        resets_at: span.range.to,
        more: text(fitting_more(measure, row.terms.cap)),
        has_subject,
    }
}

/// A sixth of the cap in round figures: $2 for a cap of $12.
fn fitting_more(measure: Measure, cap: u64) -> u64 {
    let unit = if measure == Measure::Money { 1_000_000_000 } else { 1 };
    let smallest = if cap < 6 * unit { unit.min(cap.div_ceil(6)) } else { unit };
    (cap / 6 / unit * unit).max(smallest).max(1)
}

fn amount_text(measure: Measure, amount: u64) -> Amount {
    match measure {
        Measure::Money => NanoUsd(i64::try_from(amount).unwrap_or(i64::MAX)).to_string(),
        Measure::Requests | Measure::Tokens => amount.to_string(),
    }
}

fn read_amount(measure: Measure, text: &str) -> Result<u64, Error> {
    let read = match measure {
        Measure::Money => NanoUsd::from_decimal(text.trim()).and_then(|amount| u64::try_from(amount.0).ok()),
        Measure::Requests | Measure::Tokens => text.trim().parse().ok().filter(|n| i64::try_from(*n).is_ok()),
    };
    let hint = match measure {
        Measure::Money => "Write dollars, such as 12 or 0.50.",
        Measure::Requests | Measure::Tokens => "Write a whole number, such as 1000.",
    };
    read.ok_or_else(|| Error::invalid(format!("\"{text}\" is no amount."), hint))
}

/// Sets a budget: a new one, or other terms for the one that is there.
pub async fn set(engine: &Arc<Engine>, draft: BudgetDraft) -> Result<Budget, Error> {
    let key = draft.key.clone();
    let snapshot = engine.snapshot()?;
    let terms = checked(engine, &snapshot, draft)?;
    let of_key = Key::from(key.clone());
    engine.change(move |db| set_in(db, &of_key, terms)).await?;
    tell(engine).await?;
    get(engine, key).await
}

/// The same as a step of another change.
pub(super) fn set_in(db: &Db, key: &Key, terms: Terms) -> Result<Recorded<()>, StoreError> {
    let before = table::find(db, key)?;
    let terms = match &before {
        Some(row) if terms.levels.is_empty() => Terms { levels: row.terms.levels.clone(), ..terms },
        None if terms.levels.is_empty() => Terms { levels: LEVELS.to_vec(), ..terms },
        _ => terms,
    };
    table::set(db, key, &terms, clock::now())?;
    let (action, change) = match &before {
        Some(row) => (Action::Update, Change::between(&row.terms, &terms)),
        None => (Action::Create, Change::made(&terms)),
    };
    if change.is_empty() {
        return Ok(Recorded::unchanged(()));
    }
    Ok(Recorded::new((), Entry::user(action, Kind::Budget, key.to_string()).change(change)))
}

/// A cap in dollars that stops calls: what `--budget-day` of an app means.
pub(super) fn stop_at(cap: &str) -> Result<Terms, Error> {
    let cap = read_amount(Measure::Money, cap)?;
    Ok(Terms { cap, on_limit: OnLimit::Stop, degrade_to: None, levels: Vec::new() })
}

/// Takes a budget away.
pub async fn remove(engine: &Arc<Engine>, key: BudgetKey) -> Result<(), Error> {
    let key = Key::from(key);
    engine
        .change(move |db| {
            let row = table::get(db, &key)?;
            table::remove(db, row.id)?;
            let change = Change::between(&row.terms, &());
            Ok(Recorded::new((), Entry::user(Action::Delete, Kind::Budget, key.to_string()).change(change)))
        })
        .await?;
    tell(engine).await
}

/// Lets calls go on with so much more than the cap, until the period ends.
pub async fn resume(engine: &Arc<Engine>, key: BudgetKey, more: &str) -> Result<Budget, Error> {
    let extra = read_amount(key.measure, more)?;
    if extra == 0 {
        return Err(Error::invalid("Nothing more is no more.", "Name an amount above 0."));
    }
    let (of_key, period) = (Key::from(key.clone()), period_now(engine, key.period)?);
    engine
        .change(move |db| {
            let row = table::get(db, &of_key)?;
            table::add_extra(db, row.id, period, extra, clock::now())?;
            let change =
                Change::default().fact("added", amount_text(of_key.measure, extra)).fact("period", period);
            Ok(Recorded::new(
                (),
                Entry::user(Action::Resume, Kind::Budget, of_key.to_string()).change(change),
            ))
        })
        .await?;
    tell(engine).await?;
    get(engine, key).await
}

/// Sets the zone that days and months are cut in, for every process on the folder: an IANA name, or empty for each system's own.
pub async fn set_zone(engine: &Arc<Engine>, zone: String) -> Result<(), Error> {
    if !zone.is_empty() && patchbay_core::time::zone(&zone).is_none() {
        return Err(Error::invalid(
            format!("There is no time zone \"{zone}\"."),
            "Use a name such as America/New_York.",
        ));
    }
    engine
        .change(move |db| {
            let before: String = setting::get(db, ZONE)?.unwrap_or_default();
            if before == zone {
                return Ok(Recorded::unchanged(()));
            }
            setting::set(db, ZONE, &zone, clock::now())?;
            let change = Change::default().with(ZONE, before, zone);
            Ok(Recorded::new((), Entry::user(Action::Update, Kind::Setting, ZONE).change(change)))
        })
        .await?;
    tell(engine).await
}

fn period_now(engine: &Engine, period: Period) -> Result<PeriodKey, Error> {
    // With the zone of the configuration as it is now.
    engine.snapshot()?;
    Ok(engine.board.today().span(period).key)
}

/// Those who show budgets hear of the change, and alerts of what it ended close.
async fn tell(engine: &Arc<Engine>) -> Result<(), Error> {
    engine.changes.send(Changed::Budgets);
    engine.changes.send(Changed::Status);
    engine
        .blocking(|engine| {
            engine.review_alerts(&*engine.snapshot()?);
            Ok(())
        })
        .await
}

async fn get(engine: &Arc<Engine>, key: BudgetKey) -> Result<Budget, Error> {
    let missing = StoreError::NotFound { what: "budget", name: Key::from(key.clone()).to_string() };
    list(engine).await?.into_iter().find(|budget| budget.key == key).ok_or_else(|| missing.into())
}

fn checked(engine: &Engine, snapshot: &Snapshot, draft: BudgetDraft) -> Result<Terms, Error> {
    let scope = &draft.key.scope;
    check_scope(engine, snapshot, scope)?;
    let cap = read_amount(draft.key.measure, &draft.cap)?;
    let degrade_to = match (draft.on_limit, draft.degrade_to.filter(|to| !to.is_empty())) {
        (OnLimit::Degrade, to) => Some(check_target(engine, snapshot, scope, to)?),
        (_, None) => None,
        (_, Some(_)) => {
            return Err(Error::invalid(
                "A cheaper model is named, and calls would not go there.",
                "Use it with the cap that degrades: --on-limit degrade.",
            ));
        }
    };
    let levels = match draft.levels {
        Some(levels) => check_levels(levels)?,
        None => Vec::new(),
    };
    Ok(Terms { cap, on_limit: draft.on_limit, degrade_to, levels })
}

fn check_scope(engine: &Engine, snapshot: &Snapshot, scope: &ScopeName) -> Result<(), Error> {
    let name = scope.name.as_str();
    let (is_known, hint) = match scope.kind {
        ScopeKind::All => (name.is_empty(), "Write --scope all."),
        ScopeKind::Provider => (snapshot.provider(name).is_ok(), "`patchbay providers list` shows them."),
        ScopeKind::Connection => {
            (snapshot.connection(name).is_some(), "`patchbay connections list` shows them.")
        }
        ScopeKind::App => (snapshot.app_id(name).is_some(), "`patchbay apps list` shows them."),
        ScopeKind::Profile => (engine.board.has_profile(name), "`patchbay profiles list` shows them."),
        ScopeKind::Feature => (is_label(name), "A feature has 1 to 64 characters without slashes."),
    };
    if is_known {
        return Ok(());
    }
    Err(Error::invalid(format!("There is no {} \"{name}\" to budget.", scope.kind.as_str()), hint))
}

fn check_target(
    engine: &Engine,
    snapshot: &Snapshot,
    scope: &ScopeName,
    to: Option<String>,
) -> Result<String, Error> {
    if matches!(scope.kind, ScopeKind::Provider | ScopeKind::Connection) {
        return Err(Error::invalid(
            "A budget of a provider or a connection sends nobody elsewhere by itself.",
            "Use stop: calls then go to the next connection that may answer.",
        ));
    }
    let hint = "Name a model, a profile, or `connection_key/model`, such as a local one.";
    let to = to.ok_or_else(|| Error::invalid("It is not said where calls go at the cap.", hint))?;
    let needs = Needs::default();
    let plan = engine.board.plan(&snapshot.directory, &to, &needs);
    if plan.candidates.is_empty() && plan.skipped.is_empty() {
        return Err(Error::invalid(format!("Nobody has the model \"{to}\"."), hint));
    }
    drop(plan);
    Ok(to)
}

fn check_levels(mut levels: Vec<u16>) -> Result<Vec<u16>, Error> {
    levels.sort_unstable();
    levels.dedup();
    let fits = |level: &u16| (1..=1_000).contains(level);
    if levels.is_empty() || levels.len() > MOST_LEVELS || !levels.iter().all(fits) {
        return Err(Error::invalid(
            "These are no levels of a budget.",
            "Name 1 to 10 whole percents between 1 and 1000, such as 50,80,95,100.",
        ));
    }
    Ok(levels)
}

/// The budget that has stopped all traffic.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct BudgetStop {
    /// Which one.
    #[serde(flatten)]
    pub key: BudgetKey,
    /// How people know it.
    pub name: String,
    /// Its cap, with what was added.
    pub cap: Amount,
    /// When it begins anew.
    pub resets_at: Timestamp,
    /// A fitting amount to resume with.
    pub more: Amount,
}

/// The cap of the daily budget of everything in dollars, with what was added.
pub(super) fn daily_cap(budgets: &[Budget]) -> Option<DecimalUsd> {
    let of_all = |budget: &&Budget| {
        let key = &budget.key;
        (key.scope.kind, key.period, key.measure) == (ScopeKind::All, Period::Day, Measure::Money)
    };
    let budget = budgets.iter().find(of_all)?;
    let [cap, extra] =
        [&budget.cap, &budget.extra].map(|text| NanoUsd::from_decimal(text).unwrap_or_default());
    Some((cap + extra).into())
}

/// The first budget of everything that lets no call through now.
pub(super) fn stop_of(budgets: &[Budget]) -> Option<BudgetStop> {
    let stops = |budget: &&Budget| {
        budget.key.scope.kind == ScopeKind::All && budget.on_limit == OnLimit::Stop && budget.is_reached
    };
    let budget = budgets.iter().find(stops)?;
    let measure = budget.key.measure;
    let amount = |text: &str| read_amount(measure, text).unwrap_or(0);
    Some(BudgetStop {
        key: budget.key.clone(),
        name: budget.name.clone(),
        cap: amount_text(measure, amount(&budget.cap).saturating_add(amount(&budget.extra))),
        resets_at: budget.resets_at,
        more: budget.more.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_to_resume_with_fits_the_cap() {
        let usd = |dollars: u64| dollars * 1_000_000_000;
        for (measure, cap, more) in [
            (Measure::Money, usd(12), usd(2)),
            (Measure::Money, usd(100), usd(16)),
            (Measure::Money, usd(5), 833_333_334),
            (Measure::Money, 600, 100),
            (Measure::Money, 0, 1),
            (Measure::Requests, 100, 16),
            (Measure::Requests, 2, 1),
        ] {
            assert_eq!(fitting_more(measure, cap), more, "{measure:?} {cap}");
        }
    }

    #[test]
    fn amounts_are_dollars_or_whole_numbers() {
        assert_eq!(read_amount(Measure::Money, " 0.50 ").ok(), Some(500_000_000));
        assert_eq!(read_amount(Measure::Requests, "1000").ok(), Some(1_000));
        for (measure, bad) in [(Measure::Money, "-1"), (Measure::Money, "five"), (Measure::Tokens, "1.5")] {
            assert!(read_amount(measure, bad).is_err(), "{bad}");
        }
    }
}
