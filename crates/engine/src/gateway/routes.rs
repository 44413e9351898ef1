//! The routes of the OpenAI protocol.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use patchbay_core::app::is_label;
use patchbay_core::code::Code;
use patchbay_core::connection::ConnectionStatus;
use patchbay_core::dialect::openai::Inbound;
use serde_json::json;

use super::{answer, auth};
use crate::Engine;
use crate::call::{Call, Caller};
use crate::error::Error;
use crate::pipeline;
use crate::snapshot::Snapshot;

/// The longest request body, in bytes: room for images, none for a flood.
const MAX_BODY: usize = 32 * 1024 * 1024;

/// All routes, behind the checks of place and size. Some clients leave out `/v1` or write it twice.
pub(super) fn router(engine: Arc<Engine>) -> Router {
    let openai = || {
        Router::new()
            .route("/chat/completions", post(chat))
            .route("/models", get(models))
            .route("/models/{*id}", get(model))
    };
    Router::new()
        .route("/healthz", get(health))
        .merge(openai())
        .nest("/v1", openai())
        .nest("/v1/v1", openai())
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn(in_place))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(engine)
}

async fn in_place(request: Request, next: Next) -> Response {
    match auth::check_place(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => answer::error(&error),
    }
}

async fn health() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

async fn chat(State(engine): State<Arc<Engine>>, request: Request) -> Response {
    match read_call(&engine, request).await {
        Ok(call) => match pipeline::serve(&engine, call).await {
            Ok(served) => answer::served(served),
            Err(error) => answer::call_error(&error),
        },
        Err(error) => answer::error(&error),
    }
}

/// The token is checked before the body is read: who has none costs no memory.
async fn read_call(engine: &Engine, request: Request) -> Result<Call, Error> {
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
    let inbound = Inbound::read(&body)?;
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
        Err(error) => answer::error(&error),
    }
}

async fn model(State(engine): State<Arc<Engine>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    match listed(&engine, &headers) {
        Ok(ids) => match ids.iter().find(|(known, _)| *known == id) {
            Some((id, owner)) => Json(model_json(id, owner)).into_response(),
            None => answer::error(&Error::new(
                Code::ModelNotFound,
                format!("No connection has the model \"{id}\"."),
                "GET /v1/models lists what can be called.",
            )),
        },
        Err(error) => answer::error(&error),
    }
}

fn model_json(id: &str, owner: &str) -> serde_json::Value {
    json!({ "id": id, "object": "model", "created": 0, "owned_by": owner })
}

/// Every model that a call could name now, bare and by connection, with the provider that has it.
fn listed(engine: &Engine, headers: &HeaderMap) -> Result<Vec<(String, String)>, Error> {
    let snapshot = engine.snapshot()?;
    auth::app(headers, &snapshot)?;
    Ok(callable(&snapshot))
}

fn callable(snapshot: &Snapshot) -> Vec<(String, String)> {
    let mut bare = Vec::new();
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
    bare.extend(addressed);
    bare
}

async fn unknown(request: Request) -> Response {
    let path = request.uri().path();
    answer::error(&Error::new(
        Code::NotFound,
        format!("The gateway has no route {path}."),
        "Use POST /v1/chat/completions or GET /v1/models.",
    ))
}

async fn wrong_method(request: Request) -> Response {
    let (method, path) = (request.method(), request.uri().path());
    let error = Error::new(
        Code::BadRequest,
        format!("{path} does not answer to {method}."),
        "Use POST /v1/chat/completions or GET /v1/models.",
    );
    let mut response = answer::error(&error);
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}
