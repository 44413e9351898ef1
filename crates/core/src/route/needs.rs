//! What a call needs of a model, and what is known of models.

use crate::chat::Delivery;
use crate::model::{Capability, ModelState};

/// A set of capabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(u8);

impl Capabilities {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// These, and this one too.
    #[must_use]
    pub fn with(self, capability: Capability) -> Self {
        Self(self.0 | bit(capability))
    }

    /// Whether it is among them.
    pub fn has(self, capability: Capability) -> bool {
        self.0 & bit(capability) != 0
    }

    /// The first of these that `others` lack.
    pub fn missing_in(self, others: Self) -> Option<Capability> {
        [
            Capability::Tools,
            Capability::Json,
            Capability::Images,
            Capability::Reasoning,
            Capability::Embeddings,
        ]
        .into_iter()
        .find(|capability| self.has(*capability) && !others.has(*capability))
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<T: IntoIterator<Item = Capability>>(capabilities: T) -> Self {
        capabilities.into_iter().fold(Self::NONE, Self::with)
    }
}

fn bit(capability: Capability) -> u8 {
    match capability {
        Capability::Tools => 1,
        Capability::Json => 2,
        Capability::Images => 4,
        Capability::Reasoning => 8,
        Capability::Embeddings => 16,
    }
}

/// What a call needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Whole or in pieces.
    pub delivery: Delivery,
    /// What the model must be able to do.
    pub capabilities: Capabilities,
    /// Tokens of the prompt and of the longest answer asked for.
    pub context: u64,
}

/// What the catalogue knows of a model, as far as routing goes by it. What is not known forbids nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFacts {
    /// The provider's slug.
    pub provider: String,
    /// Its id there.
    pub model: String,
    /// Whether it can be had.
    pub state: ModelState,
    /// Tokens that fit into it.
    pub context: Option<u32>,
    /// The longest answer, in tokens.
    pub max_output: Option<u32>,
    /// What it can do, where that is known completely.
    pub capabilities: Option<Capabilities>,
}
