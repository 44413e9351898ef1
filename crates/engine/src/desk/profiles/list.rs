//! Profiles as lists show them.

use std::sync::Arc;

use patchbay_core::profile::{ProfileHint, Spec};
use patchbay_core::time::{HOUR_MS, Range, Timestamp};
use patchbay_store::profile::ProfileRow;
use patchbay_store::rollup::ProfileUse;
use patchbay_store::{StoreError, profile, rollup};
use serde::Serialize;

use super::checked;
use crate::error::Error;
use crate::{Engine, clock};

/// How far back use is looked at.
const USE_MS: i64 = 30 * 24 * HOUR_MS;

/// A profile.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Profile {
    /// Unique; bots name it as a model.
    pub name: String,
    /// The version in use, from 1.
    pub version: u32,
    /// Why that version was made; may be empty.
    pub note: String,
    /// When the profile was made.
    pub created_at: Timestamp,
    /// When the version in use was made.
    pub changed_at: Timestamp,
    /// Out of use, and kept.
    pub is_archived: bool,
    /// The model of its first step.
    pub model_name: String,
    /// Everything that it says.
    pub spec: Spec,
    /// What the models of its chain lack.
    pub hints: Vec<ProfileHint>,
    /// What points at it: aliases, budgets, apps that are bound to it.
    pub users: Vec<String>,
    /// Apps that called it in the last 30 days, most calls first.
    pub apps: Vec<String>,
    /// Calls of the last 30 days.
    pub requests: u32,
}

/// All profiles by name, archived ones too.
pub async fn list(engine: &Arc<Engine>) -> Result<Vec<Profile>, Error> {
    engine
        .blocking(|engine| {
            let snapshot = engine.snapshot()?;
            let now = clock::now();
            let range = Range { from: now.plus_ms(-USE_MS), to: now.plus_ms(1) };
            let (calls, users) = engine.store.read(|db| {
                let users = snapshot.profiles.iter().map(|row| profile::users(db, &row.name));
                Ok((rollup::by_profile(db, range)?, users.collect::<Result<Vec<_>, StoreError>>()?))
            })?;
            let rows = snapshot.profiles.iter().zip(users);
            Ok(rows
                .map(|(row, users)| {
                    let hints = checked::hints(&snapshot, &row.version.spec);
                    view(row, hints, users, &calls)
                })
                .collect())
        })
        .await
}

/// One profile.
pub async fn get(engine: &Arc<Engine>, name: &str) -> Result<Profile, Error> {
    let found = list(engine).await?.into_iter().find(|profile| profile.name == name);
    found.ok_or_else(|| StoreError::NotFound { what: "profile", name: name.to_owned() }.into())
}

fn view(row: &ProfileRow, hints: Vec<ProfileHint>, users: Vec<String>, calls: &[ProfileUse]) -> Profile {
    let own: Vec<&ProfileUse> = calls.iter().filter(|used| used.profile == row.name).collect();
    let version = &row.version;
    Profile {
        name: row.name.clone(),
        version: version.number,
        note: version.note.clone(),
        created_at: row.created_at,
        changed_at: version.created_at,
        is_archived: row.is_archived,
        model_name: version.spec.model_name().to_owned(),
        spec: version.spec.clone(),
        hints,
        users,
        apps: own.iter().map(|used| used.app.clone()).collect(),
        requests: own.iter().map(|used| used.calls).sum(),
    }
}
