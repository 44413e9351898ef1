//! What changed, for whoever shows it.

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

/// A part of the store or of the engine's state that shells show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
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

/// The sending end. Nobody has to listen.
#[derive(Clone, Debug)]
pub struct Changes(broadcast::Sender<Changed>);

impl Default for Changes {
    fn default() -> Self {
        Self(broadcast::Sender::new(256))
    }
}

impl Changes {
    /// Tells everybody who listens.
    pub fn send(&self, changed: Changed) {
        // An error means that nobody listens.
        let _ = self.0.send(changed);
    }

    /// Listens from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Changed> {
        self.0.subscribe()
    }
}
