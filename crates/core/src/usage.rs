//! What a provider says that a call used.

use serde::{Deserialize, Serialize};

use crate::money::NanoUsd;

/// Tokens of one attempt. `None` means that the provider did not say. The totals are inclusive on every protocol:
/// `input` holds cached and cache-write tokens, `output` holds reasoning tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUsage {
    /// All tokens of the prompt.
    pub input: Option<u64>,
    /// All tokens of the answer.
    pub output: Option<u64>,
    /// Of the input: read from the provider's cache.
    pub cached: Option<u64>,
    /// Of the input: written to the provider's cache.
    pub cache_write: Option<u64>,
    /// Of the output: reasoning that is not shown.
    pub reasoning: Option<u64>,
    /// What the provider says that it charged.
    pub reported_cost: Option<NanoUsd>,
}

impl TokenUsage {
    /// Whether the provider said anything at all.
    pub fn is_reported(&self) -> bool {
        self.input.is_some() || self.output.is_some()
    }
}

/// Where the cost of a row comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum CostSource {
    /// The provider reported the charge.
    Reported,
    /// Reported tokens times known prices.
    Priced,
    /// Estimated tokens times known prices.
    Estimated,
    /// No price, or nothing known of the tokens.
    Unknown,
}

impl CostSource {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Priced => "priced",
            Self::Estimated => "estimated",
            Self::Unknown => "unknown",
        }
    }
}

/// A cost and where it comes from. `amount` is `None` exactly for [`CostSource::Unknown`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// In nano-USD.
    pub amount: Option<NanoUsd>,
    /// See [`CostSource`].
    pub source: CostSource,
}

impl Cost {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self { amount: None, source: CostSource::Unknown };
    /// Nothing was sent, or the provider charges nothing for a refusal.
    pub const NOTHING: Self = Self { amount: Some(NanoUsd::ZERO), source: CostSource::Priced };
}

/// A rough count of tokens for text whose usage nobody reported: four bytes a token, at least one.
/// English prose in current tokenizers lies between 3.5 and 4.5; rows that use this say `estimated`.
pub fn estimate_tokens(bytes: usize) -> u64 {
    (bytes as u64).div_ceil(4).max(1)
}
