//! Connections.

use std::time::Duration;

use patchbay_core::diagnose::StageReport;
use patchbay_engine::desk::connections::{
    self, AddOutcome, Connection, ConnectionDraft, ConnectionEdit, LimitEdit, Removal, Undo,
};
use patchbay_engine::error::Error;
use tauri::State;
use tauri::ipc::Channel;

use super::to_page;
use crate::state::Desk;

/// The page offers it for 8 s; a slow click is in time.
const UNDO: Duration = Duration::from_secs(12);

/// All connections, by provider and priority.
#[tauri::command]
#[specta::specta]
pub async fn connections(desk: State<'_, Desk>) -> Result<Vec<Connection>, Error> {
    connections::list(&desk.engine()?, desk.zone()).await
}

/// Tests the draft and saves it only if every stage passes. Stages arrive on the channel while they run.
#[tauri::command]
#[specta::specta]
pub async fn connection_add_tested(
    desk: State<'_, Desk>,
    draft: ConnectionDraft,
    on_stage: Channel<StageReport>,
) -> Result<AddOutcome, Error> {
    connections::add_tested(&desk.engine()?, draft, to_page(on_stage), desk.zone()).await
}

/// Saves without a test: the connection shows as untested.
#[tauri::command]
#[specta::specta]
pub async fn connection_add_untested(
    desk: State<'_, Desk>,
    draft: ConnectionDraft,
) -> Result<Connection, Error> {
    connections::add_untested(&desk.engine()?, draft, desk.zone()).await
}

/// Changes one field; everything else stays.
#[tauri::command]
#[specta::specta]
pub async fn connection_edit(
    desk: State<'_, Desk>,
    key: String,
    edit: ConnectionEdit,
) -> Result<Connection, Error> {
    connections::edit(&desk.engine()?, &key, edit, desk.zone()).await
}

/// Sets or takes away one limit; the others stay.
#[tauri::command]
#[specta::specta]
pub async fn connection_limit(
    desk: State<'_, Desk>,
    key: String,
    edit: LimitEdit,
) -> Result<Connection, Error> {
    connections::set_limit(&desk.engine()?, &key, edit, desk.zone()).await
}

/// Lets a connection take calls.
#[tauri::command]
#[specta::specta]
pub async fn connection_enable(desk: State<'_, Desk>, key: String) -> Result<Connection, Error> {
    connections::enable(&desk.engine()?, &key, desk.zone()).await
}

/// Takes a connection out until it is turned on again.
#[tauri::command]
#[specta::specta]
pub async fn connection_pause(desk: State<'_, Desk>, key: String) -> Result<Connection, Error> {
    connections::pause(&desk.engine()?, &key, desk.zone()).await
}

/// Stops a connection until it is turned on again.
#[tauri::command]
#[specta::specta]
pub async fn connection_suspend(desk: State<'_, Desk>, key: String) -> Result<Connection, Error> {
    connections::suspend(&desk.engine()?, &key, desk.zone()).await
}

/// Adds a second connection like this one, without its key.
#[tauri::command]
#[specta::specta]
pub async fn connection_duplicate(desk: State<'_, Desk>, key: String) -> Result<Connection, Error> {
    connections::duplicate(&desk.engine()?, &key, desk.zone()).await
}

/// What uses a connection, and what another one would get of that.
#[tauri::command]
#[specta::specta]
pub async fn connection_removal(
    desk: State<'_, Desk>,
    key: String,
    reassign_to: Option<String>,
) -> Result<Removal, Error> {
    connections::removal(&desk.engine()?, &key, reassign_to.as_deref()).await
}

/// Deletes a connection, and its key a little later: until then it can be taken back. Its history stays.
#[tauri::command]
#[specta::specta]
pub async fn connection_remove(
    desk: State<'_, Desk>,
    key: String,
    reassign_to: Option<String>,
) -> Result<(), Error> {
    let undo = Undo::For(UNDO);
    connections::remove_with(&desk.engine()?, &key, reassign_to.as_deref(), undo).await
}

/// Takes a deletion back.
#[tauri::command]
#[specta::specta]
pub async fn connection_undo_remove(desk: State<'_, Desk>, key: String) -> Result<Connection, Error> {
    connections::undo_remove(&desk.engine()?, &key, desk.zone()).await
}

/// The new order of one provider's connections, first tried first.
#[tauri::command]
#[specta::specta]
pub async fn connection_reorder(desk: State<'_, Desk>, keys: Vec<String>) -> Result<(), Error> {
    connections::reorder(&desk.engine()?, keys).await
}
