//! A profile as routing sees it: a name with a chain of targets. The sampling fields are the dialects' affair.

use crate::id::{ConnectionId, ProfileId};

/// Where one step of a chain leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To that connection.
    Connection(ConnectionId),
    /// To the connections of that provider, by its slug, in their order.
    Provider(String),
}

/// One step of a chain, with a model of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where to.
    pub step: Step,
    /// The model id as that provider knows it.
    pub model: String,
}

/// What happens to a call when a connection is full (R4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// The other candidates first; if all are full, so many milliseconds for the first that has room.
    Rotate {
        /// At most.
        wait_ms: u64,
    },
    /// So many milliseconds for this one, then the next.
    Wait {
        /// At most.
        wait_ms: u64,
    },
    /// The call fails at the first connection that is full.
    Fail,
}

impl Default for WhenFull {
    fn default() -> Self {
        Self::Rotate { wait_ms: 10_000 }
    }
}

/// A profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its row.
    pub id: ProfileId,
    /// Unique; bots name it as a model.
    pub name: String,
    /// The immutable version in use.
    pub version: u32,
    /// The chain, in order.
    pub targets: Vec<Target>,
    /// Requests at the same time, on top of the connections' limits (M5).
    pub max_concurrent_requests: Option<u32>,
    /// What happens when a connection is full.
    pub when_full: WhenFull,
}
