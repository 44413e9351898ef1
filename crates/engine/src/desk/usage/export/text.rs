//! Attempts as CSV or JSON.

use std::io::{self, BufWriter, Write};

use jiff::tz::TimeZone;
use patchbay_store::usage::LogRow;

use super::ExportFormat;
use super::columns::{COLUMNS, Value};
use crate::desk::export::{cell, unwritable};
use crate::error::Error;

/// A file in the making.
pub(super) struct Rows<'a, W: Write> {
    out: BufWriter<W>,
    format: ExportFormat,
    zone: &'a TimeZone,
    any: bool,
}

impl<'a, W: Write> Rows<'a, W> {
    /// Begins it. Only CSV and JSON are text.
    pub(super) fn new(out: W, format: ExportFormat, zone: &'a TimeZone) -> Result<Self, Error> {
        let mut rows = Self { out: BufWriter::new(out), format, zone, any: false };
        let head = match format {
            ExportFormat::Csv => COLUMNS.map(|column| column.name).join(",") + "\r\n",
            ExportFormat::Json => "[".to_owned(),
            ExportFormat::Parquet | ExportFormat::Xlsx => {
                return Err(Error::invalid(
                    format!("A {} file cannot be printed.", format.ending()),
                    "Name a file to write it to.",
                ));
            }
        };
        rows.out.write_all(head.as_bytes()).map_err(|error| unwritable(&error))?;
        Ok(rows)
    }

    pub(super) fn write(&mut self, row: &LogRow) -> io::Result<()> {
        let values = COLUMNS.iter().map(|column| (column.name, (column.value)(row, self.zone)));
        if self.format == ExportFormat::Csv {
            let cells: Vec<String> = values.map(|(_, value)| csv(value)).collect();
            return write!(self.out, "{}\r\n", cells.join(","));
        }
        self.out.write_all(if self.any { b",\n{" } else { b"\n{" })?;
        self.any = true;
        // Name by name: a map of each row is most of the work.
        let mut comma = "";
        for (name, value) in values {
            write!(self.out, "{comma}\"{name}\":")?;
            put_json(&mut self.out, value)?;
            comma = ",";
        }
        self.out.write_all(b"}")
    }

    pub(super) fn end(mut self) -> io::Result<()> {
        if self.format == ExportFormat::Json {
            self.out.write_all(b"\n]\n")?;
        }
        self.out.flush()
    }
}

pub(super) fn csv(value: Value) -> String {
    match value {
        Value::None => String::new(),
        Value::Text(text) => cell(&text),
        Value::Number(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Moment(at) => at.to_rfc3339(),
        Value::Dollars(amount) => amount.to_string(),
    }
}

fn put_json(out: &mut impl Write, value: Value) -> io::Result<()> {
    match value {
        Value::None => out.write_all(b"null"),
        Value::Text(text) => Ok(serde_json::to_writer(out, &text)?),
        Value::Number(number) => write!(out, "{number}"),
        Value::Flag(flag) => write!(out, "{flag}"),
        Value::Moment(at) => write!(out, "\"{}\"", at.to_rfc3339()),
        Value::Dollars(amount) => write!(out, "\"{amount}\""),
    }
}
