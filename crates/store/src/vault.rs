//! Where secrets live. A vault that cannot be read is never mistaken for one without the key (K4).

mod file;
mod keychain;
mod memory;

use std::fmt::Debug;
use std::path::PathBuf;

use patchbay_core::code::Code;
use patchbay_core::id::ConnectionId;
use patchbay_core::secret::Secret;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use file::{FileVault, Given, Passphrases, Question, VAULT_FILE};
pub use keychain::Keychain;
pub use memory::Memory;

/// Which vault it is. A secret lies in one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VaultKind {
    /// The system's keychain.
    Keychain,
    /// An encrypted file in the data folder.
    File,
    /// A process's memory.
    Memory,
}

impl VaultKind {
    /// The name in the database and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keychain => "keychain",
            Self::File => "file",
            Self::Memory => "memory",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Keychain, Self::File, Self::Memory].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// One secret's place: a version of a connection's credential in one store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The random id of the store, so that two data folders do not share secrets.
    pub store: String,
    /// The connection.
    pub connection: ConnectionId,
    /// The credential's version.
    pub version: u32,
}

impl Slot {
    /// The account name in a keychain.
    fn account(&self) -> String {
        format!("{}/connection-{}/v{}", self.store, self.connection.0, self.version)
    }
}

/// How a vault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultState {
    /// Secrets can be read and written.
    Ready,
    /// This system runs none.
    Absent,
    /// It is there and closed.
    Locked,
    /// It, or the person at its dialog, says no.
    Denied,
}

/// Why a vault refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VaultError {
    /// This system runs none.
    #[error("This system runs no keychain, so the key cannot be stored or read.")]
    Absent,
    /// It is closed.
    #[error("The keychain is locked, so the key cannot be read.")]
    Locked,
    /// Somebody said no.
    #[error("The keychain did not let Patchbay in.")]
    Denied,
    /// Something else.
    #[error("The keychain failed: {0}")]
    Failed(String),
    /// The encrypted file wants its passphrase.
    #[error("The encrypted vault file is locked: its passphrase is needed.")]
    PassphraseMissing,
    /// The passphrase is not the one that the file was sealed with.
    #[error("The passphrase does not open the encrypted vault file.")]
    WrongPassphrase,
    /// The file is there and cannot be read as one.
    #[error("The encrypted vault file {} is damaged.", .0.display())]
    Damaged(PathBuf),
    /// The file cannot be read or written.
    #[error("The encrypted vault file failed: {0}.")]
    File(String),
}

impl VaultError {
    /// What callers branch on.
    pub fn code(&self) -> Code {
        match self {
            Self::Absent => Code::VaultAbsent,
            Self::Locked | Self::PassphraseMissing => Code::VaultLocked,
            Self::Denied | Self::WrongPassphrase => Code::VaultDenied,
            Self::Failed(_) | Self::Damaged(_) | Self::File(_) => Code::VaultFailed,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Absent => {
                "Install and start a Secret Service (gnome-keyring or KWallet). Without one, `patchbay vault move --to file` keeps keys in an encrypted file."
            }
            Self::Locked => {
                "Unlock the keychain (its login password) and try again. No setting and no key is lost."
            }
            Self::Denied => "Try again and allow Patchbay in the keychain's dialog.",
            Self::Failed(_) => "Try again. If it stays, restart the keychain service.",
            Self::PassphraseMissing => {
                "Set PATCHBAY_VAULT_PASSPHRASE, or run the command in a terminal and type it. No setting and no key is lost."
            }
            Self::WrongPassphrase => "Try again with the right one. Nothing was changed.",
            Self::Damaged(_) => {
                "Put a copy of it from a backup in its place, or enter the keys again. All settings are kept."
            }
            Self::File(_) => "Free some space or make the data folder writable, then try again.",
        }
    }
}

/// A place for secrets. Every call may block on a person at a dialog: never call it on an async thread or under a lock.
pub trait Vault: Debug + Send + Sync {
    /// Which one it is.
    fn kind(&self) -> VaultKind;
    /// What people know it by: "Secret Service", "Keychain", …
    fn name(&self) -> &'static str;
    /// How it is, asked without opening a dialog.
    fn state(&self) -> VaultState;
    /// What is wrong with it, asked without opening a dialog; `None` when it is ready.
    fn trouble(&self) -> Option<VaultError> {
        match self.state() {
            VaultState::Ready => None,
            VaultState::Absent => Some(VaultError::Absent),
            VaultState::Locked => Some(VaultError::Locked),
            VaultState::Denied => Some(VaultError::Denied),
        }
    }
    /// Asks now for what opens it, where it has a passphrase of its own: what follows must not fail half-way for want of it.
    fn open_up(&self) -> Result<(), VaultError> {
        Ok(())
    }
    /// Opens it with a passphrase, where it has one of its own.
    fn unlock(&self, _: &Secret) -> Result<(), VaultError> {
        Ok(())
    }
    /// Gives it another passphrase, where it has one of its own.
    fn change_passphrase(&self, _: &Secret, _: &Secret) -> Result<(), VaultError> {
        Err(VaultError::Failed("it has no passphrase of Patchbay's".to_owned()))
    }
    /// Stores a secret.
    fn put(&self, slot: &Slot, secret: &Secret) -> Result<(), VaultError>;
    /// Reads a secret; `None` where there is none.
    fn get(&self, slot: &Slot) -> Result<Option<Secret>, VaultError>;
    /// Forgets a secret; fine where there is none.
    fn delete(&self, slot: &Slot) -> Result<(), VaultError>;
}
