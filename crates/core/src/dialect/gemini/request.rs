//! Requests to Gemini.

use serde_json::{Map, Value};

use super::{contents, options, thinking};
use crate::chat::{ChatRequest, Delivery};
use crate::dialect::models::ModelLimits;
use crate::dialect::wire::{refuse, refuse_non_numbers};
use crate::dialect::{Encoded, Failure};

/// Writes a request. Sampling that Gemini does not take is dropped with a notice; content, tools and shapes that it
/// cannot say are refused.
pub fn encode(request: &ChatRequest, limits: ModelLimits) -> Result<Encoded, Failure> {
    refuse_non_numbers(&request.sampling)?;
    let route = route(&request.model, request.delivery)?;
    let mut notices = Vec::new();
    let mut body = Map::new();
    contents::write(&mut body, request, &mut notices)?;
    options::tools(&mut body, request, &mut notices)?;
    let mut config = options::sampling(&request.sampling, &mut notices);
    options::answer(&mut config, request, limits, &mut notices);
    if let Some(thinking) = thinking::config(request, &mut notices) {
        config.insert("thinkingConfig".into(), thinking);
    }
    if !config.is_empty() {
        body.insert("generationConfig".into(), config.into());
    }
    Ok(Encoded { route, body: Value::Object(body).to_string().into_bytes(), notices })
}

/// The path of a request to a model.
pub fn route(model: &str, delivery: Delivery) -> Result<String, Failure> {
    let method = match delivery {
        Delivery::Whole => "generateContent",
        Delivery::Streamed => "streamGenerateContent?alt=sse",
    };
    Ok(format!("{}:{method}", model_path(model)?))
}

/// The model in a path. Nothing in its name can lead anywhere else.
pub(in crate::dialect) fn model_path(model: &str) -> Result<String, Failure> {
    let (folder, name) = match model.strip_prefix("tunedModels/") {
        Some(name) => ("tunedModels", name),
        None => ("models", model.strip_prefix("models/").unwrap_or(model)),
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || !name.chars().all(is_plain) {
        return Err(refuse(format!("`{model}` is no name of a Gemini model.")));
    }
    Ok(format!("{folder}/{name}"))
}
