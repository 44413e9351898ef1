//! How the window looks. Kept beside the store, in a file of its own.

use patchbay_core::code::Code;
use patchbay_engine::desk::budgets;
use patchbay_engine::error::Error;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tauri::State;
use tauri_plugin_store::StoreExt;

use crate::state::Desk;

const KEY: &str = "preferences";

/// Which colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ThemeChoice {
    /// The system's.
    #[default]
    System,
    /// Light on dark.
    Dark,
    /// Dark on light.
    Light,
}

/// How wide the sidebar is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Sidebar {
    /// Icons and words.
    #[default]
    Full,
    /// Icons.
    Rail,
}

/// A column of Activity's log that can be left out. Time, status and cost always show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum LogColumn {
    /// Who called.
    App,
    /// What for.
    Feature,
    /// The model that was asked.
    Model,
    /// The connection, and whom the call tried before.
    Connection,
    /// In and out.
    Tokens,
    /// How long it took.
    Took,
}

/// How the window looks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Preferences {
    /// Which colours.
    pub theme: ThemeChoice,
    /// An IANA name; empty for the system's.
    pub zone: String,
    /// How wide the sidebar is.
    pub sidebar: Sidebar,
    /// Whether single keys act.
    pub single_keys: bool,
    /// In percent: 100, 110, 125, 150.
    pub text_size: u32,
    /// The screen to open with.
    pub last_screen: String,
    /// A window that is closed goes to the tray, and bots go on being served.
    pub keep_running: bool,
    /// Which columns Activity's log shows, where there is room for them.
    pub log_columns: Vec<LogColumn>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            theme: ThemeChoice::System,
            zone: String::new(),
            sidebar: Sidebar::Full,
            single_keys: true,
            text_size: 100,
            last_screen: String::new(),
            keep_running: false,
            log_columns: vec![
                LogColumn::App,
                LogColumn::Model,
                LogColumn::Connection,
                LogColumn::Tokens,
                LogColumn::Took,
            ],
        }
    }
}

/// The preferences; defaults where there are none or the file cannot be read.
pub(crate) fn read(desk: &Desk) -> Preferences {
    let stored =
        desk.preferences_file().and_then(|file| desk.app().store(file).ok()).and_then(|store| store.get(KEY));
    stored.and_then(complete).unwrap_or_default()
}

/// What an older Patchbay wrote, with today's defaults for what it did not know.
fn complete(stored: Value) -> Option<Preferences> {
    let mut whole = serde_json::json!(Preferences::default());
    let known = whole.as_object_mut()?;
    for (name, value) in stored.as_object()? {
        known.insert(name.clone(), value.clone());
    }
    serde_json::from_value(whole).ok()
}

/// How the window looks.
#[tauri::command]
#[specta::specta]
pub fn preferences(desk: State<'_, Desk>) -> Result<Preferences, Error> {
    Ok(read(&desk))
}

/// Changes how the window looks. The zone is everybody's: days of budgets and limits are cut in it.
#[tauri::command]
#[specta::specta]
pub async fn set_preferences(desk: State<'_, Desk>, preferences: Preferences) -> Result<(), Error> {
    if let Ok(engine) = desk.engine() {
        budgets::set_zone(&engine, preferences.zone.clone()).await?;
    }
    save(&desk, &preferences)
}

fn save(desk: &Desk, preferences: &Preferences) -> Result<(), Error> {
    let failed = |why: String| {
        Error::new(
            Code::DiskFull,
            format!("The preferences could not be saved: {why}."),
            "Make the data folder writable.",
        )
    };
    let file = desk.preferences_file().ok_or_else(|| failed("there is no data folder".to_owned()))?;
    let store = desk.app().store(file).map_err(|error| failed(error.to_string()))?;
    store.set(KEY, serde_json::json!(preferences));
    store.save().map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_of_an_older_patchbay_are_completed() {
        let older = serde_json::json!({ "theme": "dark", "sidebar": "rail", "gone": 1 });
        let whole = complete(older).expect("readable");
        assert_eq!(whole.log_columns, Preferences::default().log_columns);
        assert_eq!((whole.theme, whole.sidebar, whole.text_size), (ThemeChoice::Dark, Sidebar::Rail, 100));
    }
}
