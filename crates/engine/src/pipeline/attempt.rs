//! One attempt at one connection: key, request, answer.

use std::sync::Arc;

use patchbay_core::code::Code;
use patchbay_core::connection::Connection;
use patchbay_core::dialect::{Failure, openai};
use patchbay_core::route::Candidate;
use patchbay_core::secret::Secret;
use reqwest::Response;

use super::{Answer, End, Head, Whole, stream};
use crate::Engine;
use crate::call::Call;
use crate::gauges::InFlight;
use crate::trail::Trail;
use crate::upstream;

/// The route below the base URL.
const ROUTE: &str = "chat/completions";

/// Makes one attempt. A failure comes back with its trail, because only the caller knows whether another attempt follows.
pub(super) async fn attempt(
    engine: &Arc<Engine>,
    call: &Arc<Call>,
    candidate: &Candidate<'_>,
    head: &Head,
    mut trail: Trail,
    guard: &mut Option<InFlight>,
) -> Result<Answer, (Trail, Failure)> {
    let work = async {
        let (response, key) = request(engine, call, candidate, &mut trail).await?;
        if call.is_streamed() {
            stream::open(response, call, candidate.connection, key, &mut trail)
                .await
                .map(|opened| Begun::Stream(Box::new(opened)))
        } else {
            whole(response, call, candidate.connection, key, &mut trail).await.map(Begun::Whole)
        }
    };
    let begun = tokio::select! {
        begun = work => begun,
        () = engine.gauges.stopped() => Err(Failure::new(Code::Stopped, "All traffic was stopped.")),
    };
    match begun {
        Ok(Begun::Whole(begun)) => Ok(finish_whole(begun, head, trail).await),
        Ok(Begun::Stream(opened)) => Ok(opened.run(engine, head.clone(), trail, guard.take())),
        Err(failure) => Err((trail, failure)),
    }
}

enum Begun {
    Whole(Decoded),
    Stream(Box<stream::Opened>),
}

struct Decoded {
    body: Vec<u8>,
    reply: openai::Reply,
}

async fn request(
    engine: &Engine,
    call: &Call,
    candidate: &Candidate<'_>,
    trail: &mut Trail,
) -> Result<(Response, Option<Secret>), Failure> {
    let connection = candidate.connection;
    let key = engine.keys.of(connection).await.map_err(|error| Failure::new(error.code, error.message))?;
    let body = call.inbound.upstream_body(&candidate.model, connection.quirks);
    trail.sent();
    let response =
        engine.upstream.post(connection, key.as_ref(), ROUTE, body).await.inspect_err(|failure| {
            // Refused before a byte was sent: nothing can have been billed.
            if failure.status.is_none() && failure.code == Code::NetworkFailed {
                trail.not_sent();
            }
        })?;
    let id = response.headers().get("x-request-id").and_then(|id| id.to_str().ok());
    let id = id.map(|id| key.as_ref().map_or_else(|| id.to_owned(), |key| key.redact(id)));
    trail.answered_with(response.status().as_u16(), id);
    Ok((response, key))
}

async fn whole(
    response: Response,
    call: &Call,
    connection: &Connection,
    key: Option<Secret>,
    trail: &mut Trail,
) -> Result<Decoded, Failure> {
    let body = upstream::read_whole(response, connection).await?;
    let reply = openai::decode_reply(&body, connection.quirks)
        .map_err(|failure| upstream::redacted(failure, key.as_ref()))?;
    trail.first_token();
    trail.progress(reply.usage, reply.text.len());
    trail.estimate_where_unreported();
    let served = reply.model.as_deref().unwrap_or_default();
    let echoed = if served == call.inbound.model { None } else { echo(&body, &call.inbound.model) };
    Ok(Decoded { body: echoed.unwrap_or(body), reply })
}

fn echo(body: &[u8], model: &str) -> Option<Vec<u8>> {
    openai::echo_model(std::str::from_utf8(body).ok()?, model).map(String::into_bytes)
}

/// Enters a whole answer into the ledger, and only then hands it on.
async fn finish_whole(begun: Decoded, head: &Head, trail: Trail) -> Answer {
    let end = End {
        usage: trail.usage(),
        cost: trail.cost(),
        total_ms: trail.elapsed_ms(),
        first_token_ms: None,
        finish_reason: begun.reply.finish_reason.clone(),
    };
    trail.answered(begun.reply.finish_reason).await;
    Answer::Whole(Box::new(Whole {
        head: head.clone(),
        body: begun.body.into(),
        text: begun.reply.text,
        end,
    }))
}
