//! A local program with its own gateway token.

use crate::id::AppId;
use crate::time::Timestamp;

/// How a gateway token begins, so that people and scanners recognise one.
pub const TOKEN_PREFIX: &str = "pb_";

/// An app as a call sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Its row.
    pub id: AppId,
    /// Unique.
    pub name: String,
    /// What its calls are for, where a call does not say.
    pub feature: Option<String>,
    /// A revoked one is refused.
    pub revoked: bool,
    /// When it was added.
    pub created_at: Timestamp,
}

/// The SHA-256 of a token and until when it is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenHash {
    /// Of the whole token, prefix included.
    pub hash: [u8; 32],
    /// The app that it names.
    pub app: AppId,
    /// The last four characters.
    pub tail: String,
    /// The end of its grace period, for a token that was replaced.
    pub expires_at: Option<Timestamp>,
}

/// Whether a text may be an app's name or a feature: 1 to 64 printable characters, none of them `/`.
pub fn is_label(text: &str) -> bool {
    (1..=64).contains(&text.chars().count())
        && text.chars().all(|c| !c.is_control() && c != '/')
        && text.trim() == text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_short_printable_and_trimmed() {
        assert!(is_label("mt5-signal-bot"));
        assert!(is_label("Notebook 7"));
        for bad in ["", " x", "a/b", "a\nb", &"x".repeat(65)] {
            assert!(!is_label(bad), "{bad:?}");
        }
    }
}
