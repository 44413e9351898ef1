//! The log as a file: one entry at a time, so that a long log does not fill the memory.

use std::io::{self, Write};
use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::audit::Kind;
use patchbay_store::audit::{self, Written};
use patchbay_store::{StoreError, files};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::AuditQuery;
use crate::Engine;
use crate::desk::export::{self, Exported, cell, unwritable};
use crate::error::Error;

/// What the file is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// For spreadsheets.
    Csv,
    /// One JSON document: a list of entries.
    Json,
}

/// Writes the entries that fit, the oldest first, and answers how many. The export itself is an entry, too (A2).
pub async fn export<W: Write + Send + 'static>(
    engine: &Arc<Engine>,
    query: AuditQuery,
    format: Format,
    zone: TimeZone,
    mut out: W,
) -> Result<u32, Error> {
    engine.blocking(move |engine| write(engine, query, format, &zone, &mut out)).await
}

/// The same into a new file in the `exports` folder of the data folder, which only its owner can read.
pub async fn export_to_folder(
    engine: &Arc<Engine>,
    query: AuditQuery,
    format: Format,
    zone: TimeZone,
) -> Result<Exported, Error> {
    engine
        .blocking(move |engine| {
            let ending = if format == Format::Csv { "csv" } else { "json" };
            let path = export::fresh_path(engine, "audit", ending)?;
            let mut entries = Ok(0);
            files::replace_with(&path, |file| {
                entries = write(engine, query, format, &zone, file);
                Ok(())
            })
            .map_err(|error| unwritable(&error))?;
            Ok(Exported { path: path.display().to_string(), entries: entries? })
        })
        .await
}

fn write(
    engine: &Engine,
    query: AuditQuery,
    format: Format,
    zone: &TimeZone,
    out: &mut impl Write,
) -> Result<u32, Error> {
    let mut lines = Lines { out: io::BufWriter::new(out), format, zone, count: 0 };
    let mut failed = None;
    lines.head().map_err(|error| unwritable(&error))?;
    engine
        .store
        .read(|db| {
            audit::scan(db, &query.filter(), |entry| {
                lines.entry(&entry).map_err(|error| {
                    failed = Some(error);
                    StoreError::Closed
                })
            })
        })
        .map_err(|error| failed.take().map_or_else(|| error.into(), |error| unwritable(&error)))?;
    lines.tail().map_err(|error| unwritable(&error))?;
    let count = lines.count;
    export::recorded(engine, (Kind::Audit, "entries"), format, count)?;
    Ok(count)
}

struct Lines<'a, W: Write> {
    out: W,
    format: Format,
    zone: &'a TimeZone,
    count: u32,
}

impl<W: Write> Lines<'_, W> {
    fn head(&mut self) -> io::Result<()> {
        match self.format {
            Format::Csv => {
                self.out.write_all(b"entry,at_utc,at_local,actor,action,kind,name,change,reason,hash\r\n")
            }
            Format::Json => self.out.write_all(b"["),
        }
    }

    fn entry(&mut self, entry: &Written) -> io::Result<()> {
        let first = self.count == 0;
        self.count += 1;
        match self.format {
            Format::Csv => self.out.write_all(csv(entry, self.zone).as_bytes()),
            Format::Json => {
                let document = json!({
                    "entry": entry.id, "at": entry.at.to_rfc3339(), "at_ms": entry.at.0, "actor": entry.actor,
                    "action": entry.action, "kind": entry.kind, "name": entry.name, "change": entry.change,
                    "reason": entry.reason, "hash": entry.hash,
                });
                write!(self.out, "{}\n{document}", if first { "" } else { "," })
            }
        }
    }

    fn tail(&mut self) -> io::Result<()> {
        if self.format == Format::Json {
            self.out.write_all(b"\n]\n")?;
        }
        self.out.flush()
    }
}

fn csv(entry: &Written, zone: &TimeZone) -> String {
    let number = entry.id.to_string();
    let (utc, local) = (entry.at.to_rfc3339(), entry.at.to_local(zone));
    let change = entry.change.to_string();
    let fields = [
        &number,
        &utc,
        &local,
        &entry.actor,
        &entry.action,
        &entry.kind,
        &entry.name,
        &change,
        &entry.reason,
        &entry.hash,
    ];
    let cells: Vec<String> = fields.into_iter().map(|field| cell(field)).collect();
    cells.join(",") + "\r\n"
}
