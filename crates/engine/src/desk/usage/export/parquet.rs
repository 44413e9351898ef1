//! Attempts as Parquet.

use std::fs::File;
use std::io::{self, BufWriter};

use jiff::tz::TimeZone;
use patchbay_store::columns::{Cell, Kind, LARGE_GROUP, Writer};
use patchbay_store::usage::LogRow;

use super::columns::{COLUMNS, ColumnKind, Value};

/// A file in the making.
pub(super) struct Rows<'a> {
    file: Writer<BufWriter<&'a File>>,
    zone: &'a TimeZone,
}

impl<'a> Rows<'a> {
    pub(super) fn new(file: &'a File, zone: &'a TimeZone) -> io::Result<Self> {
        let columns = COLUMNS.each_ref().map(|column| (column.name, kind(column.kind)));
        Ok(Self { file: Writer::new(BufWriter::new(file), &columns, &[], LARGE_GROUP)?, zone })
    }

    pub(super) fn write(&mut self, row: &LogRow) -> io::Result<()> {
        self.file.write(COLUMNS.iter().map(|column| cell((column.value)(row, self.zone))))
    }

    pub(super) fn end(self) -> io::Result<()> {
        self.file.end()
    }
}

fn kind(kind: ColumnKind) -> Kind {
    match kind {
        ColumnKind::Text => Kind::Text,
        ColumnKind::Number => Kind::Number,
        ColumnKind::Flag => Kind::Flag,
        ColumnKind::Moment => Kind::Moment,
        ColumnKind::Dollars => Kind::Dollars,
    }
}

fn cell(value: Value) -> Cell {
    match value {
        Value::None => Cell::None,
        Value::Text(text) => Cell::Text(text),
        Value::Number(number) => Cell::Number(number),
        Value::Flag(flag) => Cell::Flag(flag),
        Value::Moment(at) => Cell::Number(at.0),
        Value::Dollars(amount) => Cell::Number(amount.0),
    }
}
