//! The system's keychain: Secret Service on Linux, Keychain on macOS, Credential Manager on Windows.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Error};
use patchbay_core::secret::Secret;

use super::{Slot, Vault, VaultError, VaultKind, VaultState};

#[cfg(target_os = "macos")]
use apple_native_keyring_store::keychain::Store as PlatformStore;
#[cfg(windows)]
use windows_native_keyring_store::Store as PlatformStore;
#[cfg(target_os = "linux")]
use zbus_secret_service_keyring_store::Store as PlatformStore;

/// Under what the keychain lists Patchbay's secrets.
const SERVICE: &str = "Patchbay";

/// The system's keychain. The connection to it is made at the first use and made anew after a failure, so that a keychain
/// that appears, locks or goes away is noticed without a restart.
#[derive(Debug, Default)]
pub struct Keychain(Mutex<Option<Arc<PlatformStore>>>);

impl Keychain {
    /// Runs `act` on the slot's entry; `None` where the keychain is open and has no such entry.
    fn with_entry<T>(
        &self,
        slot: &Slot,
        act: impl Fn(&Entry) -> Result<T, Error>,
    ) -> Result<Option<T>, VaultError> {
        let once = || act(&self.entry(slot)?);
        let result = once().or_else(|error| match error {
            // A service that was started anew does not know the session any more.
            Error::PlatformFailure(_) => {
                self.forget();
                once()
            }
            other => Err(other),
        });
        match result {
            Ok(value) => Ok(Some(value)),
            // Behind a lock nobody can tell.
            Err(Error::NoEntry) if self.state() == VaultState::Locked => Err(VaultError::Locked),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(self.explain(&error)),
        }
    }

    fn entry(&self, slot: &Slot) -> Result<Entry, Error> {
        self.store()?.build(SERVICE, &slot.account(), None)
    }

    /// The lock is held only to copy the handle: the calls behind it may wait for a person.
    fn store(&self) -> Result<Arc<PlatformStore>, Error> {
        if let Some(store) = self.known().clone() {
            return Ok(store);
        }
        let store = PlatformStore::new()?;
        *self.known() = Some(Arc::clone(&store));
        Ok(store)
    }

    fn known(&self) -> MutexGuard<'_, Option<Arc<PlatformStore>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self) {
        *self.known() = None;
    }

    /// What a keychain's error means; the connection is made anew next time.
    fn explain(&self, error: &Error) -> VaultError {
        tracing::debug!(%error, "the keychain refused");
        self.forget();
        match self.state() {
            VaultState::Absent => VaultError::Absent,
            VaultState::Locked => VaultError::Locked,
            VaultState::Denied => VaultError::Denied,
            VaultState::Ready if matches!(error, Error::NoStorageAccess(_)) => VaultError::Denied,
            VaultState::Ready => VaultError::Failed(error.to_string()),
        }
    }
}

impl Vault for Keychain {
    fn kind(&self) -> VaultKind {
        VaultKind::Keychain
    }

    fn name(&self) -> &'static str {
        if cfg!(target_os = "macos") {
            "Keychain"
        } else if cfg!(windows) {
            "Credential Manager"
        } else {
            "Secret Service"
        }
    }

    fn state(&self) -> VaultState {
        platform_state()
    }

    fn put(&self, slot: &Slot, secret: &Secret) -> Result<(), VaultError> {
        let store = |entry: &Entry| entry.set_password(secret.expose());
        let stored = match self.with_entry(slot, store) {
            Err(VaultError::Denied) if make_default_collection() => self.with_entry(slot, store),
            other => other,
        };
        stored.map(drop)
    }

    fn get(&self, slot: &Slot) -> Result<Option<Secret>, VaultError> {
        let text = self.with_entry(slot, Entry::get_password)?;
        Ok(text.map(Secret::new))
    }

    fn delete(&self, slot: &Slot) -> Result<(), VaultError> {
        self.with_entry(slot, Entry::delete_credential).map(drop)
    }
}

/// Asks the Secret Service itself; nothing here opens a dialog. A service without a default collection is ready: the first
/// secret makes one.
#[cfg(target_os = "linux")]
fn platform_state() -> VaultState {
    use secret_service::EncryptionType;
    use secret_service::blocking::SecretService;

    let Ok(service) = SecretService::connect(EncryptionType::Plain) else {
        return VaultState::Absent;
    };
    let locked = service.get_default_collection().and_then(|collection| collection.is_locked());
    match locked {
        Ok(true) => VaultState::Locked,
        Ok(false) | Err(secret_service::Error::NoResult) => VaultState::Ready,
        Err(secret_service::Error::Prompt) => VaultState::Denied,
        Err(_) => VaultState::Absent,
    }
}

/// Makes the default collection where there is none, as on an account that nobody ever logged in to with a password. The
/// service asks the person for the new collection's password. Whether it was made.
#[cfg(target_os = "linux")]
fn make_default_collection() -> bool {
    use secret_service::EncryptionType;
    use secret_service::blocking::SecretService;

    SecretService::connect(EncryptionType::Plain).is_ok_and(|service| {
        let missing = matches!(service.get_default_collection(), Err(secret_service::Error::NoResult));
        missing && service.create_collection("Default keyring", "default").is_ok()
    })
}

/// These systems have theirs from the start.
#[cfg(not(target_os = "linux"))]
fn make_default_collection() -> bool {
    false
}

/// These systems always run one, and unlock it themselves when it is used.
#[cfg(not(target_os = "linux"))]
fn platform_state() -> VaultState {
    VaultState::Ready
}
