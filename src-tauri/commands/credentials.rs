//! The versions of a connection's key.

use patchbay_core::credential::Policy;
use patchbay_core::diagnose::{CheckReport, Spend, StageReport};
use patchbay_core::secret::Secret;
use patchbay_core::time::Timestamp;
use patchbay_engine::desk::credentials::{self, Afterwards, Credentials, Rotation};
use patchbay_engine::error::Error;
use tauri::State;
use tauri::ipc::Channel;

use super::to_page;
use crate::state::Desk;

/// All versions with their states, the policy, the next reminder.
#[tauri::command]
#[specta::specta]
pub async fn credentials(desk: State<'_, Desk>, key: String) -> Result<Credentials, Error> {
    credentials::list(&desk.engine()?, &key).await
}

/// Stores a key as a new version, which is not used yet.
#[tauri::command]
#[specta::specta]
pub async fn credential_stage(
    desk: State<'_, Desk>,
    key: String,
    secret: String,
) -> Result<Credentials, Error> {
    credentials::stage(&desk.engine()?, &key, Secret::new(secret)).await
}

/// Stores a key, tests it, and uses it if every stage passes. Stages arrive on the channel while they run.
#[tauri::command]
#[specta::specta]
pub async fn credential_rotate(
    desk: State<'_, Desk>,
    key: String,
    secret: String,
    afterwards: Afterwards,
    spend: Spend,
    on_stage: Channel<StageReport>,
) -> Result<Rotation, Error> {
    let how = (spend, to_page(on_stage));
    credentials::rotate(&desk.engine()?, &key, Secret::new(secret), afterwards, how).await
}

/// Tests one version by itself; nothing is switched.
#[tauri::command]
#[specta::specta]
pub async fn credential_test(
    desk: State<'_, Desk>,
    key: String,
    version: u32,
    spend: Spend,
    on_stage: Channel<StageReport>,
) -> Result<CheckReport, Error> {
    credentials::test(&desk.engine()?, &key, Some(version), spend, to_page(on_stage)).await
}

/// Uses a version from now on.
#[tauri::command]
#[specta::specta]
pub async fn credential_promote(
    desk: State<'_, Desk>,
    key: String,
    version: u32,
    afterwards: Afterwards,
) -> Result<Credentials, Error> {
    credentials::promote(&desk.engine()?, &key, Some(version), afterwards).await
}

/// Tests a version, and uses it if every stage passes. Stages arrive on the channel while they run.
#[tauri::command]
#[specta::specta]
pub async fn credential_promote_tested(
    desk: State<'_, Desk>,
    key: String,
    version: u32,
    afterwards: Afterwards,
    spend: Spend,
    on_stage: Channel<StageReport>,
) -> Result<Rotation, Error> {
    let how = (spend, to_page(on_stage));
    credentials::promote_tested(&desk.engine()?, &key, Some(version), afterwards, how).await
}

/// Lets a version wait to take over where the active one is refused.
#[tauri::command]
#[specta::specta]
pub async fn credential_stand_by(
    desk: State<'_, Desk>,
    key: String,
    version: u32,
) -> Result<Credentials, Error> {
    credentials::stand_by(&desk.engine()?, &key, Some(version)).await
}

/// Uses the version before again.
#[tauri::command]
#[specta::specta]
pub async fn credential_rollback(desk: State<'_, Desk>, key: String) -> Result<Credentials, Error> {
    credentials::rollback(&desk.engine()?, &key).await
}

/// Never uses a version again.
#[tauri::command]
#[specta::specta]
pub async fn credential_revoke(
    desk: State<'_, Desk>,
    key: String,
    version: u32,
) -> Result<Credentials, Error> {
    credentials::revoke(&desk.engine()?, &key, Some(version)).await
}

/// Erases a version's key from the vault now; its dates stay.
#[tauri::command]
#[specta::specta]
pub async fn credential_purge(
    desk: State<'_, Desk>,
    key: String,
    version: u32,
) -> Result<Credentials, Error> {
    credentials::purge(&desk.engine()?, &key, version).await
}

/// Sets a version's own end, or takes it away.
#[tauri::command]
#[specta::specta]
pub async fn credential_set_expiry(
    desk: State<'_, Desk>,
    key: String,
    version: u32,
    expires_at: Option<Timestamp>,
) -> Result<Credentials, Error> {
    credentials::set_expiry(&desk.engine()?, &key, Some(version), expires_at).await
}

/// Sets reminder, standby and erasure of a connection's keys.
#[tauri::command]
#[specta::specta]
pub async fn credential_set_policy(
    desk: State<'_, Desk>,
    key: String,
    policy: Policy,
) -> Result<Credentials, Error> {
    credentials::set_policy(&desk.engine()?, &key, policy).await
}
