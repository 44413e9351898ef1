//! Secrets on their way into the vault and out of it. Vault and database cannot change in one transaction, so each step
//! leaves a state that works: a place is noted before the vault is touched, a secret is in the vault before a credential
//! names it, and no credential names it any more before it is erased. What a crash leaves noted is erased at a later start.

use patchbay_core::audit::{Action, Actor, Change, Entry, Kind};
use patchbay_core::id::ConnectionId;
use patchbay_core::secret::Secret;
use patchbay_core::time::Timestamp;
use patchbay_store::audit::Recorded;
use patchbay_store::credential::{self, Mark, Version};
use patchbay_store::loose_secret::{self, Loose};
use patchbay_store::vault::{Slot, Vault, VaultKind, VaultState};
use patchbay_store::{Db, StoreError, connection, deleted};

use crate::error::Error;
use crate::{Engine, clock, owner};

/// Where this process keeps secrets, and under which name it works: what transactions on the writer's thread need to know.
#[derive(Clone, Debug)]
pub(crate) struct Custody {
    vault: VaultKind,
    store_id: String,
    owner: String,
}

impl Custody {
    fn slot(&self, connection: ConnectionId, version: u32) -> Slot {
        Slot { store: self.store_id.clone(), connection, version }
    }

    /// Notes that the secrets of these versions are to be erased.
    pub(crate) fn note(&self, db: &Db, connection: ConnectionId, versions: &[u32]) -> Result<(), StoreError> {
        for &version in versions {
            loose_secret::note(db, self.vault, &self.slot(connection, version), &self.owner)?;
        }
        Ok(())
    }

    /// Crosses these versions out of what is to be erased: something names them again.
    pub(crate) fn keep(&self, db: &Db, connection: ConnectionId, versions: &[u32]) -> Result<(), StoreError> {
        for &version in versions {
            loose_secret::cross_out(db, self.vault, &self.slot(connection, version))?;
        }
        Ok(())
    }

    /// Never uses these versions again, and notes that their secrets are to be erased.
    pub(crate) fn condemn(
        &self,
        db: &Db,
        subject: (ConnectionId, &str),
        versions: &[u32],
        actor: Actor,
        now: Timestamp,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut entries = Vec::new();
        for &version in versions {
            let before = credential::get(db, subject.0, version)?;
            credential::revoke(db, subject.0, version, now, now)?;
            let change = Change::default().with("state", before.state.as_str(), "revoked");
            if !change.is_empty() {
                entries.push(about(actor, Action::Revoke, subject.1, &before).change(change));
            }
        }
        self.note(db, subject.0, versions)?;
        Ok(entries)
    }
}

/// An entry about a version. Its key is told by its fingerprint.
pub(crate) fn about(actor: Actor, action: Action, key: &str, version: &Version) -> Entry {
    Entry::by(actor, action, Kind::Credential, credential_name(key, version.version))
}

/// What the audit log calls a version.
pub(crate) fn credential_name(key: &str, version: u32) -> String {
    format!("{key} v{version}")
}

/// What a secret is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// A version of a key.
    Key,
    /// The secret settings of a connection.
    Settings,
}

/// A secret that is in the vault, and that no credential names yet.
#[derive(Debug)]
pub(crate) struct Laid {
    custody: Custody,
    slot: Slot,
    mark: Mark,
}

impl Laid {
    /// Its version.
    pub(crate) fn version(&self) -> u32 {
        self.slot.version
    }

    /// Where it lies.
    pub(crate) fn place(&self) -> (ConnectionId, u32) {
        (self.slot.connection, self.slot.version)
    }

    /// Tells it apart without telling it.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.mark.fingerprint
    }

    /// Says that it is named now, in the caller's transaction, which names it as the secret settings of its connection.
    pub(crate) fn settle(&self, db: &Db) -> Result<(), StoreError> {
        loose_secret::cross_out(db, self.custody.vault, &self.slot)
    }

    /// Names it as a staged version of its connection, in the caller's transaction.
    pub(crate) fn stage(&self, db: &Db, key: &str, now: Timestamp) -> Result<Entry, StoreError> {
        credential::stage(db, self.slot.connection, self.slot.version, &self.mark, now)?;
        loose_secret::cross_out(db, self.custody.vault, &self.slot)?;
        let change = Change::default()
            .fact("fingerprint", &self.mark.fingerprint)
            .fact("tail", &self.mark.tail)
            .fact("vault", self.custody.vault);
        let name = credential_name(key, self.slot.version);
        Ok(Entry::user(Action::Stage, Kind::Credential, name).change(change))
    }
}

