//! The routes: each protocol at the paths where its own clients look for it.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use patchbay_core::app::App;
use patchbay_core::catalog::Protocol;
use patchbay_core::code::Code;
use serde_json::json;

use super::reach::Reach;
use super::{Bounds, answer, auth, calls, door, models};
use crate::Engine;
use crate::error::Error;
use crate::metrics::{Now, Refused};

/// What to use instead of a path that is none.
const ROUTES: &str = "Use POST /v1/chat/completions, /v1/responses, /v1/embeddings, /v1/messages or \
                      /v1beta/models/MODEL:generateContent, or GET /v1/models.";
/// The longest request body, in bytes: room for images, none for a flood.
const MAX_BODY: usize = 32 * 1024 * 1024;

/// What every route stands on.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) engine: Arc<Engine>,
    pub(super) bounds: Bounds,
    pub(super) reach: Arc<Reach>,
}

impl Door {
    /// Counts a request that is turned away.
    pub(super) fn refused(&self, reason: Refused, error: Error) -> Error {
        self.engine.metrics.refused(reason);
        error
    }

    /// The app that calls.
    pub(super) fn app(&self, parts: &Parts) -> Result<App, Error> {
        let snapshot = self.engine.snapshot()?;
        auth::app(parts, &snapshot).cloned().map_err(|error| self.refused(Refused::Token, error))
    }
}

/// All routes, behind the checks of place and size. Some clients leave out `/v1` or write it twice.
pub(super) fn router(door: Door) -> Router {
    let version_1 = || {
        Router::new()
            .route("/chat/completions", post(calls::chat))
            .route("/responses", post(calls::chat))
            .route("/embeddings", post(calls::embeddings))
            .route("/messages", post(calls::chat))
            .route("/messages/count_tokens", post(calls::count))
            .route("/models", get(models::list))
            .route("/models/{*id}", get(models::one).post(calls::gemini))
    };
    Router::new()
        .route("/healthz", get(health))
        .route("/metrics", get(metrics))
        .merge(version_1())
        .nest("/v1", version_1())
        .nest("/v1/v1", version_1())
        .route("/v1beta/models", get(models::list))
        .route("/v1beta/models/{*id}", get(models::one).post(calls::gemini))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(door.clone(), in_place))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(door)
}

async fn in_place(State(here): State<Door>, request: Request, next: Next) -> Response {
    match door::check(request.uri(), request.headers(), &here.reach) {
        Ok(()) => next.run(request).await,
        Err((reason, error)) => answer::error(spoken_at(request.uri().path()), &here.refused(reason, error)),
    }
}

/// The protocol of a path: in it a caller expects its errors too.
pub(super) fn spoken_at(path: &str) -> Protocol {
    if path.ends_with("/messages") || path.ends_with("/messages/count_tokens") {
        Protocol::Anthropic
    } else if path.ends_with("/responses") {
        Protocol::Responses
    } else if path.starts_with("/v1beta/") || names_a_method(path) {
        Protocol::Gemini
    } else {
        Protocol::Openai
    }
}

fn names_a_method(path: &str) -> bool {
    ["enerateContent", ":countTokens", ":embedContent", ":batchEmbedContents"]
        .iter()
        .any(|method| path.ends_with(method))
}

async fn health() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

async fn metrics(State(door): State<Door>, parts: Parts) -> Response {
    if let Err(error) = door.app(&parts) {
        return answer::error(Protocol::Openai, &error);
    }
    let engine = &door.engine;
    let waiting_rows = engine.store.pending() + engine.ledger.trouble().map_or(0, |(rows, _)| rows);
    let text = engine.metrics.text(Now { in_flight: engine.gauges.in_flight(), waiting_rows });
    ([("content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
}

async fn unknown(request: Request) -> Response {
    let path = request.uri().path();
    answer::error(spoken_at(path), &no_route(path))
}

pub(super) fn no_route(path: &str) -> Error {
    Error::new(Code::NotFound, format!("The gateway has no route {path}."), ROUTES)
}

async fn wrong_method(request: Request) -> Response {
    let (method, path) = (request.method(), request.uri().path());
    let error = Error::new(Code::BadRequest, format!("{path} does not answer to {method}."), ROUTES);
    let mut response = answer::error(spoken_at(path), &error);
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}
