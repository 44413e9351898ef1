//! Charts to take along: into files, and onto the clipboard.

use patchbay_core::chart::ChartTheme;
use patchbay_engine::desk::charts::{self, ChartFormat, ShownChart, ShownKind};
use patchbay_engine::desk::export::Exported;
use patchbay_engine::desk::usage::UsageQuery;
use patchbay_engine::error::Error;
use tauri::State;

use crate::clipboard::Clipboard;
use crate::state::Desk;

/// Writes a chart as it is shown into a file in the data folder.
#[tauri::command]
#[specta::specta]
pub async fn chart_export(
    desk: State<'_, Desk>,
    chart: ShownChart,
    format: ChartFormat,
) -> Result<Exported, Error> {
    charts::to_folder(&desk.engine()?, chart, format, desk.zone()).await
}

/// Puts a chart as it is shown on the system's clipboard.
#[tauri::command]
#[specta::specta]
pub async fn chart_copy(
    desk: State<'_, Desk>,
    clipboard: State<'_, Clipboard>,
    chart: ShownChart,
) -> Result<(), Error> {
    clipboard.put(&charts::pixels(&desk.engine()?, chart, desk.zone()).await?)
}

/// Writes every chart of the Usage screen as PNG into a folder in the data folder: those that are shown as they are.
#[tauri::command]
#[specta::specta]
pub async fn charts_export(
    desk: State<'_, Desk>,
    query: UsageQuery,
    theme: ChartTheme,
    shown: Vec<ShownKind>,
) -> Result<Exported, Error> {
    charts::all_to_folder(&desk.engine()?, query, theme, shown, desk.zone()).await
}
