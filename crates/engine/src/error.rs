//! What the engine says when it refuses: a code to branch on, a sentence of what and why, and what to do.

use patchbay_core::code::Code;
use patchbay_core::dialect::Failure;
use patchbay_store::StoreError;
use patchbay_store::vault::VaultError;
use serde::Serialize;
use thiserror::Error;

/// A refusal that people and programs can act on. It never holds a secret.
#[derive(Clone, Debug, Error, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename = "CommandError")]
#[error("{message}")]
pub struct Error {
    /// What callers branch on.
    pub code: Code,
    /// What happened, and why.
    pub message: String,
    /// What to do; may be empty.
    pub hint: String,
}

impl Error {
    /// An error with a remedy.
    pub fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: hint.into() }
    }

    /// Input that does not fit.
    pub fn invalid(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Code::InvalidInput, message, hint)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::new(error.code(), error.to_string(), error.hint())
    }
}

impl From<VaultError> for Error {
    fn from(error: VaultError) -> Self {
        Self::new(error.code(), error.to_string(), error.hint())
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::new(failure.code, failure.message, remedy(failure.code))
    }
}

/// What happened and what to do, in one text: for callers that show nothing else.
pub fn told(message: &str, hint: &str) -> String {
    // Providers often leave out the full stop, and another sentence follows.
    let is_ended = message.is_empty() || message.ends_with(['.', '!', '?', '…', ':']);
    let stop = if is_ended { "" } else { "." };
    if hint.is_empty() { format!("{message}{stop}") } else { format!("{message}{stop} {hint}") }
}

/// What usually helps against an upstream failure.
pub fn remedy(code: Code) -> &'static str {
    match code {
        Code::KeyRefused => "Replace the key of this connection, then test it.",
        Code::PermissionDenied => "Use a key that may do this, or another model.",
        Code::QuotaExhausted => "Add credit at the provider, or let another connection answer.",
        Code::RateLimited => "Wait for the limit to reset, raise it, or add a second connection.",
        Code::ModelNotFound => {
            "Choose a model from the list: GET /v1/models or `patchbay connections show KEY`."
        }
        Code::BadRequest => "Correct the request; no connection would take it as it is.",
        Code::Untranslatable => {
            "Leave that out, or name a connection that speaks the request's own protocol."
        }
        Code::ContextTooLong => "Shorten the prompt or use a model with a larger context.",
        Code::ContentFiltered => "Change the prompt; the provider's policy stopped it.",
        Code::Overloaded | Code::UpstreamFailed => "Try again soon, or add a connection to fail over to.",
        Code::MalformedAnswer => "Check the base URL: the address answers, but not as this protocol does.",
        Code::TimedOut => "Try again, or raise the timeout of the connection.",
        Code::StreamCut => "Ask again; the provider ended the stream before its end.",
        Code::NetworkFailed => "Check the base URL, and that its server runs.",
        Code::Offline => "Connect this machine to a network. Local connections still answer.",
        Code::NoCandidate => "Turn on, test or repair a connection that has the model.",
        Code::CredentialMissing => "Replace the key of this connection.",
        Code::VaultAbsent => VaultError::Absent.hint(),
        Code::VaultLocked => VaultError::Locked.hint(),
        Code::VaultDenied => VaultError::Denied.hint(),
        Code::VaultFailed => VaultError::Failed(String::new()).hint(),
        Code::DiskFull => "Free some space or make the data folder writable, then try again.",
        Code::DatabaseFailed | Code::Internal => "Try again. If it stays, start Patchbay again.",
        Code::BudgetExceeded => {
            "Wait for it to begin anew, raise it, or resume with more: `patchbay budgets resume`."
        }
        Code::Stopped => "Resume traffic in the window, or with `patchbay resume`.",
        _ => "",
    }
}
