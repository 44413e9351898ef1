//! A connection: one account at one provider.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use crate::catalog::{Protocol, Quirks};
use crate::id::ConnectionId;
use crate::private::Private;
use crate::provider::ProviderFacts;
use crate::time::Timestamp;

/// Whether a connection takes calls. Only the user changes it (F5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionStatus {
    /// On.
    Active,
    /// Paused by the user.
    Inactive,
    /// Stopped by an administrator's rule; refuses like a pause.
    Suspended,
}

impl ConnectionStatus {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Suspended => "suspended",
        }
    }

    /// The status of that name; anything unknown is taken as paused, which sends nothing.
    pub fn parse(name: &str) -> Self {
        match name {
            "active" => Self::Active,
            "suspended" => Self::Suspended,
            _ => Self::Inactive,
        }
    }
}

/// The user's limits of a connection; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Requests per `rate_limit_period_s`; both or neither.
    pub rate_limit_requests: Option<u32>,
    /// Seconds.
    pub rate_limit_period_s: Option<u32>,
    /// Requests in any minute.
    pub rate_limit_per_minute: Option<u32>,
    /// Requests in a local calendar day.
    pub rate_limit_per_day: Option<u32>,
    /// Tokens in any minute.
    pub tokens_per_minute: Option<u32>,
    /// Requests at the same time.
    pub max_concurrent_requests: Option<u32>,
}

/// Separate clocks for each part of a call (F6), in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeouts {
    /// Address, TCP and TLS.
    pub connect_ms: u32,
    /// From the request to the first byte of the answer's body.
    pub first_byte_ms: u32,
    /// Between two pieces of a stream; comments count as life.
    pub idle_ms: u32,
    /// The whole attempt.
    pub total_ms: u32,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect_ms: 5_000, first_byte_ms: 60_000, idle_ms: 120_000, total_ms: 600_000 }
    }
}

/// What is known of a connection's credential. The secret itself is in the vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialRef {
    /// Counted from 1 for each connection.
    pub version: u32,
    /// The last four characters; empty for a short key.
    pub tail: String,
    /// When it was stored.
    pub created_at: Timestamp,
}

/// A connection with everything that a call needs to know of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// Its row.
    pub id: ConnectionId,
    /// The unique slug that bots and people address it by.
    pub key: String,
    /// As the user calls it.
    pub name: String,
    /// The provider's slug.
    pub provider: String,
    /// The provider's name.
    pub provider_name: String,
    /// On, paused, suspended.
    pub status: ConnectionStatus,
    /// From 1; lower is tried first within its provider.
    pub priority: u32,
    /// Used when a bot names no connection and two could answer.
    pub is_default: bool,
    /// A test passed, or the user enabled it all the same.
    pub tested: bool,
    /// When a person, or a test that passed, last cleared what it had been blamed for (F5).
    pub cleared_at: Option<Timestamp>,
    /// Its own base URL, where it differs from the provider's.
    pub own_base_url: Option<String>,
    /// Where requests go; without a trailing slash.
    pub base_url: String,
    /// Tests and the playground use it.
    pub default_model: Option<String>,
    /// OpenAI's organization header.
    pub organization: Option<String>,
    /// OpenAI's project header.
    pub project: Option<String>,
    /// HTTP or SOCKS5, without its login; the system's where `None`.
    pub proxy: Option<String>,
    /// Extra headers without secrets.
    pub headers: BTreeMap<String, String>,
    /// Those with secrets, and whether the proxy has a login.
    pub private: Private,
    /// See [`Limits`].
    pub limits: Limits,
    /// Further tries at this connection before the next candidate, 0..=10.
    pub max_retries: u32,
    /// See [`Timeouts`].
    pub timeouts: Timeouts,
    /// Whether streams are allowed.
    pub streaming: bool,
    /// The active credential.
    pub credential: Option<CredentialRef>,
    /// The models that its own list named, or the user allowed.
    pub models: Vec<String>,
    /// What its provider speaks.
    pub protocol: Protocol,
    /// What its provider speaks besides.
    pub also: Vec<Protocol>,
    /// How its provider differs from its protocol.
    pub quirks: Quirks,
    /// What else its provider lays down.
    pub facts: ProviderFacts,
}

impl Connection {
    /// What a caller's request is sent in: the caller's own protocol where the provider speaks it, so that nothing is
    /// translated without need.
    pub fn protocol_for(&self, caller: Protocol) -> Protocol {
        if self.also.contains(&caller) { caller } else { self.protocol }
    }
}

/// Why a text is no base URL.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UrlError {
    /// Not a URL at all.
    #[error("\"{0}\" is no URL. It should look like https://api.example.com/v1.")]
    Shape(String),
    /// A scheme that is neither HTTP nor HTTPS.
    #[error("The base URL must begin with http:// or https://, not {0}://.")]
    Scheme(String),
    /// A name or password in it would end up in logs.
    #[error("The base URL must not contain a user name or password. Put the key into the key field.")]
    Credentials,
    /// A query, such as `?key=`, would end up in logs.
    #[error("The base URL must end before the question mark. Put the key into the key field.")]
    Query,
}

