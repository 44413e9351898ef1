//! Copies of everything, and putting one back.

use std::path::PathBuf;

use patchbay_core::secret::Secret;
use patchbay_engine::desk::backup::{self, BackupContents, BackupFile, Copied, Restored, Secrets};
use patchbay_engine::error::Error;
use tauri::State;

use crate::state::Desk;

/// The copies in the folder of copies, the newest first.
#[tauri::command]
#[specta::specta]
pub fn backups(desk: State<'_, Desk>) -> Result<Vec<BackupFile>, Error> {
    Ok(backup::shelf(&*desk.engine()?))
}

/// Copies everything while calls go on: without keys, or sealed by a passphrase. Without a path it goes to the folder of copies.
#[tauri::command]
#[specta::specta]
pub async fn back_up(
    desk: State<'_, Desk>,
    path: Option<String>,
    passphrase: Option<String>,
) -> Result<Copied, Error> {
    let engine = desk.engine()?;
    let secrets = passphrase.map_or(Secrets::Without, |text| Secrets::Sealed(Secret::new(text)));
    let sealed = matches!(secrets, Secrets::Sealed(_));
    let path = path.map_or_else(|| backup::fresh_path(&engine, sealed), PathBuf::from);
    backup::back_up(&engine, path, secrets).await
}

/// What is in a copy. Nothing is changed.
#[tauri::command]
#[specta::specta]
pub async fn backup_look(path: String, passphrase: Option<String>) -> Result<BackupContents, Error> {
    backup::look_at(PathBuf::from(path), passphrase.map(Secret::new)).await
}

/// Puts a copy in the place of everything. What was there is kept in the folder of copies. Where its keys go to the encrypted
/// vault file, the passphrase of that file is needed too.
#[tauri::command]
#[specta::specta]
pub async fn backup_restore(
    desk: State<'_, Desk>,
    path: String,
    passphrase: Option<String>,
    vault_passphrase: Option<String>,
) -> Result<Restored, Error> {
    let copy = (PathBuf::from(path), passphrase.map(Secret::new));
    desk.restore(copy, vault_passphrase.map(Secret::new)).await
}
