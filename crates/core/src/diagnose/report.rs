//! The report of a connection test, as the window and the command line show it.

use serde::{Deserialize, Serialize};

use super::ToldLimit;
use crate::balance::Balance;
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
    /// It does so in pieces, with its usage at the end.
    Stream,
    /// It calls a tool. Asked for only by a deep test.
    Tools,
    /// It keeps to a JSON schema. Asked for only by a deep test.
    Schema,
    /// A model of the list turns text into numbers. Asked for only by a deep test.
    Embeddings,
}

impl Stage {
    /// Those that every report lists, in order.
    pub const ALL: [Self; 6] = [Self::Dns, Self::Tcp, Self::Tls, Self::Auth, Self::Models, Self::Completion];
    /// Those that a report lists only where they were begun, in order.
    pub const MORE: [Self; 4] = [Self::Stream, Self::Tools, Self::Schema, Self::Embeddings];
    /// Those that a connection may fail without being broken: they tell what it can do.
    pub const OPTIONAL: [Self; 3] = [Self::Tools, Self::Schema, Self::Embeddings];

    /// Within a sentence: "Failed at auth".
    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "DNS",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Auth => "auth",
            Self::Models => "the model list",
            Self::Completion => "the tiny completion",
            Self::Stream => "the stream",
            Self::Tools => "tools",
            Self::Schema => "the JSON schema",
            Self::Embeddings => "embeddings",
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
    /// It works without: only what a deep test asks for can end so.
    Unsupported,
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
    /// The tiny completion is asked, whole and as a stream.
    Allowed,
    /// And what else the connection can do: tools, a JSON schema, embeddings.
    Deep,
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
    /// What the button works with: a base URL, the slug of a provider.
    pub value: Option<String>,
}

impl Remedy {
    /// With a button.
    pub(super) fn new(action: RemedyAction, text: impl Into<String>) -> Self {
        Self { text: text.into(), action: Some(action), value: None }
    }

    /// With a button that brings its value along.
    pub(super) fn with_value(action: RemedyAction, value: &str, text: impl Into<String>) -> Self {
        Self { text: text.into(), action: Some(action), value: Some(value.to_owned()) }
    }

    /// Without one: only a person can do it.
    pub(super) fn advice(text: impl Into<String>) -> Self {
        Self { text: text.into(), action: None, value: None }
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
    /// Makes the remedy's value the base URL.
    UseBaseUrl,
    /// Opens a new connection of the provider that the remedy's value names.
    AddInstead,
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
    /// In order: the first six always, further ones where they were begun.
    pub stages: Vec<StageReport>,
    /// What to do, first things first.
    pub remedies: Vec<Remedy>,
    /// The provider's raw answer, key masked; empty if none.
    pub answer: String,
    /// Models found by the list, at most 200.
    pub models: Vec<String>,
    /// What the test cost; `None` where nothing was asked, or the price is unknown.
    pub cost: Option<DecimalUsd>,
    /// What it taught beside the verdict; `None` in reports from before that was kept.
    pub learned: Option<Learned>,
}

/// What a test taught of a connection beside its verdict. `None` where it was not asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Learned {
    /// The limits that the provider told.
    pub limits: Vec<ToldLimit>,
    /// Own time minus the provider's, in seconds.
    pub skew_s: Option<i32>,
    /// Until the first token of the stream.
    pub first_token_ms: Option<u32>,
    /// Whether the stream told its usage at the end.
    pub stream_usage: Option<bool>,
    /// Whether it calls tools.
    pub tools: Option<bool>,
    /// Whether it keeps to a JSON schema.
    pub json_schema: Option<bool>,
    /// Whether it makes embeddings.
    pub embeddings: Option<bool>,
    /// What its account has left.
    pub balance: Option<Balance>,
}

/// What a test is going to do, told before it does it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct CheckPlan {
    /// The connection key.
    pub connection: String,
    /// How many paid questions it asks at most.
    pub questions: u32,
    /// Of this model; `None` where the list of models decides.
    pub model: Option<String>,
    /// What they cost at most, together; `None` where the price is not known.
    pub estimate: Option<DecimalUsd>,
}
