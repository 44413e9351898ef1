//! What providers tell about their models.

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
}
