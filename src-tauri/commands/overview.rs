//! The first screen.

use patchbay_core::chart::{Chart, ChartRequest};
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

/// Spend by day and provider, drawn at the size that is asked for.
#[tauri::command]
#[specta::specta]
pub async fn spend_chart(desk: State<'_, Desk>, request: ChartRequest) -> Result<Chart, Error> {
    overview::spend_chart(&desk.engine()?, request, desk.zone()).await
}
