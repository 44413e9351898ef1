//! Every condition that a caller or the window branches on, and what the router does about it.

use serde::{Deserialize, Serialize};

/// A condition with a name. Text that is shown to people is written where the condition arises; code branches on this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// What was given does not fit: a range, a shape, a name.
    InvalidInput,
    /// There is no such connection, app, call, …
    NotFound,
    /// The name or key belongs to another one.
    NameTaken,
    /// Something else still points at it.
    InUse,
    /// This system runs no keychain.
    VaultAbsent,
    /// The keychain is there and closed.
    VaultLocked,
    /// The keychain, or the person at its dialog, said no.
    VaultDenied,
    /// The keychain failed in another way.
    VaultFailed,
    /// The connection needs a key and has none.
    CredentialMissing,
    /// The provider does not accept the key (401 and its disguises).
    KeyRefused,
    /// The key is known and may not do this (403).
    PermissionDenied,
    /// The account has no money or no quota left.
    QuotaExhausted,
    /// Too many requests for now (429), the provider's limit or an own one.
    RateLimited,
    /// The provider, or Patchbay, knows no such model.
    ModelNotFound,
    /// The provider refuses the request as it is.
    BadRequest,
    /// The connection's protocol has no words for something that the request asks for.
    Untranslatable,
    /// The prompt is longer than the model takes.
    ContextTooLong,
    /// The provider's content policy stopped it.
    ContentFiltered,
    /// The provider says that it is overloaded (503, 529).
    Overloaded,
    /// The provider failed (500, 502, an HTML page from its edge).
    UpstreamFailed,
    /// The provider answered 200 with something that is no answer.
    MalformedAnswer,
    /// No connection, no first byte, or no next byte in time.
    TimedOut,
    /// The stream ended before its end.
    StreamCut,
    /// No address, no route, connection refused, TLS failed.
    NetworkFailed,
    /// This machine has no network.
    Offline,
    /// The caller went away.
    Cancelled,
    /// All traffic is stopped by the kill switch.
    Stopped,
    /// A budget that stops calls is used up.
    BudgetExceeded,
    /// No connection may serve this call.
    NoCandidate,
    /// Another program has the port.
    PortInUse,
    /// The app's token is missing or wrong.
    Unauthorized,
    /// The request is refused for what it is (its Host, its Origin).
    Forbidden,
    /// No space left for the store.
    DiskFull,
    /// The store was written by a newer Patchbay.
    DatabaseNewer,
    /// The store failed in another way.
    DatabaseFailed,
    /// A mistake of Patchbay's own.
    Internal,
}

/// What an attempt's failure means for the rest of the call and for its connection (behaviours F3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The next candidate is tried.
    pub rotate: Rotate,
    /// The same connection is tried again first, with backoff, up to its `max_retries`.
    pub retry_same: Retry,
    /// It counts against the connection's health.
    pub health: Blame,
}

/// Whether the next candidate is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotate {
    /// Yes.
    Next,
    /// No: another connection would answer the same.
    Stop,
}

/// Whether the same connection is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// No.
    Never,
    /// Once at most.
    Once,
    /// Up to the connection's `max_retries`.
    Backoff,
}

/// Whose fault it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// Nobody's: health does not change.
    Nobody,
    /// The connection's: it counts as an error.
    Connection,
    /// The account's or the key's: the connection needs a person's attention.
    Account,
}

impl Code {
    /// The row of behaviours F3 for this class of error.
    pub fn policy(self) -> Policy {
        use Code as C;
        let (retry_same, rotate, health) = match self {
            C::QuotaExhausted | C::KeyRefused | C::PermissionDenied => {
                (Retry::Never, Rotate::Next, Blame::Account)
            }
            C::RateLimited
            | C::ModelNotFound
            | C::Untranslatable
            | C::CredentialMissing
            | C::VaultAbsent
            | C::VaultLocked
            | C::VaultDenied
            | C::VaultFailed => (Retry::Never, Rotate::Next, Blame::Nobody),
            C::Overloaded | C::UpstreamFailed | C::TimedOut | C::NetworkFailed | C::StreamCut => {
                (Retry::Backoff, Rotate::Next, Blame::Connection)
            }
            C::MalformedAnswer => (Retry::Once, Rotate::Next, Blame::Connection),
            _ => (Retry::Never, Rotate::Stop, Blame::Nobody),
        };
        Policy { rotate, retry_same, health }
    }

    /// The name on the wire, in the ledger and in `--json`.
    pub fn as_str(self) -> &'static str {
        use Code as C;
        match self {
            C::InvalidInput => "invalid_input",
            C::NotFound => "not_found",
            C::NameTaken => "name_taken",
            C::InUse => "in_use",
            C::VaultAbsent => "vault_absent",
            C::VaultLocked => "vault_locked",
            C::VaultDenied => "vault_denied",
            C::VaultFailed => "vault_failed",
            C::CredentialMissing => "credential_missing",
            C::KeyRefused => "key_refused",
            C::PermissionDenied => "permission_denied",
            C::QuotaExhausted => "quota_exhausted",
            C::RateLimited => "rate_limited",
            C::ModelNotFound => "model_not_found",
            C::BadRequest => "bad_request",
            C::Untranslatable => "untranslatable",
            C::ContextTooLong => "context_too_long",
            C::ContentFiltered => "content_filtered",
            C::Overloaded => "overloaded",
            C::UpstreamFailed => "upstream_failed",
            C::MalformedAnswer => "malformed_answer",
            C::TimedOut => "timed_out",
            C::StreamCut => "stream_cut",
            C::NetworkFailed => "network_failed",
            C::Offline => "offline",
            C::Cancelled => "cancelled",
            C::Stopped => "stopped",
            C::BudgetExceeded => "budget_exceeded",
            C::NoCandidate => "no_candidate",
            C::PortInUse => "port_in_use",
            C::Unauthorized => "unauthorized",
            C::Forbidden => "forbidden",
            C::DiskFull => "disk_full",
            C::DatabaseNewer => "database_newer",
            C::DatabaseFailed => "database_failed",
            C::Internal => "internal",
        }
    }

    /// The code of that name; `None` for a name that an older or newer Patchbay wrote.
    pub fn parse(name: &str) -> Option<Self> {
        serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f3_a_bad_prompt_neither_rotates_nor_hurts() {
        for code in [
            Code::BadRequest,
            Code::ContextTooLong,
            Code::ContentFiltered,
            Code::Cancelled,
            Code::Offline,
            Code::BudgetExceeded,
        ] {
            let policy = code.policy();
            assert_eq!((policy.rotate, policy.health), (Rotate::Stop, Blame::Nobody), "{code:?}");
        }
    }

    #[test]
    fn f3_an_account_in_trouble_rotates_and_asks_for_a_person() {
        for code in [Code::KeyRefused, Code::PermissionDenied, Code::QuotaExhausted] {
            assert_eq!(
                code.policy(),
                Policy { rotate: Rotate::Next, retry_same: Retry::Never, health: Blame::Account }
            );
        }
    }

    #[test]
    fn names_are_read_back() {
        for code in [Code::VaultLocked, Code::NoCandidate, Code::DatabaseNewer, Code::UpstreamFailed] {
            assert_eq!(Code::parse(code.as_str()), Some(code));
        }
        assert_eq!(Code::parse("no_such_code"), None);
    }
}
