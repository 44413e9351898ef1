//! A local program with its own gateway token.

use serde::{Deserialize, Serialize};

use crate::admission::{Allowed, Rate};
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
    /// What it may call; everything where there is no list.
    pub may_use: Option<Vec<String>>,
    /// Its own limits, on top of its connections'.
    pub limits: AppLimits,
    /// How many seconds its requests and answers are kept; `None` = not at all, unless somebody turns it on.
    pub keep_bodies_s: Option<u32>,
    /// When it was added.
    pub created_at: Timestamp,
}

impl App {
    /// Whether it may call this: a profile, an alias, a model or `connection_key/model`, as its list names it. An entry that
    /// ends in `*` stands for everything that begins so.
    pub fn may_use(&self, requested: &str) -> bool {
        self.may_use.as_ref().is_none_or(|names| {
            names.iter().any(|name| match name.strip_suffix('*') {
                Some(beginning) => requested.starts_with(beginning),
                None => name == requested,
            })
        })
    }
}

/// An app's own limits; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct AppLimits {
    /// Requests in any minute.
    pub rate_limit_per_minute: Option<u32>,
    /// Requests at the same time.
    pub max_concurrent_requests: Option<u32>,
    /// The longest answer, in tokens.
    pub max_output_tokens: Option<u32>,
}

impl From<AppLimits> for Allowed {
    fn from(limits: AppLimits) -> Self {
        Self {
            concurrent: limits.max_concurrent_requests,
            rates: [limits.rate_limit_per_minute.map(Rate::per_minute), None],
            ..Self::default()
        }
    }
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
    fn an_app_may_use_what_its_list_names_and_nothing_else() {
        let app = |may_use: Option<&[&str]>| App {
            id: AppId(1),
            name: "bot".into(),
            feature: None,
            revoked: false,
            may_use: may_use.map(|names| names.iter().map(ToString::to_string).collect()),
            limits: AppLimits::default(),
            keep_bodies_s: None,
            created_at: Timestamp(0),
        };
        let names: &[&str] = &["signal-scan", "openai/*"];
        for (may_use, requested, expected) in [
            (None, "anything", true),
            (Some(names), "signal-scan", true),
            (Some(names), "signal-scan-2", false),
            (Some(names), "openai/gpt-5", true),
            (Some(names), "gpt-5", false),
            (Some(&[]), "signal-scan", false),
        ] {
            assert_eq!(app(may_use).may_use(requested), expected, "{may_use:?} {requested}");
        }
    }

    #[test]
    fn labels_are_short_printable_and_trimmed() {
        assert!(is_label("mt5-signal-bot"));
        assert!(is_label("Notebook 7"));
        for bad in ["", " x", "a/b", "a\nb", &"x".repeat(65)] {
            assert!(!is_label(bad), "{bad:?}");
        }
    }
}
