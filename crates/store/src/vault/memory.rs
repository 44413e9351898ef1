//! A vault for tests and trials: it ends with the process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use patchbay_core::secret::Secret;

use super::{Slot, Vault, VaultError, VaultKind, VaultState};

/// Secrets in this process's memory only.
#[derive(Debug, Default)]
pub struct Memory(Mutex<HashMap<Slot, Secret>>);

impl Memory {
    fn secrets(&self) -> MutexGuard<'_, HashMap<Slot, Secret>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Vault for Memory {
    fn kind(&self) -> VaultKind {
        VaultKind::Memory
    }

    fn name(&self) -> &'static str {
        "memory (this run only)"
    }

    fn state(&self) -> VaultState {
        VaultState::Ready
    }

    fn put(&self, slot: &Slot, secret: &Secret) -> Result<(), VaultError> {
        self.secrets().insert(slot.clone(), secret.clone());
        Ok(())
    }

    fn get(&self, slot: &Slot) -> Result<Option<Secret>, VaultError> {
        Ok(self.secrets().get(slot).cloned())
    }

    fn delete(&self, slot: &Slot) -> Result<(), VaultError> {
        self.secrets().remove(slot);
        Ok(())
    }
}
