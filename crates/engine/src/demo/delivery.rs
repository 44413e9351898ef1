//! How an answer leaves the Demo: at a model's pace, whole or cut.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use serde_json::Value;

use super::DemoFault;
use super::answer::{Answer, Model};
use super::server::Ticket;

/// How long it takes to say all of an answer.
pub(super) fn speaking_time(model: &Model, answer: &Answer) -> Duration {
    let words = u32::try_from(answer.words().count()).unwrap_or(u32::MAX);
    model.first_token + model.word.saturating_mul(words)
}

/// An answer in one piece.
pub(super) fn plain(completion: &Value, ticket: Arc<Ticket>) -> Response {
    let whole = Bytes::from(completion.to_string());
    let length = whole.len();
    let body = if ticket.fault == DemoFault::CutStream {
        let half = Frame::Text(whole.slice(..length / 2));
        let pieces = vec![Piece(Duration::ZERO, half), Piece(Duration::ZERO, Frame::Cut)];
        body(pieces, ticket)
    } else {
        Body::from(whole)
    };
    let headers =
        [(header::CONTENT_TYPE, "application/json".to_owned()), (header::CONTENT_LENGTH, length.to_string())];
    (headers, body).into_response()
}

/// An answer word by word.
pub(super) fn streamed(model: &Model, chunks: &[Value], ticket: Arc<Ticket>) -> Response {
    let headers =
        [(header::CONTENT_TYPE, "text/event-stream; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    let pieces = pieces(model, chunks, ticket.fault);
    (headers, body(pieces, ticket)).into_response()
}

/// A piece of a body, and how long it takes to come.
struct Piece(Duration, Frame);

enum Frame {
    Text(Bytes),
    /// The connection ends here.
    Cut,
}

fn pieces(model: &Model, chunks: &[Value], fault: DemoFault) -> Vec<Piece> {
    let text = |data: &str| Frame::Text(Bytes::from(format!("data: {data}\n\n")));
    let waits = std::iter::once(model.first_token).chain(std::iter::repeat(model.word));
    let mut pieces: Vec<Piece> =
        waits.zip(chunks).map(|(wait, chunk)| Piece(wait, text(&chunk.to_string()))).collect();
    if fault == DemoFault::CutStream {
        pieces.truncate(pieces.len() / 2);
        pieces.push(Piece(model.word, Frame::Cut));
    } else {
        pieces.push(Piece(Duration::ZERO, text("[DONE]")));
    }
    pieces
}

fn body(pieces: Vec<Piece>, ticket: Arc<Ticket>) -> Body {
    Body::from_stream(stream::iter(pieces).then(move |Piece(wait, frame)| {
        let pace = ticket.pace();
        async move {
            pace.wait(wait).await;
            match frame {
                Frame::Text(text) => Ok(text),
                Frame::Cut => {
                    // Lets hyper send what it holds before the error makes it throw the connection away.
                    tokio::task::yield_now().await;
                    Err(io::Error::from(io::ErrorKind::ConnectionAborted))
                }
            }
        }
    }))
}
