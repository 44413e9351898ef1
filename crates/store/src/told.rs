//! How settings that may carry something private are told in the audit log.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

/// Headers by name; a value is told by the beginning of its digest, enough to see that it changed.
pub(crate) fn headers<S: Serializer>(
    headers: &BTreeMap<String, String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let told: BTreeMap<&String, String> = headers.iter().map(|(name, value)| (name, digest(value))).collect();
    told.serialize(serializer)
}

/// A proxy's address without the name and password in it.
#[expect(clippy::ref_option, reason = "serde hands a field over like this")]
pub(crate) fn proxy<S: Serializer>(proxy: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    proxy.as_deref().map(without_login).serialize(serializer)
}

/// The beginning of a digest: tells that a text changed, and not what it is.
pub(crate) fn digest(value: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(value).into();
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

fn without_login(url: &str) -> String {
    match parts(url) {
        Some((scheme, login, host)) => format!("{scheme}://{}@{host}", digest(login)),
        None => url.to_owned(),
    }
}

/// An address without the name and password in it.
pub(crate) fn bare(url: &str) -> String {
    parts(url).map_or_else(|| url.to_owned(), |(scheme, _, host)| format!("{scheme}://{host}"))
}

fn parts(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    rest.rsplit_once('@').map(|(login, host)| (scheme, login, host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a1_a_proxy_is_told_without_its_password() {
        let told = without_login("socks5://me:hunter2@proxy.example:1080");
        assert!(
            told.ends_with("@proxy.example:1080") && !told.contains("hunter2") && !told.contains("me:"),
            "{told}"
        );
        assert_eq!(without_login("http://proxy.example:3128"), "http://proxy.example:3128");
        assert_eq!(bare("socks5://me:hunter2@proxy.example:1080"), "socks5://proxy.example:1080");
        assert_eq!(bare("me:hunter2@proxy.example"), "http://proxy.example");
    }
}
