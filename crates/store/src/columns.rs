//! Parquet files, for exports and archives: columns by name, in groups of rows that are small enough to be held.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, ReaderProperties, WriterProperties};
use parquet::file::reader::{FileReader, RowGroupReader};
use parquet::file::serialized_reader::{ReadOptionsBuilder, SerializedFileReader};
use parquet::file::statistics::Statistics;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;

/// Rows of a group: what is held in memory at once.
const GROUP: usize = 16_384;

/// What a column holds. Every value may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Number,
    /// Yes or no.
    Flag,
    /// Milliseconds since 1970.
    Moment,
    /// Nano-dollars.
    Dollars,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    None,
    /// Of a column of text.
    Text(String),
    /// Of a column of numbers, moments or dollars.
    Number(i64),
    /// Of a column of flags.
    Flag(bool),
}

/// A file in the making.
pub struct Writer<W: Write + Send> {
    file: SerializedFileWriter<W>,
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

impl<W: Write + Send> Writer<W> {
    /// Begins a file with these columns. Values of those that are `looked_up` can be looked for without reading all rows.
    pub fn new(out: W, columns: &[(&str, Kind)], looked_up: &[&str]) -> io::Result<Self> {
        let schema = parse_message_type(&schema(columns)).map_err(failed)?;
        let compression = Compression::ZSTD(ZstdLevel::default());
        // What a file says of itself waits in memory for its end, so it says no more than is read: a minimum and a maximum of each group.
        let mut properties = WriterProperties::builder()
            .set_compression(compression)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true);
        for name in looked_up {
            let path = ColumnPath::from(*name);
            properties = properties
                .set_column_bloom_filter_enabled(path.clone(), true)
                .set_column_bloom_filter_max_ndv(path, GROUP as u64);
        }
        let file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties.build()));
        let columns = columns.iter().map(|_| Held::default()).collect();
        Ok(Self { file: file.map_err(failed)?, columns, held: 0 })
    }

    /// Adds a row: one value for each column.
    pub fn write(&mut self, row: impl IntoIterator<Item = Cell>) -> io::Result<()> {
        for (column, cell) in self.columns.iter_mut().zip(row) {
            column.push(cell);
        }
        self.held += 1;
        if self.held == GROUP { self.write_group().map_err(failed) } else { Ok(()) }
    }

    /// Writes what is left, and the end.
    pub fn end(mut self) -> io::Result<()> {
        if self.held > 0 {
            self.write_group().map_err(failed)?;
        }
        self.file.close().map(drop).map_err(failed)
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.file.next_row_group()?;
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
    fn push(&mut self, cell: Cell) {
        self.levels.push(i16::from(cell != Cell::None));
        match cell {
            Cell::None => {}
            Cell::Text(text) => self.texts.push(text.into_bytes().into()),
            Cell::Number(number) => self.numbers.push(number),
            Cell::Flag(flag) => self.flags.push(flag),
        }
    }
}

fn schema(columns: &[(&str, Kind)]) -> String {
    let field = |(name, kind): &(&str, Kind)| match kind {
        Kind::Text => format!("optional binary {name} (STRING);"),
        Kind::Number => format!("optional int64 {name};"),
        Kind::Flag => format!("optional boolean {name};"),
        Kind::Moment => format!("optional int64 {name} (TIMESTAMP(MILLIS,true));"),
        Kind::Dollars => format!("optional int64 {name} (DECIMAL(18,9));"),
    };
    format!("message attempts {{ {} }}", columns.iter().map(field).collect::<Vec<_>>().join(" "))
}

fn failed(error: ParquetError) -> io::Error {
    io::Error::other(error)
}

/// A file that is read.
pub struct Reader {
    file: SerializedFileReader<File>,
    names: Vec<String>,
}

