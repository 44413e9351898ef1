//! The list of what a call can name, in the shape of whichever client asks.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use patchbay_core::app::App;
use patchbay_core::catalog::Protocol;
use patchbay_core::code::Code;
use patchbay_core::connection::ConnectionStatus;
use patchbay_core::model::Capability;
use patchbay_core::route::Capabilities;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::answer;
use super::routes::Door;
use crate::error::Error;
use crate::snapshot::Snapshot;

/// What Gemini's clients may do with a model that talks …
const TALKS: [&str; 3] = ["generateContent", "streamGenerateContent", "countTokens"];
/// … and with one that makes vectors.
const EMBEDS: [&str; 2] = ["embedContent", "batchEmbedContents"];
/// Where a profile or an alias comes from.
const OWN: &str = "patchbay";

/// Something that a call can name.
struct Listed {
    id: String,
    owner: String,
    methods: &'static [&'static str],
}

/// `GET /v1/models`, `GET /v1beta/models`
pub(super) async fn list(State(door): State<Door>, parts: Parts) -> Response {
    let protocol = spoken(&parts);
    match listed(&door, &parts) {
        Ok(all) => Json(page(protocol, &all, parts.uri.query().unwrap_or_default())).into_response(),
        Err(error) => answer::error(protocol, &error),
    }
}

/// `GET /v1/models/{id}`, `GET /v1beta/models/{id}`
pub(super) async fn one(State(door): State<Door>, Path(id): Path<String>, parts: Parts) -> Response {
    let protocol = spoken(&parts);
    let found = listed(&door, &parts).and_then(|all| {
        all.into_iter().find(|known| known.id == id).ok_or_else(|| {
            let text = format!("No connection has the model \"{id}\".");
            Error::new(Code::ModelNotFound, text, "GET /v1/models lists what can be called.")
        })
    });
    match found {
        Ok(model) => Json(written(protocol, &model)).into_response(),
        Err(error) => answer::error(protocol, &error),
    }
}

/// Anthropic's clients say their version, Google's send their key in a header of its own or ask below `/v1beta`.
fn spoken(parts: &Parts) -> Protocol {
    let has = |headers: &HeaderMap, name: &str| headers.contains_key(name);
    if parts.uri.path().starts_with("/v1beta/") || has(&parts.headers, "x-goog-api-key") {
        Protocol::Gemini
    } else if has(&parts.headers, "anthropic-version") {
        Protocol::Anthropic
    } else {
        Protocol::Openai
    }
}

fn listed(door: &Door, parts: &Parts) -> Result<Vec<Listed>, Error> {
    let app = door.app(parts)?;
    Ok(callable(&*door.engine.snapshot()?, &app))
}

/// Every name that this app's calls could use now: profiles and aliases, then models bare, then by connection.
fn callable(snapshot: &Snapshot, app: &App) -> Vec<Listed> {
    let own = snapshot.directory.names().map(|name| Listed {
        id: name.to_owned(),
        owner: OWN.to_owned(),
        methods: &TALKS,
    });
    let mut names: Vec<Listed> = own.collect();
    let mut addressed = Vec::new();
    let is_on = |status| status == ConnectionStatus::Active;
    for connection in snapshot.connections.iter().filter(|connection| is_on(connection.status)) {
        let default = connection.default_model.iter().filter(|model| !connection.models.contains(model));
        for model in connection.models.iter().chain(default) {
            let methods = methods(snapshot, &connection.provider, model);
            let listed = |id: String| Listed { id, owner: connection.provider.clone(), methods };
            if connection.tested && !names.iter().any(|known| known.id == *model) {
                names.push(listed(model.clone()));
            }
            addressed.push(listed(format!("{}/{model}", connection.key)));
        }
    }
    names.extend(addressed);
    names.retain(|listed| app.may_use(&listed.id));
    names
}

fn methods(snapshot: &Snapshot, provider: &str, model: &str) -> &'static [&'static str] {
    let facts = snapshot.models.iter().find(|facts| facts.provider == provider && facts.model == model);
    let embeds: Capabilities = [Capability::Embeddings].into_iter().collect();
    let makes_vectors = |can: Capabilities| embeds.missing_in(can).is_none();
    if facts.and_then(|facts| facts.capabilities).is_some_and(makes_vectors) { &EMBEDS } else { &TALKS }
}

/// Only who asks for pages gets them.
fn page(protocol: Protocol, all: &[Listed], query: &str) -> Value {
    let asked = |wanted: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    };
    let number =
        |name: &str| asked(name).and_then(|value| value.parse::<usize>().ok()).filter(|most| *most > 0);
    let models = |page: &[Listed]| page.iter().map(|model| written(protocol, model)).collect::<Vec<_>>();
    match protocol {
        Protocol::Gemini => {
            let (page, rest) = slice(all, asked("pageToken").as_deref(), number("pageSize"));
            let mut list = json!({ "models": models(page) });
            if let Some(last) = page.last().filter(|_| rest) {
                list["nextPageToken"] = last.id.as_str().into();
            }
            list
        }
        Protocol::Anthropic => {
            let (page, rest) = slice(all, asked("after_id").as_deref(), number("limit"));
            let id = |model: Option<&Listed>| model.map(|model| model.id.clone());
            json!({ "data": models(page), "has_more": rest, "first_id": id(page.first()), "last_id": id(page.last()) })
        }
        Protocol::Openai | Protocol::Responses => json!({ "object": "list", "data": models(all) }),
    }
}

/// So many after that one, and whether more follow.
fn slice<'a>(all: &'a [Listed], after: Option<&str>, most: Option<usize>) -> (&'a [Listed], bool) {
    let begin = after.and_then(|id| all.iter().position(|model| model.id == id)).map_or(0, |at| at + 1);
    let rest = &all[begin..];
    let most = most.unwrap_or(rest.len()).min(rest.len());
    (&rest[..most], rest.len() > most)
}

fn written(protocol: Protocol, model: &Listed) -> Value {
    let Listed { id, owner, methods } = model;
    match protocol {
        Protocol::Gemini => json!({
            "name": format!("models/{id}"), "version": "", "displayName": id, "description": owner,
            "supportedGenerationMethods": methods,
        }),
        Protocol::Anthropic => {
            json!({ "type": "model", "id": id, "display_name": id, "created_at": "1970-01-01T00:00:00Z" })
        }
        Protocol::Openai | Protocol::Responses => {
            json!({ "id": id, "object": "model", "created": 0, "owned_by": owner })
        }
    }
}
