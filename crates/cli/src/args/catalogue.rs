//! The grammar of providers, models and prices.

use clap::{Subcommand, ValueEnum};

use super::parse_pair;

/// `patchbay providers …`
#[derive(Debug, Subcommand)]
pub enum Providers {
    /// All providers.
    List,
    /// One provider.
    Show {
        /// Its slug.
        slug: String,
    },
    /// Add a provider of your own.
    Add(Box<ProviderAdd>),
    /// Change a provider; what is not named stays. Of those that come with Patchbay: status, limits, models and default.
    Edit(Box<ProviderChange>),
    /// Remove a provider of your own that has no connections.
    Remove {
        /// Its slug.
        slug: String,
        /// Give its connections to this provider first.
        #[arg(long, value_name = "SLUG")]
        reassign_to: Option<String>,
    },
}

/// `patchbay providers add`
#[derive(Debug, clap::Args)]
pub struct ProviderAdd {
    /// A name for people.
    #[arg(long)]
    pub name: String,
    /// A name for scripts [default: made from the name].
    #[arg(long)]
    pub slug: Option<String>,
    /// What it speaks.
    #[arg(long, value_enum, default_value_t)]
    pub protocol: ProtocolArg,
    #[command(flatten)]
    pub fields: ProviderFields,
}

/// `patchbay providers edit`
#[derive(Debug, clap::Args)]
pub struct ProviderChange {
    /// Its slug.
    pub slug: String,
    /// A new name.
    #[arg(long)]
    pub name: Option<String>,
    /// What it speaks.
    #[arg(long, value_enum)]
    pub protocol: Option<ProtocolArg>,
    /// Whether it may be used.
    #[arg(long, value_enum)]
    pub status: Option<StatusArg>,
    /// The connection key that is used when two could answer; "" for none.
    #[arg(long, value_name = "KEY")]
    pub default_connection: Option<String>,
    #[command(flatten)]
    pub fields: ProviderFields,
}

/// What can be given at once and changed later.
#[derive(Debug, clap::Args)]
pub struct ProviderFields {
    /// Where requests go; "" where each connection has its own.
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// What it speaks besides, at the same address; may be repeated, replaces those before.
    #[arg(long, value_enum, value_name = "PROTOCOL")]
    pub also: Vec<ProtocolArg>,
    /// Whether it wants an API key.
    #[arg(long, value_enum, value_name = "NEED")]
    pub api_key: Option<KeyArg>,
    /// What its keys start with; "" for any.
    #[arg(long)]
    pub key_prefix: Option<String>,
    /// The page where its keys are made; "" for none.
    #[arg(long, value_name = "URL")]
    pub keys_page: Option<String>,
    /// The path that proves a key without spending; "" for the list of models.
    #[arg(long, value_name = "PATH")]
    pub key_check: Option<String>,
    /// The model offered first; "" for none.
    #[arg(long)]
    pub default_model: Option<String>,
    /// A model that it has, whether it lists it or not; may be repeated, replaces those before. "" for none.
    #[arg(long = "model", value_name = "MODEL")]
    pub models: Vec<String>,
    /// Requests at the same time over all of its connections; 0 for no limit.
    #[arg(long, value_name = "N")]
    pub max_concurrent: Option<u32>,
    /// Seconds to wait for the first byte, for new connections.
    #[arg(long, value_name = "S")]
    pub timeout: Option<u32>,
    /// Whether it streams.
    #[arg(long)]
    pub streaming: Option<bool>,
    /// How it differs from its protocol, such as reasoning_tokens=beside or max_tokens=renamed; may be repeated.
    #[arg(long = "quirk", value_name = "NAME=VALUE", value_parser = parse_pair)]
    pub quirks: Vec<(String, String)>,
}

/// A wire protocol.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum ProtocolArg {
    /// OpenAI chat completions, and everything compatible.
    #[default]
    Openai,
    /// OpenAI Responses.
    Responses,
    /// Anthropic Messages.
    Anthropic,
    /// Gemini generateContent.
    Gemini,
}

/// Whether a provider may be used.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum StatusArg {
    /// Yes.
    Active,
    /// Not for now: nothing is sent to it.
    Maintenance,
    /// Yes, and lists say that it should be left.
    Deprecated,
}

/// Whether a provider wants an API key.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum KeyArg {
    /// Always.
    Required,
    /// Some of its servers do.
    Optional,
    /// Never.
    None,
}

/// `patchbay models …`
#[derive(Debug, Subcommand)]
pub enum Models {
    /// Search the catalogue.
    List(Box<ModelSearch>),
    /// One model: prices, providers, connections that can reach it.
    Show {
        /// `provider/model`, or a model id that only one provider has.
        model: String,
        /// The provider's slug.
        #[arg(long, value_name = "SLUG")]
        provider: Option<String>,
    },
    /// Models side by side, with what your last 30 days would have cost on each.
    Compare {
        /// `provider/model`, or model ids that only one provider has.
        #[arg(required = true)]
        models: Vec<String>,
    },
    /// Read the providers' own lists, through your connections.
    Sync {
        /// Of this provider only.
        #[arg(long, value_name = "SLUG")]
        provider: Option<String>,
    },
    /// Let a connection use a model.
    Allow {
        /// The connection key.
        connection: String,
        /// The model id.
        model: String,
    },
    /// Take a model from a connection; its list does not bring it back.
    Disallow {
        /// The connection key.
        connection: String,
        /// The model id.
        model: String,
    },
}

