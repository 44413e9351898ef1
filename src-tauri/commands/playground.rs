//! A prompt by hand.

use patchbay_engine::call::Caller;
use patchbay_engine::desk::playground::{
    self, Attachment, PlaygroundEstimate, PlaygroundEvent, PlaygroundRequest,
};
use patchbay_engine::desk::providers::{self, Target};
use patchbay_engine::error::Error;
use tauri::State;
use tauri::ipc::Channel;

use super::to_page;
use crate::state::Desk;

/// Everything that a prompt can be sent to.
#[tauri::command]
#[specta::specta]
pub fn targets(desk: State<'_, Desk>) -> Result<Vec<Target>, Error> {
    providers::targets(&desk.engine()?)
}

/// Asks, and tells on the channel what happens until the end. `run` is a name by which it can be stopped.
#[tauri::command]
#[specta::specta]
pub async fn playground_run(
    desk: State<'_, Desk>,
    run: String,
    request: PlaygroundRequest,
    on_event: Channel<PlaygroundEvent>,
) -> Result<(), Error> {
    let caller = Caller { app: "playground".into(), feature: "playground".into(), ..Caller::default() };
    playground::run(&desk.engine()?, &run, caller, request, to_page(on_event)).await
}

/// What a prompt takes and costs at most; `None` where nobody would answer.
#[tauri::command]
#[specta::specta]
pub async fn playground_estimate(
    desk: State<'_, Desk>,
    request: PlaygroundRequest,
) -> Result<Option<PlaygroundEstimate>, Error> {
    playground::estimate(&desk.engine()?, request).await
}

/// Looks at a file before it goes along with a prompt.
#[tauri::command(async)]
#[specta::specta]
pub fn playground_attach(path: String) -> Result<Attachment, Error> {
    playground::look(&path)
}

/// Stops a run.
#[tauri::command]
#[specta::specta]
pub fn playground_stop(desk: State<'_, Desk>, run: String) -> Result<(), Error> {
    playground::stop(&*desk.engine()?, &run);
    Ok(())
}
