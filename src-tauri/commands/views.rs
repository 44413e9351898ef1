//! Saved views.

use patchbay_engine::desk::views::{self, SavedView, Shows};
use patchbay_engine::error::Error;
use tauri::State;

use crate::state::Desk;

/// All of them by name.
#[tauri::command]
#[specta::specta]
pub async fn saved_views(desk: State<'_, Desk>) -> Result<Vec<SavedView>, Error> {
    views::list(&desk.engine()?).await
}

/// Saves a new one.
#[tauri::command]
#[specta::specta]
pub async fn saved_view_add(desk: State<'_, Desk>, name: String, shows: Shows) -> Result<SavedView, Error> {
    views::add(&desk.engine()?, &name, shows).await
}

/// Lets one show something else.
#[tauri::command]
#[specta::specta]
pub async fn saved_view_replace(
    desk: State<'_, Desk>,
    name: String,
    shows: Shows,
) -> Result<SavedView, Error> {
    views::replace(&desk.engine()?, &name, shows).await
}

/// Gives one another name.
#[tauri::command]
#[specta::specta]
pub async fn saved_view_rename(desk: State<'_, Desk>, name: String, to: String) -> Result<(), Error> {
    views::rename(&desk.engine()?, &name, &to).await
}

/// Deletes one.
#[tauri::command]
#[specta::specta]
pub async fn saved_view_remove(desk: State<'_, Desk>, name: String) -> Result<(), Error> {
    views::remove(&desk.engine()?, &name).await
}
