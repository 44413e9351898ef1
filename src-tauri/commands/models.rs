//! The catalogue of models.

use patchbay_engine::desk::models::{self, Compared, ModelDetail, ModelList, ModelQuery, SyncReport};
use patchbay_engine::error::Error;
use tauri::State;

use crate::state::Desk;

/// The models that fit the query.
#[tauri::command]
#[specta::specta]
pub async fn models(desk: State<'_, Desk>, query: ModelQuery) -> Result<ModelList, Error> {
    models::list(&desk.engine()?, query).await
}

/// One model with its prices, its like at other providers, and what relies on it.
#[tauri::command]
#[specta::specta]
pub async fn model_detail(
    desk: State<'_, Desk>,
    provider: String,
    model: String,
) -> Result<ModelDetail, Error> {
    models::detail(&desk.engine()?, provider, model).await
}

/// Models side by side, by their ids (`provider-slug/model`).
#[tauri::command]
#[specta::specta]
pub async fn model_compare(desk: State<'_, Desk>, ids: Vec<String>) -> Result<Vec<Compared>, Error> {
    models::compare(&desk.engine()?, ids).await
}

/// Lets a connection use a model, or takes it away.
#[tauri::command]
#[specta::specta]
pub async fn model_allow(
    desk: State<'_, Desk>,
    connection: String,
    model: String,
    allowed: bool,
) -> Result<(), Error> {
    models::allow(&desk.engine()?, &connection, model, allowed).await
}

/// Pins a model by its id, or takes the pin away.
#[tauri::command]
#[specta::specta]
pub async fn model_pin(desk: State<'_, Desk>, id: String, pinned: bool) -> Result<(), Error> {
    models::pin(&desk.engine()?, id, pinned).await
}

/// Reads the list of one provider, or of every one that has a connection.
#[tauri::command]
#[specta::specta]
pub async fn models_sync(desk: State<'_, Desk>, provider: Option<String>) -> Result<Vec<SyncReport>, Error> {
    models::sync(&desk.engine()?, provider).await
}

/// Stops reading lists.
#[tauri::command]
#[specta::specta]
pub fn models_sync_stop(desk: State<'_, Desk>) -> Result<(), Error> {
    models::sync_stop(&*desk.engine()?);
    Ok(())
}
