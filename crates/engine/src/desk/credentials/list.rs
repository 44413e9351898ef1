//! The versions of a connection's credential, as the window shows them.

use std::sync::Arc;

use patchbay_core::credential::{CredentialState, Policy, Reminder};
use patchbay_core::time::Timestamp;
use patchbay_store::credential::{self, Version};
use patchbay_store::credential_policy;
use patchbay_store::usage::{self, VersionUse};
use serde::Serialize;

use crate::desk::connections::find;
use crate::error::Error;
use crate::{Engine, clock};

/// A version.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct CredentialVersion {
    /// From 1.
    pub version: u32,
    /// Where it is in its life.
    pub state: CredentialState,
    /// The last four characters; empty for a short key.
    pub tail: String,
    /// Tells two keys apart without telling either.
    pub fingerprint: String,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it last became the active one.
    pub activated_at: Option<Timestamp>,
    /// When it last stopped being usable or active.
    pub retired_at: Option<Timestamp>,
    /// Its own end.
    pub expires_at: Option<Timestamp>,
    /// When it was last tested by itself.
    pub tested_at: Option<Timestamp>,
    /// How that went: `passed`, `limited`, `failed`.
    pub test_verdict: Option<String>,
    /// When its secret will be erased.
    pub erase_at: Option<Timestamp>,
    /// When its secret was erased.
    pub purged_at: Option<Timestamp>,
    /// Attempts that used it, as far as the ledger still holds rows.
    pub requests: u32,
    /// The last of them.
    pub last_used_at: Option<Timestamp>,
}

/// Everything about the keys of a connection.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Credentials {
    /// The connection key.
    pub connection: String,
    /// What people know the vault by.
    pub vault: String,
    /// The newest first.
    pub versions: Vec<CredentialVersion>,
    /// How they are looked after.
    pub policy: Policy,
    /// Whether the active key is to be replaced; `None` without one.
    pub reminder: Option<Reminder>,
    /// When the next reminder comes; `None` = never.
    pub reminder_at: Option<Timestamp>,
    /// The version that `rollback` returns to; `None` = there is none.
    pub rollback_to: Option<u32>,
    /// Other connections with the same key: they share one limit at the provider.
    pub shared_with: Vec<String>,
}

/// See [`Credentials`].
pub async fn list(engine: &Arc<Engine>, key: &str) -> Result<Credentials, Error> {
    let settings = find(engine, key)?;
    let vault = engine.keys.vault().name().to_owned();
    engine
        .blocking(move |engine| {
            let (id, now) = (settings.id, clock::now());
            Ok(engine.store.read(|db| {
                let versions = credential::all(db, id)?;
                let policy = credential_policy::get(db, id)?;
                let active = versions.iter().find(|version| version.state == CredentialState::Active);
                let since = active
                    .map(|active| (active.activated_at.unwrap_or(active.created_at), active.expires_at));
                let uses = usage::by_version(db, id)?;
                Ok(Credentials {
                    connection: settings.key,
                    vault,
                    reminder: since.map(|(since, end)| Reminder::of(&policy, since, end, now)),
                    reminder_at: since.and_then(|(since, end)| policy.reminder_at(since, end)),
                    rollback_to: super::switch::before(&versions).map(|version| version.version),
                    shared_with: credential::sharing(db, id)?,
                    versions: versions.into_iter().map(|version| view(version, &uses)).collect(),
                    policy,
                })
            })?)
        })
        .await
}

fn view(version: Version, uses: &[VersionUse]) -> CredentialVersion {
    let own = uses.iter().find(|own| own.version == version.version);
    CredentialVersion {
        version: version.version,
        state: version.state,
        tail: version.tail,
        fingerprint: version.fingerprint,
        created_at: version.created_at,
        activated_at: version.activated_at,
        retired_at: version.retired_at,
        expires_at: version.expires_at,
        tested_at: version.tested_at,
        test_verdict: version.test_verdict,
        erase_at: version.erase_at,
        purged_at: version.purged_at,
        requests: own.map_or(0, |own| own.attempts),
        last_used_at: own.map(|own| own.last_at),
    }
}
