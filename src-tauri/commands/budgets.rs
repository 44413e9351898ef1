//! Budgets.

use patchbay_engine::desk::budgets::{self, Budget, BudgetDraft, BudgetKey};
use patchbay_engine::error::Error;
use tauri::State;

use crate::state::Desk;

/// All budgets, and how far they are used.
#[tauri::command]
#[specta::specta]
pub async fn budgets(desk: State<'_, Desk>) -> Result<Vec<Budget>, Error> {
    budgets::list(&desk.engine()?).await
}

/// Sets a budget: a new one, or other terms for the one that is there.
#[tauri::command]
#[specta::specta]
pub async fn budget_set(desk: State<'_, Desk>, draft: BudgetDraft) -> Result<Budget, Error> {
    budgets::set(&desk.engine()?, draft).await
}

/// Takes a budget away.
#[tauri::command]
#[specta::specta]
pub async fn budget_remove(desk: State<'_, Desk>, key: BudgetKey) -> Result<(), Error> {
    budgets::remove(&desk.engine()?, key).await
}

/// Lets calls go on with so much more than the cap, until the period ends.
#[tauri::command]
#[specta::specta]
pub async fn budget_resume(desk: State<'_, Desk>, key: BudgetKey, more: String) -> Result<Budget, Error> {
    budgets::resume(&desk.engine()?, key, &more).await
}
