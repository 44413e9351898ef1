//! Who calls: only programs with a token of their own (behaviours X2).

use std::borrow::Cow;

use axum::http::HeaderMap;
use axum::http::request::Parts;
use patchbay_core::app::{App, TOKEN_PREFIX, TokenHash};
use patchbay_core::code::Code;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::form_urlencoded;

use super::door::PathKey;
use crate::clock;
use crate::error::Error;
use crate::snapshot::Snapshot;

/// What the database keeps of a token.
pub fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// The app that a request's token names.
pub(super) fn app<'a>(request: &Parts, snapshot: &'a Snapshot) -> Result<&'a App, Error> {
    let hint = "Add an app in Patchbay and use its token as the API key: `patchbay apps add NAME`.";
    let in_path = request.extensions.get::<PathKey>();
    let token = in_path
        .map(|key| Cow::from(&key.token))
        .or_else(|| in_header(&request.headers).map(Cow::from))
        .or_else(|| in_query(request.uri.query().unwrap_or_default()))
        .ok_or_else(|| Error::new(Code::Unauthorized, "The request carries no app token.", hint))?;
    let hash = token_hash(&token);
    let now = clock::now();
    // All are compared, each in constant time: nothing tells how close a guess was.
    let found = snapshot.tokens.iter().fold(None, |found, known| {
        let equal: bool = known.hash.ct_eq(&hash).into();
        if equal { Some(known) } else { found }
    });
    let app = |known: &TokenHash| {
        let app = snapshot.apps.get(&known.app);
        app.filter(|app| in_path.is_none_or(|key| key.app == app.name))
    };
    if let Some(app) = found.and_then(app).filter(|app| app.revoked) {
        return Err(revoked(app));
    }
    let known = found.filter(|known| known.expires_at.is_none_or(|end| now < end));
    known.and_then(app).ok_or_else(|| {
        let what = if token.starts_with(TOKEN_PREFIX) {
            "The app token is wrong, or was replaced."
        } else {
            "The API key is no Patchbay app token."
        };
        Error::new(Code::Unauthorized, what, hint)
    })
}

/// Only who has one of its tokens learns that the app is there.
fn revoked(app: &App) -> Error {
    Error::new(
        Code::Forbidden,
        format!("The app {} was revoked in Patchbay.", app.name),
        format!("Give it a new token in Patchbay: `patchbay apps rotate {}`.", app.name),
    )
}

/// From whichever header the client's library puts it in.
fn in_header(headers: &HeaderMap) -> Option<&str> {
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

/// Google's older clients write `?key=`.
fn in_query(query: &str) -> Option<Cow<'_, str>> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, value)| name == "key" && !value.is_empty()).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_found_where_each_clients_library_puts_it() {
        let headers = |name: &str, value: &str| {
            let name = name.parse::<axum::http::HeaderName>().expect("a name");
            HeaderMap::from_iter([(name, value.parse().expect("a value"))])
        };
        for (name, value) in [
            ("authorization", "Bearer pb_x"),
            ("authorization", "bearer pb_x"),
            ("x-api-key", "pb_x"),
            ("x-goog-api-key", "pb_x"),
        ] {
            assert_eq!(in_header(&headers(name, value)), Some("pb_x"), "{name}");
        }
        assert_eq!(in_header(&headers("authorization", "Basic pb_x")), None);
        assert_eq!(in_query("alt=sse&key=pb%5Fx").as_deref(), Some("pb_x"));
        assert_eq!(in_query("monkey=pb_x&key="), None);
    }
}
