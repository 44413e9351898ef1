//! Copies of everything, and putting one back. A copy has no secrets in it unless it is sealed by a passphrase.

mod look;
mod open_copy;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::code::Code;
use patchbay_core::id::ConnectionId;
use patchbay_core::secret::Secret;
use patchbay_store::vault::Slot;
use patchbay_store::{Recorded, backup, credential, files, sealed};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::Error;
use crate::{Engine, clock, owner};

pub use look::{BackupContents, BackupFile, fresh_path, look, look_at, passphrase_wanted, shelf};
pub use open_copy::{OpenCopy, Restored, open, refuse_shared};

/// What a copy holds of secrets.
#[derive(Clone, Debug)]
pub enum Secrets {
    /// Nothing: the file can lie around.
    Without,
    /// All of them; the whole file is sealed by this passphrase.
    Sealed(Secret),
}

/// What was done.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Copied {
    /// The file.
    pub path: PathBuf,
    /// How many keys are in it.
    pub keys: u32,
}

/// The first line of a sealed copy; the database follows.
#[derive(Serialize, Deserialize)]
struct Head {
    patchbay_backup: u32,
    keys: Vec<Key>,
}

#[derive(Serialize, Deserialize)]
struct Key {
    store: String,
    connection: i64,
    version: u32,
    secret: String,
}

impl Key {
    fn slot(&self) -> Slot {
        Slot { store: self.store.clone(), connection: ConnectionId(self.connection), version: self.version }
    }
}

/// Copies everything into a file while calls go on.
pub async fn back_up(engine: &Arc<Engine>, file: PathBuf, secrets: Secrets) -> Result<Copied, Error> {
    engine
        .blocking(move |engine| {
            if let Some(folder) = file.parent() {
                std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
            }
            let keys = match secrets {
                Secrets::Without => {
                    backup::copy_to(&engine.store, &file)?;
                    0
                }
                Secrets::Sealed(passphrase) => seal(engine, &file, &passphrase)?,
            };
            let change = Change::default().fact("keys", keys);
            let path = file.display().to_string();
            engine.store.change(clock::now(), move |_| {
                let entry = Entry::user(Action::BackUp, Kind::Store, "everything").change(change);
                Ok(Recorded::new((), entry.because(format!("to {path}"))))
            })?;
            Ok(Copied { path: file, keys })
        })
        .await
}

fn count_of(keys: &[Key]) -> u32 {
    u32::try_from(keys.len()).unwrap_or(u32::MAX)
}

fn seal(engine: &Engine, file: &Path, passphrase: &Secret) -> Result<u32, Error> {
    let keys = all_keys(engine)?;
    let count = count_of(&keys);
    let head = json!(Head { patchbay_backup: 1, keys }).to_string();
    // The database has no secrets in it, so it may be on the disk for a moment.
    let plain = backup::scratch(file)?;
    backup::copy_to(&engine.store, &plain)?;
    files::replace_with(file, |out| {
        sealed::seal(out, passphrase, |sealed| {
            writeln!(sealed, "{head}")?;
            io::copy(&mut std::fs::File::open(&plain)?, sealed).map(drop)
        })
    })
    .map_err(|error| unwritable(file, &error))?;
    Ok(count)
}

fn all_keys(engine: &Engine) -> Result<Vec<Key>, Error> {
    let vault = engine.keys.vault();
    let mut keys = Vec::new();
    for (connection, version) in engine.store.read(credential::everywhere)? {
        let slot = engine.keys.slot(connection, version);
        if let Some(secret) = vault.get(&slot)? {
            let secret = secret.expose().to_owned();
            keys.push(Key { store: slot.store, connection: connection.0, version, secret });
        }
    }
    Ok(keys)
}

/// Waits until the engine of that mark is gone, so that its folder is free. `false`: something still holds it after so long.
pub async fn is_free(data_dir: &Path, mark: String, within: Duration) -> bool {
    let folder = data_dir.to_owned();
    let gone = tokio::task::spawn_blocking(move || owner::wait(&folder, &mark));
    tokio::time::timeout(within, gone).await.is_ok()
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::new(
        Code::DiskFull,
        format!("{} cannot be written: {error}.", path.display()),
        "Free some space or choose another place, then try again.",
    )
}
