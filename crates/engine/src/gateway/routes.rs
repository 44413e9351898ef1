//! The routes: each protocol at the paths where its own clients look for it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use patchbay_core::app::is_label;
use patchbay_core::catalog::Protocol;
use patchbay_core::chat::Delivery;
use patchbay_core::code::Code;
use patchbay_core::connection::ConnectionStatus;
use patchbay_core::dialect::Inbound;
use serde_json::json;

use super::{answer, auth};
use crate::Engine;
use crate::call::{Call, Caller};
use crate::error::Error;
use crate::pipeline;
use crate::snapshot::Snapshot;

/// What to use instead of a path that is none.
const ROUTES: &str = "Use POST /v1/chat/completions, /v1/responses, /v1/messages or \
                      /v1beta/models/MODEL:generateContent, or GET /v1/models.";
/// The longest request body, in bytes: room for images, none for a flood.
const MAX_BODY: usize = 32 * 1024 * 1024;

/// All routes, behind the checks of place and size. Some clients leave out `/v1` or write it twice.
pub(super) fn router(engine: Arc<Engine>) -> Router {
    let version_1 = || {
        Router::new()
            .route("/chat/completions", post(answer_call))
            .route("/responses", post(answer_call))
            .route("/messages", post(answer_call))
            .route("/models", get(models))
            .route("/models/{*id}", get(model).post(answer_gemini))
    };
    Router::new()
        .route("/healthz", get(health))
        .merge(version_1())
        .nest("/v1", version_1())
        .nest("/v1/v1", version_1())
        .route("/v1beta/models/{*id}", post(answer_gemini))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn(in_place))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(engine)
}

async fn in_place(request: Request, next: Next) -> Response {
    match auth::check_place(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => answer::error(spoken_at(request.uri().path()), &error),
    }
}

/// The protocol of a path: in it a caller expects its errors too.
fn spoken_at(path: &str) -> Protocol {
    if path.ends_with("/messages") {
        Protocol::Anthropic
    } else if path.ends_with("/responses") {
        Protocol::Responses
    } else if path.starts_with("/v1beta/") || path.ends_with("enerateContent") {
        Protocol::Gemini
    } else {
        Protocol::Openai
    }
}

async fn health() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

/// Calls in a protocol whose body names the model.
async fn answer_call(State(engine): State<Arc<Engine>>, request: Request) -> Response {
    let protocol = spoken_at(request.uri().path());
    serve(&engine, protocol, request, |body| Ok(Inbound::read(protocol, body)?)).await
}

/// Calls of Gemini, whose path names the model and the method.
async fn answer_gemini(
    State(engine): State<Arc<Engine>>,
    Path(path): Path<String>,
    request: Request,
) -> Response {
    let (model, method) = path.rsplit_once(':').unwrap_or((&path, ""));
    let as_events = request.uri().query().is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse"));
    let delivery = match method {
        "generateContent" => Ok(Delivery::Whole),
        "streamGenerateContent" if as_events => Ok(Delivery::Streamed),
        "streamGenerateContent" => Err(Error::new(
            Code::BadRequest,
            "A stream is only sent as server-sent events.",
            "Add ?alt=sse to the URL.",
        )),
        _ => Err(no_route(request.uri().path())),
    };
    serve(&engine, Protocol::Gemini, request, |body| Ok(Inbound::read_gemini(model, delivery?, body)?)).await
}

async fn serve(
    engine: &Arc<Engine>,
    protocol: Protocol,
    request: Request,
    read: impl FnOnce(&[u8]) -> Result<Inbound, Error>,
) -> Response {
    match read_call(engine, request, read).await {
        Ok(call) => match pipeline::serve(engine, call).await {
            Ok(served) => answer::served(served),
            Err(error) => answer::call_error(protocol, &error),
        },
        Err(error) => answer::error(protocol, &error),
    }
}

