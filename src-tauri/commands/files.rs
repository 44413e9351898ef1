//! The system's file chooser. The page gets the path that a person chose, and no way into the file.

use patchbay_engine::error::Error;
use serde::Deserialize;
use tauri::{AppHandle, WebviewWindow};
use tauri_plugin_dialog::{DialogExt, FileDialogBuilder};
use tokio::sync::oneshot;

/// What a file is chosen for.
#[derive(Clone, Copy, Debug, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum FilePurpose {
    /// Something to import: any file, as `.env` has no ending.
    Import,
    /// A picture or a text that goes along with a prompt.
    Attach,
    /// A copy to put back.
    Restore,
    /// A place for a copy without keys.
    BackUp,
    /// A place for a sealed copy.
    BackUpSealed,
}

/// Asks the person at the window for a file; `None` where nothing was chosen.
#[tauri::command]
#[specta::specta]
pub async fn choose_file(
    app: AppHandle,
    window: WebviewWindow,
    purpose: FilePurpose,
) -> Result<Option<String>, Error> {
    let (chosen, answer) = oneshot::channel();
    let dialog = app.dialog().file().set_parent(&window);
    // Nobody waits any more where the window is closed meanwhile.
    let tell = move |path: Option<tauri_plugin_dialog::FilePath>| drop(chosen.send(path));
    match purpose {
        FilePurpose::Import => dialog.set_title("Import connections").pick_file(tell),
        FilePurpose::Attach => dialog.set_title("Attach a picture or a text").pick_file(tell),
        FilePurpose::Restore => {
            let endings = ["db", "age"];
            dialog.set_title("Restore a backup").add_filter("Backups", &endings).pick_file(tell);
        }
        FilePurpose::BackUp => place(dialog, "patchbay.db").save_file(tell),
        FilePurpose::BackUpSealed => place(dialog, "patchbay.age").save_file(tell),
    }
    let path = answer.await.ok().flatten().and_then(|path| path.into_path().ok());
    Ok(path.map(|path| path.display().to_string()))
}

fn place(dialog: FileDialogBuilder<tauri::Wry>, name: &str) -> FileDialogBuilder<tauri::Wry> {
    dialog.set_title("Back up everything").set_file_name(name)
}
