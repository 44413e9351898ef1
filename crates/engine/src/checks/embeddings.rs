//! Whether a connection makes embeddings: asked only by a deep test, and only where its list names a model for it.

use std::sync::Arc;

use patchbay_core::catalog::Protocol;
use patchbay_core::connection::Connection;
use patchbay_core::diagnose::Cause;
use patchbay_core::dialect::{Failure, Inbound, gemini, openai};
use patchbay_core::embeddings::{EmbeddingsInput, EmbeddingsRequest, VectorEncoding};
use patchbay_core::ledger::{Position, UsageType};
use patchbay_core::money::NanoUsd;
use patchbay_core::route::Candidate;
use serde_json::json;

use super::{Found, paid};
use crate::call::Call;
use crate::pipeline::approach_of_test;
use crate::trail::Trail;
use crate::{Engine, upstream};

const TEXT: &str = "EURUSD";

/// The first of the listed models that is made for it.
pub(super) fn model_for(protocol: Protocol, models: &[String]) -> Option<&String> {
    let speaks = !matches!(protocol, Protocol::Anthropic);
    models.iter().find(|model| speaks && model.to_ascii_lowercase().contains("embed"))
}

/// Turns one word into numbers. It is entered into the ledger as any attempt is.
pub(super) async fn embed(
    engine: &Arc<Engine>,
    connection: &Connection,
    model: &str,
) -> Found<Option<NanoUsd>> {
    let body = json!({ "model": model, "input": TEXT }).to_string();
    let inbound = Inbound::read(Protocol::Openai, body.as_bytes()).map_err(Cause::Http)?;
    let call = Call { usage_type: UsageType::Test, ..Call::new(inbound, paid::caller()) };
    let snapshot = engine.snapshot().map_err(|error| Cause::Http(Failure::new(error.code, error.message)))?;
    let candidate = Candidate::unlisted(connection, model).seated(&snapshot.directory);
    let approach = approach_of_test(engine, &snapshot, &call, &candidate);
    let mut trail = Trail::begin(&engine.ledger, &snapshot, &call, (connection, model), approach);
    match numbers(engine, connection, model, &mut trail).await {
        Ok(length) => {
            let cost = trail.cost().amount;
            trail.answered(None).await;
            Ok((cost, format!("{model} made {length} numbers of a word")))
        }
        Err(failure) => {
            trail.failed(&failure);
            trail.close(Position::Final, None).await;
            Err(Cause::Http(failure).into())
        }
    }
}

async fn numbers(
    engine: &Engine,
    connection: &Connection,
    model: &str,
    trail: &mut Trail,
) -> Result<usize, Failure> {
    let request = EmbeddingsRequest {
        model: model.to_owned(),
        input: EmbeddingsInput::Texts(vec![TEXT.to_owned()]),
        encoding: VectorEncoding::default(),
        dimensions: None,
    };
    let protocol = match connection.protocol {
        Protocol::Gemini => Protocol::Gemini,
        _ => Protocol::Openai,
    };
    let encoded = match protocol {
        Protocol::Gemini => gemini::encode_embeddings_request(&request)?,
        _ => openai::encode_embeddings_request(&request),
    };
    let pass = engine.keys.of(connection).await.map_err(|error| Failure::new(error.code, error.message))?;
    trail.sent();
    let said = (protocol, [].as_slice(), encoded);
    let answered = engine.upstream.post(connection, &pass, said, connection.timeouts.first_byte_ms).await;
    let response = answered.map_err(|refused| {
        trail.heard(refused.limits);
        refused.failure
    })?;
    trail.heard(upstream::limits(&response));
    trail.answered_with(response.status().as_u16(), None);
    let body = upstream::read_whole(response, connection).await?;
    let answer = match protocol {
        Protocol::Gemini => gemini::decode_embeddings(&body)?,
        _ => openai::decode_embeddings(&body, connection.quirks)?,
    };
    trail.progress(answer.usage, 0);
    trail.estimate_where_unreported();
    Ok(answer.vectors.first().map_or(0, Vec::len))
}
