//! Copies of everything, and putting one back. A copy has no secrets in it unless it is sealed by a passphrase.

mod look;

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::code::Code;
use patchbay_core::id::ConnectionId;
use patchbay_core::secret::Secret;
use patchbay_store::backup::Aside;
use patchbay_store::vault::{Slot, Vault};
use patchbay_store::{Recorded, Store, StoreError, backup, credential, files, sealed};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::Error;
use crate::safe::VaultSetup;
use crate::{Engine, clock, owner};

pub use look::{BackupContents, BackupFile, fresh_path, look, look_at, passphrase_wanted, shelf};

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

/// Puts a copy in the place of everything in the data folder, which no other process may be using. What was there is kept
/// in its `backups` folder. Where its keys cannot be stored, everything is as it was before.
pub fn restore(
    data_dir: &Path,
    setup: &VaultSetup,
    file: &Path,
    passphrase: impl FnOnce() -> Result<Secret, Error>,
) -> Result<Restored, Error> {
    if owner::is_shared(data_dir, "") {
        return Err(Error::new(
            Code::InUse,
            "Another Patchbay works on this data folder.",
            "Close the window and stop `patchbay serve`, then try again. Nothing was changed.",
        ));
    }
    let (keys, database) = if sealed::is_sealed(file)? {
        let (keys, database) = unsealed(file, data_dir, &passphrase()?)?;
        (keys, Some(database))
    } else {
        (Vec::new(), None)
    };
    let plain = database.as_ref().map_or(file, |database| database.as_ref());
    // A passphrase that is missing or wrong is told while nothing is changed yet.
    let vault = if keys.is_empty() { None } else { Some(opened(data_dir, setup, plain)?) };
    let before = backup::restore(data_dir, plain, clock::now())?;
    let stored = finish(data_dir, vault.as_deref(), &keys, file);
    if let (Err(_), Some(before)) = (&stored, &before) {
        backup::restore(data_dir, before, clock::now())?;
    }
    stored.map(|()| Restored { before, keys: count_of(&keys) })
}

/// Whether a copy's keys could be stored, told before anything is closed for a restore.
pub async fn make_sure(
    data_dir: PathBuf,
    setup: VaultSetup,
    (file, passphrase): (PathBuf, Option<Secret>),
) -> Result<(), Error> {
    let looking = tokio::task::spawn_blocking(move || {
        if !sealed::is_sealed(&file)? {
            return Ok(());
        }
        let (keys, database) =
            unsealed(&file, &std::env::temp_dir(), &passphrase.ok_or_else(passphrase_wanted)?)?;
        if keys.is_empty() { Ok(()) } else { opened(&data_dir, &setup, database.as_ref()).map(drop) }
    });
    looking.await.map_err(|_| look::broken_off())?
}

/// The vault that a copy's keys go to, open.
fn opened(data_dir: &Path, setup: &VaultSetup, database: &Path) -> Result<Arc<dyn Vault>, Error> {
    let copy = Aside::open(database)?;
    let vault = setup.vault(copy.store(), data_dir)?;
    vault.open_up()?;
    Ok(vault)
}

/// What a restore did.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Restored {
    /// Where what was there is kept; `None` = there was nothing.
    pub before: Option<PathBuf>,
    /// How many keys went into the vault.
    pub keys: u32,
}

/// Brings the restored database up to date, stores the keys, and notes it all.
fn finish(data_dir: &Path, vault: Option<&dyn Vault>, keys: &[Key], file: &Path) -> Result<(), Error> {
    let store = Store::open(data_dir)?;
    for (vault, key) in vault.into_iter().flat_map(|vault| keys.iter().map(move |key| (vault, key))) {
        vault.put(&key.slot(), &Secret::new(key.secret.clone()))?;
    }
    let change = Change::default().fact("keys", keys.len());
    let path = file.display().to_string();
    store.change(clock::now(), move |_| {
        let entry = Entry::user(Action::Restore, Kind::Store, "everything").change(change);
        Ok(Recorded::new((), entry.because(format!("from {path}"))))
    })?;
    Ok(())
}

/// The keys of a sealed copy, and its database in a scratch file.
fn unsealed(
    file: &Path,
    data_dir: &Path,
    passphrase: &Secret,
) -> Result<(Vec<Key>, impl AsRef<Path> + use<>), Error> {
    let bad = |why: &str| StoreError::BadFile { path: file.to_owned(), why: why.to_owned() };
    std::fs::create_dir_all(data_dir).map_err(|error| unwritable(data_dir, &error))?;
    let mut sealed = BufReader::new(sealed::open(file, passphrase)?);
    let mut line = Vec::new();
    sealed.by_ref().read_until(b'\n', &mut line).map_err(|_| bad("it is damaged"))?;
    let head: Head = serde_json::from_slice(&line).map_err(|_| bad("it is no backup of Patchbay's"))?;
    if head.patchbay_backup != 1 {
        return Err(bad("it was made by a newer Patchbay").into());
    }
    let database = backup::scratch(&data_dir.join("restored"))?;
    let mut out = std::fs::File::create(&database).map_err(|error| unwritable(data_dir, &error))?;
    io::copy(&mut sealed, &mut out).map_err(|_| bad("it is damaged"))?;
    Ok((head.keys, database))
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::new(
        Code::DiskFull,
        format!("{} cannot be written: {error}.", path.display()),
        "Free some space or choose another place, then try again.",
    )
}
