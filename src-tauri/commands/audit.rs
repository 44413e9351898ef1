//! The audit log.

use patchbay_engine::desk::audit::{self, AuditPage, AuditQuery, AuditVerdict, Exported, Format};
use patchbay_engine::error::Error;
use tauri::State;

use crate::state::Desk;

/// One page of entries, the newest first; `before` continues an earlier page.
#[tauri::command]
#[specta::specta]
pub async fn audit(
    desk: State<'_, Desk>,
    query: AuditQuery,
    before: Option<u32>,
    limit: u32,
) -> Result<AuditPage, Error> {
    audit::list(&desk.engine()?, query, before, limit).await
}

/// Reads the whole chain of hashes.
#[tauri::command]
#[specta::specta]
pub async fn audit_verify(desk: State<'_, Desk>) -> Result<AuditVerdict, Error> {
    audit::verify(&desk.engine()?).await
}

/// Writes the entries that fit into a file in the data folder.
#[tauri::command]
#[specta::specta]
pub async fn audit_export(
    desk: State<'_, Desk>,
    query: AuditQuery,
    format: Format,
) -> Result<Exported, Error> {
    audit::export_to_folder(&desk.engine()?, query, format, desk.zone()).await
}
