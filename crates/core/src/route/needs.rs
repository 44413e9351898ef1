//! What a call needs of a model, and what is known of models.

use crate::chat::Delivery;

/// Something that a model can do, and others cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Call functions.
    Tools,
    /// Hold its answer to a JSON schema.
    JsonSchema,
    /// See pictures.
    Images,
}

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
        [Capability::Tools, Capability::JsonSchema, Capability::Images]
            .into_iter()
            .find(|capability| self.has(*capability) && !others.has(*capability))
    }
}

fn bit(capability: Capability) -> u8 {
    match capability {
        Capability::Tools => 1,
        Capability::JsonSchema => 2,
        Capability::Images => 4,
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

/// Whether a model can be called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModelState {
    /// It can.
    #[default]
    Available,
    /// It can, for now.
    Deprecated,
    /// Its provider's list no longer names it.
    Unavailable,
}

/// What is known of a model. What is not known forbids nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFacts {
    /// The provider's slug.
    pub provider: String,
    /// Its id there.
    pub model: String,
    /// Whether it can be called.
    pub state: ModelState,
    /// Tokens that fit into it.
    pub context: Option<u32>,
    /// What it can do.
    pub capabilities: Option<Capabilities>,
}
