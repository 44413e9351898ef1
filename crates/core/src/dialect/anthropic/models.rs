//! The list of models.

use serde::Deserialize;
use serde_json::Value;

use crate::dialect::Failure;
use crate::dialect::models::{ListedModel, ModelPage};
use crate::dialect::wire::{malformed, query_value};
use crate::model::Capability;

#[derive(Deserialize)]
struct WirePage {
    data: Vec<WireModel>,
    has_more: Option<bool>,
    last_id: Option<String>,
}

#[derive(Deserialize)]
struct WireModel {
    id: String,
    max_input_tokens: Option<u32>,
    max_tokens: Option<u32>,
    #[serde(default)]
    capabilities: Value,
}

/// The path of a page of models, the first one without a token.
pub fn models_route(next: Option<&str>) -> String {
    let after = next.map(|token| format!("&after_id={}", query_value(token))).unwrap_or_default();
    format!("v1/models?limit=1000{after}")
}

/// Reads a page of `GET /v1/models`.
pub fn decode_models(body: &[u8]) -> Result<ModelPage, Failure> {
    let page: WirePage = serde_json::from_slice(body)
        .map_err(|_| malformed("The address answers, but not with a list of models."))?;
    let models = page.data.into_iter().map(|model| ListedModel {
        capabilities: capabilities(&model.capabilities),
        capabilities_complete: model.capabilities.is_object(),
        id: model.id,
        context_window: model.max_input_tokens,
        max_output: model.max_tokens,
        ..ListedModel::default()
    });
    Ok(ModelPage { models: models.collect(), next: page.last_id.filter(|_| page.has_more == Some(true)) })
}

/// All of Anthropic's models call tools; the rest is said of each.
fn capabilities(said: &Value) -> Vec<Capability> {
    let has = |name: &str| said[name]["supported"] == true;
    let found = [
        (Capability::Tools, said.is_object()),
        (Capability::Json, has("structured_outputs")),
        (Capability::Images, has("image_input")),
        (Capability::Reasoning, has("thinking")),
    ];
    found.into_iter().filter(|(_, there)| *there).map(|(capability, _)| capability).collect()
}
