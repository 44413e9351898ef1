//! Alerts and their rules.

use patchbay_core::alert::AlertKind;
use patchbay_core::chart::{Chart, ChartRequest};
use patchbay_engine::desk::alerts::{self, AlertDetail, AlertLimits, AlertRules, Alerts};
use patchbay_engine::error::Error;
use tauri::State;

use crate::state::Desk;

/// All alerts.
#[tauri::command]
#[specta::specta]
pub async fn alerts(desk: State<'_, Desk>) -> Result<Alerts, Error> {
    alerts::list(&desk.engine()?).await
}

/// One alert with its story.
#[tauri::command]
#[specta::specta]
pub async fn alert_detail(desk: State<'_, Desk>, id: u32) -> Result<AlertDetail, Error> {
    alerts::show(&desk.engine()?, id).await
}

/// What it is about over time, drawn at the size that is asked for.
#[tauri::command]
#[specta::specta]
pub async fn alert_chart(desk: State<'_, Desk>, id: u32, request: ChartRequest) -> Result<Chart, Error> {
    alerts::chart(&desk.engine()?, id, request, desk.zone()).await
}

/// Says that somebody has seen it.
#[tauri::command]
#[specta::specta]
pub async fn alert_acknowledge(desk: State<'_, Desk>, id: u32) -> Result<(), Error> {
    alerts::acknowledge(&desk.engine()?, id).await
}

/// Keeps it quiet for so many minutes.
#[tauri::command]
#[specta::specta]
pub async fn alert_snooze(desk: State<'_, Desk>, id: u32, minutes: u32) -> Result<(), Error> {
    alerts::snooze(&desk.engine()?, id, minutes).await
}

/// The rules, and when each last spoke.
#[tauri::command]
#[specta::specta]
pub async fn alert_rules(desk: State<'_, Desk>) -> Result<AlertRules, Error> {
    alerts::rules(&desk.engine()?).await
}

/// Switches a rule, and whether it is told on the desktop.
#[tauri::command]
#[specta::specta]
pub async fn alert_rule_set(
    desk: State<'_, Desk>,
    kind: AlertKind,
    is_on: Option<bool>,
    on_desktop: Option<bool>,
) -> Result<AlertRules, Error> {
    alerts::set_rule(&desk.engine()?, kind, is_on, on_desktop).await
}

/// Raises an alert of that kind for a minute, so that somebody sees how it is told.
#[tauri::command]
#[specta::specta]
pub async fn alert_rule_test(desk: State<'_, Desk>, kind: AlertKind) -> Result<(), Error> {
    alerts::test_rule(&desk.engine()?, kind).await
}

/// Sets where some rules begin.
#[tauri::command]
#[specta::specta]
pub async fn alert_limits_set(desk: State<'_, Desk>, limits: AlertLimits) -> Result<AlertRules, Error> {
    alerts::set_limits(&desk.engine()?, limits).await
}
