//! Which vault a process uses, and what opens it.

use std::path::Path;
use std::sync::Arc;

use patchbay_core::secret::Secret;
use patchbay_store::vault::{FileVault, Given, Keychain, Memory, Passphrases, Vault, VaultKind};
use patchbay_store::{Store, StoreError, setting};

use crate::Engine;

/// The setting that says where secrets are kept; the keychain where it was never set.
pub const VAULT: &str = "vault";

/// Where secrets are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VaultChoice {
    /// Where the setting of this data folder says.
    #[default]
    AsSet,
    /// The system's keychain.
    Keychain,
    /// The encrypted file of this data folder.
    File,
    /// This process's memory: for tests and trials.
    Memory,
}

/// Where secrets are kept, and where the passphrase of the encrypted file comes from.
#[derive(Clone, Debug)]
pub struct VaultSetup {
    /// Which vault.
    pub choice: VaultChoice,
    /// Asked at the first secret, and never before.
    pub passphrases: Arc<dyn Passphrases>,
}

impl From<VaultChoice> for VaultSetup {
    /// Without a passphrase.
    fn from(choice: VaultChoice) -> Self {
        Self { choice, passphrases: Arc::new(Given::default()) }
    }
}

impl VaultSetup {
    /// The vault that this process is to use.
    pub(crate) fn vault(&self, store: &Store, data_dir: &Path) -> Result<Arc<dyn Vault>, StoreError> {
        let kind = match self.choice {
            VaultChoice::AsSet => as_set(store)?,
            VaultChoice::Keychain => VaultKind::Keychain,
            VaultChoice::File => VaultKind::File,
            VaultChoice::Memory => VaultKind::Memory,
        };
        Ok(make(kind, data_dir, &self.passphrases))
    }
}

/// Which vault a data folder uses.
pub(crate) fn as_set(store: &Store) -> Result<VaultKind, StoreError> {
    Ok(store.read(|db| setting::get(db, VAULT))?.unwrap_or(VaultKind::Keychain))
}

fn make(kind: VaultKind, data_dir: &Path, passphrases: &Arc<dyn Passphrases>) -> Arc<dyn Vault> {
    match kind {
        VaultKind::Keychain => Arc::new(Keychain::default()),
        VaultKind::File => Arc::new(FileVault::new(data_dir, Arc::clone(passphrases))),
        VaultKind::Memory => Arc::new(Memory::default()),
    }
}

impl Engine {
    /// The encrypted file of this data folder, opened by a passphrase that somebody has just typed.
    pub(crate) fn file_vault(&self, passphrase: Secret) -> Arc<dyn Vault> {
        let given: Arc<dyn Passphrases> = Arc::new(Given(Some(passphrase)));
        make(VaultKind::File, &self.data_dir, &given)
    }

    /// The vault of that kind: the one in use, or another one for as long as it is needed.
    pub(crate) fn vault_of(&self, kind: VaultKind) -> Arc<dyn Vault> {
        let current = self.keys.vault();
        if current.kind() == kind { current } else { make(kind, &self.data_dir, &self.passphrases) }
    }
}
