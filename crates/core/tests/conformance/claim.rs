//! Which check an exchange is for.

use crate::dialects::{ANTHROPIC, Dialect, GEMINI, OPENAI, RESPONSES};
use crate::errors;
use crate::exchange::Exchange;

/// What an answer is. Each exchange is exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// A whole answer.
    Reply,
    /// A stream that comes to its end.
    Stream,
    /// An error answer, an error inside a 200, or a stream that fails or is cut.
    Error,
    Embeddings,
    Models,
    /// How long a prompt would be.
    Count,
    /// An answer that no dialect takes for one, and why nothing asks for it.
    Foreign(&'static str),
}

const LEGACY: &str = "completions of a text came before chat: nothing in the neutral form asks for them";
const NATIVE: &str = "Ollama's own protocol: Patchbay speaks to it through /v1";
const KEY: &str = "what a key may still spend: only its status is looked at";

impl Claim {
    pub fn of(exchange: &Exchange) -> Self {
        let path = exchange.path();
        if exchange.status() >= 400 || errors::expected(exchange).is_some() {
            return Self::Error;
        }
        match path.rsplit('/').next().unwrap_or_default() {
            _ if path.starts_with("api/") && exchange.provider == "ollama" => Self::Foreign(NATIVE),
            "models" => Self::Models,
            "embeddings" => Self::Embeddings,
            last if last.ends_with(":batchEmbedContents") => Self::Embeddings,
            last if last == "count_tokens" || last.ends_with(":countTokens") => Self::Count,
            "key" => Self::Foreign(KEY),
            "completions" if !path.ends_with("chat/completions") => Self::Foreign(LEGACY),
            _ if exchange.stream().is_some() => Self::Stream,
            _ => Self::Reply,
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Reply => "answers",
            Self::Stream => "streams",
            Self::Error => "errors",
            Self::Embeddings => "embeddings",
            Self::Models => "model lists",
            Self::Count => "token counts",
            Self::Foreign(_) => "other protocols",
        }
    }
}

/// By the path; where only the answer was recorded, by the provider and the name.
pub fn dialect(exchange: &Exchange) -> &'static Dialect {
    let (path, name) = (exchange.path(), exchange.name.as_str());
    let is_compatible = path.starts_with("v1beta/openai/") || path.ends_with("chat/completions");
    let is_unnamed = path.is_empty() && name == "openai/err-400-temperature-unsupported";
    match exchange.provider.as_str() {
        "anthropic" => &ANTHROPIC,
        "gemini" if !is_compatible => &GEMINI,
        _ if path.rsplit('/').next() == Some("responses") || is_unnamed => &RESPONSES,
        _ if path.is_empty() && name.contains("responses") => &RESPONSES,
        _ => &OPENAI,
    }
}
