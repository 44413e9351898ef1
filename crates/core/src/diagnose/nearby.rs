//! Base URLs near the one that was given, all on the same server: a forgotten or doubled version, or more of the address than
//! belongs in it.

use url::Url;

use crate::catalog::Protocol;

/// As many as are tried.
const MOST: usize = 8;
/// What people paste along with a base URL.
const NOT_BASE: [&str; 9] = [
    "chat",
    "completions",
    "messages",
    "models",
    "responses",
    "embeddings",
    "docs",
    "playground",
    "api-keys",
];

/// The base URLs to try instead of this one, the likeliest first. All have its scheme, host and port.
pub fn candidates(protocol: Protocol, base_url: &str) -> Vec<String> {
    let Ok(url) = Url::parse(base_url) else { return Vec::new() };
    let origin = url.origin().ascii_serialization();
    let given: Vec<&str> = url.path().split('/').filter(|part| !part.is_empty()).collect();
    let stem: Vec<&str> =
        given.iter().copied().filter(|part| !is_version(part) && !NOT_BASE.contains(part)).collect();
    let known: &[&str] = match protocol {
        Protocol::Openai | Protocol::Responses => &["v1", "api/v1", "openai/v1", "v1beta/openai"],
        Protocol::Anthropic => &["", "anthropic", "api"],
        Protocol::Gemini => &["v1beta", "v1"],
    };
    let version = match protocol {
        Protocol::Openai | Protocol::Responses => "v1",
        Protocol::Anthropic => "",
        Protocol::Gemini => "v1beta",
    };
    let stems = (0..=stem.len()).rev().map(|end| format!("{}/{version}", stem[..end].join("/")));
    let without_version = std::iter::once(stem.join("/"));
    let paths = stems.chain(known.iter().map(|path| (*path).to_owned())).chain(without_version);
    let given = given.join("/");
    let mut found: Vec<String> = Vec::new();
    for path in paths {
        let path = path.trim_matches('/').to_owned();
        if path != given && !is_same_route(protocol, &path, &given) && !found.contains(&path) {
            found.push(path);
        }
    }
    let url = |path: &String| if path.is_empty() { origin.clone() } else { format!("{origin}/{path}") };
    found.iter().take(MOST).map(url).collect()
}

/// Anthropic's routes bring their version along, so a base URL with it is the same.
fn is_same_route(protocol: Protocol, path: &str, given: &str) -> bool {
    protocol == Protocol::Anthropic
        && given.strip_suffix("v1").is_some_and(|given| given.trim_end_matches('/') == path)
}

/// "v1", "v1beta", "v2".
fn is_version(part: &str) -> bool {
    part.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(protocol: Protocol, base_url: &str, expected: &str) {
        assert_eq!(candidates(protocol, base_url).first().map(String::as_str), Some(expected), "{base_url}");
    }

    #[test]
    fn f8_the_likeliest_base_url_is_tried_first() {
        use Protocol::{Anthropic, Gemini, Openai};
        first(Openai, "https://x.example", "https://x.example/v1");
        first(Openai, "https://x.example/v1/v1", "https://x.example/v1");
        first(Openai, "https://x.example/api", "https://x.example/api/v1");
        first(Openai, "https://x.example/v1/docs", "https://x.example/v1");
        first(Openai, "http://127.0.0.1:8000/v2", "http://127.0.0.1:8000/v1");
        first(Gemini, "https://x.example", "https://x.example/v1beta");
        first(Gemini, "https://x.example/v1beta/v1beta", "https://x.example/v1beta");
        first(Anthropic, "https://x.example/v1/messages", "https://x.example");
        first(Anthropic, "https://x.example/v1/v1", "https://x.example");
    }

    #[test]
    fn f8_a_key_never_leaves_its_server() {
        for protocol in [Protocol::Openai, Protocol::Anthropic, Protocol::Gemini] {
            for base in ["https://x.example:8443/a/b/c/v1/v1", "http://127.0.0.1:1", "https://x.example/v1"] {
                let origin = Url::parse(base).expect("a URL").origin();
                let found = candidates(protocol, base);
                assert!(!found.is_empty() && found.len() <= MOST, "{found:?}");
                for other in found {
                    assert_eq!(Url::parse(&other).expect("a URL").origin(), origin, "{other}");
                    assert_ne!(other, base);
                }
            }
        }
        assert!(candidates(Protocol::Openai, "no address").is_empty());
    }
}
