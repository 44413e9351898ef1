//! A copy that is open: what is in it, whether its keys could be stored, and putting it in the place of everything.

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::code::Code;
use patchbay_core::secret::Secret;
use patchbay_store::backup::{Aside, Scratch};
use patchbay_store::vault::Vault;
use patchbay_store::{Recorded, Store, StoreError, backup, sealed};
use serde::Serialize;

use super::{Head, Key, count_of, look, passphrase_wanted, unwritable};
use crate::error::Error;
use crate::safe::VaultSetup;
use crate::{clock, owner};

/// A copy that is open. A passphrase is slow on purpose, so a sealed one is opened once, whatever is asked of it then.
pub struct OpenCopy {
    file: PathBuf,
    unsealed: Option<Unsealed>,
}

struct Unsealed {
    keys: Vec<Key>,
    /// It has no secrets in it, so it may be on the disk for a while.
    database: Scratch,
}

/// What a restore did.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Restored {
    /// Where what was there is kept; `None` = there was nothing.
    pub before: Option<PathBuf>,
    /// How many keys went into the vault.
    pub keys: u32,
}

/// Opens a copy off the async threads, reads it, and makes sure that its keys could be stored: what stands in the way of a
/// restore is told before anything is closed for it.
pub async fn open(
    data_dir: PathBuf,
    setup: VaultSetup,
    (file, passphrase): (PathBuf, Option<Secret>),
) -> Result<OpenCopy, Error> {
    let opening = tokio::task::spawn_blocking(move || {
        let copy = OpenCopy::open(&file, &data_dir, || passphrase.ok_or_else(passphrase_wanted))?;
        look::contents(&copy)?;
        copy.vault(&data_dir, &setup)?;
        Ok(copy)
    });
    opening.await.map_err(|_| look::broken_off())?
}

impl OpenCopy {
    /// Opens a copy; `folder` has room for its database where it is sealed.
    pub fn open(
        file: &Path,
        folder: &Path,
        passphrase: impl FnOnce() -> Result<Secret, Error>,
    ) -> Result<Self, Error> {
        let unsealed =
            if sealed::is_sealed(file)? { Some(unsealed(file, folder, &passphrase()?)?) } else { None };
        Ok(Self { file: file.to_owned(), unsealed })
    }

    /// Puts it in the place of everything in the data folder, which no process may be using. What was there is kept in the
    /// folder of copies. Where its keys cannot be stored, everything is as it was before.
    pub fn restore(&self, data_dir: &Path, setup: &VaultSetup) -> Result<Restored, Error> {
        refuse_shared(data_dir)?;
        // A passphrase that is missing or wrong is told while nothing is changed yet.
        let vault = self.vault(data_dir, setup)?;
        let before = backup::restore(data_dir, self.database(), clock::now())?;
        let stored = self.finish(data_dir, vault.as_deref());
        if let (Err(_), Some(before)) = (&stored, &before) {
            backup::restore(data_dir, before, clock::now())?;
        }
        stored.map(|()| Restored { before, keys: count_of(self.keys()) })
    }

    /// A passphrase opened it.
    pub(super) fn is_sealed(&self) -> bool {
        self.unsealed.is_some()
    }

    pub(super) fn keys(&self) -> &[Key] {
        self.unsealed.as_ref().map_or(&[], |unsealed| &unsealed.keys)
    }

    pub(super) fn database(&self) -> &Path {
        self.unsealed.as_ref().map_or(&self.file, |unsealed| unsealed.database.as_ref())
    }

    /// The vault that its keys go to, open; `None` where it has no keys.
    fn vault(&self, data_dir: &Path, setup: &VaultSetup) -> Result<Option<Arc<dyn Vault>>, Error> {
        if self.keys().is_empty() {
            return Ok(None);
        }
        let aside = Aside::open(self.database())?;
        let vault = setup.vault(aside.store(), data_dir)?;
        vault.open_up()?;
        Ok(Some(vault))
    }

    /// Brings the restored database up to date, stores the keys, and notes it all.
    fn finish(&self, data_dir: &Path, vault: Option<&dyn Vault>) -> Result<(), Error> {
        let store = Store::open(data_dir)?;
        for (vault, key) in
            vault.into_iter().flat_map(|vault| self.keys().iter().map(move |key| (vault, key)))
        {
            vault.put(&key.slot(), &Secret::new(key.secret.clone()))?;
        }
        let change = Change::default().fact("keys", self.keys().len());
        let path = self.file.display().to_string();
        store.change(clock::now(), move |_| {
            let entry = Entry::user(Action::Restore, Kind::Store, "everything").change(change);
            Ok(Recorded::new((), entry.because(format!("from {path}"))))
        })?;
        Ok(())
    }
}

/// Refuses a data folder that a process is using: a restore needs it for itself.
pub fn refuse_shared(data_dir: &Path) -> Result<(), Error> {
    if owner::is_shared(data_dir, "") {
        return Err(Error::new(
            Code::InUse,
            "Another Patchbay works on this data folder.",
            "Close the window and stop `patchbay serve`, then try again. Nothing was changed.",
        ));
    }
    Ok(())
}

fn unsealed(file: &Path, folder: &Path, passphrase: &Secret) -> Result<Unsealed, Error> {
    let bad = |why: &str| StoreError::BadFile { path: file.to_owned(), why: why.to_owned() };
    std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    let mut sealed = BufReader::new(sealed::open(file, passphrase)?);
    let mut line = Vec::new();
    sealed.by_ref().read_until(b'\n', &mut line).map_err(|_| bad("it is damaged"))?;
    let head: Head = serde_json::from_slice(&line).map_err(|_| bad("it is no backup of Patchbay's"))?;
    if head.patchbay_backup != 1 {
        return Err(bad("it was made by a newer Patchbay").into());
    }
    let database = backup::scratch(&folder.join("restored"))?;
    let mut out = std::fs::File::create(&database).map_err(|error| unwritable(folder, &error))?;
    io::copy(&mut sealed, &mut out).map_err(|_| bad("it is damaged"))?;
    Ok(Unsealed { keys: head.keys, database })
}
