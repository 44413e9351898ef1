//! Keys and secret settings on their way from the vault to a request: read once per version, kept in memory, wiped when replaced.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use hmac::{Hmac, KeyInit, Mac};
use patchbay_core::code::Code;
use patchbay_core::connection::Connection;
use patchbay_core::id::ConnectionId;
use patchbay_core::private::PrivateValues;
use patchbay_core::secret::Secret;
use patchbay_store::vault::{Slot, Vault};
use sha2::Sha256;

use crate::error::Error;
use crate::pass::Pass;

/// What names this store in a vault, and what its fingerprints are keyed by.
#[derive(Clone)]
pub struct Identity {
    /// Random.
    pub store_id: String,
    /// Random; it stays in the store.
    pub fingerprint_key: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({})", self.store_id)
    }
}

/// The vault with a memory.
#[derive(Debug)]
pub struct Keys {
    vault: RwLock<Arc<dyn Vault>>,
    identity: Identity,
    known: Mutex<HashMap<(ConnectionId, u32), Secret>>,
}

impl Keys {
    /// Keys of the store of this identity.
    pub fn new(vault: Arc<dyn Vault>, identity: Identity) -> Self {
        Self { vault: RwLock::new(vault), identity, known: Mutex::default() }
    }

    /// The vault itself.
    pub fn vault(&self) -> Arc<dyn Vault> {
        Arc::clone(&self.vault.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Uses another vault from now on.
    pub fn move_to(&self, vault: Arc<dyn Vault>) {
        *self.vault.write().unwrap_or_else(PoisonError::into_inner) = vault;
    }

    /// Under which name the vault knows this store.
    pub fn store_id(&self) -> &str {
        &self.identity.store_id
    }

    /// Where a version lies.
    pub fn slot(&self, connection: ConnectionId, version: u32) -> Slot {
        Slot { store: self.identity.store_id.clone(), connection, version }
    }

    /// Tells two keys apart without telling either: half an HMAC-SHA-256 under a random key of this store, so that nobody can
    /// try keys against a fingerprint that was copied out of the audit log or an export.
    pub fn fingerprint(&self, secret: &Secret) -> String {
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(self.identity.fingerprint_key.as_bytes()) else {
            return String::new();
        };
        let digest = mac.chain_update(secret.expose().as_bytes()).finalize().into_bytes();
        digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// What lets requests of a connection in. The vault is asked on a thread that may block.
    pub async fn of(&self, connection: &Connection) -> Result<Pass, Error> {
        let key = match &connection.credential {
            Some(credential) => Some(self.read(connection, credential.version, "key").await?),
            None => None,
        };
        let private = self.private(connection).await?;
        Ok(Pass { key, headers: private.headers.into_iter().collect(), proxy_login: private.proxy_login })
    }

    /// The values of a connection's secret settings.
    pub async fn private(&self, connection: &Connection) -> Result<PrivateValues, Error> {
        let names = &connection.private;
        if names.is_empty() {
            return Ok(PrivateValues::default());
        }
        let sealed = match names.version {
            Some(version) => Some(self.read(connection, version, "secret settings").await?),
            None => None,
        };
        let mut values = sealed.as_ref().and_then(PrivateValues::open).unwrap_or_default();
        values.headers.retain(|name, _| names.headers.contains(name));
        if values.names().headers == names.headers && (!names.proxy_login || values.proxy_login.is_some()) {
            return Ok(values);
        }
        Err(Error::new(
            Code::CredentialMissing,
            format!("The secret headers or the proxy's login of {} are not here.", connection.name),
            "Enter them again in the settings of this connection.",
        ))
    }

    async fn read(&self, connection: &Connection, version: u32, what: &str) -> Result<Secret, Error> {
        let place = (connection.id, version);
        if let Some(secret) = self.known().get(&place) {
            return Ok(secret.clone());
        }
        let slot = self.slot(connection.id, version);
        let secret = self.with_vault(move |vault| vault.get(&slot)).await?.ok_or_else(|| {
            Error::new(
                Code::CredentialMissing,
                format!("The {what} of {} is not in the {} any more.", connection.name, self.vault().name()),
                format!("Enter the {what} of this connection again."),
            )
        })?;
        let current = [connection.credential.as_ref().map(|known| known.version), connection.private.version];
        let mut known = self.known();
        known.retain(|(id, version), _| *id != connection.id || current.contains(&Some(*version)));
        known.insert(place, secret.clone());
        Ok(secret)
    }

    /// Runs `work` on the vault, off the async threads: it may wait for a person at a dialog.
    pub async fn with_vault<T, E>(
        &self,
        work: impl FnOnce(&dyn Vault) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        E: Into<Error> + Send + 'static,
    {
        let vault = self.vault();
        let done = tokio::task::spawn_blocking(move || work(vault.as_ref())).await;
        done.map_err(|_| Error::new(Code::VaultFailed, "The keychain's call was broken off.", "Try again."))?
            .map_err(Into::into)
    }

    /// Remembers a secret of a draft while it is tested: it is in no vault yet.
    pub fn lend(&self, draft: ConnectionId, version: u32, secret: &Secret) {
        self.known().insert((draft, version), secret.clone());
    }

    /// Forgets the secrets of a draft.
    pub fn take_back(&self, draft: ConnectionId) {
        self.known().retain(|(id, _), _| *id != draft);
    }

    /// Forgets a version whose secret was erased.
    pub fn forget(&self, connection: ConnectionId, version: u32) {
        self.known().remove(&(connection, version));
    }

    fn known(&self) -> MutexGuard<'_, HashMap<(ConnectionId, u32), Secret>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
