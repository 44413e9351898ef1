//! Which version is in use. Each switch is one transaction: calls that began before it end on the old version.

use std::sync::Arc;

use patchbay_core::audit::{Action, Actor, Change, Entry};
use patchbay_core::code::Code;
use patchbay_core::connection::Connection as Settings;
use patchbay_core::credential::CredentialState;
use patchbay_core::time::Timestamp;
use patchbay_store::credential::{self, Predecessor, Version};
use patchbay_store::{Db, Recorded, StoreError, credential_policy, standing};
use serde::{Deserialize, Serialize};

use super::list::{Credentials, list};
use super::{action_of, chosen};
use crate::changes::Changed;
use crate::custody::about;
use crate::desk::connections::find;
use crate::error::Error;
use crate::{Engine, clock};

/// What becomes of the version that is replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Afterwards {
    /// It can be rolled back to until the policy erases it.
    #[default]
    Retire,
    /// It takes over where the new one is refused.
    KeepAsStandby,
}

/// Puts a version to use: the staged one, else the standby, where none is named.
pub async fn promote(
    engine: &Arc<Engine>,
    key: &str,
    version: Option<u32>,
    afterwards: Afterwards,
) -> Result<Credentials, Error> {
    let settings = find(engine, key)?;
    let states = [CredentialState::Staged, CredentialState::Standby];
    engine
        .change(move |db| {
            let version = chosen(&credential::all(db, settings.id)?, version, &states)?;
            switch(db, &settings, &version, afterwards, Actor::User).map(|entry| Recorded::new((), entry))
        })
        .await?;
    engine.changes.send(Changed::Connections);
    list(engine, key).await
}

/// Returns to the version that was in use before. A second rollback returns to the one that was left.
pub async fn rollback(engine: &Arc<Engine>, key: &str) -> Result<Credentials, Error> {
    let settings = find(engine, key)?;
    engine
        .change(move |db| {
            let all = credential::all(db, settings.id)?;
            let version = before(&all).ok_or_else(|| StoreError::NotFound {
                what: "earlier version of the key of",
                name: settings.name.clone(),
            })?;
            let entry = switch(db, &settings, version, Afterwards::Retire, Actor::User)?;
            Ok(Recorded::new((), Entry { action: Action::Rollback, ..entry }))
        })
        .await?;
    engine.changes.send(Changed::Connections);
    list(engine, key).await
}

/// Lets a version wait to take over where the active one is refused: the staged one, where none is named.
pub async fn stand_by(engine: &Arc<Engine>, key: &str, version: Option<u32>) -> Result<Credentials, Error> {
    let settings = find(engine, key)?;
    engine
        .change(move |db| {
            let all = credential::all(db, settings.id)?;
            let version = chosen(&all, version, &[CredentialState::Staged, CredentialState::Retiring])?;
            credential::stand_by(db, settings.id, version.version)?;
            let change = Change::default().with("state", version.state.as_str(), "standby");
            let entry = about(Actor::User, Action::Standby, &settings.key, &version).change(change);
            Ok(Recorded::new((), entry))
        })
        .await?;
    engine.changes.send(Changed::Connections);
    list(engine, key).await
}

/// Puts the standby to use because the active version `refused` was not accepted or is exhausted, and answers which version
/// is in use now. Where another call was quicker, its switch stands. `None`: there is no standby, or the policy does not
/// want it. The version that was left retires, so that a failure of the new one cannot bring it back by itself.
pub async fn take_over(
    engine: &Arc<Engine>,
    key: &str,
    refused: u32,
    why: Code,
) -> Result<Option<u32>, Error> {
    let settings = find(engine, key)?;
    let name = settings.name.clone();
    let taken = engine
        .change(move |db| {
            let all = credential::all(db, settings.id)?;
            let active = all.iter().find(|version| version.state == CredentialState::Active);
            if let Some(active) = active.filter(|active| active.version != refused) {
                return Ok(Recorded::unchanged(Some(active.version)));
            }
            let standby = all.iter().find(|version| version.state == CredentialState::Standby);
            let wanted = credential_policy::get(db, settings.id)?.use_standby;
            let Some(standby) = standby.filter(|_| wanted && active.is_some()) else {
                return Ok(Recorded::unchanged(None));
            };
            let entry = switch(db, &settings, standby, Afterwards::Retire, Actor::Router)?;
            let entry = Entry { action: Action::TakeOver, ..entry }.because(why.as_str());
            Ok(Recorded::new(Some(standby.version), entry))
        })
        .await?;
    if let Some(version) = taken {
        engine.changes.send(Changed::Connections);
        engine.tell_of_standby(key, &name, version, why.as_str());
    }
    Ok(taken)
}

/// The version that was in use before the active one and still has its secret.
pub(super) fn before(all: &[Version]) -> Option<&Version> {
    let was_active = |version: &&Version| {
        version.activated_at.is_some()
            && matches!(version.state, CredentialState::Retiring | CredentialState::Standby)
    };
    all.iter().filter(was_active).max_by_key(|version| version.retired_at)
}

fn switch(
    db: &Db,
    settings: &Settings,
    version: &Version,
    afterwards: Afterwards,
    actor: Actor,
) -> Result<Entry, StoreError> {
    let now: Timestamp = clock::now();
    let predecessor = match afterwards {
        Afterwards::Retire => {
            Predecessor::Retires { erase_at: credential_policy::get(db, settings.id)?.erase_at(now) }
        }
        Afterwards::KeepAsStandby => Predecessor::StandsBy,
    };
    let before = credential::promote(db, settings.id, version.version, predecessor, now)?;
    let needed_attention = standing::clear_attention(db, settings.id)?;
    let change = Change::default()
        .with("state", version.state.as_str(), "active")
        .with("active_version", before, version.version)
        .with("needs_attention", needed_attention, false);
    Ok(about(actor, action_of(version.state), &settings.key, version).change(change))
}
