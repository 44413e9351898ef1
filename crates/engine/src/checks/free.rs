//! The stages that cost nothing: the key, the list of models. An answer is believed only after a first look at who gives it.

use patchbay_core::catalog::{KeyNeed, Protocol};
use patchbay_core::code::Code;
use patchbay_core::connection::Connection;
use patchbay_core::diagnose::{
    Cause, Learned, Look, candidates, family, is_api, judge, lists, may_be_address, nearest, skew_s, speaks,
    told_limits, unreadable,
};
use patchbay_core::dialect::{Failure, models};

use super::{Found, Trouble};
use crate::pass::Pass;
use crate::upstream::Seen;
use crate::{Engine, clock};

/// The longest raw answer that a report keeps, in characters.
const MAX_ANSWER: usize = 2_000;
/// How long one of the nearby addresses may take, at most.
const PROBE_MS: u32 = 4_000;

/// A key that was accepted.
pub(super) struct Proven {
    pub(super) pass: Pass,
    /// The list of models, where the key was proven by it.
    listed: Option<Seen>,
    pub(super) learned: Learned,
}

/// Proves the key where the provider proves one without spending. Where that is the list of models, the list comes along.
pub(super) async fn authenticate(engine: &Engine, connection: &Connection) -> Found<Proven> {
    let pass = engine
        .keys
        .of(connection)
        .await
        .map_err(|error| Cause::Http(Failure::new(error.code, error.message)))?;
    if pass.key.is_none() && pass.headers.is_empty() && connection.facts.key == KeyNeed::Required {
        return Err(Cause::NoKey.into());
    }
    let own = Some(connection.facts.key_check.as_str()).filter(|route| !route.is_empty());
    let route = own.map_or_else(|| models::route(connection.protocol, None), str::to_owned);
    let seen = ask(engine, connection, &pass, &route).await?;
    let route = path_of(&seen.url);
    let evidence = match pass.key {
        Some(_) => format!("GET {route} accepts the key"),
        None => format!("GET {route} answers without a key"),
    };
    let learned = Learned {
        limits: told_limits(|name| seen.header(name)),
        skew_s: skew(&seen).and_then(|seconds| i32::try_from(seconds).ok()),
        ..Learned::default()
    };
    let listed = own.is_none().then_some(seen);
    Ok((Proven { pass, listed, learned }, evidence))
}

/// The models that the provider lists.
pub(super) async fn list(
    engine: &Engine,
    connection: &Connection,
    proven: &mut Proven,
) -> Found<Vec<String>> {
    let listed = proven.listed.take();
    let pass = &proven.pass;
    let seen = match listed {
        Some(seen) => seen,
        None => ask(engine, connection, pass, &models::route(connection.protocol, None)).await?,
    };
    let page = match models::decode(connection.protocol, &seen.body) {
        Ok(page) if lists(connection.protocol, &seen.body) => page,
        _ => {
            let cause = unreadable(connection.protocol, &seen.body);
            return Err(explained(engine, connection, pass, cause, &seen).await.into());
        }
    };
    let models: Vec<String> = page.models.into_iter().map(|model| model.id).collect();
    if models.is_empty() {
        return Err(Trouble::seen(Cause::EmptyModelList, "0 models".to_owned(), masked(&seen, pass)).into());
    }
    let evidence = if models.len() == 1 { "1 model".to_owned() } else { format!("{} models", models.len()) };
    Ok((models, evidence))
}

/// The model to ask: the connection's own, which must be on the list, or the first of the list.
pub(super) fn present(wanted: Option<String>, models: &[String]) -> Found<String> {
    let count = models.len();
    match wanted {
        Some(wanted) if models.contains(&wanted) => {
            let evidence = format!("{wanted} is one of {count}");
            Ok((wanted, evidence))
        }
        Some(wanted) => {
            let nearest = nearest(&wanted, models, 3).into_iter().map(str::to_owned).collect();
            let evidence = format!("{wanted} is none of {count}");
            Err(Trouble::seen(Cause::ModelMissing { nearest }, evidence, String::new()).into())
        }
        None => {
            let first = models.first().cloned().ok_or(Cause::EmptyModelList)?;
            let evidence = format!("{count} found, asking {first}");
            Ok((first, evidence))
        }
    }
}

