//! The providers that ship with Patchbay, as data: a provider with a known protocol is one row of
//! `data/providers.json`. Base URLs, key shapes and quirks come from the providers' own documentation and from
//! recorded traffic.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::balance::BalanceRoute;

/// The slug of the built-in offline provider.
pub const DEMO: &str = "demo";

/// The wire format a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// OpenAI chat completions, and everything compatible.
    Openai,
    /// OpenAI Responses.
    Responses,
    /// Anthropic Messages.
    Anthropic,
    /// Gemini generateContent.
    Gemini,
}

impl Protocol {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Responses => "responses",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }

    /// The protocol of that name; `None` for one that a newer Patchbay wrote.
    pub fn parse(name: &str) -> Option<Self> {
        serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
    }
}

/// Whether a provider wants an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum KeyNeed {
    /// Always.
    Required,
    /// Some servers do.
    Optional,
    /// Never: no field is shown.
    None,
}

impl KeyNeed {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optional => "optional",
            Self::None => "none",
        }
    }

    /// The need of that name; anything unknown is taken as optional, which neither asks for a key nor hides the field.
    pub fn parse(name: &str) -> Self {
        match name {
            "required" => Self::Required,
            "none" => Self::None,
            _ => Self::Optional,
        }
    }
}

/// Where a provider counts reasoning tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningTokens {
    /// Inside the output tokens (OpenAI and most).
    #[default]
    Inside,
    /// Beside them, and billed as output (xAI).
    Beside,
}

/// How a provider is brought to report usage at the end of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum StreamUsage {
    /// By `stream_options.include_usage`.
    #[default]
    Asked,
    /// It always does, and may refuse the field (Mistral answers 422).
    Unasked,
}

/// Under which name a provider takes the upper limit of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum MaxTokens {
    /// `max_tokens`, as nearly all do.
    #[default]
    Kept,
    /// `max_completion_tokens`: OpenAI's reasoning models answer 400 to the other.
    Renamed,
}

/// Under which name a provider takes the number that makes an answer repeatable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum SeedName {
    /// `seed`.
    #[default]
    Seed,
    /// `random_seed` (Mistral).
    RandomSeed,
}

/// The word by which a provider is told that the model must call a tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum MustCall {
    /// `required`.
    #[default]
    Required,
    /// `any` (Mistral).
    Any,
}

/// Which ids of tool calls a provider takes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum CallIds {
    /// All.
    #[default]
    AsGiven,
    /// Nine letters or digits (Mistral).
    NineAlphanumerics,
}

/// Whether a provider holds an answer to a JSON schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum SchemaFormat {
    /// It does.
    #[default]
    Kept,
    /// Only to be some JSON object (DeepSeek): the schema goes into the instructions.
    Instructed,
}

/// The highest temperature that a provider takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub enum TopTemperature {
    /// 2.
    #[default]
    #[serde(rename = "2")]
    Two,
    /// 1.5 (Mistral).
    #[serde(rename = "1.5")]
    OneAndAHalf,
}

/// What differs between providers of one protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub struct Quirks {
    /// See [`ReasoningTokens`].
    pub reasoning_tokens: ReasoningTokens,
    /// See [`StreamUsage`].
    pub stream_usage: StreamUsage,
    /// See [`MaxTokens`].
    pub max_tokens: MaxTokens,
    /// See [`SeedName`].
    pub seed_name: SeedName,
    /// See [`MustCall`].
    pub must_call: MustCall,
    /// See [`CallIds`].
    pub call_ids: CallIds,
    /// See [`SchemaFormat`].
    pub schema_format: SchemaFormat,
    /// See [`TopTemperature`].
    pub top_temperature: TopTemperature,
}

