//! Attempts as a file: one row at a time, so that ten million take no more memory than ten.

mod columns;
mod groups;
mod parquet;
mod text;
mod xlsx;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::audit::Kind;
use patchbay_core::report::{Filter, GroupBy};
use patchbay_store::usage::LogRow;
use patchbay_store::{Db, StoreError, files, usage};
use serde::{Deserialize, Serialize};

pub use groups::{OpenGroups, groups_to_folder};

use super::query::UsageQuery;
use crate::desk::export::{self, Exported, unwritable};
use crate::error::Error;
use crate::{Engine, clock};

/// What the file is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// For spreadsheets and everything else.
    Csv,
    /// One JSON document: a list of attempts.
    Json,
    /// For notebooks, compressed by zstd.
    Parquet,
    /// An Excel workbook: a summary, groups, days and attempts.
    Xlsx,
}

impl ExportFormat {
    /// The ending of its files.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Parquet => "parquet",
            Self::Xlsx => "xlsx",
        }
    }
}

/// What goes into a file.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Which attempts.
    pub filter: Filter,
    /// What the workbook's groups go by.
    pub by: GroupBy,
    /// The zone of local times and days.
    pub zone: TimeZone,
}

/// Writes the attempts that fit, the oldest first, and answers how many. It never holds prompts, answers or keys.
pub async fn to_file(
    engine: &Arc<Engine>,
    selection: Selection,
    format: ExportFormat,
    path: std::path::PathBuf,
) -> Result<Exported, Error> {
    engine.blocking(move |engine| write_file(engine, &selection, format, &path)).await
}

/// The same as text to any place. Only CSV and JSON are text.
pub async fn to_writer<W: Write + Send + 'static>(
    engine: &Arc<Engine>,
    selection: Selection,
    format: ExportFormat,
    mut out: W,
) -> Result<u32, Error> {
    engine
        .blocking(move |engine| {
            let mut rows = text::Rows::new(&mut out, format, &selection.zone)?;
            let write = |row: &LogRow| rows.write(row);
            let count = engine.store.read(|db| Ok(each_row(db, &selection.filter, write)))??;
            rows.end().map_err(|error| unwritable(&error))?;
            recorded(engine, format, count)
        })
        .await
}

/// The same into a new file in the `exports` folder of the data folder, which only its owner can read.
pub async fn to_folder(
    engine: &Arc<Engine>,
    query: UsageQuery,
    format: ExportFormat,
    zone: TimeZone,
) -> Result<Exported, Error> {
    let spans = query.days.spans(clock::now(), &zone)?;
    let selection = Selection { filter: query.filter(spans.range), by: query.by, zone };
    selection_to_folder(engine, selection, format, "usage").await
}

/// The same for whatever is selected; the file's name begins with `stem`.
pub(crate) async fn selection_to_folder(
    engine: &Arc<Engine>,
    selection: Selection,
    format: ExportFormat,
    stem: &'static str,
) -> Result<Exported, Error> {
    engine
        .blocking(move |engine| {
            let path = export::fresh_path(engine, stem, format.ending())?;
            write_file(engine, &selection, format, &path)
        })
        .await
}

fn write_file(
    engine: &Engine,
    selection: &Selection,
    format: ExportFormat,
    path: &Path,
) -> Result<Exported, Error> {
    let mut failed = None;
    let mut count = 0;
    let written = files::replace_with(path, |file| match write_rows(engine, selection, format, file) {
        Ok(rows) => {
            count = rows;
            Ok(())
        }
        Err(error) => {
            failed = Some(error);
            Err(io::Error::other("see the error beside it"))
        }
    });
    written.map_err(|error| failed.unwrap_or_else(|| unwritable(&error)))?;
    Ok(Exported { path: path.display().to_string(), entries: recorded(engine, format, count)? })
}

fn write_rows(
    engine: &Engine,
    selection: &Selection,
    format: ExportFormat,
    file: &mut File,
) -> Result<u32, Error> {
    match format {
        ExportFormat::Csv | ExportFormat::Json => {
            let mut rows = text::Rows::new(file, format, &selection.zone)?;
            let write = |row: &LogRow| rows.write(row);
            let count = engine.store.read(|db| Ok(each_row(db, &selection.filter, write)))??;
            rows.end().map_err(|error| unwritable(&error))?;
            Ok(count)
        }
        ExportFormat::Parquet => {
            let mut rows = parquet::Rows::new(file, &selection.zone).map_err(|error| unwritable(&error))?;
            let write = |row: &LogRow| rows.write(row);
            let count = engine.store.read(|db| Ok(each_row(db, &selection.filter, write)))??;
            rows.end().map_err(|error| unwritable(&error))?;
            Ok(count)
        }
        ExportFormat::Xlsx => engine.store.read(|db| Ok(xlsx::write(db, selection, file)))?,
    }
}

/// Calls `each` for every attempt that fits, the oldest first.
fn each_row(db: &Db, filter: &Filter, mut each: impl FnMut(&LogRow) -> io::Result<()>) -> Result<u32, Error> {
    let mut failed = None;
    let mut count = 0_u32;
    let read = usage::scan(db, filter, |row| {
        count = count.saturating_add(1);
        each(&row).map_err(|error| {
            failed = Some(error);
            StoreError::Closed
        })
    });
    read.map_err(|error| failed.map_or_else(|| error.into(), |error| unwritable(&error)))?;
    Ok(count)
}

/// Answers how many there were.
fn recorded(engine: &Engine, format: ExportFormat, count: u32) -> Result<u32, Error> {
    export::recorded(engine, (Kind::Usage, "attempts"), format.ending(), count)?;
    Ok(count)
}
