//! Recorded exchanges: one JSON file each, in an optional folder next to the checkout (PATCHBAY_EXCHANGES names another).

pub mod costs;
pub mod suite;

use std::collections::BTreeMap;

use patchbay_core::catalog::{Quirks, provider};
use patchbay_core::sse::{Event, Reader};
use serde_json::Value;

/// A recorded exchange.
pub struct Exchange {
    /// Provider and file, without its ending.
    pub name: String,
    pub provider: String,
    file: Value,
}

/// What an exchange is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Chat,
    Responses,
    Embeddings,
    Models,
    /// Completions of a text, which came before chat.
    Legacy,
    /// Ollama's own protocol.
    Native,
    /// What a key may still spend at OpenRouter.
    KeyInfo,
    /// Spoken by the dialects of these names.
    AnthropicOrGemini,
}

/// All exchanges; `None` where the folder does not exist.
#[expect(clippy::disallowed_methods, reason = "the code under test is pure; recordings lie in files")]
pub fn all() -> Option<Vec<Exchange>> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures/providers");
    let folder = std::env::var_os("PATCHBAY_EXCHANGES").unwrap_or_else(|| beside.into());
    let Ok(providers) = std::fs::read_dir(&folder) else {
        println!("skipped: there is no folder of recorded exchanges (PATCHBAY_EXCHANGES names one)");
        return None;
    };
    let mut exchanges = Vec::new();
    for provider in providers.map(|entry| entry.unwrap()).filter(|entry| entry.file_type().unwrap().is_dir())
    {
        for file in std::fs::read_dir(provider.path()).unwrap().map(|entry| entry.unwrap().path()) {
            if file.extension().is_some_and(|ending| ending == "json") {
                let provider = provider.file_name().into_string().unwrap();
                let name = format!("{provider}/{}", file.file_stem().unwrap().to_str().unwrap());
                let file = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
                exchanges.push(Exchange { name, provider, file });
            }
        }
    }
    exchanges.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!exchanges.is_empty(), "the folder is there, and empty");
    Some(exchanges)
}

impl Exchange {
    pub fn kind(&self) -> Kind {
        let path = self.file["request"]["path"].as_str().unwrap_or_default();
        let is_compatible = path.starts_with("/v1beta/openai/");
        if ["anthropic", "gemini"].contains(&self.provider.as_str()) && !is_compatible {
            return Kind::AnthropicOrGemini;
        }
        match path.rsplit_once('/').map(|(_, last)| last) {
            Some("models") => Kind::Models,
            Some("key") => Kind::KeyInfo,
            _ if path.ends_with("/chat/completions") => Kind::Chat,
            Some("completions") => Kind::Legacy,
            _ if path.starts_with("/api/") && self.provider == "ollama" => Kind::Native,
            Some("embeddings") => Kind::Embeddings,
            Some("responses") => Kind::Responses,
            // Only the answer was recorded.
            None if self.name.contains("responses") => Kind::Responses,
            None if self.name == "openai/err-400-temperature-unsupported" => Kind::Responses,
            None => Kind::Chat,
            Some(_) => panic!("{}: what is {path}?", self.name),
        }
    }

    pub fn request(&self) -> Option<&Value> {
        Some(&self.file["request"]["body"]).filter(|body| body.is_object())
    }

    pub fn status(&self) -> u16 {
        u16::try_from(self.file["response"]["status"].as_u64().unwrap()).unwrap()
    }

    /// The bytes of the answer.
    pub fn answer(&self) -> Vec<u8> {
        let response = &self.file["response"];
        let text = ["sse", "ndjson", "text"].iter().find_map(|form| response[form].as_str());
        text.map_or_else(|| response["body"].to_string(), str::to_owned).into_bytes()
    }

    pub fn answer_body(&self) -> &Value {
        &self.file["response"]["body"]
    }

    /// The data of the stream's events, cut without the reader under test; `None` for an answer that is no stream.
    pub fn stream(&self) -> Option<Vec<String>> {
        let text = self.file["response"]["sse"].as_str()?.replace("\r\n", "\n");
        let data = |event: &str| {
            event.lines().find_map(|line| line.strip_prefix("data:").map(|data| data.trim().to_owned()))
        };
        Some(text.split("\n\n").filter_map(data).collect())
    }

    pub fn quirks(&self) -> Quirks {
        provider(&self.provider).map(|row| row.quirks).unwrap_or_default()
    }
}

/// Prints how many exchanges of a kind there are for each provider, and answers how many in all.
pub fn count<'a>(what: &str, exchanges: impl IntoIterator<Item = &'a Exchange>) -> usize {
    let mut providers = BTreeMap::<&str, usize>::new();
    for exchange in exchanges {
        *providers.entry(&exchange.provider).or_default() += 1;
    }
    let all = providers.values().sum();
    let list: Vec<_> = providers.iter().map(|(provider, count)| format!("{provider} {count}")).collect();
    println!("{what}: {all} ({})", list.join(", "));
    all
}

/// The events of a stream that arrives in pieces of one length.
pub fn events(bytes: &[u8], length: usize) -> Vec<Event> {
    let mut reader = Reader::default();
    let mut events = Vec::new();
    for piece in bytes.chunks(length) {
        reader.push(piece).unwrap();
        events.extend(std::iter::from_fn(|| reader.next_event()));
    }
    events.extend(reader.finish());
    events
}
