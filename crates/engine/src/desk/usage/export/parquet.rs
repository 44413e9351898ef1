//! Attempts as Parquet: column by column, in groups of rows that are small enough to be held.

use std::fs::File;
use std::io::{self, BufWriter};
use std::sync::Arc;

use jiff::tz::TimeZone;
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use patchbay_store::usage::LogRow;

use super::columns::{COLUMNS, ColumnKind, Value};

/// Rows of a group: what is held in memory at once.
const GROUP: usize = 16_384;

/// A file in the making.
pub(super) struct Rows<'a> {
    writer: SerializedFileWriter<BufWriter<&'a File>>,
    zone: &'a TimeZone,
    columns: Vec<Held>,
    held: usize,
}

/// The values of one column that wait to be written; `levels` says which of its rows have one.
#[derive(Default)]
struct Held {
    levels: Vec<i16>,
    numbers: Vec<i64>,
    texts: Vec<ByteArray>,
    flags: Vec<bool>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(file: &'a File, zone: &'a TimeZone) -> io::Result<Self> {
        let schema = parse_message_type(&schema()).map_err(failed)?;
        let compression = Compression::ZSTD(ZstdLevel::default());
        let properties = WriterProperties::builder().set_compression(compression).build();
        let out = BufWriter::new(file);
        let writer =
            SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties)).map_err(failed)?;
        let columns = COLUMNS.iter().map(|_| Held::default()).collect();
        Ok(Self { writer, zone, columns, held: 0 })
    }

    pub(super) fn write(&mut self, row: &LogRow) -> io::Result<()> {
        for (column, held) in COLUMNS.iter().zip(&mut self.columns) {
            held.push((column.value)(row, self.zone));
        }
        self.held += 1;
        if self.held == GROUP { self.write_group().map_err(failed) } else { Ok(()) }
    }

    pub(super) fn end(mut self) -> io::Result<()> {
        if self.held > 0 {
            self.write_group().map_err(failed)?;
        }
        self.writer.close().map(drop).map_err(failed)
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        let mut columns = self.columns.iter_mut();
        while let (Some(mut column), Some(held)) = (group.next_column()?, columns.next()) {
            let held = std::mem::take(held);
            let levels = Some(held.levels.as_slice());
            match column.untyped() {
                ColumnWriter::Int64ColumnWriter(writer) => writer.write_batch(&held.numbers, levels, None)?,
                ColumnWriter::BoolColumnWriter(writer) => writer.write_batch(&held.flags, levels, None)?,
                ColumnWriter::ByteArrayColumnWriter(writer) => {
                    writer.write_batch(&held.texts, levels, None)?
                }
                _ => return Err(ParquetError::General("a column of an unknown type".to_owned())),
            };
            column.close()?;
        }
        group.close()?;
        self.held = 0;
        Ok(())
    }
}

impl Held {
    fn push(&mut self, value: Value) {
        self.levels.push(i16::from(value != Value::None));
        match value {
            Value::None => {}
            Value::Text(text) => self.texts.push(text.into_bytes().into()),
            Value::Number(number) => self.numbers.push(number),
            Value::Flag(flag) => self.flags.push(flag),
            Value::Moment(at) => self.numbers.push(at.0),
            Value::Dollars(amount) => self.numbers.push(amount.0),
        }
    }
}

fn schema() -> String {
    let field = |kind: ColumnKind, name: &str| match kind {
        ColumnKind::Text => format!("optional binary {name} (STRING);"),
        ColumnKind::Number => format!("optional int64 {name};"),
        ColumnKind::Flag => format!("optional boolean {name};"),
        ColumnKind::Moment => format!("optional int64 {name} (TIMESTAMP(MILLIS,true));"),
        ColumnKind::Dollars => format!("optional int64 {name} (DECIMAL(18,9));"),
    };
    let fields: Vec<String> = COLUMNS.iter().map(|column| field(column.kind, column.name)).collect();
    format!("message attempts {{ {} }}", fields.join(" "))
}

fn failed(error: ParquetError) -> io::Error {
    io::Error::other(error)
}
