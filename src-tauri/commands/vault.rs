//! Where secrets are kept.

use patchbay_core::secret::Secret;
use patchbay_engine::desk::status::VaultStatus;
use patchbay_engine::desk::vault::{self, VaultReport};
use patchbay_engine::error::Error;
use tauri::State;

use crate::state::Desk;

/// Which vault it is, how it is, and how much is in it.
#[tauri::command]
#[specta::specta]
pub async fn vault(desk: State<'_, Desk>) -> Result<VaultReport, Error> {
    vault::report(&desk.engine()?).await
}

/// Opens the encrypted file for as long as Patchbay runs.
#[tauri::command]
#[specta::specta]
pub async fn vault_unlock(desk: State<'_, Desk>, passphrase: String) -> Result<VaultStatus, Error> {
    vault::unlock(&desk.engine()?, Secret::new(passphrase)).await
}
