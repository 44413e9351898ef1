//! Is it up, and stop.

use patchbay_engine::desk::status::{self, Bootstrap, Status};
use patchbay_engine::error::Error;
use tauri::State;

use crate::state::Desk;

/// What the window needs before its first paint; an error here is a problem of the whole window.
#[tauri::command]
#[specta::specta]
pub async fn bootstrap(desk: State<'_, Desk>) -> Result<Bootstrap, Error> {
    let engine = tauri::async_runtime::spawn_blocking({
        let app = desk.app().clone();
        move || tauri::Manager::state::<Desk>(&app).reopen()
    });
    let engine = engine
        .await
        .map_err(|error| Error::new(patchbay_core::code::Code::Internal, error.to_string(), ""))??;
    status::bootstrap(&engine).await
}

/// The status bar.
#[tauri::command]
#[specta::specta]
pub async fn status(desk: State<'_, Desk>) -> Result<Status, Error> {
    status::status(&desk.engine()?, desk.zone()).await
}

/// Stops all calls until `traffic_resume`.
#[tauri::command]
#[specta::specta]
pub async fn traffic_stop(desk: State<'_, Desk>) -> Result<(), Error> {
    status::stop(&desk.engine()?, "you, in the window").await
}

/// Lets calls through again.
#[tauri::command]
#[specta::specta]
pub async fn traffic_resume(desk: State<'_, Desk>) -> Result<(), Error> {
    status::resume(&desk.engine()?).await
}

/// Listens again, on another port where one is given.
#[tauri::command]
#[specta::specta]
pub async fn gateway_listen(desk: State<'_, Desk>, port: Option<u16>) -> Result<(), Error> {
    status::listen(&desk.engine()?, port).await.map(|_| ())
}
