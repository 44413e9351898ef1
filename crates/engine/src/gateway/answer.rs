//! Answers in the caller's own protocol: bodies, events, envelopes of errors, and the headers that say where it came from.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use patchbay_core::catalog::Protocol;
use patchbay_core::code::Code;
use patchbay_core::dialect::openai::UsageChunk;
use patchbay_core::dialect::{self, Encoder, Failure, Stamp};
use patchbay_core::id::CallId;
use tokio::time::timeout;

use super::patience::KEEP_ALIVE;
use crate::error::{Error, remedy, told};
use crate::pipeline::{Answer, CallError, End, Head, Piece, Streamed, Whole};

/// The answer of a call that was served.
pub(super) fn served(answer: Answer, keep_alive: Duration) -> Response {
    match answer {
        Answer::Whole(answer) => whole(*answer),
        Answer::Stream(answer) => streamed(answer, keep_alive),
    }
}

fn whole(answer: Whole) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    let headers = response.headers_mut();
    put(headers, "content-type", "application/json");
    describe(headers, &answer.head);
    if let Some(cost) = answer.end.cost.amount {
        put(headers, "x-patchbay-cost-usd", &cost.to_string());
    }
    response
}

fn streamed(answer: Streamed, keep_alive: Duration) -> Response {
    let head = answer.head.clone();
    let mut response = event_stream(head.call, pieces(answer, keep_alive));
    describe(response.headers_mut(), &head);
    response
}

/// An answer of events of which nothing is known yet but its call.
pub(super) fn event_stream(call: CallId, body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    put(headers, "content-type", "text/event-stream; charset=utf-8");
    put(headers, "cache-control", "no-cache");
    put(headers, "x-request-id", &call.to_string());
    put(headers, "x-patchbay-call", &call.to_string());
    response
}

/// Each event in a write of its own, and a comment where the provider is silent for a while.
pub(super) fn pieces(answer: Streamed, keep_alive: Duration) -> Body {
    let Streamed { protocol, pieces, .. } = answer;
    // Google's own clients take every line for data.
    let keep_alive = if protocol == Protocol::Gemini { Duration::MAX } else { keep_alive };
    Body::from_stream(stream::unfold(Some(pieces), move |pieces| async move {
        let mut pieces = pieces?;
        let Ok(piece) = timeout(keep_alive, pieces.recv()).await else {
            return Some((Ok(KEEP_ALIVE), Some(pieces)));
        };
        match piece? {
            Piece::Event { raw, .. } => Some((Ok(raw), Some(pieces))),
            Piece::Answered { raw, end } => Some((Ok(closing(protocol, &raw, &end)), None)),
            Piece::Failed { raw, .. } => Some((Ok::<_, std::convert::Infallible>(raw), None)),
        }
    }))
}

/// The end of a stream that is in the ledger: its cost in a comment, which clients skip, and what ends it. Google's own
/// clients take every line for data.
fn closing(protocol: Protocol, raw: &Bytes, end: &End) -> Bytes {
    match end.cost.amount {
        Some(cost) if protocol != Protocol::Gemini => {
            let comment = format!(": x-patchbay-cost-usd {cost}\n\n");
            [comment.as_bytes(), raw].concat().into()
        }
        _ => raw.clone(),
    }
}

fn describe(headers: &mut HeaderMap, head: &Head) {
    put(headers, "x-request-id", &head.call.to_string());
    put(headers, "x-patchbay-call", &head.call.to_string());
    put(headers, "x-patchbay-connection", &head.connection);
    put(headers, "x-patchbay-provider", &head.provider);
    put(headers, "x-patchbay-model", &head.model);
    put(headers, "x-patchbay-attempts", &head.attempts.to_string());
    if !head.notices.is_empty() {
        put(headers, "x-patchbay-notices", &head.notices.join(" "));
    }
}

/// A value that is no header value (a model id with a line break) is left out rather than broken.
fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The answer of a call that nobody could serve.
pub(super) fn call_error(protocol: Protocol, error: &CallError) -> Response {
    let failure = &error.failure;
    let body = envelope(protocol, failure.code, (&failure.message, remedy(failure.code)), &error.skipped);
    let mut response = json(status(failure.code), body);
    let headers = response.headers_mut();
    match &error.head {
        Some(head) => describe(headers, head),
        None => put(headers, "x-request-id", &error.call.to_string()),
    }
    if let Some(wait) = failure.retry_after_ms {
        put(headers, "retry-after", &wait.div_ceil(1_000).to_string());
    }
    if matches!(failure.code, Code::QuotaExhausted | Code::BudgetExceeded | Code::Stopped) {
        put(headers, "x-should-retry", "false");
    }
    response
}

/// The same as an event, for a stream whose head has gone out already.
pub(super) fn error_event(protocol: Protocol, error: &CallError) -> Vec<u8> {
    let failure = &error.failure;
    let message = in_words((&failure.message, remedy(failure.code)), &error.skipped);
    let stamp = Stamp { model: "", id: &error.call.to_string(), created: 0 };
    Encoder::new(protocol, stamp, UsageChunk::Left).fail(&Failure { message, ..failure.clone() })
}

/// The answer to a request that is no call.
pub(super) fn error(protocol: Protocol, error: &Error) -> Response {
    json(status(error.code), envelope(protocol, error.code, (&error.message, &error.hint), &[]))
}

fn json(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [("content-type", "application/json")], body).into_response()
}

fn status(code: Code) -> StatusCode {
    match code {
        Code::Unauthorized | Code::KeyRefused => StatusCode::UNAUTHORIZED,
        Code::Forbidden | Code::Stopped | Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound | Code::ModelNotFound => StatusCode::NOT_FOUND,
        Code::BadRequest
        | Code::Untranslatable
        | Code::InvalidInput
        | Code::ContentFiltered
        | Code::ContextTooLong => StatusCode::BAD_REQUEST,
        Code::QuotaExhausted | Code::BudgetExceeded => StatusCode::PAYMENT_REQUIRED,
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::TimedOut => StatusCode::GATEWAY_TIMEOUT,
        Code::UpstreamFailed | Code::MalformedAnswer | Code::StreamCut | Code::NetworkFailed => {
            StatusCode::BAD_GATEWAY
        }
        Code::DiskFull | Code::DatabaseFailed | Code::DatabaseNewer | Code::Internal => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The envelope of the caller's protocol. The remedy is part of the message, because clients show nothing else.
fn envelope(protocol: Protocol, code: Code, (message, hint): (&str, &str), candidates: &[String]) -> Vec<u8> {
    let text = in_words((message, hint), candidates);
    dialect::encode_failure(protocol, code, status(code).as_u16(), &text)
}

fn in_words((message, hint): (&str, &str), candidates: &[String]) -> String {
    let text = told(message, hint);
    if candidates.is_empty() { text } else { format!("{text} Not tried: {}.", candidates.join("; ")) }
}
