//! The Activity screen: the log, its news, its bars, and one call in full.

use patchbay_core::chart::{Chart, ChartRequest};
use patchbay_core::id::CallId;
use patchbay_engine::desk::activity::{
    self, ActivityNow, ActivityPage, ActivityPlace, ActivityQuery, CallDetail, Messages,
};
use patchbay_engine::desk::export::Exported;
use patchbay_engine::desk::usage::ExportFormat;
use patchbay_engine::error::Error;
use tauri::State;

use crate::state::Desk;

/// A page of the log, the newest first: its top, or what stands below a line.
#[tauri::command]
#[specta::specta]
pub async fn activity(
    desk: State<'_, Desk>,
    query: ActivityQuery,
    below: Option<ActivityPlace>,
    limit: u32,
) -> Result<ActivityPage, Error> {
    activity::page(&desk.engine()?, query, below, limit, desk.zone()).await
}

/// What was appended after a row of the ledger, in that order.
#[tauri::command]
#[specta::specta]
pub async fn activity_news(
    desk: State<'_, Desk>,
    query: ActivityQuery,
    after: u32,
) -> Result<ActivityPage, Error> {
    activity::news(&desk.engine()?, query, i64::from(after), desk.zone()).await
}

/// What is on its way, in whichever process on the folder.
#[tauri::command]
#[specta::specta]
pub async fn activity_now(desk: State<'_, Desk>, query: ActivityQuery) -> Result<ActivityNow, Error> {
    activity::now(&desk.engine()?, query, desk.zone()).await
}

/// The bars above the log, drawn at the size that is asked for.
#[tauri::command]
#[specta::specta]
pub async fn activity_tempo(
    desk: State<'_, Desk>,
    query: ActivityQuery,
    request: ChartRequest,
) -> Result<Chart, Error> {
    activity::tempo(&desk.engine()?, query, request, desk.zone()).await
}

/// Writes the attempts that fit into a file in the data folder.
#[tauri::command]
#[specta::specta]
pub async fn activity_export(
    desk: State<'_, Desk>,
    query: ActivityQuery,
    format: ExportFormat,
) -> Result<Exported, Error> {
    activity::to_folder(&desk.engine()?, query, format, desk.zone()).await
}

/// What the app sent and got in a call, where that is kept; null where it is not. Read only when somebody asks.
#[tauri::command]
#[specta::specta]
pub async fn activity_messages(desk: State<'_, Desk>, call: String) -> Result<Option<Messages>, Error> {
    match call.parse::<CallId>() {
        Ok(call) => desk.engine()?.messages(call).await,
        Err(_) => Ok(None),
    }
}

/// One call in full; null where there is none of that id.
#[tauri::command]
#[specta::specta]
pub async fn activity_call(desk: State<'_, Desk>, call: String) -> Result<Option<CallDetail>, Error> {
    match call.parse::<CallId>() {
        Ok(call) => activity::call(&desk.engine()?, call).await,
        Err(_) => Ok(None),
    }
}
