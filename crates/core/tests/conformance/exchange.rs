//! Exchanges: one JSON file each, recorded from a provider or written by hand.

use std::path::{Path, PathBuf};

use patchbay_core::catalog::{Quirks, provider};
use patchbay_core::sse::{Event, Reader};
use serde_json::Value;

/// One request and what was answered.
pub struct Exchange {
    /// Folder and file, without its ending: `groq/chat-stream`.
    pub name: String,
    pub provider: String,
    file: Value,
}

/// The recorded exchanges, which are no part of this repository: they lie next to the checkout, or where `PATCHBAY_EXCHANGES`
/// says. `None` where there is no such folder.
pub fn recorded() -> Option<Vec<Exchange>> {
    let found = recordings().map(|folder| below(&folder));
    match &found {
        None => println!("skipped: there is no folder of recorded exchanges (PATCHBAY_EXCHANGES names one)"),
        Some(exchanges) => assert!(!exchanges.is_empty(), "the folder is there, and empty"),
    }
    found
}

/// The names that the folder's own list of its files tells.
#[expect(clippy::disallowed_methods, reason = "the core reads no files; its tests do")]
pub fn listed() -> Vec<String> {
    let folder = recordings().expect("a folder");
    let list = std::fs::read_to_string(folder.join("INDEX.tsv")).expect("a list");
    let file =
        |line: &str| line.split('\t').nth(1).and_then(|file| file.strip_suffix(".json")).map(str::to_owned);
    list.lines().skip(1).filter_map(file).collect()
}

#[expect(clippy::disallowed_methods, reason = "the core reads no files and no environment; its tests do")]
fn recordings() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/providers");
    let folder = std::env::var_os("PATCHBAY_EXCHANGES").map_or(beside, PathBuf::from);
    folder.is_dir().then_some(folder)
}

/// The exchanges that were written by hand: those of this suite, and those that the gateway's tests replay.
pub fn written() -> Vec<Exchange> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["tests/conformance/written", "../../tests/gateway/exchanges"];
    folders.iter().flat_map(|folder| below(&here.join(folder))).collect()
}

/// Those that there are.
pub fn all() -> Vec<Exchange> {
    recorded().into_iter().flatten().chain(written()).collect()
}

fn below(folder: &Path) -> Vec<Exchange> {
    let mut paths = Vec::new();
    collect(folder, &mut paths);
    paths.sort();
    paths.iter().map(|path| Exchange::read(folder, path)).collect()
}

#[expect(clippy::disallowed_methods, reason = "the core reads no files; its tests do")]
fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for path in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "json") {
            into.push(path);
        }
    }
}

impl Exchange {
    #[expect(clippy::disallowed_methods, reason = "the core reads no files; its tests do")]
    fn read(folder: &Path, path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a file");
        let file: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path.strip_prefix(folder).expect("below").with_extension("");
        Self {
            name: name.to_string_lossy().replace('\\', "/"),
            provider: file["provider"].as_str().unwrap_or_default().to_owned(),
            file,
        }
    }

    /// Of the request, without the slash; empty where the request was not recorded.
    pub fn path(&self) -> &str {
        self.file["request"]["path"].as_str().unwrap_or_default().trim_start_matches('/')
    }

    pub fn request(&self) -> Option<&Value> {
        Some(&self.file["request"]["body"]).filter(|body| body.is_object())
    }

    pub fn status(&self) -> u16 {
        u16::try_from(self.file["response"]["status"].as_u64().expect("a status")).expect("a status")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.file["response"]["headers"][name].as_str()
    }

    /// The bytes of the answer.
    pub fn answer(&self) -> Vec<u8> {
        let response = &self.file["response"];
        let text = ["sse", "ndjson", "text"].iter().find_map(|form| response[form].as_str());
        text.map_or_else(|| response["body"].to_string(), str::to_owned).into_bytes()
    }

    /// The answer as JSON, whatever its content type was; `null` where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.answer()).unwrap_or_default()
    }

    /// The data of the stream's events, cut without the reader under test; `None` for an answer that is no stream.
    pub fn stream(&self) -> Option<Vec<String>> {
        let text = self.file["response"]["sse"].as_str()?.replace("\r\n", "\n").replace('\r', "\n");
        let data = |event: &str| {
            let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
            let lines: Vec<&str> = lines.map(|data| data.strip_prefix(' ').unwrap_or(data)).collect();
            (!lines.is_empty()).then(|| lines.join("\n"))
        };
        Some(text.split("\n\n").filter_map(data).collect())
    }

    /// What an exchange that was written by hand says of itself.
    pub fn expect(&self) -> Option<&Value> {
        self.file.get("expect")
    }

    pub fn quirks(&self) -> Quirks {
        provider(&self.provider).map(|row| row.quirks).unwrap_or_default()
    }
}

/// The events of a stream that arrives in pieces of one length.
pub fn events(bytes: &[u8], length: usize) -> Vec<Event> {
    let mut reader = Reader::default();
    let mut events = Vec::new();
    for piece in bytes.chunks(length) {
        reader.push(piece).expect("short events");
        events.extend(std::iter::from_fn(|| reader.next_event()));
    }
    events.extend(reader.finish());
    events
}