impl Engine {
    /// See [`Custody`].
    pub(crate) fn custody(&self) -> Custody {
        Custody {
            vault: self.keys.vault().kind(),
            store_id: self.keys.store_id().to_owned(),
            owner: self.owner.name().to_owned(),
        }
    }

    /// Puts a secret of a connection into the vault, under a version that nothing names yet. Where `connection` is `None`,
    /// the id of one that is still to be added is reserved.
    pub(crate) fn lay_down(
        &self,
        connection: Option<ConnectionId>,
        secret: &Secret,
    ) -> Result<(ConnectionId, Laid), Error> {
        self.lay(connection, Holds::Key, secret)
    }

    /// The same for what the secret is.
    pub(crate) fn lay(
        &self,
        connection: Option<ConnectionId>,
        holds: Holds,
        secret: &Secret,
    ) -> Result<(ConnectionId, Laid), Error> {
        let custody = self.custody();
        let noting = custody.clone();
        let slot = self.store.write(move |db| {
            let id = connection.map_or_else(|| connection::reserve(db), Ok)?;
            let version = match holds {
                Holds::Key => credential::next_version(db, id)?,
                Holds::Settings => credential::next_settings_version(db, id)?,
            };
            noting.note(db, id, &[version])?;
            Ok(noting.slot(id, version))
        })?;
        if let Err(error) = self.keys.vault().put(&slot, secret) {
            self.erase_soon(slot.connection, &[slot.version]);
            return Err(error.into());
        }
        let mark = Mark::of(secret, self.keys.fingerprint(secret));
        Ok((slot.connection, Laid { custody, slot, mark }))
    }

    /// The same for some secrets of one connection; all or none.
    pub(crate) fn lay_all(
        &self,
        connection: Option<ConnectionId>,
        secrets: &[(Holds, Secret)],
    ) -> Result<(Option<ConnectionId>, Vec<Laid>), Error> {
        let (mut connection, mut all) = (connection, Vec::new());
        for (holds, secret) in secrets {
            match self.lay(connection, *holds, secret) {
                Ok((id, laid)) => {
                    connection = Some(id);
                    all.push(laid);
                }
                Err(error) => {
                    self.take_up(&all.iter().map(Laid::place).collect::<Vec<_>>());
                    return Err(error);
                }
            }
        }
        Ok((connection, all))
    }