/// The token is checked before the body is read: who has none costs no memory.
async fn read_call(
    engine: &Engine,
    request: Request,
    read: impl FnOnce(&[u8]) -> Result<Inbound, Error>,
) -> Result<Call, Error> {
    let headers = request.headers().clone();
    let app = auth::app(&headers, &*engine.snapshot()?)?.clone();
    let body = Bytes::from_request(request, &()).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Error::new(Code::ContextTooLong, "The request is longer than 32 MiB.", "Send a shorter one.")
        }
        _ => {
            Error::new(Code::BadRequest, "The request ended before its body was complete.", "Send it again.")
        }
    })?;
    let inbound = read(&body)?;
    let label = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .filter(|value| is_label(value))
            .map(str::to_owned)
    };
    let feature =
        label("x-patchbay-feature").or_else(|| inbound.feature.clone().filter(|text| is_label(text)));
    let caller = Caller {
        app: app.name,
        feature: feature.or(app.feature).unwrap_or_default(),
        signal: label("x-patchbay-signal"),
    };
    Ok(Call::new(inbound, caller))
}

async fn models(State(engine): State<Arc<Engine>>, headers: HeaderMap) -> Response {
    match listed(&engine, &headers) {
        Ok(ids) => {
            let data: Vec<_> = ids.iter().map(|(id, owner)| model_json(id, owner)).collect();
            Json(json!({ "object": "list", "data": data })).into_response()
        }
        Err(error) => answer::error(Protocol::Openai, &error),
    }
}

async fn model(State(engine): State<Arc<Engine>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    match listed(&engine, &headers) {
        Ok(ids) => match ids.iter().find(|(known, _)| *known == id) {
            Some((id, owner)) => Json(model_json(id, owner)).into_response(),
            None => answer::error(
                Protocol::Openai,
                &Error::new(
                    Code::ModelNotFound,
                    format!("No connection has the model \"{id}\"."),
                    "GET /v1/models lists what can be called.",
                ),
            ),
        },
        Err(error) => answer::error(Protocol::Openai, &error),
    }
}

fn model_json(id: &str, owner: &str) -> serde_json::Value {
    json!({ "id": id, "object": "model", "created": 0, "owned_by": owner })
}

/// Everything that a call could name now, with who has it: profiles and aliases, then models, bare and by connection.
fn listed(engine: &Engine, headers: &HeaderMap) -> Result<Vec<(String, String)>, Error> {
    let snapshot = engine.snapshot()?;
    auth::app(headers, &snapshot)?;
    Ok(callable(&snapshot))
}

fn callable(snapshot: &Snapshot) -> Vec<(String, String)> {
    let mut named = snapshot.named_targets();
    let mut bare: Vec<(String, String)> = Vec::new();
    let mut addressed = Vec::new();
    for connection in
        snapshot.connections.iter().filter(|connection| connection.status == ConnectionStatus::Active)
    {
        let own = connection.default_model.iter().filter(|model| !connection.models.contains(model));
        for model in connection.models.iter().chain(own) {
            if connection.tested && !bare.iter().any(|(known, _)| known == model) {
                bare.push((model.clone(), connection.provider.clone()));
            }
            addressed.push((format!("{}/{model}", connection.key), connection.provider.clone()));
        }
    }
    bare.retain(|(model, _)| !named.iter().any(|(name, _)| name == model));
    named.extend(bare.into_iter().chain(addressed));
    named
}

async fn unknown(request: Request) -> Response {
    let path = request.uri().path();
    answer::error(spoken_at(path), &no_route(path))
}

fn no_route(path: &str) -> Error {
    Error::new(Code::NotFound, format!("The gateway has no route {path}."), ROUTES)
}

async fn wrong_method(request: Request) -> Response {
    let (method, path) = (request.method(), request.uri().path());
    let error = Error::new(Code::BadRequest, format!("{path} does not answer to {method}."), ROUTES);
    let mut response = answer::error(spoken_at(path), &error);
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}
