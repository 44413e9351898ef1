//! Where secrets are kept.

use patchbay_core::secret::Secret;
use patchbay_engine::desk::status::VaultStatus;
use patchbay_engine::desk::vault::{self, VaultReport};
use patchbay_engine::error::Error;
use patchbay_engine::vault::VaultKind;
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

/// Lets the system ask the person at it to open its keychain.
#[tauri::command]
#[specta::specta]
pub async fn vault_ask(desk: State<'_, Desk>) -> Result<VaultStatus, Error> {
    vault::ask(&desk.engine()?).await
}

/// Moves all keys into the system's keychain, and answers how many there were.
#[tauri::command]
#[specta::specta]
pub async fn vault_move_to_keychain(desk: State<'_, Desk>) -> Result<u32, Error> {
    vault::move_to(&desk.engine()?, VaultKind::Keychain).await
}

/// Moves all keys into the encrypted file, and answers how many there were.
#[tauri::command]
#[specta::specta]
pub async fn vault_move_to_file(desk: State<'_, Desk>, passphrase: String) -> Result<u32, Error> {
    vault::move_to_file(&desk.engine()?, Secret::new(passphrase)).await
}

/// Seals the encrypted file anew under another passphrase: all keys or none.
#[tauri::command]
#[specta::specta]
pub async fn vault_change_passphrase(
    desk: State<'_, Desk>,
    current: String,
    next: String,
) -> Result<(), Error> {
    vault::change_passphrase(&desk.engine()?, Secret::new(current), Secret::new(next)).await
}
