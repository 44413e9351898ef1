//! The first screen.

use patchbay_engine::desk::overview::{self, Overview};
use patchbay_engine::error::Error;
use tauri::State;

use crate::state::Desk;

/// Its figures.
#[tauri::command]
#[specta::specta]
pub async fn overview(desk: State<'_, Desk>) -> Result<Overview, Error> {
    overview::overview(&desk.engine()?, desk.zone()).await
}
