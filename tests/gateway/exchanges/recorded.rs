//! Reading exchanges, and playing their provider.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::upstream::{Step, whole};

/// Providers that are spoken to in the OpenAI protocol.
const PROVIDERS: [&str; 9] =
    ["openai", "groq", "mistral", "deepseek", "xai", "together", "ollama", "openrouter", "compatible"];
/// The sizes of the pieces that a stream is cut into, over and over: in words, letters and line ends.
const PIECES: [usize; 9] = [1, 2, 700, 3, 1, 5, 64, 7, 131];

/// One exchange.
pub struct Exchange {
    /// `groq/chat-stream`
    pub name: String,
    pub provider: String,
    /// The file.
    pub file: Value,
}

/// The exchanges of the OpenAI protocol below a folder, by name.
pub fn all(folder: &Path) -> Vec<Exchange> {
    every(folder).into_iter().filter(Exchange::is_chat).collect()
}

/// All exchanges below a folder, by name.
pub fn every(folder: &Path) -> Vec<Exchange> {
    let mut paths = Vec::new();
    collect(folder, &mut paths);
    paths.sort();
    paths.iter().map(|path| Exchange::read(folder, path)).collect()
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "json") {
            into.push(path);
        }
    }
}

impl Exchange {
    fn read(folder: &Path, path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let file: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path.strip_prefix(folder).unwrap().with_extension("");
        let path = file["request"]["path"].as_str().unwrap_or_default();
        // Gemini's OpenAI form is one more compatible endpoint.
        let provider = if path.starts_with("/v1beta/openai/") {
            "compatible"
        } else {
            file["provider"].as_str().unwrap_or_default()
        };
        Self { name: name.to_string_lossy().replace('\\', "/"), provider: provider.to_owned(), file }
    }

    /// A chat completion by its path; by its body where no request was recorded. Errors look the same on every path.
    fn is_chat(&self) -> bool {
        let path = self.file["request"]["path"].as_str().unwrap_or_default();
        let spoken = PROVIDERS.contains(&self.provider.as_str());
        let by_body = path.is_empty() && self.file["response"].to_string().contains("choices");
        spoken && (path.ends_with("/chat/completions") || by_body || self.status() >= 400)
    }

    pub fn status(&self) -> u16 {
        let status = self.file["response"]["status"].as_u64().unwrap();
        u16::try_from(status).unwrap()
    }

    /// The bytes of the answer.
    pub fn answer(&self) -> String {
        let response = &self.file["response"];
        ["sse", "text"]
            .iter()
            .find_map(|form| response[form].as_str())
            .map_or_else(|| response["body"].to_string(), str::to_owned)
    }

    /// The events of a streamed answer, parsed.
    pub fn events(&self) -> Option<Vec<String>> {
        let text = self.file["response"]["sse"].as_str()?.replace("\r\n", "\n").replace('\r', "\n");
        let events = text.split("\n\n").filter_map(|event| {
            let data: Vec<&str> = event
                .lines()
                .filter_map(|line| line.strip_prefix("data:"))
                .map(|data| data.strip_prefix(' ').unwrap_or(data))
                .collect();
            (!data.is_empty()).then(|| data.join("\n"))
        });
        Some(events.collect())
    }

    pub fn is_stream(&self) -> bool {
        self.file["response"]["sse"].is_string() || self.request()["stream"] == true
    }

    fn request(&self) -> &Value {
        &self.file["request"]["body"]
    }

    /// The model that the provider is asked for.
    pub fn model(&self) -> String {
        self.request()["model"].as_str().unwrap_or("some-model").to_owned()
    }

    /// What the bot sends, to a connection of this key.
    pub fn body(&self, key: &str) -> String {
        let mut body = match self.request() {
            body @ Value::Object(fields) if fields.contains_key("messages") => body.clone(),
            _ => json!({ "messages": [{ "role": "user", "content": "What is 2 + 2?" }] }),
        };
        body["model"] = json!(format!("{key}/{}", self.model()));
        if self.is_stream() {
            body["stream"] = json!(true);
        }
        body.to_string()
    }

    /// Whether the bot asks for usage itself.
    pub fn wants_usage(&self) -> bool {
        let body: Value = serde_json::from_str(&self.body("it")).unwrap();
        body["stream_options"]["include_usage"] == true
    }

    /// The answer as the provider sends it; a stream in many small pieces.
    pub fn steps(&self) -> Vec<Step> {
        let recorded = self.file["response"]["headers"].as_object();
        let headers: Vec<(&str, &str)> = recorded
            .into_iter()
            .flatten()
            .filter(|(name, _)| {
                !["content-length", "transfer-encoding", "content-encoding", "connection"]
                    .contains(&name.as_str())
            })
            .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
            .collect();
        if self.file["response"]["sse"].is_null() {
            return vec![Step::text(whole(self.status(), &headers, &self.answer()))];
        }
        let head: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let mut steps = vec![Step::text(format!(
            "HTTP/1.1 {} As it is\r\n{head}transfer-encoding: chunked\r\nconnection: close\r\n\r\n",
            self.status()
        ))];
        let answer = self.answer();
        let mut rest = answer.as_bytes();
        for size in PIECES.iter().cycle() {
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            steps.push(Step::Send(chunk(piece)));
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        steps.push(Step::text("0\r\n\r\n"));
        steps
    }
}

fn chunk(piece: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{:x}\r\n", piece.len()).into_bytes();
    bytes.extend_from_slice(piece);
    bytes.extend_from_slice(b"\r\n");
    bytes
}
