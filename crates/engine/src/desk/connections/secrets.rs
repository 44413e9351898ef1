//! Keys of connections: into the vault, named by a version, and out again.

use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::id::ConnectionId;
use patchbay_core::secret::Secret;
use patchbay_store::credential;
use sha2::{Digest, Sha256};

use super::list::{Connection, find, get};
use crate::changes::Changed;
use crate::error::Error;
use crate::{Engine, clock};

/// Replaces the key at once. The old one is forgotten.
pub async fn replace_key(
    engine: &Arc<Engine>,
    key: &str,
    secret: Secret,
    zone: TimeZone,
) -> Result<Connection, Error> {
    if secret.is_empty() {
        return Err(Error::invalid(
            "There is no key to store.",
            "Paste the new key. The old one is still in use.",
        ));
    }
    let settings = find(engine, key)?;
    engine.blocking(move |engine| store_secret(engine, settings.id, &secret)).await?;
    engine.changes.send(Changed::Connections);
    get(engine, key, zone).await
}

/// Puts a secret into the vault and makes it the active version. The one before is forgotten.
pub(super) fn store_secret(engine: &Engine, id: ConnectionId, secret: &Secret) -> Result<(), Error> {
    let version = engine.store.read(|db| credential::next_version(db, id))?;
    let earlier = engine.store.read(|db| credential::versions(db, id))?;
    let vault = engine.keys.vault();
    vault.put(&engine.keys.slot(id, version), secret)?;
    let named = secret.clone();
    let fingerprint = fingerprint(engine, secret);
    let activated = engine
        .store
        .write(move |db| credential::activate(db, id, version, &named, &fingerprint, clock::now()));
    if let Err(error) = activated {
        // Best effort: the slot of a version that was never named is read by nobody.
        let _ = vault.delete(&engine.keys.slot(id, version));
        return Err(error.into());
    }
    purge(engine, id, &earlier);
    Ok(())
}

/// Forgets secrets that are not used any more. One that the vault keeps is tried again with the next change.
pub(in crate::desk) fn purge(engine: &Engine, id: ConnectionId, versions: &[u32]) {
    for &version in versions {
        if let Err(error) = engine.keys.vault().delete(&engine.keys.slot(id, version)) {
            tracing::warn!(%error, "a replaced key is still in the keychain");
            continue;
        }
        if let Err(error) = engine.store.write(move |db| credential::mark_purged(db, id, version)) {
            tracing::warn!(%error, "a purged key could not be noted");
        }
    }
}

/// Tells two keys apart without telling either: keyed by the store, so that it means nothing elsewhere.
fn fingerprint(engine: &Engine, secret: &Secret) -> String {
    let slot = engine.keys.slot(ConnectionId(0), 0);
    let digest: [u8; 32] = Sha256::new()
        .chain_update(slot.store.as_bytes())
        .chain_update([0])
        .chain_update(secret.expose().as_bytes())
        .finalize()
        .into();
    let half = digest.first_chunk().map_or(0, |half| u128::from_be_bytes(*half));
    format!("{half:032x}")
}
