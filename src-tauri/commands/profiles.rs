//! Profiles, aliases and the failover drill.

use patchbay_core::profile::Spec;
use patchbay_engine::desk::aliases::{self, Alias};
use patchbay_engine::desk::drill::{self, DrillInForce, DrillReport, DrillRequest, DrillStarted, Homeless};
use patchbay_engine::desk::profiles::{
    self, AffectedStep, Edited, Heirs, Profile, ProfileCheck, ProfileDraft, ProfileVersion,
};
use patchbay_engine::error::Error;
use tauri::State;

use crate::state::Desk;

/// All profiles by name, archived ones too.
#[tauri::command]
#[specta::specta]
pub async fn profiles(desk: State<'_, Desk>) -> Result<Vec<Profile>, Error> {
    profiles::list(&desk.engine()?).await
}

/// Makes a profile.
#[tauri::command]
#[specta::specta]
pub async fn profile_add(desk: State<'_, Desk>, draft: ProfileDraft) -> Result<Profile, Error> {
    profiles::add(&desk.engine()?, draft).await
}

/// Makes a new version of a profile, unless another one than `expected` is in use by now.
#[tauri::command]
#[specta::specta]
pub async fn profile_save(
    desk: State<'_, Desk>,
    draft: ProfileDraft,
    expected: Option<u32>,
) -> Result<Edited, Error> {
    profiles::edit(&desk.engine()?, draft, expected).await
}

/// What a profile comes to, before it is saved.
#[tauri::command]
#[specta::specta]
pub fn profile_check(desk: State<'_, Desk>, spec: Spec) -> Result<ProfileCheck, Error> {
    profiles::check(&desk.engine()?, &spec)
}

/// All versions of a profile, the newest first.
#[tauri::command]
#[specta::specta]
pub async fn profile_versions(desk: State<'_, Desk>, name: String) -> Result<Vec<ProfileVersion>, Error> {
    profiles::versions(&desk.engine()?, &name).await
}

/// Lets an older version be in use again, as a new one.
#[tauri::command]
#[specta::specta]
pub async fn profile_restore(desk: State<'_, Desk>, name: String, version: u32) -> Result<Edited, Error> {
    profiles::restore(&desk.engine()?, &name, version).await
}

/// Takes a profile out of use and keeps it. `reassign_to` takes over what points at it.
#[tauri::command]
#[specta::specta]
pub async fn profile_archive(
    desk: State<'_, Desk>,
    name: String,
    reassign_to: Option<String>,
) -> Result<Profile, Error> {
    profiles::archive(&desk.engine()?, &name, heirs(reassign_to)).await
}

/// Puts an archived profile back into use.
#[tauri::command]
#[specta::specta]
pub async fn profile_unarchive(desk: State<'_, Desk>, name: String) -> Result<Profile, Error> {
    profiles::unarchive(&desk.engine()?, &name).await
}

/// Deletes a profile. `reassign_to` takes over what points at it.
#[tauri::command]
#[specta::specta]
pub async fn profile_remove(
    desk: State<'_, Desk>,
    name: String,
    reassign_to: Option<String>,
) -> Result<(), Error> {
    profiles::remove(&desk.engine()?, &name, heirs(reassign_to)).await
}

/// Profiles whose model is gone or will end.
#[tauri::command]
#[specta::specta]
pub async fn profiles_affected(desk: State<'_, Desk>) -> Result<Vec<AffectedStep>, Error> {
    profiles::affected(&desk.engine()?, None).await
}

/// Leads every step from one place to another, as new versions; answers whose.
#[tauri::command]
#[specta::specta]
pub async fn profiles_retarget(
    desk: State<'_, Desk>,
    from: String,
    to: String,
    only: Option<String>,
) -> Result<Vec<String>, Error> {
    profiles::retarget(&desk.engine()?, (&from, &to), only).await
}

/// All aliases by name.
#[tauri::command]
#[specta::specta]
pub fn aliases(desk: State<'_, Desk>) -> Result<Vec<Alias>, Error> {
    aliases::list(&desk.engine()?)
}

/// Lets an alias stand for a target.
#[tauri::command]
#[specta::specta]
pub async fn alias_set(desk: State<'_, Desk>, alias: String, target: String) -> Result<Alias, Error> {
    aliases::set(&desk.engine()?, &alias, &target).await
}

/// Removes an alias.
#[tauri::command]
#[specta::specta]
pub async fn alias_remove(desk: State<'_, Desk>, alias: String) -> Result<(), Error> {
    aliases::remove(&desk.engine()?, &alias).await
}

/// Where each profile would go with somebody in trouble. Nothing is sent.
#[tauri::command]
#[specta::specta]
pub fn drill(desk: State<'_, Desk>, request: DrillRequest) -> Result<DrillReport, Error> {
    drill::run(&desk.engine()?, &request)
}

/// Lets real calls meet a drill for so many minutes.
#[tauri::command]
#[specta::specta]
pub async fn drill_start(
    desk: State<'_, Desk>,
    request: DrillRequest,
    minutes: u32,
    homeless: Homeless,
) -> Result<DrillStarted, Error> {
    drill::start(&desk.engine()?, &request, minutes, homeless).await
}

/// Ends the drill in force.
#[tauri::command]
#[specta::specta]
pub async fn drill_end(desk: State<'_, Desk>) -> Result<Option<DrillInForce>, Error> {
    drill::end(&desk.engine()?).await
}

fn heirs(reassign_to: Option<String>) -> Heirs {
    reassign_to.map_or(Heirs::Block, Heirs::Reassign)
}
