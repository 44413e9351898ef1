//! Where secrets live. A vault that cannot be read is never mistaken for one without the key (K4).

mod keychain;
mod memory;

use std::fmt::Debug;

use patchbay_core::code::Code;
use patchbay_core::id::ConnectionId;
use patchbay_core::secret::Secret;
use thiserror::Error;

pub use keychain::Keychain;
pub use memory::Memory;

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
}

impl VaultError {
    /// What callers branch on.
    pub fn code(&self) -> Code {
        match self {
            Self::Absent => Code::VaultAbsent,
            Self::Locked => Code::VaultLocked,
            Self::Denied => Code::VaultDenied,
            Self::Failed(_) => Code::VaultFailed,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Absent => {
                "Install and start a Secret Service (gnome-keyring or KWallet). For a trial, --vault memory keeps keys for one run."
            }
            Self::Locked => {
                "Unlock the keychain (its login password) and try again. No setting and no key is lost."
            }
            Self::Denied => "Try again and allow Patchbay in the keychain's dialog.",
            Self::Failed(_) => "Try again. If it stays, restart the keychain service.",
        }
    }
}

/// A place for secrets. Every call may block on a person at a dialog: never call it on an async thread or under a lock.
pub trait Vault: Debug + Send + Sync {
    /// What people know it by: "Secret Service", "Keychain", …
    fn name(&self) -> &'static str;
    /// How it is, asked without opening a dialog.
    fn state(&self) -> VaultState;
    /// Stores a secret.
    fn put(&self, slot: &Slot, secret: &Secret) -> Result<(), VaultError>;
    /// Reads a secret; `None` where there is none.
    fn get(&self, slot: &Slot) -> Result<Option<Secret>, VaultError>;
    /// Forgets a secret; fine where there is none.
    fn delete(&self, slot: &Slot) -> Result<(), VaultError>;
}