    /// Names a laid secret by `work`; where that fails, the vault forgets it again.
    pub(crate) fn name_laid<T: Send + 'static>(
        &self,
        laid: Laid,
        work: impl FnOnce(&Db, &Laid, Timestamp) -> Result<Recorded<T>, StoreError> + Send + 'static,
    ) -> Result<T, Error> {
        self.name(&[laid.place()], move |db, now| work(db, &laid, now))
    }

    /// The same for many.
    pub(crate) fn name_all<T: Send + 'static>(
        &self,
        laid: Vec<Laid>,
        work: impl FnOnce(&Db, &[Laid], Timestamp) -> Result<Recorded<T>, StoreError> + Send + 'static,
    ) -> Result<T, Error> {
        let places: Vec<_> = laid.iter().map(Laid::place).collect();
        self.name(&places, move |db, now| work(db, &laid, now))
    }

    fn name<T: Send + 'static>(
        &self,
        places: &[(ConnectionId, u32)],
        work: impl FnOnce(&Db, Timestamp) -> Result<Recorded<T>, StoreError> + Send + 'static,
    ) -> Result<T, Error> {
        let now = clock::now();
        let named = self.store.change(now, move |db| work(db, now));
        if named.is_err() {
            self.take_up(places);
        }
        Ok(named?)
    }

    /// Erases laid secrets that nothing is going to name.
    pub(crate) fn take_up(&self, places: &[(ConnectionId, u32)]) {
        for &(connection, version) in places {
            self.erase_soon(connection, &[version]);
        }
    }

    /// Erases noted secrets from the vault, and then notes that they are gone. What the vault keeps stays noted.
    pub(crate) fn erase(
        &self,
        connection: ConnectionId,
        versions: &[u32],
        actor: Actor,
    ) -> Result<(), Error> {
        let custody = self.custody();
        for &version in versions {
            let slot = custody.slot(connection, version);
            let vault = custody.vault;
            self.keys.forget(connection, version);
            if let Err(error) = self.keys.vault().delete(&slot) {
                self.store.write(move |db| loose_secret::release(db, vault, &slot))?;
                return Err(error.into());
            }
            let now = clock::now();
            self.store.change(now, move |db| erased(db, vault, &slot, actor, now))?;
        }
        Ok(())
    }

    /// The same for secrets that nobody waits for: what the vault keeps is tried again later.
    pub(crate) fn erase_soon(&self, connection: ConnectionId, versions: &[u32]) {
        if let Err(error) = self.erase(connection, versions, Actor::Scheduler) {
            tracing::warn!(%error, "a key that is not used any more is still in the vault; it will be erased later");
        }
    }

    /// Notes a place in a vault that is about to be written.
    pub(crate) fn note_loose(&self, vault: VaultKind, slot: &Slot) -> Result<(), Error> {
        let (slot, owner) = (slot.clone(), self.owner.name().to_owned());
        Ok(self.store.write(move |db| loose_secret::note(db, vault, &slot, &owner))?)
    }

    /// Erases a secret that lies in another vault now. Where the old one keeps it, it is tried again later.
    pub(crate) fn erase_moved(&self, from: &dyn Vault, slot: &Slot) -> Result<(), Error> {
        let (kind, slot) = (from.kind(), slot.clone());
        let gone = from.delete(&slot);
        if let Err(error) = &gone {
            tracing::warn!(%error, "a key that was moved is still in the old vault; it will be erased later");
        }
        Ok(self.store.write(move |db| match gone {
            Ok(()) => loose_secret::cross_out(db, kind, &slot),
            Err(_) => loose_secret::release(db, kind, &slot),
        })?)
    }

    /// Erases what crashes left behind, and versions whose time has come. A vault that is not open is left alone: nobody
    /// asked for a dialog.
    pub(crate) fn sweep(&self) -> Result<(), Error> {
        let left = self.store.read(loose_secret::all)?;
        let left: Vec<Loose> =
            left.into_iter().filter(|loose| owner::is_gone(&self.data_dir, &loose.owner)).collect();
        self.forget_deletions()?;
        let due = self.store.read(|db| credential::due(db, clock::now()))?;
        if (left.is_empty() && due.is_empty()) || self.keys.vault().state() != VaultState::Ready {
            return Ok(());
        }
        for loose in left {
            self.erase_loose(&loose)?;
        }
        for (connection, version) in due {
            self.erase_due(connection, version)?;
        }
        Ok(())
    }

    /// Deletions that only a process which is gone could have taken back.
    fn forget_deletions(&self) -> Result<(), Error> {
        let gone = self.store.read(deleted::all)?;
        let gone: Vec<_> =
            gone.into_iter().filter(|deleted| owner::is_gone(&self.data_dir, &deleted.owner)).collect();
        if gone.is_empty() {
            return Ok(());
        }
        Ok(self
            .store
            .write(move |db| gone.iter().try_for_each(|deleted| deleted::forget(db, deleted.connection)))?)
    }

    fn erase_loose(&self, loose: &Loose) -> Result<(), Error> {
        let vault = self.vault_of(loose.vault);
        if vault.state() != VaultState::Ready {
            return Ok(());
        }
        vault.delete(&loose.slot)?;
        let (kind, slot, now) = (loose.vault, loose.slot.clone(), clock::now());
        let current = self.custody();
        Ok(self.store.change(now, move |db| {
            if kind == current.vault && slot.store == current.store_id {
                return erased(db, kind, &slot, Actor::Scheduler, now);
            }
            loose_secret::cross_out(db, kind, &slot)?;
            Ok(Recorded::unchanged(()))
        })?)
    }

    fn erase_due(&self, connection: ConnectionId, version: u32) -> Result<(), Error> {
        let (custody, now) = (self.custody(), clock::now());
        self.store.change(now, move |db| {
            let key = connection::key_of(db, connection)?.unwrap_or_default();
            custody
                .condemn(db, (connection, &key), &[version], Actor::Scheduler, now)
                .map(|entries| Recorded::all((), entries))
        })?;
        self.erase(connection, &[version], Actor::Scheduler)
    }
}

/// Crosses a place out whose secret is gone; where that was a revoked version, notes it.
fn erased(
    db: &Db,
    vault: VaultKind,
    slot: &Slot,
    actor: Actor,
    now: Timestamp,
) -> Result<Recorded<()>, StoreError> {
    loose_secret::cross_out(db, vault, slot)?;
    if !credential::purge(db, slot.connection, slot.version, now)? {
        return Ok(Recorded::unchanged(()));
    }
    let key = connection::key_of(db, slot.connection)?.unwrap_or_default();
    let name = credential_name(&key, slot.version);
    Ok(Recorded::new((), Entry::by(actor, Action::Purge, Kind::Credential, name)))
}
