//! The list of models.

use serde::Deserialize;

use crate::dialect::Failure;
use crate::dialect::models::{ListedModel, ModelPage};
use crate::dialect::wire::{malformed, query_value};
use crate::model::Capability;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePage {
    models: Vec<WireModel>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireModel {
    name: String,
    input_token_limit: Option<u32>,
    output_token_limit: Option<u32>,
    supported_generation_methods: Option<Vec<String>>,
    thinking: Option<bool>,
}

/// The path of a page of models, the first one without a token.
pub fn models_route(next: Option<&str>) -> String {
    let token = next.map(|token| format!("&pageToken={}", query_value(token))).unwrap_or_default();
    format!("models?pageSize=1000{token}")
}

/// Reads a page of `GET /models`. What makes pictures, films or sound, which nothing here asks for, is left out.
pub fn decode_models(body: &[u8]) -> Result<ModelPage, Failure> {
    let page: WirePage = serde_json::from_slice(body)
        .map_err(|_| malformed("The address answers, but not with a list of models."))?;
    let models = page.models.into_iter().filter(WireModel::is_callable).map(|model| ListedModel {
        capabilities: model.capabilities(),
        id: model.name.strip_prefix("models/").unwrap_or(&model.name).to_owned(),
        context_window: model.input_token_limit,
        max_output: model.output_token_limit,
        ..ListedModel::default()
    });
    Ok(ModelPage { models: models.collect(), next: page.next_page_token.filter(|token| !token.is_empty()) })
}

impl WireModel {
    fn is_callable(&self) -> bool {
        let is_known = |method: &String| matches!(method.as_str(), "generateContent" | "embedContent");
        self.supported_generation_methods.as_ref().is_none_or(|methods| methods.iter().any(is_known))
    }

    /// Whether a model calls tools or reads pictures is not said.
    fn capabilities(&self) -> Vec<Capability> {
        let methods = self.supported_generation_methods.iter().flatten();
        let embeds = methods.into_iter().any(|method| method == "embedContent");
        let found = [(Capability::Reasoning, self.thinking == Some(true)), (Capability::Embeddings, embeds)];
        found.into_iter().filter(|(_, there)| *there).map(|(capability, _)| capability).collect()
    }
}