/// The base URL in its one form, from whatever people paste: without trailing slashes and without the route behind it.
pub fn normalise_base_url(text: &str) -> Result<String, UrlError> {
    let text = text.trim();
    let with_scheme =
        if text.contains("://") { text.to_owned() } else { format!("{}://{text}", guess_scheme(text)) };
    let url = Url::parse(&with_scheme).map_err(|_| UrlError::Shape(text.to_owned()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(UrlError::Scheme(url.scheme().to_owned()));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(UrlError::Shape(text.to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlError::Credentials);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(UrlError::Query);
    }
    let mut base = url.as_str().trim_end_matches('/');
    for route in ["/chat/completions", "/completions", "/responses", "/embeddings", "/models"] {
        base = base.strip_suffix(route).unwrap_or(base).trim_end_matches('/');
    }
    Ok(base.to_owned())
}

/// A pasted `localhost:11434` is plain HTTP, a pasted `api.example.com` is not.
fn guess_scheme(text: &str) -> &'static str {
    if is_loopback_host(text.split(['/', ':']).next().unwrap_or(text)) { "http" } else { "https" }
}

/// Whether a host is this machine.
pub fn is_loopback_host(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether the key would cross a network in the clear (K5).
pub fn is_cleartext(base_url: &str) -> bool {
    Url::parse(base_url)
        .is_ok_and(|url| url.scheme() == "http" && !url.host_str().is_some_and(is_loopback_host))
}

/// Whether two base URLs lead to the same server: scheme, host and port. A key that was given for one is not sent to another
/// (K5).
pub fn is_same_server(one: &str, other: &str) -> bool {
    let origin = |url: &str| Url::parse(url).ok().map(|url| url.origin());
    origin(one).is_some_and(|one| Some(one) == origin(other))
}

/// A connection key from a name: "OpenAI primary" becomes `openai_primary`.
pub fn key_from_name(name: &str) -> String {
    let mut key = String::new();
    for c in name.to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' => key.push(c),
            _ if key.ends_with('_') || key.is_empty() => {}
            _ => key.push('_'),
        }
    }
    let key = key.trim_end_matches('_');
    if key.is_empty() { "connection".to_owned() } else { key.chars().take(64).collect() }
}

/// Whether a text may be a connection key: 1 to 64 of `a-z 0-9 _ -`.
pub fn is_key(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_come_in_every_form_and_leave_in_one() {
        for (pasted, base) in [
            ("https://api.openai.com/v1", "https://api.openai.com/v1"),
            (" https://api.openai.com/v1/ ", "https://api.openai.com/v1"),
            ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1"),
            ("https://api.deepseek.com", "https://api.deepseek.com"),
            ("localhost:11434/v1", "http://localhost:11434/v1"),
            ("127.0.0.1:1234", "http://127.0.0.1:1234"),
            ("api.example.com/v1/", "https://api.example.com/v1"),
        ] {
            assert_eq!(normalise_base_url(pasted).as_deref(), Ok(base), "{pasted}");
        }
    }

    #[test]
    fn what_is_no_base_url_says_why() {
        assert!(matches!(normalise_base_url("not a url"), Err(UrlError::Shape(_))));
        assert!(matches!(normalise_base_url(""), Err(UrlError::Shape(_))));
        assert!(matches!(normalise_base_url("ftp://x.example"), Err(UrlError::Scheme(_))));
        assert_eq!(normalise_base_url("https://me:pw@x.example/v1"), Err(UrlError::Credentials));
        assert_eq!(normalise_base_url("https://x.example/v1?key=abc"), Err(UrlError::Query));
    }

    #[test]
    fn k5_cleartext_to_another_machine_is_seen() {
        assert!(is_cleartext("http://192.168.1.7/v1"));
        assert!(is_cleartext("http://localhost.example.com/v1"));
        assert!(!is_cleartext("http://127.0.0.1:11434/v1"));
        assert!(!is_cleartext("http://[::1]:11434/v1"));
        assert!(!is_cleartext("https://api.openai.com/v1"));
    }

    #[test]
    fn k5_another_path_is_the_same_server_and_another_host_or_scheme_is_not() {
        assert!(is_same_server("https://api.example.com", "https://api.example.com:443/v1"));
        for other in ["http://api.example.com", "https://api.example.org", "https://api.example.com:8443", ""]
        {
            assert!(!is_same_server("https://api.example.com", other), "{other}");
        }
    }

    #[test]
    fn keys_are_made_from_names() {
        for (name, key) in
            [("OpenAI primary", "openai_primary"), ("  Größe! ", "gr_e"), ("日本", "connection")]
        {
            assert_eq!(key_from_name(name), key);
            assert!(is_key(key));
        }
    }
}
