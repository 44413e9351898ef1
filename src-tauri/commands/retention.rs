//! How long attempts stay in the database, and what was moved to archives.

use patchbay_engine::desk::retention::{self, RetentionInfo, RetentionRun};
use patchbay_engine::error::Error;
use tauri::State;

use crate::state::Desk;

/// How long attempts stay, and what was moved.
#[tauri::command]
#[specta::specta]
pub async fn retention(desk: State<'_, Desk>) -> Result<RetentionInfo, Error> {
    retention::info(&desk.engine()?).await
}

/// Lets attempts stay so many days; 0 = for ever.
#[tauri::command]
#[specta::specta]
pub async fn set_retention(desk: State<'_, Desk>, days: u32) -> Result<RetentionInfo, Error> {
    retention::set_days(&desk.engine()?, days).await
}

/// What is old enough to be moved now.
#[tauri::command]
#[specta::specta]
pub async fn retention_plan(desk: State<'_, Desk>) -> Result<RetentionRun, Error> {
    retention::dry_run(&desk.engine()?).await
}

/// Moves it.
#[tauri::command]
#[specta::specta]
pub async fn retention_run(desk: State<'_, Desk>) -> Result<RetentionRun, Error> {
    retention::run(&desk.engine()?).await
}
