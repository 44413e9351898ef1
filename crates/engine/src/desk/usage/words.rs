//! What groups are called where people read.

use patchbay_core::code::Code;
use patchbay_core::report::GroupBy;

use crate::snapshot::Snapshot;

/// A cause of failed attempts, in a few words.
pub(crate) fn cause(class: &str) -> &'static str {
    let Some(code) = Code::parse(class) else { return "Not recorded" };
    match code {
        Code::RateLimited => "Rate limit, 429",
        Code::QuotaExhausted => "Quota used up",
        Code::KeyRefused => "Key rejected, 401",
        Code::PermissionDenied => "Not permitted, 403",
        Code::TimedOut => "Timeout",
        Code::UpstreamFailed => "Server error, 5xx",
        Code::Overloaded => "Overloaded",
        Code::NetworkFailed => "No connection",
        Code::Offline => "This machine offline",
        Code::MalformedAnswer => "Unreadable answer",
        Code::StreamCut => "Stream cut off",
        Code::ContentFiltered => "Content filter",
        Code::ContextTooLong => "Context too long",
        Code::ModelNotFound => "Model not found",
        Code::BadRequest => "Bad request",
        Code::Cancelled => "Cancelled by the bot",
        Code::CredentialMissing => "No key",
        Code::VaultAbsent | Code::VaultLocked | Code::VaultDenied | Code::VaultFailed => {
            "Keychain not readable"
        }
        _ => "Other",
    }
}

/// The name of a group.
pub(super) fn name(snapshot: &Snapshot, by: GroupBy, key: &str) -> String {
    match by {
        GroupBy::Connection => {
            let known = snapshot.connections.iter().find(|connection| connection.key == key);
            known.map_or_else(|| key.to_owned(), |connection| connection.name.clone())
        }
        GroupBy::Provider => snapshot.provider_name(key).to_owned(),
        GroupBy::Error if key.is_empty() => "None".to_owned(),
        GroupBy::Error => cause(key).to_owned(),
        _ if key.is_empty() => "(none)".to_owned(),
        _ => key.to_owned(),
    }
}
