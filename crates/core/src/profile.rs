//! Profiles: a name that bots call as a model, with a chain of targets and everything that is sent with a call.
//!
//! A person writes a [`Spec`]; every edit makes a new version of it, and none changes (M2). Routing and the dialects take the
//! [`Profile`] that is compiled from the version in use.

mod advice;
mod effective;
mod recipe;
mod replacement;
mod spec;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use advice::{ProfileHint, TargetFacts, hints};
pub use effective::{EffectiveSetting, SettingLevel, effective};
pub use recipe::{Recipe, WhenUntaken};
pub use replacement::{Offered, replacement};
pub use spec::{
    AnswerFormat, AnyJson, FullPolicy, Place, Spec, SpecError, SpecTarget, ToolSpec, ToolUse, is_profile_name,
};

use crate::connection::Limits;
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

/// What happens when a target is slower than it usually is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum WhenSlow {
    /// Wait for it, as long as its timeouts allow.
    #[default]
    Wait,
    /// Ask the next target as well; whichever answers first is taken, and both are on the ledger.
    AskNext,
}

/// Whether calls of a profile may be streamed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Streams {
    /// As each connection says.
    #[default]
    AsConnection,
    /// Yes, even where the connection says no; a provider that cannot stream still does not.
    Allowed,
    /// No.
    Refused,
}

/// How calls of a profile are made, apart from what is sent. `None` leaves it to the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conduct {
    /// On top of the connections' own (M5).
    pub limits: Limits,
    /// What happens when a connection is full.
    pub when_full: WhenFull,
    /// What happens when a target is slower than it usually is.
    pub when_slow: WhenSlow,
    /// Attempts of one call at most, 1..=20.
    pub attempts: Option<u32>,
    /// Until the first byte, in milliseconds.
    pub first_byte_ms: Option<u32>,
    /// See [`Streams`].
    pub streams: Streams,
}

/// The version of a profile that is in use.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Its row.
    pub id: ProfileId,
    /// Unique; bots name it as a model.
    pub name: String,
    /// The immutable version in use.
    pub version: u32,
    /// The chain, in order.
    pub targets: Vec<Target>,
    /// What is sent where the caller says nothing.
    pub recipe: Arc<Recipe>,
    /// How its calls are made.
    pub conduct: Conduct,
}

impl Profile {
    /// A chain that sends nothing of its own.
    pub fn chain(id: ProfileId, name: impl Into<String>, version: u32, targets: Vec<Target>) -> Self {
        Self { id, name: name.into(), version, targets, recipe: Arc::default(), conduct: Conduct::default() }
    }
}
