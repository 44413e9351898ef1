//! What all exports share: where files go, what a refusal says, and cells that no spreadsheet takes for a formula.

use std::io;
use std::path::PathBuf;

use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::code::Code;
use patchbay_store::Recorded;
use serde::Serialize;

use crate::error::Error;
use crate::{Engine, clock};

/// A file that was written.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Exported {
    /// Where it is.
    pub path: String,
    /// How many entries, rows or pictures are in it.
    pub entries: u32,
}

/// A path in the `exports` folder of the data folder that is not taken yet.
pub(super) fn fresh_path(engine: &Engine, stem: &str, ending: &str) -> Result<PathBuf, Error> {
    let folder = engine.data_dir.join("exports");
    std::fs::create_dir_all(&folder).map_err(|error| unwritable(&error))?;
    let stamp = clock::now().to_rfc3339().replace([':', '.'], "-");
    Ok(folder.join(format!("{stem}-{stamp}.{ending}")))
}

/// The export ended before its end.
pub(super) fn unwritable(error: &io::Error) -> Error {
    Error::new(
        Code::DiskFull,
        format!("The export could not be written: {error}."),
        "Free some space or choose another place, then try again.",
    )
}

/// The export is an entry of the audit log, too (A2).
pub(super) fn recorded(
    engine: &Engine,
    (kind, name): (Kind, &str),
    format: impl Serialize,
    entries: u32,
) -> Result<(), Error> {
    let change = Change::default().fact("entries", entries).fact("format", format);
    let entry = Entry::user(Action::Export, kind, name).change(change);
    Ok(engine.store.change(clock::now(), move |_| Ok(Recorded::new((), entry)))?)
}

/// A cell that a spreadsheet shows as it is, and never takes for a formula (C5).
pub(super) fn cell(text: &str) -> String {
    let text =
        if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// A line of CSV, of cells that are written already.
pub(super) fn line(cells: impl Iterator<Item = String>) -> String {
    cells.collect::<Vec<_>>().join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c5_a_cell_is_no_formula_and_no_two_cells() {
        for (text, expected) in [
            ("plain", "plain"),
            ("a, \"b\"", "\"a, \"\"b\"\"\""),
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@x", "'@x"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\"'\r=1\""),
            ("two\nlines", "\"two\nlines\""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
