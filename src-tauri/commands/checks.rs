//! Connection tests: one, several, by schedule, and those of the past.

use patchbay_core::diagnose::{CheckPlan, CheckReport, Spend, StageReport};
use patchbay_core::schedule::CheckSchedule;
use patchbay_engine::desk::checks::{self, CheckPoint, ScheduleInfo};
use patchbay_engine::desk::connections::{self, CheckProgress};
use patchbay_engine::error::Error;
use tauri::State;
use tauri::ipc::Channel;

use super::to_page;
use crate::state::Desk;

/// Runs the stages of a test; `spend` allows the tiny paid completion.
#[tauri::command]
#[specta::specta]
pub async fn connection_test(
    desk: State<'_, Desk>,
    key: String,
    spend: Spend,
    on_stage: Channel<StageReport>,
) -> Result<CheckReport, Error> {
    connections::test(&desk.engine()?, &key, spend, to_page(on_stage)).await
}

/// Tests these connections, a few at a time. Stages and reports of all arrive on the channel.
#[tauri::command]
#[specta::specta]
pub async fn connections_test(
    desk: State<'_, Desk>,
    keys: Vec<String>,
    spend: Spend,
    on_progress: Channel<CheckProgress>,
) -> Result<Vec<CheckReport>, Error> {
    connections::test_many(&desk.engine()?, &keys, spend, to_page(on_progress)).await
}

/// Stops the running test of this connection, or of a draft, by its connection key.
#[tauri::command]
#[specta::specta]
pub fn connection_test_stop(desk: State<'_, Desk>, key: String) -> Result<(), Error> {
    connections::test_stop(&*desk.engine()?, &key);
    Ok(())
}

/// Stops all running tests, and those that wait for their turn.
#[tauri::command]
#[specta::specta]
pub fn connections_test_stop(desk: State<'_, Desk>) -> Result<(), Error> {
    connections::test_stop_all(&*desk.engine()?);
    Ok(())
}

/// What tests of these connections would ask and cost at most.
#[tauri::command]
#[specta::specta]
pub fn check_plans(desk: State<'_, Desk>, keys: Vec<String>, spend: Spend) -> Result<Vec<CheckPlan>, Error> {
    connections::test_plans(&*desk.engine()?, &keys, spend)
}

/// The tests of a connection in the last 30 days, oldest first.
#[tauri::command]
#[specta::specta]
pub async fn check_history(desk: State<'_, Desk>, key: String) -> Result<Vec<CheckPoint>, Error> {
    checks::history(&desk.engine()?, &key).await
}

/// When tests run by themselves.
#[tauri::command]
#[specta::specta]
pub fn check_schedule(desk: State<'_, Desk>) -> Result<ScheduleInfo, Error> {
    checks::schedule(&*desk.engine()?)
}

/// Lets tests run by themselves; they ask only what is free.
#[tauri::command]
#[specta::specta]
pub async fn set_check_schedule(
    desk: State<'_, Desk>,
    schedule: CheckSchedule,
) -> Result<ScheduleInfo, Error> {
    checks::set_schedule(&desk.engine()?, schedule).await
}