impl Reader {
    /// Opens a file.
    pub fn open(path: &Path) -> io::Result<Self> {
        let properties = ReaderProperties::builder().set_read_bloom_filter(true).build();
        let options = ReadOptionsBuilder::new().with_reader_properties(properties).build();
        let file = SerializedFileReader::new_with_options(File::open(path)?, options).map_err(failed)?;
        let columns = file.metadata().file_metadata().schema_descr().columns();
        let names = columns.iter().map(|column| column.name().to_owned()).collect();
        Ok(Self { file, names })
    }

    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        u64::try_from(self.file.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// How many groups of rows it has.
    pub fn groups(&self) -> usize {
        self.file.num_row_groups()
    }

    /// The place of a column.
    pub fn column(&self, name: &str) -> io::Result<usize> {
        let place = self.names.iter().position(|known| known == name);
        place.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("it has no column {name}")))
    }

    /// The least and the greatest number of a column in a group, where the file tells.
    pub fn bounds(&self, group: usize, column: usize) -> Option<(i64, i64)> {
        match self.file.metadata().row_group(group).column(column).statistics()? {
            Statistics::Int64(numbers) => Some((*numbers.min_opt()?, *numbers.max_opt()?)),
            _ => None,
        }
    }

    /// Whether a text may stand in a column of a group; where not, it certainly does not.
    pub fn may_hold(&self, group: usize, column: usize, text: &str) -> io::Result<bool> {
        let group = self.file.get_row_group(group).map_err(failed)?;
        Ok(group.get_column_bloom_filter(column).is_none_or(|filter| filter.check(text)))
    }

    /// Reads a group of rows.
    pub fn read(&self, group: usize) -> io::Result<Group> {
        let group = self.file.get_row_group(group).map_err(failed)?;
        let columns = 0..self.names.len();
        let columns = columns.map(|column| read_column(&*group, column)).collect::<Result<_, _>>();
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        Ok(Group { rows, columns: columns.map_err(failed)? })
    }
}

/// Rows that were read.
pub struct Group {
    /// How many.
    pub rows: usize,
    columns: Vec<Cells>,
}

enum Cells {
    Numbers(Vec<Option<i64>>),
    Texts(Vec<Option<ByteArray>>),
    Flags(Vec<Option<bool>>),
}

impl Group {
    /// The number of a row in a column.
    pub fn number(&self, column: usize, row: usize) -> Option<i64> {
        match self.columns.get(column)? {
            Cells::Numbers(numbers) => *numbers.get(row)?,
            _ => None,
        }
    }

    /// The text of a row in a column.
    pub fn text(&self, column: usize, row: usize) -> Option<&str> {
        match self.columns.get(column)? {
            Cells::Texts(texts) => std::str::from_utf8(texts.get(row)?.as_ref()?.data()).ok(),
            _ => None,
        }
    }

    /// The flag of a row in a column.
    pub fn flag(&self, column: usize, row: usize) -> Option<bool> {
        match self.columns.get(column)? {
            Cells::Flags(flags) => *flags.get(row)?,
            _ => None,
        }
    }
}

fn read_column(group: &dyn RowGroupReader, column: usize) -> Result<Cells, ParquetError> {
    Ok(match group.get_column_reader(column)? {
        ColumnReader::Int64ColumnReader(reader) => Cells::Numbers(read_all(reader)?),
        ColumnReader::ByteArrayColumnReader(reader) => Cells::Texts(read_all(reader)?),
        ColumnReader::BoolColumnReader(reader) => Cells::Flags(read_all(reader)?),
        _ => return Err(ParquetError::General("a column of an unknown type".to_owned())),
    })
}

fn read_all<T: DataType>(mut reader: ColumnReaderImpl<T>) -> Result<Vec<Option<T::T>>, ParquetError> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    while reader.read_records(GROUP, Some(&mut levels), None, &mut values)?.0 > 0 {}
    let mut values = values.into_iter();
    Ok(levels.into_iter().map(|level| if level > 0 { values.next() } else { None }).collect())
}
