//! Parquet files, for exports and archives: columns by name, in groups of rows. A group is encoded as its rows come, and held until it
//! is whole; what a file says of its groups is held until its end. So few large groups take the least memory to write, and small ones to read.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::page::{CompressedPage, PageWriteSpec, PageWriter};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::column::writer::{ColumnWriter, get_column_writer};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, ReaderProperties, WriterProperties};
use parquet::file::reader::{FileReader, RowGroupReader};
use parquet::file::serialized_reader::{ReadOptionsBuilder, SerializedFileReader};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedFileWriter, SerializedPageWriter, TrackedWrite};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;

/// Rows of a group of a file that is read back here, a group at a time.
pub const SMALL_GROUP: usize = 16_384;
/// Rows of a group of a file that others read.
pub const LARGE_GROUP: usize = 131_072;
/// Bytes of a column that wait to be compressed; and of its different values, beyond which they are written out one by one.
const PAGE: usize = 128 * 1024;
/// Rows that wait to be encoded.
const BATCH: usize = 1_024;

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
    columns: Vec<Column>,
    /// Rows of a whole group.
    group: usize,
    /// Rows that wait to be encoded.
    waiting: usize,
    /// Rows of the group that are encoded.
    encoded: usize,
}

/// A column of a group.
struct Column {
    waiting: Waiting,
    writer: ColumnWriter<'static>,
    pages: Pages,
}

/// Values that wait to be encoded; `levels` says which of their rows have one.
#[derive(Default)]
struct Waiting {
    levels: Vec<i16>,
    numbers: Vec<i64>,
    texts: Vec<ByteArray>,
    flags: Vec<bool>,
}

/// The encoded pages of a column, until its group is written.
#[derive(Clone)]
struct Pages(Arc<Mutex<TrackedWrite<Vec<u8>>>>);

impl<W: Write + Send> Writer<W> {
    /// Begins a file with these columns, in groups of so many rows. Values of columns that are `looked_up` can be looked for without
    /// reading all rows.
    pub fn new(out: W, columns: &[(&str, Kind)], looked_up: &[&str], group: usize) -> io::Result<Self> {
        let schema = parse_message_type(&schema(columns)).map_err(failed)?;
        let compression = Compression::ZSTD(ZstdLevel::default());
        // What a file says of itself waits in memory for its end, so it says no more than is read: a minimum and a maximum of each group.
        let mut properties = WriterProperties::builder()
            .set_compression(compression)
            .set_dictionary_page_size_limit(PAGE)
            .set_data_page_size_limit(PAGE)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true);
        for name in looked_up {
            let path = ColumnPath::from(*name);
            properties = properties
                .set_column_bloom_filter_enabled(path.clone(), true)
                .set_column_bloom_filter_max_ndv(path, group as u64);
        }
        let file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties.build()));
        let file = file.map_err(failed)?;
        let columns = (0..columns.len()).map(|place| Column::new(&file, place)).collect();
        Ok(Self { file, columns, group, waiting: 0, encoded: 0 })
    }

    /// Adds a row: one value for each column.
    pub fn write(&mut self, row: impl IntoIterator<Item = Cell>) -> io::Result<()> {
        for (column, cell) in self.columns.iter_mut().zip(row) {
            column.waiting.push(cell);
        }
        self.waiting += 1;
        if self.waiting == BATCH.min(self.group - self.encoded) {
            self.encode().map_err(failed)?;
        }
        if self.encoded == self.group { self.write_group().map_err(failed) } else { Ok(()) }
    }

    /// Writes what is left, and the end.
    pub fn end(mut self) -> io::Result<()> {
        self.encode().map_err(failed)?;
        if self.encoded > 0 {
            self.write_group().map_err(failed)?;
        }
        self.file.close().map(drop).map_err(failed)
    }

    fn encode(&mut self) -> Result<(), ParquetError> {
        self.columns.iter_mut().try_for_each(Column::encode)?;
        self.encoded += std::mem::take(&mut self.waiting);
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let next = (0..self.columns.len()).map(|place| Column::new(&self.file, place)).collect();
        let mut group = self.file.next_row_group()?;
        for column in std::mem::replace(&mut self.columns, next) {
            let told = column.writer.close()?;
            group.append_column(&column.pages.take()?, told)?;
        }
        group.close()?;
        self.encoded = 0;
        Ok(())
    }
}

