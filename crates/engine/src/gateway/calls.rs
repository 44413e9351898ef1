//! Calls of models, each read in the protocol of its path.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use patchbay_core::app::{App, is_label};
use patchbay_core::catalog::Protocol;
use patchbay_core::chat::Delivery;
use patchbay_core::code::Code;
use patchbay_core::dialect::{Inbound, Task, passed_on};
use patchbay_core::embeddings::EmbeddingsForm;
use tokio::time::timeout;

use super::kept::Keep;
use super::routes::{Door, no_route, spoken_at};
use super::{answer, patience};
use crate::call::{Call, Caller};
use crate::error::Error;
use crate::metrics::Refused;
use crate::pipeline;

/// Calls in a protocol whose body names the model.
pub(super) async fn chat(State(door): State<Door>, request: Request) -> Response {
    serve(&door, request, |protocol, body| Ok(Inbound::read(protocol, body)?)).await
}

/// `POST /v1/embeddings`
pub(super) async fn embeddings(State(door): State<Door>, request: Request) -> Response {
    let task = Task::Embed(EmbeddingsForm::Batch);
    serve(&door, request, |protocol, body| Ok(Inbound::read(protocol, body)?.asking_for(task))).await
}

/// `POST /v1/messages/count_tokens`
pub(super) async fn count(State(door): State<Door>, request: Request) -> Response {
    serve(&door, request, |protocol, body| Ok(Inbound::read(protocol, body)?.asking_for(Task::Count))).await
}

/// Calls of Gemini, whose path names the model and the method.
pub(super) async fn gemini(State(door): State<Door>, Path(path): Path<String>, request: Request) -> Response {
    let (model, method) = path.rsplit_once(':').unwrap_or((&path, ""));
    let as_events = request.uri().query().is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse"));
    let asked = match method {
        "generateContent" => Ok((Delivery::Whole, Task::Chat)),
        "streamGenerateContent" if as_events => Ok((Delivery::Streamed, Task::Chat)),
        "streamGenerateContent" => Err(Error::new(
            Code::BadRequest,
            "A stream is only sent as server-sent events.",
            "Add ?alt=sse to the URL.",
        )),
        "countTokens" => Ok((Delivery::Whole, Task::Count)),
        "embedContent" => Ok((Delivery::Whole, Task::Embed(EmbeddingsForm::One))),
        "batchEmbedContents" => Ok((Delivery::Whole, Task::Embed(EmbeddingsForm::Batch))),
        _ => Err(no_route(request.uri().path())),
    };
    serve(&door, request, |_, body| {
        let (delivery, task) = asked?;
        Ok(Inbound::read_gemini(model, delivery, body)?.asking_for(task))
    })
    .await
}

async fn serve(
    door: &Door,
    request: Request,
    read: impl FnOnce(Protocol, &[u8]) -> Result<Inbound, Error>,
) -> Response {
    let protocol = spoken_at(request.uri().path());
    let (call, keep) = match read_call(door, protocol, request, read).await {
        Ok(read) => read,
        Err(error) => return answer::error(protocol, &error),
    };
    let response = answered(door, protocol, call).await;
    match keep {
        Some(keep) => keep.copying(response).await,
        None => response,
    }
}

async fn answered(door: &Door, protocol: Protocol, call: Call) -> Response {
    let id = call.id;
    let may_wait = call.is_streamed() && protocol != Protocol::Gemini;
    let engine = Arc::clone(&door.engine);
    let serving = async move { pipeline::serve(&engine, call).await };
    if may_wait {
        return patience::answer(protocol, id, door.bounds.keep_alive, serving).await;
    }
    match serving.await {
        Ok(served) => answer::served(served, door.bounds.keep_alive),
        Err(error) => answer::call_error(protocol, &error),
    }
}

/// The token is checked before the body is read: who has none costs no memory.
async fn read_call(
    door: &Door,
    protocol: Protocol,
    request: Request,
    read: impl FnOnce(Protocol, &[u8]) -> Result<Inbound, Error>,
) -> Result<(Call, Option<Keep>), Error> {
    let (parts, body) = request.into_parts();
    let app = door.app(&parts)?;
    let body = whole_body(door, Request::from_parts(parts.clone(), body)).await?;
    let mut inbound = read(protocol, &body)?;
    if !app.may_use(&inbound.model) {
        return Err(door.refused(Refused::Model, not_allowed(&app, &inbound.model)));
    }
    if let Some(most) = app.limits.max_output_tokens {
        inbound.limit_answer(most);
    }
    inbound.headers = headers_to_pass_on(protocol, &parts);
    let label = |name: &str| {
        let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
        value.filter(|value| is_label(value)).map(str::to_owned)
    };
    let feature =
        label("x-patchbay-feature").or_else(|| inbound.feature.clone().filter(|text| is_label(text)));
    let caller = Caller {
        app: app.name.clone(),
        feature: feature.or_else(|| app.feature.clone()).unwrap_or_default(),
        signal: label("x-patchbay-signal"),
    };
    let call = Call::new(inbound, caller);
    let keep = Keep::of(&door.engine, &app, call.id, &body);
    Ok((call, keep))
}

/// Who sends slowly holds no place for long.
async fn whole_body(door: &Door, request: Request) -> Result<Bytes, Error> {
    let bounds = door.bounds;
    match timeout(bounds.body_time, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(door.refused(
            Refused::Size,
            Error::new(Code::ContextTooLong, "The request is longer than 32 MiB.", "Send a shorter one."),
        )),
        Ok(Err(_)) => Err(Error::new(
            Code::BadRequest,
            "The request ended before its body was complete.",
            "Send it again.",
        )),
        Err(_) => Err(door.refused(Refused::Slow, too_slow(bounds.body_time))),
    }
}

fn too_slow(time: Duration) -> Error {
    let seconds = time.as_secs_f32();
    Error::new(
        Code::BadRequest,
        format!("The request's body did not arrive within {seconds} s."),
        "Send it again.",
    )
}

fn not_allowed(app: &App, model: &str) -> Error {
    let names = app.may_use.as_deref().unwrap_or_default().join(", ");
    let names = if names.is_empty() { "nothing".to_owned() } else { names };
    Error::new(
        Code::Forbidden,
        format!("The app {} may not use \"{model}\". It may use: {names}.", app.name),
        "Use one of these, or allow it more: `patchbay apps edit NAME --may-use …`.",
    )
}

fn headers_to_pass_on(protocol: Protocol, parts: &Parts) -> Vec<(&'static str, String)> {
    let sent = |name: &&'static str| {
        let value = parts.headers.get(*name).and_then(|value| value.to_str().ok());
        value.map(|value| (*name, value.to_owned()))
    };
    passed_on(protocol).iter().filter_map(sent).collect()
}
