//! The report of a connection test, as the window and the command line show it.

use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::money::DecimalUsd;
use crate::time::Timestamp;

/// A step of the test, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The host has an address.
    Dns,
    /// The port answers.
    Tcp,
    /// The certificate is good.
    Tls,
    /// The key is accepted.
    Auth,
    /// The models are listed, the default one among them.
    Models,
    /// The default model answers a question of a few tokens.
    Completion,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 6] = [Self::Dns, Self::Tcp, Self::Tls, Self::Auth, Self::Models, Self::Completion];

    /// Within a sentence: "Failed at auth".
    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "DNS",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Auth => "auth",
            Self::Models => "the model list",
            Self::Completion => "the tiny completion",
        }
    }
}

/// How a stage, or the whole test, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It works.
    Passed,
    /// It does not.
    Failed,
    /// It works and takes no more for now: not a failure.
    Limited,
    /// It was not tried, or not to its end.
    NotRun,
}

/// One stage as it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct StageReport {
    /// Which.
    pub stage: Stage,
    /// `None` while it runs.
    pub verdict: Option<Verdict>,
    /// Since the test began.
    pub started_ms: u32,
    /// `None` while it runs, and where it was not run.
    pub took_ms: Option<u32>,
    /// "openrouter.ai to 104.18.2.115"; why it was not run.
    pub evidence: String,
}

/// Whether a test may spend money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Spend {
    /// The tiny completion is asked.
    Allowed,
    /// Only what costs nothing.
    FreeOnly,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Remedy {
    /// A sentence.
    pub text: String,
    /// What its button does; `None` where only a person can do it.
    pub action: Option<RemedyAction>,
}

impl Remedy {
    /// With a button.
    pub(super) fn new(action: RemedyAction, text: impl Into<String>) -> Self {
        Self { text: text.into(), action: Some(action) }
    }

    /// Without one: only a person can do it.
    pub(super) fn advice(text: impl Into<String>) -> Self {
        Self { text: text.into(), action: None }
    }
}

/// What the button of a remedy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum RemedyAction {
    /// Opens the field for a new key.
    ReplaceKey,
    /// Opens the provider's page of keys in the browser.
    OpenKeysPage,
    /// Opens the base URL for editing.
    EditBaseUrl,
    /// Opens the choice of the default model.
    PickModel,
    /// Runs the test again.
    TestAgain,
    /// Pauses the connection.
    TurnOff,
    /// Asks the keychain to open.
    UnlockKeychain,
    /// Opens the timeout for editing.
    RaiseTimeout,
}

/// What a connection test found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct CheckReport {
    /// The connection key.
    pub connection: String,
    /// The connection's name.
    pub name: String,
    /// When the test began.
    pub at: Timestamp,
    /// All stages together.
    pub took_ms: u32,
    /// The whole.
    pub verdict: Verdict,
    /// The stage that broke; `None` when none did.
    pub failed_stage: Option<Stage>,
    /// Why; `None` when all passed.
    pub code: Option<Code>,
    /// One sentence: "Failed at auth: OpenAI does not accept this key".
    pub title: String,
    /// What happened and what it means.
    pub detail: String,
    /// All six, in order.
    pub stages: Vec<StageReport>,
    /// What to do, first things first.
    pub remedies: Vec<Remedy>,
    /// The provider's raw answer, key masked; empty if none.
    pub answer: String,
    /// Models found by the list, at most 200.
    pub models: Vec<String>,
    /// What the test cost; `None` where nothing was asked, or the price is unknown.
    pub cost: Option<DecimalUsd>,
}
