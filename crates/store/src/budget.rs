//! Budgets.

use patchbay_core::admission::calendar::PeriodKey;
use patchbay_core::budget::{Measure, OnLimit, Period, ScopeKind, ScopeName};
use patchbay_core::id::BudgetId;
use patchbay_core::time::Timestamp;
use rusqlite::{Connection as Db, OptionalExtension, Row, named_params};
use serde::Serialize;

use crate::error::StoreError;

/// What tells one budget from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Key {
    /// What it is for.
    pub scope: ScopeName,
    /// When it begins anew.
    pub period: Period,
    /// What it counts.
    pub measure: Measure,
}

/// A budget as the user set it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Terms {
    /// In units of the measure: nano-USD, requests, tokens.
    pub cap: u64,
    /// What happens at the cap.
    pub on_limit: OnLimit,
    /// Where calls go instead, for a cap that degrades.
    pub degrade_to: Option<String>,
    /// In percent, ascending.
    pub levels: Vec<u16>,
}

/// A budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetRow {
    /// Its row.
    pub id: BudgetId,
    /// What it is for.
    pub key: Key,
    /// How it is set.
    pub terms: Terms,
    /// What was added to the cap for one period.
    pub extra: Option<(PeriodKey, u64)>,
}

/// All budgets: those of everything first, days before months.
pub fn all(db: &Db) -> Result<Vec<BudgetRow>, StoreError> {
    let mut statement = db
        .prepare_cached("SELECT * FROM budget ORDER BY scope <> 'all', scope, scope_name, period, measure")?;
    let rows = statement.query_map([], from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The budget of that key.
pub fn find(db: &Db, key: &Key) -> Result<Option<BudgetRow>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT * FROM budget WHERE scope = :scope AND coalesce(scope_name, '') = :name AND period = :period
           AND measure = :measure",
    )?;
    let of_key = named_params! {
        ":scope": key.scope.kind.as_str(), ":name": key.scope.name, ":period": key.period.as_str(),
        ":measure": key.measure.as_str(),
    };
    Ok(statement.query_row(of_key, from_row).optional()?)
}

/// The same, or an error that names it.
pub fn get(db: &Db, key: &Key) -> Result<BudgetRow, StoreError> {
    find(db, key)?.ok_or_else(|| StoreError::NotFound { what: "budget", name: key.to_string() })
}

/// Sets a budget: a new one, or other terms for the one of that key.
pub fn set(db: &Db, key: &Key, terms: &Terms, now: Timestamp) -> Result<(), StoreError> {
    let mut statement = db.prepare_cached(
        "INSERT INTO budget (scope, scope_name, period, measure, cap, on_limit, degrade_to, levels, created_at, updated_at)
         VALUES (:scope, nullif(:name, ''), :period, :measure, :cap, :on_limit, :degrade_to, :levels, :now, :now)
         ON CONFLICT (scope, coalesce(scope_name, ''), period, measure) DO UPDATE SET
             cap = excluded.cap, on_limit = excluded.on_limit, degrade_to = excluded.degrade_to,
             levels = excluded.levels, updated_at = excluded.updated_at",
    )?;
    statement.execute(named_params! {
        ":scope": key.scope.kind.as_str(), ":name": key.scope.name, ":period": key.period.as_str(),
        ":measure": key.measure.as_str(), ":cap": i64::try_from(terms.cap).unwrap_or(i64::MAX),
        ":on_limit": terms.on_limit.as_str(), ":degrade_to": terms.degrade_to,
        ":levels": serde_json::json!(terms.levels).to_string(), ":now": now.0,
    })?;
    Ok(())
}

/// Adds to a budget's cap, for that period only. What was added to an earlier period is forgotten.
pub fn add_extra(
    db: &Db,
    id: BudgetId,
    period: PeriodKey,
    extra: u64,
    now: Timestamp,
) -> Result<(), StoreError> {
    db.execute(
        "UPDATE budget SET extra = CASE WHEN extra_period = ?2 THEN extra ELSE 0 END + ?3, extra_period = ?2,
             updated_at = ?4 WHERE id = ?1",
        (id.0, period, i64::try_from(extra).unwrap_or(i64::MAX), now.0),
    )?;
    Ok(())
}

/// Takes a budget away.
pub fn remove(db: &Db, id: BudgetId) -> Result<(), StoreError> {
    db.execute("DELETE FROM budget WHERE id = ?1", [id.0])?;
    Ok(())
}

/// As the audit log and alerts name it: `app:bot, money per day`.
impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {} per {}", self.scope, self.measure.as_str(), self.period.as_str())
    }
}

impl Key {
    /// Reads what its `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (scope, counts) = text.rsplit_once(", ")?;
        let (measure, period) = counts.split_once(" per ")?;
        Some(Self {
            scope: ScopeName::parse(scope)?,
            period: Period::parse(period)?,
            measure: Measure::parse(measure)?,
        })
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<BudgetRow> {
    let text = |name: &str| row.get::<_, String>(name);
    let levels: Vec<u16> = serde_json::from_str(&text("levels")?).unwrap_or_default();
    let extra: u64 = row.get("extra")?;
    let extra_period: Option<PeriodKey> = row.get("extra_period")?;
    Ok(BudgetRow {
        id: BudgetId(row.get("id")?),
        key: Key {
            scope: ScopeName {
                // The table's own checks name the same.
                kind: ScopeKind::parse(&text("scope")?).unwrap_or(ScopeKind::All),
                name: row.get::<_, Option<String>>("scope_name")?.unwrap_or_default(),
            },
            period: Period::parse(&text("period")?).unwrap_or(Period::Day),
            measure: Measure::parse(&text("measure")?).unwrap_or(Measure::Money),
        },
        terms: Terms {
            cap: row.get("cap")?,
            on_limit: OnLimit::parse(&text("on_limit")?).unwrap_or(OnLimit::Stop),
            degrade_to: row.get("degrade_to")?,
            levels,
        },
        extra: extra_period.map(|period| (period, extra)),
    })
}
