//! How long attempts stay in the database, and what was moved to archives.

use patchbay_engine::desk::retention::{self, RetentionInfo};
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

/// Moves what is old enough now, and answers how many attempts that were.
#[tauri::command]
#[specta::specta]
pub async fn retention_run(desk: State<'_, Desk>) -> Result<u32, Error> {
    let run = retention::run(&desk.engine()?).await?;
    Ok(u32::try_from(run.attempts).unwrap_or(u32::MAX))
}
