//! An encrypted file, for machines without a keychain (behaviours K1). It is used only where the user chose it. The key
//! comes from a passphrase by Argon2id; each secret is sealed by XChaCha20-Poly1305, bound to its place.

mod sealed;

use std::fmt::Debug;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use patchbay_core::secret::Secret;

use super::{Slot, Vault, VaultError, VaultKind, VaultState};
use sealed::{Document, Key};

/// The file's name inside the data folder.
pub const VAULT_FILE: &str = "secrets.vault";

/// What a passphrase is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// To open a file that is there.
    Open,
    /// To make a new one: a person should type it twice.
    Create,
}

/// Where passphrases come from. A person may be asked, so this is never called on an async thread.
pub trait Passphrases: Debug + Send + Sync {
    /// Whether it answers without asking anybody.
    fn is_ready(&self) -> bool;
    /// The passphrase; `None` where there is nobody to ask.
    fn ask(&self, question: Question) -> Option<Secret>;
}

/// A passphrase that was given beforehand, or none.
#[derive(Clone, Debug, Default)]
pub struct Given(pub Option<Secret>);

impl Passphrases for Given {
    fn is_ready(&self) -> bool {
        self.0.is_some()
    }

    fn ask(&self, _: Question) -> Option<Secret> {
        self.0.clone()
    }
}

/// The encrypted file. Every process on the folder may use it at once: readers see a whole file, writers take turns.
#[derive(Debug)]
pub struct FileVault {
    path: PathBuf,
    passphrases: Arc<dyn Passphrases>,
    key: Mutex<Option<Key>>,
}

impl FileVault {
    /// The file of this data folder. It is made when the first secret comes.
    pub fn new(data_dir: &Path, passphrases: Arc<dyn Passphrases>) -> Self {
        Self { path: data_dir.join(VAULT_FILE), passphrases, key: Mutex::default() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file and the key that opens it; `None` where there is no file.
    fn open(&self) -> Result<Option<(Document, Key)>, VaultError> {
        let Some(document) = Document::read(&self.path)? else { return Ok(None) };
        if let Some(key) = self.known().clone().filter(|key| document.is_opened_by(key)) {
            return Ok(Some((document, key)));
        }
        let passphrase = self.passphrases.ask(Question::Open).ok_or(VaultError::PassphraseMissing)?;
        let key = document.unlock(&passphrase)?;
        *self.known() = Some(key.clone());
        Ok(Some((document, key)))
    }

    fn open_or_create(&self) -> Result<(Document, Key), VaultError> {
        if let Some(opened) = self.open()? {
            return Ok(opened);
        }
        let passphrase = self.passphrases.ask(Question::Create).ok_or(VaultError::PassphraseMissing)?;
        let (document, key) = Document::create(&passphrase)?;
        *self.known() = Some(key.clone());
        Ok((document, key))
    }

    /// Runs `work` while no other process writes.
    fn alone<T>(&self, work: impl FnOnce() -> Result<T, VaultError>) -> Result<T, VaultError> {
        let failed = |error: std::io::Error| VaultError::File(error.to_string());
        let path = self.path.with_extension("lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(failed)?;
        lock.lock().map_err(failed)?;
        work()
    }

    fn known(&self) -> MutexGuard<'_, Option<Key>> {
        self.key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Vault for FileVault {
    fn kind(&self) -> VaultKind {
        VaultKind::File
    }

    fn name(&self) -> &'static str {
        "encrypted vault file"
    }

    fn state(&self) -> VaultState {
        match self.trouble() {
            None => VaultState::Ready,
            Some(VaultError::PassphraseMissing) => VaultState::Locked,
            Some(_) => VaultState::Denied,
        }
    }

    fn trouble(&self) -> Option<VaultError> {
        match Document::read(&self.path) {
            Ok(None) => None,
            Ok(Some(document)) => {
                let open = self.known().as_ref().is_some_and(|key| document.is_opened_by(key));
                (!open && !self.passphrases.is_ready()).then_some(VaultError::PassphraseMissing)
            }
            Err(error) => Some(error),
        }
    }

    fn put(&self, slot: &Slot, secret: &Secret) -> Result<(), VaultError> {
        self.alone(|| {
            let (mut document, key) = self.open_or_create()?;
            document.seal(&key, &slot.account(), secret)?;
            document.write(&self.path)
        })
    }

    fn get(&self, slot: &Slot) -> Result<Option<Secret>, VaultError> {
        match self.open()? {
            Some((document, key)) => document.open(&key, &slot.account(), &self.path),
            None => Ok(None),
        }
    }

    fn delete(&self, slot: &Slot) -> Result<(), VaultError> {
        self.alone(|| {
            let Some((mut document, _)) = self.open()? else { return Ok(()) };
            if document.forget(&slot.account()) { document.write(&self.path) } else { Ok(()) }
        })
    }

    fn open_up(&self) -> Result<(), VaultError> {
        self.open().map(drop)
    }

    fn unlock(&self, passphrase: &Secret) -> Result<(), VaultError> {
        if let Some(document) = Document::read(&self.path)? {
            *self.known() = Some(document.unlock(passphrase)?);
        }
        Ok(())
    }

    /// All secrets are sealed anew in a new file, which then takes the place of the old one: all or nothing.
    fn change_passphrase(&self, old: &Secret, new: &Secret) -> Result<(), VaultError> {
        if new.is_empty() {
            return Err(VaultError::PassphraseMissing);
        }
        self.alone(|| {
            let Some(document) = Document::read(&self.path)? else {
                return Err(VaultError::File("there is no vault file yet".to_owned()));
            };
            let (fresh, key) = document.sealed_anew(&document.unlock(old)?, new, &self.path)?;
            fresh.write(&self.path)?;
            *self.known() = Some(key);
            Ok(())
        })
    }
}
