//! The page's commands, by noun. Their bodies only unpack arguments.

pub(crate) mod activity;
pub(crate) mod alerts;
pub(crate) mod apps;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod budgets;
pub(crate) mod charts;
pub(crate) mod checks;
pub(crate) mod connections;
pub(crate) mod credentials;
pub(crate) mod demo;
pub(crate) mod files;
pub(crate) mod imports;
pub(crate) mod models;
pub(crate) mod overview;
pub(crate) mod playground;
pub(crate) mod preferences;
pub(crate) mod prices;
pub(crate) mod profiles;
pub(crate) mod providers;
pub(crate) mod retention;
pub(crate) mod running;
pub(crate) mod status;
pub(crate) mod usage;
pub(crate) mod vault;
pub(crate) mod views;

use serde::Serialize;
use tauri::ipc::Channel;
use tokio::sync::mpsc;

/// A sender whose messages go to the page, in order, until either end is gone.
fn to_page<T: Serialize + Send + 'static>(channel: Channel<T>) -> mpsc::Sender<T> {
    let (sender, mut receiver) = mpsc::channel(64);
    tauri::async_runtime::spawn(async move {
        while let Some(message) = receiver.recv().await {
            if channel.send(message).is_err() {
                return;
            }
        }
    });
    sender
}
