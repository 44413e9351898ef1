//! The Demo provider and the sample data.

use patchbay_engine::demo::DemoFault;
use patchbay_engine::demo::sample::SampleOptions;
use patchbay_engine::desk::demo;
use patchbay_engine::error::Error;
use tauri::State;

use crate::state::Desk;

/// Adds the Demo provider and 30 days of sample data.
#[tauri::command]
#[specta::specta]
pub async fn demo_load(desk: State<'_, Desk>) -> Result<(), Error> {
    demo::load(&desk.engine()?, SampleOptions::default(), desk.zone()).await.map(|_| ())
}

/// Removes both.
#[tauri::command]
#[specta::specta]
pub async fn demo_clear(desk: State<'_, Desk>) -> Result<(), Error> {
    demo::clear(&desk.engine()?).await
}

/// Makes the Demo provider fail, or answer again.
#[tauri::command]
#[specta::specta]
pub async fn demo_fault(desk: State<'_, Desk>, fault: DemoFault) -> Result<(), Error> {
    demo::pretend(&desk.engine()?, fault).await
}
