//! The one event that the page hears: which part of what it shows is out of date.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use patchbay_engine::Engine;
use patchbay_engine::changes;
use serde::{Deserialize, Serialize};
use tauri::AppHandle;
use tauri_specta::Event;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout_at};

/// Changes within this time are told together: a busy gateway writes hundreds of rows a second.
const TOGETHER: Duration = Duration::from_millis(100);

/// A part of the store or of the engine's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, specta::Type, Event)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// Connections, credentials, their order.
    Connections,
    /// The ledger.
    Usage,
    /// Calls on their way.
    Running,
    /// The gateway, the kill switch, the drill in force, the ledger's health.
    Status,
    /// Apps and tokens.
    Apps,
    /// Settings and sample data.
    Settings,
    /// Reports of connection tests.
    Checks,
    /// Providers, models and prices.
    Models,
    /// Budgets.
    Budgets,
    /// Alerts and their rules.
    Alerts,
    /// Profiles and aliases.
    Profiles,
    /// Saved views.
    Views,
}

impl Changed {
    const ALL: [Self; 12] = [
        Self::Connections,
        Self::Usage,
        Self::Running,
        Self::Status,
        Self::Apps,
        Self::Settings,
        Self::Checks,
        Self::Models,
        Self::Budgets,
        Self::Alerts,
        Self::Profiles,
        Self::Views,
    ];
}

impl From<changes::Changed> for Changed {
    fn from(changed: changes::Changed) -> Self {
        match changed {
            changes::Changed::Connections => Self::Connections,
            changes::Changed::Usage => Self::Usage,
            changes::Changed::Running => Self::Running,
            changes::Changed::Status => Self::Status,
            changes::Changed::Apps => Self::Apps,
            changes::Changed::Settings => Self::Settings,
            changes::Changed::Checks => Self::Checks,
            changes::Changed::Models => Self::Models,
            changes::Changed::Budgets => Self::Budgets,
            changes::Changed::Alerts => Self::Alerts,
            changes::Changed::Profiles => Self::Profiles,
            changes::Changed::Views => Self::Views,
        }
    }
}

/// Tells the page of the engine's changes for as long as both live.
pub(crate) fn forward(app: &AppHandle, engine: &Arc<Engine>) {
    let mut news = engine.changes().subscribe();
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        loop {
            let mut together = BTreeSet::new();
            let mut next = news.recv().await;
            let until = Instant::now() + TOGETHER;
            loop {
                match next {
                    Ok(changed) => together.extend([Changed::from(changed)]),
                    // Missed some: everything may be out of date.
                    Err(RecvError::Lagged(_)) => together.extend(Changed::ALL),
                    Err(RecvError::Closed) => return,
                }
                match timeout_at(until, news.recv()).await {
                    Ok(result) => next = result,
                    Err(_) => break,
                }
            }
            for changed in together {
                if let Err(error) = changed.emit(&app) {
                    tracing::debug!(%error, "no page hears of a change");
                }
            }
        }
    });
}
