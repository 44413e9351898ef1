//! What every request passes before anything else looks at it: its head must be plain, it must come to a name of this machine,
//! and a key in its path is taken out (behaviours X2).

use std::net::IpAddr;

use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{HeaderMap, Request, header};
use patchbay_core::code::Code;
use patchbay_core::connection::is_loopback_host;
use percent_encoding::percent_decode_str;

use super::reach::Reach;
use crate::error::Error;
use crate::metrics::Refused;

/// What a path with a key in it begins with: `/b/<app>-<token>/v1/…`.
const KEYED: &str = "/b/";

/// The key that stood in a request's path, for clients that cannot send one in a header.
#[derive(Clone)]
pub(super) struct PathKey {
    /// The app that it claims to be.
    pub(super) app: String,
    pub(super) token: String,
}

/// Takes the key out of a path, so that nothing behind the door sees it.
pub(super) fn opened<B>(mut request: Request<B>) -> Request<B> {
    if let Some((key, uri)) = keyed(request.uri()) {
        *request.uri_mut() = uri;
        request.extensions_mut().insert(key);
    }
    request
}

fn keyed(uri: &Uri) -> Option<(PathKey, Uri)> {
    let rest = uri.path().strip_prefix(KEYED)?;
    let (key, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let key = percent_decode_str(key).decode_utf8().ok()?;
    let (app, token) = key.rsplit_once('-')?;
    let path = if path.is_empty() { "/" } else { path };
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let path: PathAndQuery = format!("{path}{query}").parse().ok()?;
    Some((PathKey { app: app.to_owned(), token: token.to_owned() }, Uri::from(path)))
}

/// Refuses what a browser page or a rebound name could send, and heads that two readers could read in two ways.
pub(super) fn check(uri: &Uri, headers: &HeaderMap, reach: &Reach) -> Result<(), (Refused, Error)> {
    check_framing(headers).map_err(|error| (Refused::Framing, error))?;
    let hint = "Call http://127.0.0.1 or http://localhost from a program of this machine.";
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok()).unwrap_or_default();
    let named = uri.authority().map(axum::http::uri::Authority::as_str);
    let is_known = |host: &str| is_own_name(name_of(host), reach);
    if !is_known(host) || hosts.next().is_some() || named.is_some_and(|named| !is_known(named)) {
        let host = named.unwrap_or(host);
        let text = format!("The gateway answers to this machine's own names, not to \"{host}\".");
        return Err((Refused::Host, Error::new(Code::Forbidden, text, hint)));
    }
    if headers.contains_key(header::ORIGIN) {
        let text = "The gateway does not answer to web pages.";
        return Err((Refused::Origin, Error::new(Code::Forbidden, text, hint)));
    }
    Ok(())
}

fn check_framing(headers: &HeaderMap) -> Result<(), Error> {
    let has = |name| headers.contains_key(name);
    let lengths = headers.get_all(header::CONTENT_LENGTH).iter().count();
    if lengths > 1 || (lengths == 1 && has(header::TRANSFER_ENCODING)) {
        return Err(Error::new(
            Code::BadRequest,
            "The request says twice how long it is.",
            "Send either Content-Length or Transfer-Encoding, once.",
        ));
    }
    Ok(())
}

fn name_of(host: &str) -> &str {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host, |(name, _)| name)
}

fn is_own_name(name: &str, reach: &Reach) -> bool {
    if is_loopback_host(name) {
        return true;
    }
    let Some(address) = reach.address else { return false };
    let literal = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    // An address cannot be rebound: only names can.
    let is_address = literal.is_some_and(|literal| literal == address || address.is_unspecified());
    is_address || reach.hosts.iter().any(|host| host.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(pairs: &[(&'static str, &'static str)], reach: &Reach) -> Option<Refused> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().expect("a value"));
        }
        check(&Uri::from_static("/v1/models"), &headers, reach).err().map(|(reason, _)| reason)
    }

    #[test]
    fn x2_only_names_of_this_machine_are_answered() {
        let loopback = Reach::default();
        for host in ["127.0.0.1:4141", "localhost", "localhost:4141", "[::1]:4141"] {
            assert_eq!(refused(&[("host", host)], &loopback), None, "{host}");
        }
        for host in
            ["evil.example", "evil.example:4141", "127.0.0.1.evil.example", "localhost.evil.example:4141", ""]
        {
            assert_eq!(refused(&[("host", host)], &loopback), Some(Refused::Host), "{host}");
        }
    }

    #[test]
    fn x2_a_wider_reach_lets_in_its_own_names_and_no_others() {
        let reach = |address: &str| Reach {
            address: Some(address.parse().expect("an address")),
            hosts: vec!["host.docker.internal".into()],
        };
        for (address, host, expected) in [
            ("192.168.1.5", "192.168.1.5:4141", None),
            ("192.168.1.5", "host.docker.internal:4141", None),
            ("192.168.1.5", "192.168.1.6", Some(Refused::Host)),
            ("0.0.0.0", "192.168.1.6", None),
            ("0.0.0.0", "evil.example", Some(Refused::Host)),
        ] {
            assert_eq!(refused(&[("host", host)], &reach(address)), expected, "{address} {host}");
        }
    }

    #[test]
    fn x2_a_browser_page_and_a_head_with_two_lengths_are_refused() {
        let reach = Reach::default();
        let host = ("host", "127.0.0.1:4141");
        assert_eq!(refused(&[host, ("origin", "http://127.0.0.1:4141")], &reach), Some(Refused::Origin));
        let both = [host, ("content-length", "3"), ("transfer-encoding", "chunked")];
        assert_eq!(refused(&both, &reach), Some(Refused::Framing));
        assert_eq!(refused(&[host, host], &reach), Some(Refused::Host));
    }

    #[test]
    fn a_key_is_taken_out_of_its_path() {
        for (path, expected) in [
            ("/b/mt5-bot-pb_12/v1/models?x=1", Some(("mt5-bot", "pb_12", "/v1/models?x=1"))),
            (
                "/b/my%20bot-pb_12/v1beta/models/a%2Fb:generateContent",
                Some(("my bot", "pb_12", "/v1beta/models/a%2Fb:generateContent")),
            ),
            ("/b/bot-pb_12", Some(("bot", "pb_12", "/"))),
            ("/b/pb_12/v1/models", None),
            ("/v1/models", None),
        ] {
            let found = keyed(&path.parse().expect("a path"));
            let found =
                found.as_ref().map(|(key, uri)| (key.app.as_str(), key.token.as_str(), uri.to_string()));
            assert_eq!(found, expected.map(|(app, token, rest)| (app, token, rest.to_owned())), "{path}");
        }
    }
}
