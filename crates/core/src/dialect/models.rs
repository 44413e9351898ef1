//! What providers tell about their models.

use crate::catalog::Protocol;
use crate::dialect::{Failure, anthropic, gemini, openai};
use crate::model::Capability;
use crate::price::Price;

/// What is known of the target model's limits; `None` where nothing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelLimits {
    /// The longest answer, in tokens.
    pub max_output: Option<u32>,
}

/// One page of a provider's list of models.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelPage {
    /// In the provider's order.
    pub models: Vec<ListedModel>,
    /// The token that asks for the next page; `None` on the last one.
    pub next: Option<String>,
}

/// A model as a provider lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedModel {
    /// As a request names it.
    pub id: String,
    /// The longest prompt, in tokens.
    pub context_window: Option<u32>,
    /// The longest answer, in tokens.
    pub max_output: Option<u32>,
    /// What the list says that it can do.
    pub capabilities: Vec<Capability>,
    /// Whether the list would have named any other capability too: then what is missing is not there.
    pub capabilities_complete: bool,
    /// The prices that the list names: the one for every prompt first, then those above a size. Empty where it names none.
    pub prices: Vec<Price>,
    /// The day of its end, where the list names one.
    pub retires_on: Option<String>,
}

/// The path, below the base URL, of a page of the list; the first one without a token.
pub fn route(protocol: Protocol, next: Option<&str>) -> String {
    match protocol {
        Protocol::Openai | Protocol::Responses => openai::models_route(),
        Protocol::Anthropic => anthropic::models_route(next),
        Protocol::Gemini => gemini::models_route(next),
    }
}

/// Reads a page of the list.
pub fn decode(protocol: Protocol, body: &[u8]) -> Result<ModelPage, Failure> {
    match protocol {
        Protocol::Openai | Protocol::Responses => openai::decode_models(body),
        Protocol::Anthropic => anthropic::decode_models(body),
        Protocol::Gemini => gemini::decode_models(body),
    }
}
