//! What lets a request in: the key, secret headers, the login of the proxy.

use patchbay_core::secret::Secret;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Pass {
    /// The active key; `None` for a connection without.
    pub key: Option<Secret>,
    /// By name, in lower case.
    pub headers: Vec<(String, Secret)>,
    /// `name:password` as it stands in an address.
    pub proxy_login: Option<Secret>,
}

impl Pass {
    /// `text` without anything of it, which some servers repeat in their words.
    pub fn redact(&self, text: &str) -> String {
        let headers = self.headers.iter().map(|(_, value)| value);
        let all = self.key.iter().chain(headers).chain(&self.proxy_login);
        all.fold(text.to_owned(), |text, secret| secret.redact(&text))
    }
}
