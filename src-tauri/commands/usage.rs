//! The Usage screen: figures, charts, comparisons and exports.

use patchbay_core::chart::{Chart, ChartRequest};
use patchbay_engine::desk::export::Exported;
use patchbay_engine::desk::usage::{
    self, AppCheaper, ChartKind, ExploreQuery, ExploreView, ExportFormat, FieldValues, GroupRow, OpenGroups,
    TriedPrice, UsageQuery, UsageView, WhatIf,
};
use patchbay_engine::error::Error;
use tauri::State;

use crate::state::Desk;

/// Its figures.
#[tauri::command]
#[specta::specta]
pub async fn usage(desk: State<'_, Desk>, query: UsageQuery) -> Result<UsageView, Error> {
    usage::view(&desk.engine()?, query, desk.zone()).await
}

/// Groups alone: what a row of its table opens to.
#[tauri::command]
#[specta::specta]
pub async fn usage_groups(desk: State<'_, Desk>, query: UsageQuery) -> Result<Vec<GroupRow>, Error> {
    usage::groups(&desk.engine()?, query, desk.zone()).await
}

/// A chart, drawn at the size that is asked for.
#[tauri::command]
#[specta::specta]
pub async fn usage_chart(
    desk: State<'_, Desk>,
    kind: ChartKind,
    query: UsageQuery,
    request: ChartRequest,
) -> Result<Chart, Error> {
    usage::chart(&desk.engine()?, kind, query, request, desk.zone()).await
}

/// One number by groups and groups inside them.
#[tauri::command]
#[specta::specta]
pub async fn usage_explore(desk: State<'_, Desk>, query: ExploreQuery) -> Result<ExploreView, Error> {
    usage::explore(&desk.engine()?, query, desk.zone()).await
}

/// The same over time, drawn at the size that is asked for.
#[tauri::command]
#[specta::specta]
pub async fn usage_explore_chart(
    desk: State<'_, Desk>,
    query: ExploreQuery,
    request: ChartRequest,
) -> Result<Chart, Error> {
    usage::explore_chart(&desk.engine()?, query, request, desk.zone()).await
}

/// What filters can be made of.
#[tauri::command]
#[specta::specta]
pub async fn usage_values(desk: State<'_, Desk>) -> Result<Vec<FieldValues>, Error> {
    usage::values(&desk.engine()?).await
}

/// The same traffic on other models (`provider/model`; those in use where none is named), as profiles (`profile:NAME`) would
/// send it, or at a price.
#[tauri::command]
#[specta::specta]
pub async fn usage_what_if(
    desk: State<'_, Desk>,
    query: UsageQuery,
    models: Vec<String>,
    price: Option<TriedPrice>,
) -> Result<WhatIf, Error> {
    usage::what_if(&desk.engine()?, query, models, price, desk.zone()).await
}

/// Where an app's chat requests of the last 30 days would have cost less; null where nowhere.
#[tauri::command]
#[specta::specta]
pub async fn app_cheaper(desk: State<'_, Desk>, name: String) -> Result<Option<AppCheaper>, Error> {
    usage::cheaper(&desk.engine()?, name, desk.zone()).await
}

/// Writes the attempts that fit into a file in the data folder.
#[tauri::command]
#[specta::specta]
pub async fn usage_export(
    desk: State<'_, Desk>,
    query: UsageQuery,
    format: ExportFormat,
) -> Result<Exported, Error> {
    usage::to_folder(&desk.engine()?, query, format, desk.zone()).await
}

/// Writes the groups, and what is inside those that are open, as CSV into the data folder.
#[tauri::command]
#[specta::specta]
pub async fn usage_export_groups(
    desk: State<'_, Desk>,
    query: UsageQuery,
    open: Option<OpenGroups>,
) -> Result<Exported, Error> {
    usage::groups_to_folder(&desk.engine()?, query, open, desk.zone()).await
}

/// Writes the statement of an app for a month ("2026-11"; this one where it is null) into the data folder.
#[tauri::command]
#[specta::specta]
pub async fn usage_statement(
    desk: State<'_, Desk>,
    app: String,
    month: Option<String>,
) -> Result<Exported, Error> {
    usage::statement_to_folder(&desk.engine()?, app, month, desk.zone()).await
}