impl Column {
    fn new<W: Write + Send>(file: &SerializedFileWriter<W>, place: usize) -> Self {
        let pages = Pages(Arc::new(Mutex::new(TrackedWrite::new(Vec::new()))));
        let (column, properties) = (file.schema_descr().column(place), Arc::clone(file.properties()));
        let writer = get_column_writer(column, properties, Box::new(pages.clone()));
        Self { waiting: Waiting::default(), writer, pages }
    }

    fn encode(&mut self) -> Result<(), ParquetError> {
        let waiting = &mut self.waiting;
        let levels = Some(waiting.levels.as_slice());
        match &mut self.writer {
            ColumnWriter::Int64ColumnWriter(writer) => writer.write_batch(&waiting.numbers, levels, None)?,
            ColumnWriter::BoolColumnWriter(writer) => writer.write_batch(&waiting.flags, levels, None)?,
            ColumnWriter::ByteArrayColumnWriter(writer) => {
                writer.write_batch(&waiting.texts, levels, None)?
            }
            _ => return Err(ParquetError::General("a column of an unknown type".to_owned())),
        };
        waiting.clear();
        Ok(())
    }
}

impl Waiting {
    fn push(&mut self, cell: Cell) {
        self.levels.push(i16::from(cell != Cell::None));
        match cell {
            Cell::None => {}
            Cell::Text(text) => self.texts.push(text.into_bytes().into()),
            Cell::Number(number) => self.numbers.push(number),
            Cell::Flag(flag) => self.flags.push(flag),
        }
    }

    fn clear(&mut self) {
        self.levels.clear();
        self.numbers.clear();
        self.texts.clear();
        self.flags.clear();
    }
}

impl Pages {
    fn held(&self) -> MutexGuard<'_, TrackedWrite<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Result<Bytes, ParquetError> {
        let pages = std::mem::replace(&mut *self.held(), TrackedWrite::new(Vec::new()));
        Ok(pages.into_inner()?.into())
    }
}

impl PageWriter for Pages {
    fn write_page(&mut self, page: CompressedPage) -> Result<PageWriteSpec, ParquetError> {
        SerializedPageWriter::new(&mut *self.held()).write_page(page)
    }

    fn close(&mut self) -> Result<(), ParquetError> {
        Ok(self.held().flush()?)
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
    while reader.read_records(SMALL_GROUP, Some(&mut levels), None, &mut values)?.0 > 0 {}
    let mut values = values.into_iter();
    Ok(levels.into_iter().map(|level| if level > 0 { values.next() } else { None }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_several_batches_come_back_whole() {
        const ROWS: i64 = 6_001;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.parquet");
        let columns = [("name", Kind::Text), ("at", Kind::Moment), ("last", Kind::Flag)];
        let row = |number: i64| {
            let name =
                if number % 7 == 0 { Cell::None } else { Cell::Text(format!("name {}", number % 900)) };
            [name, Cell::Number(number), Cell::Flag(number % 2 == 0)]
        };
        let mut writer = Writer::new(File::create(&path).unwrap(), &columns, &["name"], 2_500).unwrap();
        (0..ROWS).for_each(|number| writer.write(row(number)).unwrap());
        writer.end().unwrap();

        let reader = Reader::open(&path).unwrap();
        assert_eq!((reader.rows(), reader.groups()), (6_001, 3));
        assert_eq!(reader.bounds(1, 1), Some((2_500, 4_999)));
        assert!(reader.may_hold(2, 0, "name 899").unwrap() && !reader.may_hold(2, 0, "nobody").unwrap());
        let mut number = 0;
        for group in 0..3 {
            let group = reader.read(group).unwrap();
            for place in 0..group.rows {
                let text = group.text(0, place).map_or(Cell::None, |text| Cell::Text(text.to_owned()));
                let [at, last] = [group.number(1, place), group.flag(2, place).map(i64::from)];
                assert_eq!((text, at), (row(number)[0].clone(), Some(number)));
                assert_eq!(last, Some(i64::from(number % 2 == 0)));
                number += 1;
            }
        }
        assert_eq!(number, ROWS);
    }
}
