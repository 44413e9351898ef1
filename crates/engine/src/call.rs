//! A request on its way in, and who watches it.

use std::time::Instant;

use patchbay_core::chat::Delivery;
use patchbay_core::dialect::{Failure, Inbound, Task};
use patchbay_core::id::{CallId, ProfileId};
use patchbay_core::ledger::UsageType;
use patchbay_core::route::Directory;
use tokio::sync::mpsc;

/// A request on its way in.
#[derive(Debug)]
pub struct Call {
    /// Its id, which every attempt carries.
    pub id: CallId,
    /// The body.
    pub inbound: Inbound,
    /// Who asks.
    pub caller: Caller,
    /// What is called.
    pub usage_type: UsageType,
    /// The profile that it names, once it is known.
    pub profile: Option<Called>,
    /// Told of each attempt while it runs; most callers do not listen.
    pub watcher: Option<mpsc::Sender<AttemptSeen>>,
    /// When it was read.
    pub(crate) arrived: Instant,
}

impl Call {
    /// A call with a fresh id and nobody watching.
    pub fn new(inbound: Inbound, caller: Caller) -> Self {
        Self {
            id: CallId(uuid::Uuid::now_v7()),
            usage_type: match inbound.task {
                Task::Chat => UsageType::Chat,
                Task::Embed(_) => UsageType::Embedding,
                Task::Count => UsageType::Count,
            },
            inbound,
            caller,
            profile: None,
            watcher: None,
            arrived: Instant::now(),
        }
    }

    /// The same, completed by the profile that its model names, if it names one.
    pub(crate) fn by_profile(self, directory: &Directory) -> Self {
        let Some(profile) = directory.profile_of(&self.inbound.model) else { return self };
        let called = Called { id: profile.id, name: profile.name.clone(), version: profile.version };
        Self { inbound: self.inbound.by_recipe(&profile.recipe), profile: Some(called), ..self }
    }

    /// Whether the caller wants events.
    pub(crate) fn is_streamed(&self) -> bool {
        self.inbound.delivery == Delivery::Streamed
    }
}

/// A profile as a call names it: the version in use when it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// Its row.
    pub id: ProfileId,
    /// Its name.
    pub name: String,
    /// The version.
    pub version: u32,
}

/// Who asks, and what for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The app's name.
    pub app: String,
    /// Empty where nobody said.
    pub feature: String,
    /// Groups calls into one decision.
    pub signal: Option<String>,
}

/// An attempt as it goes, for a caller that shows the route.
#[derive(Clone, Debug)]
pub struct AttemptSeen {
    /// From 1.
    pub number: u32,
    /// The connection key.
    pub connection: String,
    /// The connection's name.
    pub connection_name: String,
    /// The model asked of it.
    pub model: String,
    /// `None` while it runs; then why it failed.
    pub failure: Option<Failure>,
    /// How long it took; 0 while it runs.
    pub took_ms: u64,
}
