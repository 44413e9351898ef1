//! A row of the ledger before it is a row (behaviours C1).

use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::id::{CallId, ConnectionId};
use crate::time::Timestamp;
use crate::usage::{Cost, TokenUsage};

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The caller has the whole answer.
    Answered,
    /// An error.
    Failed,
    /// The provider's or an own limit.
    Limited,
    /// The caller went away.
    Cancelled,
    /// A stream that ended before its end, after the first token.
    Cut,
    /// Patchbay itself ended in the middle of it.
    Interrupted,
}

impl Outcome {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Limited => "limited",
            Self::Cancelled => "cancelled",
            Self::Cut => "cut",
            Self::Interrupted => "interrupted",
        }
    }
}

/// What was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageType {
    /// A chat completion.
    Chat,
    /// An embedding.
    Embedding,
    /// Part of a connection test.
    Test,
    /// Counting tokens.
    Count,
}

impl UsageType {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embedding => "embedding",
            Self::Test => "test",
            Self::Count => "count",
        }
    }
}

/// Where a row comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A real attempt.
    #[default]
    Real,
    /// Made by the sample data; removable.
    Sample,
}

/// The labels of an attempt, as they were. Every combination is stored once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Series {
    /// The connection's row at the time.
    pub connection_id: ConnectionId,
    /// Its key at the time.
    pub connection_key: String,
    /// Its name at the time.
    pub connection_name: String,
    /// The provider's slug.
    pub provider: String,
    /// The model that was asked of the provider.
    pub model: String,
    /// The app's name; `playground`, `command line` or `test` for Patchbay's own.
    pub app: String,
    /// Empty where nobody said.
    pub feature: String,
    /// Empty where no profile was used.
    pub profile: String,
    /// What was called.
    pub usage_type: UsageType,
    /// How it ended.
    pub outcome: Outcome,
    /// Real or sample.
    pub origin: Origin,
}

/// Whether an attempt ended its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// Another attempt follows.
    Earlier,
    /// The last one: it decides how the call ended.
    Final,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsageRow {
    /// Joins the attempts of a call.
    pub call: CallId,
    /// From 1.
    pub attempt: u32,
    /// When the attempt began.
    pub at: Timestamp,
    /// Its labels.
    pub series: Series,
    /// Whether it ended its call.
    pub position: Position,
    /// Groups calls into one decision.
    pub signal: Option<String>,
    /// The profile's version.
    pub profile_version: Option<u32>,
    /// What the caller asked for.
    pub requested_model: String,
    /// The credential that was used.
    pub credential_version: Option<u32>,
    /// Tokens.
    pub usage: TokenUsage,
    /// Money.
    pub cost: Cost,
    /// The whole attempt.
    pub total_ms: u64,
    /// Until the first piece of the answer.
    pub first_token_ms: Option<u64>,
    /// The provider's HTTP status.
    pub status: Option<u16>,
    /// The class of the error.
    pub error: Option<Code>,
    /// Redacted text of the error.
    pub message: Option<String>,
    /// Why the model stopped.
    pub finish_reason: Option<String>,
    /// Whether the answer came as a stream.
    pub streamed: bool,
    /// The provider's own id of the request.
    pub upstream_id: Option<String>,
    /// What the call met on its way to this attempt; `None` where it came straight.
    #[serde(default)]
    pub detours: Option<Detours>,
}

/// What a call met on its way to an attempt, or after it: the story that `patchbay log show` tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detours {
    /// Milliseconds in the queue and between tries.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub waited_ms: u64,
    /// Milliseconds that a drill held it back for, which pretended that it is slow.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub held_ms: u64,
    /// It was asked beside an attempt that was still on its way and had taken so many milliseconds, longer than usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside_after_ms: Option<u64>,
    /// Who was passed by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
    /// Who had no room either, after the call's last attempt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_vain: Vec<Skipped>,
}

/// A connection that was passed by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Its name as it was.
    pub connection: String,
    /// Why, in words.
    pub reason: String,
}

impl Detours {
    /// Itself, unless there is nothing to tell.
    pub fn told(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_nothing(ms: &u64) -> bool {
    *ms == 0
}

impl UsageRow {
    /// Whether this attempt answered a call at which an earlier attempt had failed. One that was asked beside a slow one was only
    /// faster.
    pub fn saved_its_call(&self) -> bool {
        let is_beside = self.detours.as_ref().is_some_and(|detours| detours.beside_after_ms.is_some());
        let is_end = self.position == Position::Final && self.series.outcome == Outcome::Answered;
        is_end && self.attempt > 1 && !is_beside
    }
}
