//! Who calls: only programs of this machine, each with its own token (behaviours X2).

use axum::http::HeaderMap;
use patchbay_core::app::{App, TOKEN_PREFIX};
use patchbay_core::code::Code;
use patchbay_core::connection::is_loopback_host;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::clock;
use crate::error::Error;
use crate::snapshot::Snapshot;

/// What the database keeps of a token.
pub fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Refuses what a browser page or a rebound name could send: another `Host`, or any `Origin`.
pub(super) fn check_place(headers: &HeaderMap) -> Result<(), Error> {
    let hint = "Call http://127.0.0.1 or http://localhost from a program of this machine.";
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(host, |(name, _)| name);
    if !is_loopback_host(name) {
        return Err(Error::new(
            Code::Forbidden,
            format!("The gateway answers to this machine's own names, not to \"{host}\"."),
            hint,
        ));
    }
    if headers.contains_key("origin") {
        return Err(Error::new(Code::Forbidden, "The gateway does not answer to web pages.", hint));
    }
    Ok(())
}

/// The app that a request's token names.
pub(super) fn app<'a>(headers: &HeaderMap, snapshot: &'a Snapshot) -> Result<&'a App, Error> {
    let hint = "Add an app in Patchbay and use its token as the API key: `patchbay apps add NAME`.";
    let token = token(headers)
        .ok_or_else(|| Error::new(Code::Unauthorized, "The request carries no app token.", hint))?;
    let hash = token_hash(token);
    let now = clock::now();
    // All are compared, each in constant time: nothing tells how close a guess was.
    let found = snapshot.tokens.iter().fold(None, |found, known| {
        let equal: bool = known.hash.ct_eq(&hash).into();
        if equal { Some(known) } else { found }
    });
    let known = found.filter(|known| known.expires_at.is_none_or(|end| now < end));
    let app = known.and_then(|known| snapshot.apps.get(&known.app)).filter(|app| !app.revoked);
    app.ok_or_else(|| {
        let what = if token.starts_with(TOKEN_PREFIX) {
            "The app token is wrong, revoked or replaced."
        } else {
            "The API key is no Patchbay app token."
        };
        Error::new(Code::Unauthorized, what, hint)
    })
}

/// From whichever header the client's library puts it in.
fn token(headers: &HeaderMap) -> Option<&str> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text("authorization")
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    bearer
        .map(|(_, token)| token.trim())
        .or_else(|| text("x-api-key"))
        .or_else(|| text("x-goog-api-key"))
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")))
            .collect()
    }

    #[test]
    fn x2_only_names_of_this_machine_are_answered() {
        for host in ["127.0.0.1:4141", "localhost", "localhost:4141", "[::1]:4141"] {
            assert!(check_place(&headers(&[("host", host)])).is_ok(), "{host}");
        }
        for host in
            ["evil.example", "evil.example:4141", "127.0.0.1.evil.example", "localhost.evil.example:4141", ""]
        {
            assert_eq!(check_place(&headers(&[("host", host)])).expect_err(host).code, Code::Forbidden);
        }
    }

    #[test]
    fn x2_a_browser_page_is_refused() {
        let refused =
            check_place(&headers(&[("host", "127.0.0.1:4141"), ("origin", "http://127.0.0.1:4141")]));
        assert_eq!(refused.expect_err("refused").code, Code::Forbidden);
    }

    #[test]
    fn the_token_is_found_in_every_clients_header() {
        for (name, value) in [
            ("authorization", "Bearer pb_x"),
            ("authorization", "bearer pb_x"),
            ("x-api-key", "pb_x"),
            ("x-goog-api-key", "pb_x"),
        ] {
            assert_eq!(token(&headers(&[(name, value)])), Some("pb_x"), "{name}");
        }
        assert_eq!(token(&headers(&[("authorization", "Basic pb_x")])), None);
    }
}
