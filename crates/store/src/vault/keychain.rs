//! The system's keychain: Secret Service on Linux, Keychain on macOS, Credential Manager on Windows.

use std::sync::{Arc, Mutex, PoisonError};

use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Error};
use patchbay_core::secret::Secret;

use super::{Slot, Vault, VaultError, VaultState};

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
    fn entry(&self, slot: &Slot) -> Result<Entry, VaultError> {
        let store = self.store()?;
        store
            .build(SERVICE, &slot.account(), None)
            .map_err(|error| self.explain(&error))
    }

    /// The lock is held only to copy the handle: the calls behind it may wait for a person.
    fn store(&self) -> Result<Arc<PlatformStore>, VaultError> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(store) = known {
            return Ok(store);
        }
        let store = PlatformStore::new().map_err(|error| {
            tracing::debug!(%error, "no keychain");
            VaultError::Absent
        })?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&store));
        Ok(store)
    }

    /// What a keychain's error means; the connection is made anew next time.
    fn explain(&self, error: &Error) -> VaultError {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
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
        self.entry(slot)?
            .set_password(secret.expose())
            .map_err(|error| self.explain(&error))
    }

    fn get(&self, slot: &Slot) -> Result<Option<Secret>, VaultError> {
        match self.entry(slot)?.get_password() {
            Ok(text) => Ok(Some(Secret::new(text))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(self.explain(&error)),
        }
    }

    fn delete(&self, slot: &Slot) -> Result<(), VaultError> {
        match self.entry(slot)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(self.explain(&error)),
        }
    }
}

/// Asks the Secret Service itself; nothing here opens a dialog. A service without a default collection is ready: it makes
/// one with the first secret.
#[cfg(target_os = "linux")]
fn platform_state() -> VaultState {
    use secret_service::EncryptionType;
    use secret_service::blocking::SecretService;

    let Ok(service) = SecretService::connect(EncryptionType::Plain) else {
        return VaultState::Absent;
    };
    let locked = service
        .get_default_collection()
        .and_then(|collection| collection.is_locked());
    match locked {
        Ok(true) => VaultState::Locked,
        Ok(false) | Err(secret_service::Error::NoResult) => VaultState::Ready,
        Err(secret_service::Error::Prompt) => VaultState::Denied,
        Err(_) => VaultState::Absent,
    }
}

/// These systems always run one, and unlock it themselves when it is used.
#[cfg(not(target_os = "linux"))]
fn platform_state() -> VaultState {
    VaultState::Ready
}
