//! A first look at an answer that should come from an API: who speaks, before its status is believed. A sign-in page, a proxy
//! or the wrong protocol is told from a bad key here.

use url::Url;

use super::Cause;
use crate::catalog::Protocol;
use crate::code::Code;
use crate::dialect::{Failure, models};
use crate::time::Timestamp;

/// A clock that is off by less is called right: answers take their time, and servers round.
pub(super) const SKEW_S: i64 = 300;

/// An answer to a free question, as much of it as the judgement needs.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// What the connection speaks.
    pub protocol: Protocol,
    /// Where it was asked.
    pub url: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// The header `content-type`; empty where there is none.
    pub content_type: &'a str,
    /// The header `location`.
    pub location: Option<&'a str>,
    /// Own time minus the server's, in seconds, where the server told its time.
    pub skew_s: Option<i64>,
    /// The body, or its beginning.
    pub body: &'a [u8],
}

/// What is wrong with an answer; `failure` is what its status says, `None` for a success.
pub fn judge(look: &Look<'_>, failure: Option<Failure>) -> Result<(), Cause> {
    let page = Page::of(look);
    let is_refusal = matches!(look.status, 401 | 403);
    let skew = look.skew_s.filter(|seconds| seconds.abs() >= SKEW_S);
    match (look.status, page, skew) {
        (407, _, _) => Err(Cause::ProxyAuth),
        (511, _, _) | (_, Page::SignIn, _) => Err(Cause::SignInPage),
        (300..=399, _, _) => Err(redirect(look)),
        (403, Page::Other, _) => Err(Cause::Blocked),
        (status, Page::Other, _) if status < 500 && status != 401 => Err(Cause::NotAnApi),
        (_, _, Some(seconds)) if is_refusal => Err(Cause::ClockSkew { seconds }),
        _ => match (failure, speaks(look.body)) {
            // Its errors have a mark that no other protocol has.
            (Some(_), Some(Protocol::Anthropic)) if look.protocol != Protocol::Anthropic => {
                Err(Cause::WrongProtocol { speaks: Protocol::Anthropic })
            }
            (Some(failure), _) => Err(Cause::Http(failure)),
            (None, _) => Ok(()),
        },
    }
}

/// What a success is that cannot be read as the list of models.
pub fn unreadable(protocol: Protocol, body: &[u8]) -> Cause {
    match speaks(body) {
        Some(other) if family(other) != family(protocol) => Cause::WrongProtocol { speaks: other },
        _ if serde_json::from_slice::<serde_json::Value>(body).is_ok() => Cause::WrongJson,
        _ => Cause::NotAnApi,
    }
}

/// Whether another base URL on the same host may be the cure.
pub fn may_be_address(cause: &Cause) -> bool {
    match cause {
        Cause::NotAnApi | Cause::WrongJson => true,
        Cause::Http(failure) => {
            failure.code == Code::ModelNotFound || matches!(failure.status, Some(404 | 405))
        }
        _ => false,
    }
}

/// Whether an API of that protocol stands behind an answer: it lists models, or refuses the key in the protocol's own words.
pub fn is_api(protocol: Protocol, status: u16, body: &[u8]) -> bool {
    match status {
        200 => lists(protocol, body),
        401 | 403 => speaks(body).map(family) == Some(family(protocol)),
        _ => false,
    }
}

/// Whether this is a list of models in that protocol.
pub fn lists(protocol: Protocol, body: &[u8]) -> bool {
    let other = speaks(body).is_some_and(|other| family(other) != family(protocol));
    !other && models::decode(protocol, body).is_ok()
}

/// How far the own clock is off, by the `date` of an answer.
pub fn skew_s(date: &str, now: Timestamp) -> Option<i64> {
    let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    Some(now.0 / 1_000 - theirs.as_second())
}

/// The protocol that a body is written in, where it has a mark that others lack.
pub fn speaks(body: &[u8]) -> Option<Protocol> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    let error = &value["error"];
    let first = &value["data"][0];
    let is_model = |text: &str| first["type"] == text;
    let is_status = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    if (value["type"] == "error" && error["type"].is_string())
        || (is_model("model") && first["display_name"].is_string() && value["has_more"].is_boolean())
    {
        Some(Protocol::Anthropic)
    } else if (error["code"].is_number() && error["status"].as_str().is_some_and(is_status))
        || value["models"][0]["name"].as_str().is_some_and(|name| name.starts_with("models/"))
    {
        Some(Protocol::Gemini)
    } else if (error["message"].is_string() && error["type"].is_string())
        || value["object"] == "list"
        || first["object"] == "model"
    {
        Some(Protocol::Openai)
    } else {
        None
    }
}

