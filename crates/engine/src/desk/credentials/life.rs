//! The end of versions, and how they are looked after.

use std::sync::Arc;

use patchbay_core::audit::{Action, Actor, Change, Entry, Kind};
use patchbay_core::credential::{CredentialState, Policy};
use patchbay_core::time::Timestamp;
use patchbay_store::{Recorded, StoreError, credential, credential_policy};

use super::chosen;
use super::list::{Credentials, list};
use crate::changes::Changed;
use crate::custody::about;
use crate::desk::connections::find;
use crate::error::Error;
use crate::{Engine, clock};

/// Never uses a version again: the active one, where none is named. Its secret is erased when the policy says so.
pub async fn revoke(engine: &Arc<Engine>, key: &str, version: Option<u32>) -> Result<Credentials, Error> {
    let settings = find(engine, key)?;
    engine
        .change(move |db| {
            let now = clock::now();
            let version = chosen(&credential::all(db, settings.id)?, version, &[CredentialState::Active])?;
            if matches!(version.state, CredentialState::Revoked | CredentialState::Purged) {
                return Ok(Recorded::unchanged(()));
            }
            let erase_at = credential_policy::get(db, settings.id)?.erase_at(now);
            credential::revoke(db, settings.id, version.version, erase_at, now)?;
            let change = Change::default().with("state", version.state.as_str(), "revoked");
            Ok(Recorded::new((), about(Actor::User, Action::Revoke, &settings.key, &version).change(change)))
        })
        .await?;
    engine.changes.send(Changed::Connections);
    list(engine, key).await
}

/// Erases the secret of a version now. The active one has to be revoked or replaced first; row and dates stay.
pub async fn purge(engine: &Arc<Engine>, key: &str, version: u32) -> Result<Credentials, Error> {
    erase(engine, key, move |found| found.version == version && found.state != CredentialState::Purged).await
}

/// Erases the secrets of all versions that are not needed any more.
pub async fn purge_retired(engine: &Arc<Engine>, key: &str) -> Result<Credentials, Error> {
    erase(engine, key, |found| matches!(found.state, CredentialState::Retiring | CredentialState::Revoked))
        .await
}

async fn erase(
    engine: &Arc<Engine>,
    key: &str,
    fits: impl Fn(&credential::Version) -> bool + Send + 'static,
) -> Result<Credentials, Error> {
    let settings = find(engine, key)?;
    engine
        .blocking(move |engine| {
            let (custody, id, now) = (engine.custody(), settings.id, clock::now());
            let versions = engine.store.change(now, move |db| {
                let doomed: Vec<_> = credential::all(db, id)?.into_iter().filter(fits).collect();
                if let Some(active) = doomed.iter().find(|version| version.state == CredentialState::Active) {
                    return Err(StoreError::Unfit {
                        what: format!("Version {}", active.version),
                        state: "active",
                    });
                }
                let versions: Vec<u32> = doomed.iter().map(|version| version.version).collect();
                let entries = custody.condemn(db, (id, &settings.key), &versions, Actor::User, now)?;
                Ok(Recorded::all(versions, entries))
            })?;
            engine.erase(id, &versions, Actor::User)
        })
        .await?;
    engine.changes.send(Changed::Connections);
    list(engine, key).await
}

/// Sets or takes away a version's own end: the active one's, where none is named.
pub async fn set_expiry(
    engine: &Arc<Engine>,
    key: &str,
    version: Option<u32>,
    expires_at: Option<Timestamp>,
) -> Result<Credentials, Error> {
    let settings = find(engine, key)?;
    engine
        .change(move |db| {
            let states = [CredentialState::Active, CredentialState::Staged];
            let version = chosen(&credential::all(db, settings.id)?, version, &states)?;
            credential::set_expiry(db, settings.id, version.version, expires_at)?;
            let change = Change::default().with(
                "expires_at",
                version.expires_at.map(Timestamp::to_rfc3339),
                expires_at.map(Timestamp::to_rfc3339),
            );
            Ok(Recorded::new((), about(Actor::User, Action::Update, &settings.key, &version).change(change)))
        })
        .await?;
    engine.changes.send(Changed::Connections);
    list(engine, key).await
}

/// Sets how the keys of a connection are looked after.
pub async fn set_policy(engine: &Arc<Engine>, key: &str, policy: Policy) -> Result<Credentials, Error> {
    let fits = policy.remind_days.is_none_or(|days| (1..=3_650).contains(&days)) && policy.erase_days <= 365;
    if !fits {
        return Err(Error::invalid(
            "These days cannot be kept.",
            "Remind after 1 to 3650 days or never, and erase after 0 to 365 days.",
        ));
    }
    let settings = find(engine, key)?;
    engine
        .change(move |db| {
            let before = credential_policy::get(db, settings.id)?;
            credential_policy::set(db, settings.id, &policy)?;
            let change = Change::between(&before, &policy);
            let entry = Entry::user(Action::Update, Kind::Connection, &settings.key).change(change);
            Ok(Recorded::new((), entry.because("how its keys are looked after")))
        })
        .await?;
    engine.changes.send(Changed::Connections);
    list(engine, key).await
}
