//! Providers: the catalogue's and the user's own.

use patchbay_engine::desk::providers::{self, Provider, ProviderCard, ProviderDraft, ProviderEdit};
use patchbay_engine::error::Error;
use tauri::State;
use tauri_plugin_opener::OpenerExt;

use crate::state::Desk;

/// All providers, in the order of the picker.
#[tauri::command]
#[specta::specta]
pub fn providers(desk: State<'_, Desk>) -> Result<Vec<Provider>, Error> {
    providers::list(&*desk.engine()?)
}

/// Every provider that has a connection, or that the user made, with its figures.
#[tauri::command]
#[specta::specta]
pub async fn provider_cards(desk: State<'_, Desk>) -> Result<Vec<ProviderCard>, Error> {
    providers::cards(&desk.engine()?, desk.zone()).await
}

/// Adds a provider of the user's own.
#[tauri::command]
#[specta::specta]
pub async fn provider_add(desk: State<'_, Desk>, draft: ProviderDraft) -> Result<Provider, Error> {
    providers::add(&desk.engine()?, draft).await
}

/// Changes one field; everything else stays.
#[tauri::command]
#[specta::specta]
pub async fn provider_edit(
    desk: State<'_, Desk>,
    slug: String,
    edit: ProviderEdit,
) -> Result<Provider, Error> {
    providers::edit(&desk.engine()?, &slug, edit).await
}

/// Removes a provider of the user's own. One in use is refused, unless another takes over its connections.
#[tauri::command]
#[specta::specta]
pub async fn provider_remove(
    desk: State<'_, Desk>,
    slug: String,
    reassign_to: Option<String>,
) -> Result<(), Error> {
    providers::remove(&desk.engine()?, &slug, reassign_to).await
}

/// Opens the provider's page of keys in the browser.
#[tauri::command]
#[specta::specta]
pub fn open_keys_page(desk: State<'_, Desk>, provider: String) -> Result<(), Error> {
    let page = providers::keys_page(&*desk.engine()?, &provider)?;
    desk.app()
        .opener()
        .open_url(&page, None::<&str>)
        .map_err(|_| Error::invalid("No browser opened.", format!("Open {page} yourself.")))
}
