//! Where secrets are kept, and moving them elsewhere.

use std::sync::Arc;

use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::code::Code;
use patchbay_core::id::ConnectionId;
use patchbay_core::secret::Secret;
use patchbay_store::vault::{Slot, Vault, VaultError, VaultKind};
use patchbay_store::{Recorded, credential, loose_secret, setting};
use serde::Serialize;

use super::status::{self, VaultStatus};
use crate::changes::Changed;
use crate::error::Error;
use crate::safe::VAULT;
use crate::{Engine, clock, owner};

/// The vault in full.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct VaultReport {
    /// `keychain`, `file` or `memory`.
    pub kind: String,
    /// How it is, asked without opening a dialog.
    pub status: VaultStatus,
    /// How many keys the credentials of this data folder name.
    pub keys: u32,
    /// How many places are still to be erased.
    pub to_erase: u32,
}

/// See [`VaultReport`].
pub async fn report(engine: &Arc<Engine>) -> Result<VaultReport, Error> {
    let status = status::vault(engine).await?;
    engine
        .blocking(move |engine| {
            let (named, loose) =
                engine.store.read(|db| Ok((credential::everywhere(db)?, loose_secret::all(db)?)))?;
            Ok(VaultReport {
                kind: status.kind.clone(),
                status,
                keys: u32::try_from(named.len()).unwrap_or(u32::MAX),
                to_erase: u32::try_from(loose.len()).unwrap_or(u32::MAX),
            })
        })
        .await
}

/// Opens the encrypted file with its passphrase, for as long as this process runs.
pub async fn unlock(engine: &Arc<Engine>, passphrase: Secret) -> Result<VaultStatus, Error> {
    engine.keys.with_vault(move |vault| vault.unlock(&passphrase)).await?;
    engine.changes.send(Changed::Status);
    status::vault(engine).await
}

/// Reads one key, so that the system asks the person at it to open the keychain. Without a key there is nothing to open for.
pub async fn ask(engine: &Arc<Engine>) -> Result<VaultStatus, Error> {
    let slot = engine.store.read(credential::everywhere)?.first().copied();
    if let Some((connection, version)) = slot {
        let slot = engine.keys.slot(connection, version);
        engine.keys.with_vault(move |vault| vault.get(&slot)).await?;
        engine.changes.send(Changed::Status);
    }
    status::vault(engine).await
}

/// Seals the encrypted file anew under another passphrase: all secrets or none.
pub async fn change_passphrase(engine: &Arc<Engine>, old: Secret, new: Secret) -> Result<(), Error> {
    engine.keys.with_vault(move |vault| vault.change_passphrase(&old, &new)).await?;
    engine.change(|_| Ok(Recorded::new((), Entry::user(Action::Update, Kind::Vault, "passphrase")))).await
}

/// Moves all secrets to another vault, which this data folder uses from then on, and answers how many there were. Each is
/// read back before anything is switched; until then the old vault stays in use and whole.
pub async fn move_to(engine: &Arc<Engine>, to: VaultKind) -> Result<u32, Error> {
    engine.blocking(move |engine| move_into(engine, engine.vault_of(to))).await
}

/// The same into the encrypted file, which this passphrase opens, or will open where there is none yet.
pub async fn move_to_file(engine: &Arc<Engine>, passphrase: Secret) -> Result<u32, Error> {
    engine.blocking(move |engine| move_into(engine, engine.file_vault(passphrase))).await
}

fn move_into(engine: &Engine, to: Arc<dyn Vault>) -> Result<u32, Error> {
    let moved = Move::begin(engine, to)?.run()?;
    engine.changes.send(Changed::Status);
    engine.changes.send(Changed::Connections);
    Ok(moved)
}

struct Move<'a> {
    engine: &'a Engine,
    from: Arc<dyn Vault>,
    to: Arc<dyn Vault>,
}

impl<'a> Move<'a> {
    fn begin(engine: &'a Engine, to: Arc<dyn Vault>) -> Result<Self, Error> {
        let from = engine.keys.vault();
        if to.kind() == VaultKind::Memory {
            return Err(Error::invalid("Memory keeps keys for one run only.", "Choose keychain or file."));
        }
        if from.kind() == to.kind() {
            return Err(Error::invalid(
                format!("The keys are in the {} already.", from.name()),
                "There is nothing to move.",
            ));
        }
        if owner::is_shared(&engine.data_dir, engine.owner.name()) {
            return Err(Error::new(
                Code::InUse,
                "Another Patchbay works on this data folder and would look for keys in the old place.",
                "Close the window and stop `patchbay serve`, then try again.",
            ));
        }
        Ok(Self { engine, from, to })
    }

    fn run(self) -> Result<u32, Error> {
        let named = self.engine.store.read(credential::everywhere)?;
        let mut moved = Vec::new();
        for (connection, version) in named {
            if self.copy(connection, version)? {
                moved.push(self.engine.keys.slot(connection, version));
            }
        }
        self.switch(moved.clone())?;
        self.engine.keys.move_to(Arc::clone(&self.to));
        for slot in &moved {
            self.engine.erase_moved(self.from.as_ref(), slot)?;
        }
        Ok(u32::try_from(moved.len()).unwrap_or(u32::MAX))
    }

    /// Whether there was a secret to copy.
    fn copy(&self, connection: ConnectionId, version: u32) -> Result<bool, Error> {
        let slot = self.engine.keys.slot(connection, version);
        let Some(secret) = self.from.get(&slot)? else { return Ok(false) };
        self.engine.note_loose(self.to.kind(), &slot)?;
        self.to.put(&slot, &secret)?;
        if self.to.get(&slot)?.as_ref() != Some(&secret) {
            return Err(VaultError::Failed("it does not give back what it was given".to_owned()).into());
        }
        Ok(true)
    }

    /// From here on the new vault is the right one, and what is left in the old one is to be erased.
    fn switch(&self, moved: Vec<Slot>) -> Result<(), Error> {
        let (from, to, owner) = (self.from.kind(), self.to.kind(), self.engine.owner.name().to_owned());
        self.engine.store.change(clock::now(), move |db| {
            for slot in &moved {
                loose_secret::cross_out(db, to, slot)?;
                loose_secret::note(db, from, slot, &owner)?;
            }
            setting::set(db, VAULT, &to, clock::now())?;
            let change = Change::default().with("vault", from, to).fact("secrets", moved.len());
            Ok(Recorded::new((), Entry::user(Action::Move, Kind::Vault, to.as_str()).change(change)))
        })?;
        Ok(())
    }
}
