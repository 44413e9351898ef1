//! Importing connections.

use std::path::PathBuf;

use patchbay_core::secret::Secret;
use patchbay_engine::desk::imports::{self, Import, Source};
use patchbay_engine::error::Error;
use serde::Deserialize;
use tauri::State;

use crate::state::Desk;

/// Where connections are looked for.
#[derive(Debug, Deserialize, specta::Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ImportSource {
    /// The variables that the window was started with.
    Environment,
    /// Model servers on this machine.
    Machine,
    /// `.env`, LiteLLM's `config.yaml`, or an export of Patchbay's.
    File {
        /// Where it is.
        path: PathBuf,
    },
}

impl From<ImportSource> for Source {
    fn from(source: ImportSource) -> Self {
        match source {
            ImportSource::Environment => Self::Environment,
            ImportSource::Machine => Self::Machine,
            ImportSource::File { path } => Self::File(path),
        }
    }
}

/// Tells what an import would make. No key is read, and none comes to the page.
#[tauri::command]
#[specta::specta]
pub async fn import_plan(
    desk: State<'_, Desk>,
    source: ImportSource,
    passphrase: Option<String>,
) -> Result<Import, Error> {
    imports::plan(&desk.engine()?, &source.into(), || typed(passphrase)).await
}

/// Makes what was chosen by its origin, and everything else that an export says.
#[tauri::command]
#[specta::specta]
pub async fn import_apply(
    desk: State<'_, Desk>,
    source: ImportSource,
    chosen: Vec<String>,
    passphrase: Option<String>,
) -> Result<Import, Error> {
    imports::apply(&desk.engine()?, &source.into(), Some(chosen), || typed(passphrase)).await
}

/// The passphrase of a sealed file, where one was typed.
fn typed(passphrase: Option<String>) -> Result<Secret, Error> {
    passphrase.map(Secret::new).ok_or_else(imports::sealed)
}