/// Asks a free question; an answer that is none is explained as far as it can be.
async fn ask(
    engine: &Engine,
    connection: &Connection,
    pass: &Pass,
    route: &str,
) -> Result<Seen, Box<Trouble>> {
    let protocol = connection.protocol;
    let seen = engine.upstream.look(connection, pass, protocol, route).await.map_err(Cause::Http)?;
    let look = Look {
        protocol,
        url: &seen.url,
        status: seen.status,
        content_type: seen.header("content-type").unwrap_or_default(),
        location: seen.header("location"),
        skew_s: skew(&seen),
        body: &seen.body,
    };
    match judge(&look, seen.failure(protocol, pass)) {
        Ok(()) => Ok(seen),
        Err(cause) => Err(explained(engine, connection, pass, cause, &seen).await.into()),
    }
}

/// The cause with what was seen of it. Where the address may be at fault, those near it are tried first.
async fn explained(
    engine: &Engine,
    connection: &Connection,
    pass: &Pass,
    cause: Cause,
    seen: &Seen,
) -> Trouble {
    let answered = format!("GET {} answered {}", path_of(&seen.url), seen.status);
    let answer = masked(seen, pass);
    // A base URL of the catalogue's is right.
    let nearby = match connection.own_base_url {
        Some(_) => better(engine, connection, pass, &cause, seen).await,
        None => None,
    };
    match nearby {
        Some((cause, evidence)) => Trouble::seen(cause, format!("{answered}; {evidence}"), answer),
        None => Trouble::seen(cause, answered, answer),
    }
}

/// The base URL, or else the protocol, by which the same server does answer. The key goes to no other.
async fn better(
    engine: &Engine,
    connection: &Connection,
    pass: &Pass,
    cause: &Cause,
    seen: &Seen,
) -> Option<(Cause, String)> {
    let own = connection.protocol;
    let is_foreign = speaks(&seen.body).is_some_and(|other| family(other) != family(own));
    if may_be_address(cause) || is_foreign {
        for base in candidates(own, &connection.base_url) {
            let found = probe(engine, connection, pass, own, &base).await;
            if found.is_some_and(|found| is_api(own, found.status, &found.body)) {
                let evidence = format!("{base} answers");
                return Some((Cause::WrongPath { better: base }, evidence));
            }
        }
    }
    let is_refused = matches!(cause, Cause::Http(failure)
        if matches!(failure.code, Code::KeyRefused | Code::PermissionDenied | Code::BadRequest));
    if !(may_be_address(cause) || is_foreign || is_refused) {
        return None;
    }
    for other in [Protocol::Openai, Protocol::Anthropic, Protocol::Gemini] {
        if family(other) == family(own) {
            continue;
        }
        let bases = std::iter::once(connection.base_url.clone());
        for base in bases.chain(candidates(other, &connection.base_url).into_iter().take(2)) {
            let found = probe(engine, connection, pass, other, &base).await;
            if found.is_some_and(|found| found.status == 200 && lists(other, &found.body)) {
                return Some((
                    Cause::WrongProtocol { speaks: other },
                    format!("{base} answers in another protocol"),
                ));
            }
        }
    }
    None
}

async fn probe(
    engine: &Engine,
    connection: &Connection,
    pass: &Pass,
    protocol: Protocol,
    base_url: &str,
) -> Option<Seen> {
    let mut there = connection.clone();
    base_url.clone_into(&mut there.base_url);
    there.timeouts.first_byte_ms = there.timeouts.first_byte_ms.min(PROBE_MS);
    there.timeouts.total_ms = there.timeouts.total_ms.min(PROBE_MS);
    engine.upstream.look(&there, pass, protocol, &models::route(protocol, None)).await.ok()
}

fn skew(seen: &Seen) -> Option<i64> {
    skew_s(seen.header("date")?, clock::now())
}

/// The raw answer, key masked.
fn masked(seen: &Seen, pass: &Pass) -> String {
    let text = String::from_utf8_lossy(&seen.body);
    let text = pass.redact(&text);
    text.trim().chars().take(MAX_ANSWER).collect()
}

fn path_of(url: &str) -> String {
    url::Url::parse(url).map(|url| url.path().to_owned()).unwrap_or_default()
}