/// One row of the catalogue.
#[derive(Clone, Debug, Deserialize)]
pub struct CatalogProvider {
    /// Unique, in URLs and on the command line.
    pub slug: String,
    /// As people write it.
    pub name: String,
    /// Two letters for its tile.
    pub tile: String,
    /// Its fixed chart colour, 1..=6.
    pub color: u8,
    /// What it speaks.
    pub protocol: Protocol,
    /// What it speaks besides, with the same key at the same base URL: a caller of such a protocol is passed through.
    #[serde(default)]
    pub also: Vec<Protocol>,
    /// Without a trailing slash; empty where the user gives one.
    pub base_url: String,
    /// One line under its name.
    pub blurb: String,
    /// Whether it wants a key.
    pub key: KeyNeed,
    /// What its keys start with; empty for any.
    pub key_prefix: String,
    /// Where its keys are made; empty where there are none.
    pub keys_page: String,
    /// Runs on this machine.
    pub local: bool,
    /// Shown in the short picker of the first run.
    pub featured: bool,
    /// The model offered first; empty for none.
    pub default_model: String,
    /// Models known without asking.
    #[serde(default)]
    pub known_models: Vec<String>,
    /// The path, below the base URL, that proves a key without spending; empty for the list of models.
    #[serde(default)]
    pub key_check: String,
    /// Where it tells what an account has left; `None` where it does not.
    #[serde(default)]
    pub balance: Option<BalanceRoute>,
    /// Names of environment variables that hold a key of its.
    #[serde(default)]
    pub key_variables: Vec<String>,
    /// Names of environment variables that hold its base URL.
    #[serde(default)]
    pub url_variables: Vec<String>,
    /// What LiteLLM writes before the slash of a model of its.
    #[serde(default)]
    pub litellm: Vec<String>,
    /// How it differs from its protocol.
    #[serde(flatten)]
    pub quirks: Quirks,
}

static PROVIDERS: LazyLock<Vec<CatalogProvider>> = LazyLock::new(|| {
    // The file is part of the program: a test reads it, so an empty catalogue cannot ship.
    serde_json::from_str(include_str!("../data/providers.json")).unwrap_or_default()
});

/// All providers, in the order of the picker.
pub fn providers() -> &'static [CatalogProvider] {
    &PROVIDERS
}

/// The catalogue's row of that slug; `None` for one that the user made. What holds for both is in [`crate::provider`].
pub fn provider(slug: &str) -> Option<&'static CatalogProvider> {
    PROVIDERS.iter().find(|provider| provider.slug == slug)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_catalogue_is_well_formed() {
        assert!(providers().len() >= 12);
        let slugs: HashSet<_> = providers().iter().map(|p| &p.slug).collect();
        assert_eq!(slugs.len(), providers().len());
        for p in providers() {
            assert!((1..=6).contains(&p.color), "{}", p.slug);
            assert_eq!(p.tile.len(), 2, "{}", p.slug);
            assert!(!p.base_url.ends_with('/'), "{}", p.slug);
            assert!(p.base_url.is_empty() || p.base_url.starts_with("https://") || p.local, "{}", p.slug);
            assert!(p.key != KeyNeed::Required || p.keys_page.starts_with("https://"), "{}", p.slug);
        }
        assert!(provider(DEMO).is_some());
    }

    #[test]
    fn quirks_are_read_off_the_rows() {
        let mistral = provider("mistral").expect("a row").quirks;
        let expected = Quirks {
            stream_usage: StreamUsage::Unasked,
            seed_name: SeedName::RandomSeed,
            must_call: MustCall::Any,
            call_ids: CallIds::NineAlphanumerics,
            top_temperature: TopTemperature::OneAndAHalf,
            ..Quirks::default()
        };
        assert_eq!(mistral, expected);
        assert_eq!(provider("deepseek").expect("a row").quirks.schema_format, SchemaFormat::Instructed);
        assert_eq!(provider("xai").expect("a row").quirks.reasoning_tokens, ReasoningTokens::Beside);
        assert_eq!(provider("compatible").expect("a row").quirks, Quirks::default());
    }
}
