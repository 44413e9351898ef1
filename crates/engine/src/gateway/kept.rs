//! Keeps what an app sends and gets, for apps that somebody turned that on for. All others pass untouched.

use std::sync::Arc;

use axum::body::{Body, HttpBody, to_bytes};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use patchbay_core::app::App;
use patchbay_core::id::{AppId, CallId};

use crate::Engine;
use crate::bodies::{MOST_BYTES, Side, Written};

/// What is to be kept of a call, from its begin on.
pub(super) struct Keep {
    engine: Arc<Engine>,
    app: AppId,
    for_s: u32,
    call: CallId,
    request: Bytes,
}

impl Keep {
    /// What is to be kept of a call of this app; `None` where nothing is.
    pub(super) fn of(engine: &Arc<Engine>, app: &App, call: CallId, request: &Bytes) -> Option<Self> {
        let for_s = app.keep_bodies_s?;
        Some(Self { engine: Arc::clone(engine), app: app.id, for_s, call, request: request.clone() })
    }

    /// Lets the answer pass and keeps a copy of it, which is there before the caller sees its end.
    pub(super) async fn copying(self, response: Response) -> Response {
        let (parts, body) = response.into_parts();
        let mut copy = Copy { keep: Some(self), answer: Vec::new(), is_cut: false };
        if body.size_hint().exact().is_some() {
            let Ok(whole) = to_bytes(body, usize::MAX).await else {
                return Response::from_parts(parts, Body::empty());
            };
            copy.take(&whole);
            copy.finish().await;
            return Response::from_parts(parts, Body::from(whole));
        }
        let pieces = body.into_data_stream();
        let copied = stream::unfold((pieces, copy), |(mut pieces, mut copy)| async move {
            let Some(piece) = pieces.next().await else {
                copy.finish().await;
                return None;
            };
            if let Ok(bytes) = &piece {
                copy.take(bytes);
            }
            Some((piece, (pieces, copy)))
        });
        Response::from_parts(parts, Body::from_stream(copied))
    }
}

/// The answer as far as it has passed.
struct Copy {
    keep: Option<Keep>,
    answer: Vec<u8>,
    is_cut: bool,
}

impl Copy {
    fn take(&mut self, bytes: &Bytes) {
        let room = MOST_BYTES - self.answer.len();
        self.is_cut |= bytes.len() > room;
        self.answer.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// That it cannot be kept never keeps the answer from its caller.
    async fn finish(&mut self) {
        let Some(written) = self.written() else { return };
        if let Err(error) = written.0.keep(written.1).await {
            tracing::warn!(%error, "a request and its answer could not be kept");
        }
    }

    fn written(&mut self) -> Option<(Arc<Engine>, Written)> {
        let keep = self.keep.take()?;
        let beginning = keep.request.len().min(MOST_BYTES);
        let request =
            Side { text: keep.request[..beginning].to_vec(), is_cut: keep.request.len() > MOST_BYTES };
        let answer = Side { text: std::mem::take(&mut self.answer), is_cut: self.is_cut };
        Some((keep.engine, Written { call: keep.call, app: keep.app, for_s: keep.for_s, request, answer }))
    }
}

impl Drop for Copy {
    /// A caller that left: what had come is kept all the same.
    fn drop(&mut self) {
        if let (Some((engine, written)), Ok(runtime)) =
            (self.written(), tokio::runtime::Handle::try_current())
        {
            runtime.spawn(async move { engine.keep(written).await });
        }
    }
}
