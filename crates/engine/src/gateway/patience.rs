//! A streamed answer that is not there yet: after a while the caller gets the head and a comment now and then, so that nothing
//! between it and here takes the silence for the end. Google's own clients take every line for data and wait in silence.

use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use patchbay_core::catalog::Protocol;
use patchbay_core::id::CallId;
use tokio::time::timeout;

use super::answer;
use crate::pipeline::{Answer, CallError};

/// What clients skip.
pub(super) const KEEP_ALIVE: Bytes = Bytes::from_static(b": keep-alive\n\n");

type Serving = Pin<Box<dyn Future<Output = Result<Answer, CallError>> + Send>>;

/// Waits for the answer; beyond `pause` together with the caller. Who leaves in between ends the call.
pub(super) async fn answer(
    protocol: Protocol,
    call: CallId,
    pause: Duration,
    serving: impl Future<Output = Result<Answer, CallError>> + Send + 'static,
) -> Response {
    let mut serving: Serving = Box::pin(serving);
    match timeout(pause, &mut serving).await {
        Ok(Ok(served)) => answer::served(served, pause),
        Ok(Err(error)) => answer::call_error(protocol, &error),
        Err(_) => answer::event_stream(call, waiting(protocol, pause, serving)),
    }
}

/// Comments until the answer is there, then the answer. What can no longer be a status is an event.
fn waiting(protocol: Protocol, pause: Duration, serving: Serving) -> Body {
    let comments_and_answer = stream::unfold(Some(serving), move |serving| async move {
        let mut serving = serving?;
        match timeout(pause, &mut serving).await {
            Err(_) => Some((Body::from(KEEP_ALIVE), Some(serving))),
            Ok(Ok(Answer::Stream(streamed))) => Some((answer::pieces(streamed, pause), None)),
            Ok(Ok(Answer::Whole(whole))) => Some((Body::from(whole.body), None)),
            Ok(Err(error)) => Some((Body::from(answer::error_event(protocol, &error)), None)),
        }
    });
    let first = stream::once(async { Body::from(KEEP_ALIVE) });
    let parts = first.chain(comments_and_answer).flat_map(Body::into_data_stream);
    Body::from_stream(parts.map(|piece| Ok::<_, Infallible>(piece.unwrap_or_default())))
}
