//! How the program runs: with the computer, and who may call its gateway.

use patchbay_core::code::Code;
use patchbay_engine::desk::gateway::{self, ReachView};
use patchbay_engine::error::Error;
use tauri::State;
use tauri_plugin_autostart::ManagerExt;

use crate::state::Desk;

/// Whether the program starts with the computer, in the tray.
#[tauri::command]
#[specta::specta]
pub fn starts_with_computer(desk: State<'_, Desk>) -> Result<bool, Error> {
    // A system that does not tell does not start it, either.
    Ok(desk.app().autolaunch().is_enabled().unwrap_or(false))
}

/// Lets it start with the computer, or no longer.
#[tauri::command]
#[specta::specta]
pub fn start_with_computer(desk: State<'_, Desk>, on: bool) -> Result<(), Error> {
    let starts = desk.app().autolaunch();
    let done = if on { starts.enable() } else { starts.disable() };
    done.map_err(|error| {
        Error::new(
            Code::PermissionDenied,
            format!("The system did not take it: {error}."),
            "Add Patchbay to the programs that start with your session by hand.",
        )
    })
}

/// From where the gateway can be reached.
#[tauri::command]
#[specta::specta]
pub async fn gateway_reach(desk: State<'_, Desk>) -> Result<ReachView, Error> {
    gateway::reach(&desk.engine()?).await
}

/// Lets others than this machine call, or nobody else any more; it holds from the gateway's next start.
#[tauri::command]
#[specta::specta]
pub async fn set_gateway_reach(
    desk: State<'_, Desk>,
    address: Option<String>,
    hosts: Vec<String>,
) -> Result<ReachView, Error> {
    gateway::set_reach(&desk.engine()?, address, hosts).await
}