/// `patchbay models list`
#[derive(Debug, clap::Args)]
pub struct ModelSearch {
    /// Words that all occur in the id or the provider's name.
    pub text: Vec<String>,
    /// Of this provider.
    #[arg(long, value_name = "SLUG")]
    pub provider: Option<String>,
    /// This connection has it; requests are its own then.
    #[arg(long, value_name = "KEY")]
    pub connection: Option<String>,
    /// It can do this; may be repeated.
    #[arg(long = "can", value_enum, value_name = "CAPABILITY")]
    pub capabilities: Vec<CapabilityArg>,
    /// Its state.
    #[arg(long, value_enum)]
    pub state: Option<ModelStateArg>,
    /// Its price is known.
    #[arg(long, conflicts_with = "unpriced")]
    pub priced: bool,
    /// Its price is not known.
    #[arg(long)]
    pub unpriced: bool,
    /// Input costs at most so much per million tokens.
    #[arg(long, value_name = "USD")]
    pub max_price: Option<String>,
    /// Its context window is known and at least so many tokens.
    #[arg(long, value_name = "TOKENS")]
    pub min_context: Option<u32>,
    /// Of providers with a connection only.
    #[arg(long)]
    pub connected: bool,
    /// The order.
    #[arg(long, value_enum, default_value_t)]
    pub sort: SortArg,
    /// At most so many; 0 for all.
    #[arg(long, default_value_t = 50)]
    pub limit: u32,
}

/// What a model can do.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum CapabilityArg {
    /// Calls functions.
    Tools,
    /// Answers in JSON.
    Json,
    /// Reads pictures.
    Images,
    /// Thinks before it answers.
    Reasoning,
    /// Makes vectors.
    Embeddings,
}

/// Whether a model can be had.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ModelStateArg {
    /// Its provider has it.
    Available,
    /// Its provider's list does not name it any more.
    Unavailable,
    /// Its provider has named the day of its end.
    Deprecated,
}

/// The order of models.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum SortArg {
    /// Most requests of the last 30 days first.
    #[default]
    Requests,
    /// By id.
    Name,
    /// Cheapest input first.
    Input,
    /// Cheapest output first.
    Output,
    /// Cheapest for your mix of the last 30 days first.
    Mix,
    /// Largest context window first.
    Context,
    /// Quickest first token first.
    FirstToken,
}

/// `patchbay prices …`
#[derive(Debug, Subcommand)]
pub enum Prices {
    /// Who says what of a model's price, and which one holds.
    Show {
        /// `provider/model`, or a model id that only one provider has.
        model: String,
        /// The provider's slug.
        #[arg(long, value_name = "SLUG")]
        provider: Option<String>,
    },
    /// Models that you called in the last 30 days, and what they cost per million tokens.
    List {
        /// Only those without a price.
        #[arg(long)]
        unpriced: bool,
    },
    /// Set a price of your own, in US dollars per million tokens. Calls before its date stay as they were priced.
    Set(Box<PriceSet>),
    /// Take your own price away.
    Unset {
        /// The model, exactly.
        model: String,
        /// The provider's slug.
        #[arg(long, value_name = "SLUG")]
        provider: Option<String>,
        /// Only the price that began at this moment (2026-12-01 or 2026-12-01T00:00:00Z).
        #[arg(long, value_name = "WHEN")]
        from: Option<String>,
    },
}

/// `patchbay prices set`
#[derive(Debug, clap::Args)]
pub struct PriceSet {
    /// The model, exactly.
    pub model: String,
    /// The provider's slug [default: the one that has the model].
    #[arg(long, value_name = "SLUG")]
    pub provider: Option<String>,
    /// Input.
    #[arg(long, value_name = "USD")]
    pub input: String,
    /// Output, reasoning included.
    #[arg(long, value_name = "USD")]
    pub output: String,
    /// Input read from a cache [default: as input].
    #[arg(long, value_name = "USD")]
    pub cached: Option<String>,
    /// Input written to a cache [default: as input].
    #[arg(long, value_name = "USD")]
    pub cache_write: Option<String>,
    /// Prices above a number of input tokens, as TOKENS:INPUT:OUTPUT[:CACHED[:CACHE_WRITE]]; may be repeated.
    #[arg(long = "tier", value_name = "TIER")]
    pub tiers: Vec<String>,
    /// Since when (2026-12-01 or 2026-12-01T00:00:00Z) [default: now].
    #[arg(long, value_name = "WHEN")]
    pub from: Option<String>,
}
