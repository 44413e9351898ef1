//! What a prompt takes and costs at most, before it is sent.

use std::sync::Arc;

use patchbay_core::money::DecimalUsd;
use serde::Serialize;

use super::asking::countable;
use super::{PlaygroundRequest, short};
use crate::Engine;
use crate::call::{Call, Caller};
use crate::error::Error;
use crate::pipeline;

/// What a prompt takes and costs at most, at whoever would be asked first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct PlaygroundEstimate {
    /// The connection's name.
    pub connection_name: String,
    /// The model that would be asked.
    pub model: String,
    /// About so many tokens go in.
    pub input_tokens: u32,
    /// So many may come out.
    pub output_tokens: u32,
    /// At most; `None` = the model has no known price.
    pub cost: Option<DecimalUsd>,
    /// A picture goes along, which is not counted.
    pub has_picture: bool,
}

/// Tells it; `None` where nobody would answer.
pub async fn estimate(
    engine: &Arc<Engine>,
    request: PlaygroundRequest,
) -> Result<Option<PlaygroundEstimate>, Error> {
    engine
        .blocking(move |engine| {
            let (inbound, has_picture) = countable(&request)?;
            let snapshot = engine.snapshot()?;
            engine.board.recall(&snapshot);
            let call = Call::new(inbound, Caller::default()).by_profile(&snapshot.directory);
            let plan = engine.board.plan(&snapshot.directory, &call.inbound.model, &call.inbound.needs());
            let first = plan.candidates.first();
            Ok(first.map(|candidate| {
                let bound = pipeline::bound(&call, candidate, &snapshot);
                PlaygroundEstimate {
                    connection_name: candidate.connection.name.clone(),
                    model: candidate.model.to_owned(),
                    input_tokens: short(bound.input),
                    output_tokens: short(bound.longest),
                    cost: bound.cost.map(DecimalUsd::from),
                    has_picture,
                }
            }))
        })
        .await
}
