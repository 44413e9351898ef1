//! Keys on their way from the vault to a header: read once per version, kept in memory, wiped when replaced.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use patchbay_core::code::Code;
use patchbay_core::connection::Connection;
use patchbay_core::id::ConnectionId;
use patchbay_core::secret::Secret;
use patchbay_store::vault::{Slot, Vault};

use crate::error::Error;

/// The vault with a memory.
#[derive(Debug)]
pub struct Keys {
    vault: Arc<dyn Vault>,
    store_id: String,
    known: Mutex<HashMap<(ConnectionId, u32), Secret>>,
}

impl Keys {
    /// Keys of the store with this id.
    pub fn new(vault: Arc<dyn Vault>, store_id: String) -> Self {
        Self { vault, store_id, known: Mutex::default() }
    }

    /// The vault itself.
    pub fn vault(&self) -> &Arc<dyn Vault> {
        &self.vault
    }

    /// Where a version lies.
    pub fn slot(&self, connection: ConnectionId, version: u32) -> Slot {
        Slot { store: self.store_id.clone(), connection, version }
    }

    /// The active key of a connection; `None` for one without. The vault is asked on a thread that may block.
    pub async fn of(&self, connection: &Connection) -> Result<Option<Secret>, Error> {
        let Some(credential) = &connection.credential else {
            return Ok(None);
        };
        let place = (connection.id, credential.version);
        if let Some(secret) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&place) {
            return Ok(Some(secret.clone()));
        }
        let slot = self.slot(connection.id, credential.version);
        let secret = self.with_vault(move |vault| vault.get(&slot)).await?.ok_or_else(|| {
            Error::new(
                Code::CredentialMissing,
                format!("The key of {} is not in the {} any more.", connection.name, self.vault.name()),
                "Replace the key of this connection.",
            )
        })?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(id, _), _| *id != connection.id);
        known.insert(place, secret.clone());
        Ok(Some(secret))
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
        let vault = Arc::clone(&self.vault);
        let done = tokio::task::spawn_blocking(move || work(vault.as_ref())).await;
        done.map_err(|_| Error::new(Code::VaultFailed, "The keychain's call was broken off.", "Try again."))?
            .map_err(Into::into)
    }
}

impl Keys {
    /// Remembers the key of a draft while it is tested: it is in no vault yet.
    pub fn lend(&self, draft: ConnectionId, secret: Option<&Secret>) {
        if let Some(secret) = secret {
            self.known.lock().unwrap_or_else(PoisonError::into_inner).insert((draft, 0), secret.clone());
        }
    }

    /// Forgets the key of a draft.
    pub fn take_back(&self, draft: ConnectionId) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).retain(|(id, _), _| *id != draft);
    }
}
