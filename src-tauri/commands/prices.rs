//! Prices.

use patchbay_core::time::Timestamp;
use patchbay_engine::desk::prices::{self, PriceDraft, PriceVersion, UnpricedModel};
use patchbay_engine::error::Error;
use tauri::State;

use crate::state::Desk;

/// Everything that was ever said of a model's price.
#[tauri::command]
#[specta::specta]
pub fn price_history(
    desk: State<'_, Desk>,
    provider: String,
    model: String,
) -> Result<Vec<PriceVersion>, Error> {
    prices::history(&*desk.engine()?, &provider, &model)
}

/// Sets a price of the user's own.
#[tauri::command]
#[specta::specta]
pub async fn price_set(desk: State<'_, Desk>, draft: PriceDraft) -> Result<Vec<PriceVersion>, Error> {
    prices::set(&desk.engine()?, draft).await
}

/// Takes the user's own price away: that of one moment, or all of them.
#[tauri::command]
#[specta::specta]
pub async fn price_unset(
    desk: State<'_, Desk>,
    provider: String,
    model: String,
    effective_from: Option<Timestamp>,
) -> Result<Vec<PriceVersion>, Error> {
    prices::unset(&desk.engine()?, provider, model, effective_from).await
}

/// What was called in the last 30 days and has no price.
#[tauri::command]
#[specta::specta]
pub async fn unpriced(desk: State<'_, Desk>) -> Result<Vec<UnpricedModel>, Error> {
    prices::unpriced(&desk.engine()?).await
}
