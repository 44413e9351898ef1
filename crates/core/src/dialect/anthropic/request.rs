//! Requests to Anthropic.

use serde_json::{Map, Value};

use super::{conversation, options, thinking};
use crate::chat::ChatRequest;
use crate::dialect::models::ModelLimits;
use crate::dialect::wire::{put, refuse_non_numbers};
use crate::dialect::{Encoded, Failure};

/// Writes a request. Sampling that Anthropic does not take is dropped with a notice; content, tools and shapes that it
/// cannot say are refused.
pub fn encode(request: &ChatRequest, limits: ModelLimits) -> Result<Encoded, Failure> {
    refuse_non_numbers(&request.sampling)?;
    let mut notices = Vec::new();
    let plan = thinking::plan(request, limits, &mut notices);
    let mut body = Map::new();
    body.insert("model".into(), request.model.as_str().into());
    body.insert("max_tokens".into(), plan.max_tokens.into());
    conversation::write(&mut body, &request.messages, &mut notices)?;
    options::sampling(&mut body, &request.sampling, plan.thinking.is_on(), &mut notices);
    options::tools(&mut body, request)?;
    put(&mut body, "thinking", plan.thinking.to_json());
    put(&mut body, "output_config", options::output_config(request, &plan.thinking, &mut notices)?);
    put(&mut body, "stream", request.delivery.is_streamed().then_some(true));
    let body = Value::Object(body).to_string().into_bytes();
    Ok(Encoded { route: "v1/messages".to_owned(), body, notices })
}
