//! What of a connection's settings is secret: the values of some headers, and the login of its proxy. The database knows their
//! names; the values lie in the vault, all together under a version of their own (behaviours K1).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::json;
use thiserror::Error;

use crate::secret::Secret;

/// What is known of a connection's secret settings without opening the vault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Private {
    /// Where in the vault; `None` where there is nothing, or where the values have to be entered (again).
    #[serde(skip)]
    pub version: Option<u32>,
    /// The names of headers, in lower case.
    #[serde(rename = "secret_headers")]
    pub headers: BTreeSet<String>,
    /// Whether the proxy wants a name and a password.
    pub proxy_login: bool,
}

impl Private {
    /// Whether nothing is secret.
    pub fn is_empty(&self) -> bool {
        self.headers.is_empty() && !self.proxy_login
    }
}

/// The values themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct PrivateValues {
    /// By header, in lower case.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// `name:password` as it stands in an address.
    #[serde(default)]
    pub proxy_login: Option<Secret>,
}

impl PrivateValues {
    /// As they lie in the vault.
    pub fn seal(&self) -> Secret {
        let headers: BTreeMap<&String, &str> =
            self.headers.iter().map(|(name, value)| (name, value.expose())).collect();
        let login = self.proxy_login.as_ref().map(Secret::expose);
        Secret::new(json!({ "headers": headers, "proxy_login": login }).to_string())
    }

    /// As they came out of the vault; `None` for what is none.
    pub fn open(sealed: &Secret) -> Option<Self> {
        serde_json::from_str(sealed.expose()).ok()
    }

    /// What may be told of them.
    pub fn names(&self) -> Private {
        Private {
            version: None,
            headers: self.headers.keys().cloned().collect(),
            proxy_login: self.proxy_login.is_some(),
        }
    }
}

/// Why a text cannot be an extra header.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// Not of the characters that a name is made of.
    #[error("\"{0}\" cannot be the name of a header.")]
    Name(String),
    /// Patchbay writes it itself.
    #[error("The header {0} is written by Patchbay.")]
    Reserved(String),
    /// A line break or the like. The value is not told.
    #[error("The value of the header {0} has characters that cannot be sent.")]
    Value(String),
    /// It would lie in the database for everybody to read.
    #[error("The header {0} looks like a secret.")]
    Secret(String),
}

/// Headers that belong to the way a request is sent.
const RESERVED: [&str; 8] =
    ["connection", "content-length", "content-type", "expect", "host", "te", "transfer-encoding", "upgrade"];
/// Parts of names whose values nobody else should read.
const TELLING: [&str; 6] = ["authorization", "cookie", "key", "password", "secret", "token"];

/// The name of an extra header in its one form.
pub fn header_name(text: &str) -> Result<String, HeaderError> {
    let name = text.trim().to_ascii_lowercase();
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || name.len() > 100 || !name.bytes().all(is_token) {
        return Err(HeaderError::Name(text.trim().to_owned()));
    }
    if RESERVED.contains(&name.as_str()) {
        return Err(HeaderError::Reserved(name));
    }
    Ok(name)
}

/// An extra header whose value everybody may read, in its one form.
pub fn plain_header(name: &str, value: &str) -> Result<(String, String), HeaderError> {
    let name = header_name(name)?;
    if name.split(['-', '_']).any(|part| TELLING.contains(&part)) {
        return Err(HeaderError::Secret(name));
    }
    checked_value(&name, value.trim())?;
    Ok((name, value.trim().to_owned()))
}

/// A header whose value goes into the vault, in its one form.
pub fn secret_header(name: &str, value: &Secret) -> Result<String, HeaderError> {
    let name = header_name(name)?;
    checked_value(&name, value.expose())?;
    Ok(name)
}

fn checked_value(name: &str, value: &str) -> Result<(), HeaderError> {
    let fits = !value.is_empty() && value.bytes().all(|byte| matches!(byte, 0x20..=0x7e | b'\t'));
    if fits { Ok(()) } else { Err(HeaderError::Value(name.to_owned())) }
}

/// A proxy's address, and apart from it the name and password that stood in it.
pub fn split_login(proxy: &str) -> (String, Option<Secret>) {
    let (scheme, rest) = proxy.split_once("://").unwrap_or(("http", proxy));
    let end = rest.find('/').unwrap_or(rest.len());
    match rest.get(..end).and_then(|authority| authority.rsplit_once('@')) {
        Some((login, host)) => {
            let path = rest.get(end..).unwrap_or_default();
            (format!("{scheme}://{host}{path}"), Some(Secret::new(login.to_owned())))
        }
        None => (proxy.to_owned(), None),
    }
}

/// The address with its login in it again: only for the client that dials the proxy.
pub fn with_login(proxy: &str, login: &Secret) -> Secret {
    let (scheme, rest) = proxy.split_once("://").unwrap_or(("http", proxy));
    Secret::new(format!("{scheme}://{}@{rest}", login.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn k1_what_lies_in_the_vault_comes_out_as_it_went_in() {
        let values = PrivateValues {
            headers: BTreeMap::from([("x-desk-token".to_owned(), secret("t\"0k 3n"))]),
            proxy_login: Some(secret("me:hunter%202")),
        };
        assert_eq!(PrivateValues::open(&values.seal()), Some(values.clone()));
        assert!(!format!("{values:?}").contains("hunter"));
        let names = serde_json::to_string(&values.names()).unwrap();
        assert_eq!(names, r#"{"secret_headers":["x-desk-token"],"proxy_login":true}"#);
        assert_eq!(PrivateValues::open(&secret("sk-a-key")), None);
    }

    #[test]
    fn k1_a_proxys_login_is_taken_out_of_its_address_and_put_back() {
        for (given, bare, login) in [
            ("http://me:hunter2@proxy.example:3128", "http://proxy.example:3128", Some("me:hunter2")),
            ("socks5://me:p%40ss@10.0.0.1:1080/", "socks5://10.0.0.1:1080/", Some("me:p%40ss")),
            ("me:hunter2@proxy.example", "http://proxy.example", Some("me:hunter2")),
            ("http://proxy.example:3128", "http://proxy.example:3128", None),
            ("http://proxy.example/a@b", "http://proxy.example/a@b", None),
        ] {
            let (address, found) = split_login(given);
            assert_eq!((address.as_str(), found.as_ref().map(Secret::expose)), (bare, login), "{given}");
        }
        let whole = with_login("http://proxy.example:3128", &secret("me:hunter2"));
        assert_eq!(whole.expose(), "http://me:hunter2@proxy.example:3128");
    }

    #[test]
    fn k1_a_header_that_looks_like_a_secret_is_not_taken_as_a_plain_one() {
        assert_eq!(plain_header(" X-Desk ", " fx "), Ok(("x-desk".to_owned(), "fx".to_owned())));
        for name in ["Authorization", "x-api-key", "Cookie", "x_auth_token", "Api-Key"] {
            assert!(matches!(plain_header(name, "x"), Err(HeaderError::Secret(_))), "{name}");
            assert!(secret_header(name, &secret("x")).is_ok(), "{name}");
        }
        for name in ["", "x desk", "x:desk", "é"] {
            assert!(matches!(header_name(name), Err(HeaderError::Name(_))), "{name}");
        }
        assert!(matches!(header_name("Host"), Err(HeaderError::Reserved(_))));
        for value in ["", "a\r\nx: y", "é"] {
            assert!(matches!(plain_header("x-desk", value), Err(HeaderError::Value(_))), "{value}");
        }
    }
}
