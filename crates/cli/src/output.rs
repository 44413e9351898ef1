//! Printing: tables for people, one JSON document for scripts.

use std::io::{self, Write};

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use patchbay_engine::error::Error;
use serde::Serialize;

/// Where results go.
#[derive(Debug)]
pub struct Output {
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    Json,
}

impl Output {
    /// For the `--json` flag.
    pub fn new(json: bool) -> Self {
        Self { format: if json { Format::Json } else { Format::Text } }
    }

    /// Whether scripts read it.
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// One line for people; nothing for scripts.
    pub fn line(&self, text: &str) {
        if !self.is_json() {
            raw(&format!("{text}\n"));
        }
    }

    /// What was done: a line for people, a document for scripts.
    pub fn done(&self, text: &str) {
        self.document(&serde_json::json!({ "message": text }), |_| format!("{text}\n"));
    }

    /// A document for scripts; for people, what `text` makes of it.
    pub fn document<T: Serialize>(&self, value: &T, text: impl FnOnce(&T) -> String) {
        if self.is_json() {
            json_line(value);
        } else {
            raw(&text(value));
        }
    }

    /// What went wrong and what to do, on standard error.
    pub fn error(&self, error: &Error) {
        if self.is_json() {
            let document = serde_json::json!({ "error": { "code": error.code, "message": error.message, "hint": error.hint } });
            return note(&document.to_string());
        }
        let hint = if error.hint.is_empty() { String::new() } else { format!("\n{}", error.hint) };
        note(&format!("patchbay: {}{hint}", error.message));
    }
}

/// Exactly this on standard output. A reader that went away (`| head`) is no error.
pub fn raw(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// One JSON document on one line.
pub fn json_line<T: Serialize>(value: &T) {
    match serde_json::to_string(value) {
        Ok(json) => raw(&format!("{json}\n")),
        Err(error) => note(&error.to_string()),
    }
}

/// A message on standard error.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A table with a heading.
pub fn table(heading: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header(heading.iter().map(|text| (*text).to_owned()));
    table.add_rows(rows);
    let text: String = table.lines().flat_map(|line| [line.trim_end().to_owned(), "\n".to_owned()]).collect();
    text
}