/// Both forms of OpenAI list their models alike.
pub fn family(protocol: Protocol) -> Protocol {
    if protocol == Protocol::Responses { Protocol::Openai } else { protocol }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Page {
    /// No web page.
    None,
    /// One that asks who you are.
    SignIn,
    Other,
}

impl Page {
    fn of(look: &Look<'_>) -> Self {
        let text = String::from_utf8_lossy(&look.body[..look.body.len().min(16_384)]).to_lowercase();
        let begins = text.trim_start();
        let is_html = look.content_type.starts_with("text/html")
            || begins.starts_with("<!doctype html")
            || begins.starts_with("<html");
        let asks = ["type=\"password\"", "type='password'", "sign in", "log in", "login", "captive portal"];
        match is_html {
            false => Self::None,
            true if look.status < 500 && asks.iter().any(|word| text.contains(word)) => Self::SignIn,
            true => Self::Other,
        }
    }
}

/// A redirect is never followed with the key. To the same host it tells the right base URL; elsewhere a sign-in page may be
/// what it leads to.
fn redirect(look: &Look<'_>) -> Cause {
    let from = Url::parse(look.url).ok();
    let to = from.as_ref().zip(look.location).and_then(|(from, to)| from.join(to).ok());
    let (Some(from), Some(to)) = (from, to) else { return Cause::NotAnApi };
    let leads_to_sign_in = ["login", "signin", "sign-in", "portal", "/auth", "sso"]
        .iter()
        .any(|word| to.as_str().contains(word));
    if leads_to_sign_in {
        return Cause::SignInPage;
    }
    Cause::Redirected { host: to.host_str().unwrap_or_default().to_owned(), better: same_api(&from, &to) }
}

/// The base URL behind a redirect that only changes to https or adds to the path, on the same host.
fn same_api(from: &Url, to: &Url) -> Option<String> {
    let route = from.path().rsplit('/').next()?;
    let base = to.path().trim_end_matches('/').strip_suffix(route)?.trim_end_matches('/');
    let is_safe = to.scheme() == "https" || to.scheme() == from.scheme();
    let is_new = (to.scheme(), to.path(), to.port_or_known_default())
        != (from.scheme(), from.path(), from.port_or_known_default());
    (is_safe && is_new && to.host() == from.host())
        .then(|| format!("{}{base}", to.origin().ascii_serialization()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look<'a>(status: u16, content_type: &'a str, body: &'a str) -> Look<'a> {
        Look {
            protocol: Protocol::Openai,
            url: "http://llm.example.com/v1/models",
            status,
            content_type,
            location: None,
            skew_s: None,
            body: body.as_bytes(),
        }
    }

    fn refused() -> Failure {
        Failure { status: Some(401), ..Failure::new(Code::KeyRefused, "no") }
    }

    #[test]
    fn f8_a_clock_that_is_off_is_no_bad_key() {
        let off = Look { skew_s: Some(-7_200), ..look(401, "application/json", "{}") };
        assert_eq!(judge(&off, Some(refused())), Err(Cause::ClockSkew { seconds: -7_200 }));
        let close = Look { skew_s: Some(299), ..off };
        assert!(matches!(judge(&close, Some(refused())), Err(Cause::Http(_))));
        let fine = Look { skew_s: Some(-7_200), ..look(200, "application/json", "{}") };
        assert_eq!(judge(&fine, None), Ok(()), "who lets the key in is not hindered by the clock");
    }

    #[test]
    fn f8_a_page_on_the_way_is_no_bad_key() {
        let form = "<html><form><input type=\"password\"></form></html>";
        for status in [200, 401, 403, 404] {
            assert_eq!(
                judge(&look(status, "text/html", form), Some(refused())),
                Err(Cause::SignInPage),
                "{status}"
            );
        }
        assert_eq!(judge(&look(511, "", ""), Some(refused())), Err(Cause::SignInPage));
        assert_eq!(judge(&look(403, "text/html", "<html>Denied"), Some(refused())), Err(Cause::Blocked));
        let bare = look(401, "text/html", "<html>401 Authorization Required");
        assert!(
            matches!(judge(&bare, Some(refused())), Err(Cause::Http(_))),
            "a server may refuse a key by a page"
        );
    }

    #[test]
    fn f8_a_redirect_to_the_same_api_tells_its_base_url() {
        for (location, better) in [
            ("https://llm.example.com/v1/models", Some("https://llm.example.com/v1")),
            ("/api/v1/models", Some("http://llm.example.com/api/v1")),
            ("https://other.example.com/v1/models", None),
            ("/welcome", None),
            ("/v1/models", None),
        ] {
            let moved = Look { location: Some(location), ..look(301, "", "") };
            let Err(Cause::Redirected { better: found, .. }) = judge(&moved, None) else {
                panic!("{location} is a redirect");
            };
            assert_eq!(found.as_deref(), better, "{location}");
        }
        let portal = Look { location: Some("http://portal.hotel.example/"), ..look(302, "", "") };
        assert_eq!(judge(&portal, None), Err(Cause::SignInPage));
    }

    #[test]
    fn f8_protocols_are_told_by_their_marks() {
        for (body, protocol) in [
            (
                r#"{"type":"error","error":{"type":"authentication_error","message":"x"}}"#,
                Protocol::Anthropic,
            ),
            (
                r#"{"data":[{"type":"model","id":"c","display_name":"C"}],"has_more":false}"#,
                Protocol::Anthropic,
            ),
            (r#"{"error":{"code":401,"message":"x","status":"UNAUTHENTICATED"}}"#, Protocol::Gemini),
            (r#"{"models":[{"name":"models/gemini-x"}]}"#, Protocol::Gemini),
            (r#"{"error":{"message":"x","type":"invalid_request_error","code":null}}"#, Protocol::Openai),
            (r#"{"object":"list","data":[{"id":"gpt","object":"model"}]}"#, Protocol::Openai),
        ] {
            assert_eq!(speaks(body.as_bytes()), Some(protocol), "{body}");
        }
        for body in ["", "{}", "[]", r#"{"detail":"Not Found"}"#, r#"{"error":"unauthorized"}"#] {
            assert_eq!(speaks(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn the_date_of_an_answer_tells_how_far_the_clock_is_off() {
        let now = Timestamp(1_763_800_000_000);
        assert_eq!(skew_s("Sat, 22 Nov 2025 08:26:40 GMT", now), Some(0));
        assert_eq!(skew_s("Sat, 22 Nov 2025 10:26:40 GMT", now), Some(-7_200));
        assert_eq!(skew_s("yesterday", now), None);
    }
}
