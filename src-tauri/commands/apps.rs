//! Apps and their tokens.

use patchbay_engine::desk::apps::{self, App, AppEdit, NewApp};
use patchbay_engine::error::Error;
use tauri::State;

use crate::state::Desk;

/// All apps by name.
#[tauri::command]
#[specta::specta]
pub async fn apps(desk: State<'_, Desk>) -> Result<Vec<App>, Error> {
    apps::list(&desk.engine()?, desk.zone()).await
}

/// Adds an app. The token is answered once and is stored only as a hash.
#[tauri::command]
#[specta::specta]
pub async fn app_add(desk: State<'_, Desk>, name: String, feature: Option<String>) -> Result<NewApp, Error> {
    apps::add(&desk.engine()?, name, feature).await
}

/// Gives an app a new token. The old one works for another 24 hours.
#[tauri::command]
#[specta::specta]
pub async fn app_rotate(desk: State<'_, Desk>, name: String) -> Result<NewApp, Error> {
    apps::rotate(&desk.engine()?, name).await
}

/// Sets some things of an app; its token stays.
#[tauri::command]
#[specta::specta]
pub async fn app_edit(desk: State<'_, Desk>, name: String, edits: Vec<AppEdit>) -> Result<(), Error> {
    apps::edit(&desk.engine()?, name, edits).await
}

/// Refuses an app from now on.
#[tauri::command]
#[specta::specta]
pub async fn app_revoke(desk: State<'_, Desk>, name: String) -> Result<(), Error> {
    apps::revoke(&desk.engine()?, name).await
}
