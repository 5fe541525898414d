//! Apache Parquet.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as PhysicalType};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::{Cell, Column, Kind};

/// A table as Parquet: every column optional, text as UTF-8, numbers as INT64 and DOUBLE, packed by
/// Snappy, which all readers know.
pub(super) struct ParquetTable<W: Write + Send> {
    file: SerializedFileWriter<W>,
    columns: Vec<Values>,
    rows: usize,
    /// Bytes of the texts that wait.
    bytes: usize,
}

/// The values of a column that wait for their group, and which rows have one.
struct Values {
    defined: Vec<i16>,
    of: OfKind,
}

enum OfKind {
    Text(Vec<ByteArray>),
    Whole(Vec<i64>),
    Number(Vec<f64>),
}

/// Most rows, and most bytes of text, that wait to be written as a group.
const GROUP_ROWS: usize = 20_000;
const GROUP_BYTES: usize = 16 << 20;

impl<W: Write + Send> ParquetTable<W> {
    pub(super) fn new(columns: &[Column], file: W) -> io::Result<Self> {
        let fields = columns.iter().map(|column| {
            let (physical, logical) = match column.kind {
                Kind::Text => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
                Kind::Whole => (PhysicalType::INT64, None),
                Kind::Number => (PhysicalType::DOUBLE, None),
            };
            let field = Type::primitive_type_builder(column.name, physical)
                .with_repetition(Repetition::OPTIONAL)
                .with_logical_type(logical);
            field.build().map(Arc::new)
        });
        let fields = fields.collect::<Result<Vec<_>, _>>().map_err(failed)?;
        let schema = Type::group_type_builder("schema").with_fields(fields);
        let schema = Arc::new(schema.build().map_err(failed)?);
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
        let properties = Arc::new(properties.build());
        let file = SerializedFileWriter::new(file, schema, properties).map_err(failed)?;
        Ok(Self {
            file,
            columns: columns
                .iter()
                .map(|column| Values::of(column.kind))
                .collect(),
            rows: 0,
            bytes: 0,
        })
    }

    pub(super) fn add(&mut self, row: &[Cell<'_>]) -> io::Result<()> {
        for (column, cell) in self.columns.iter_mut().zip(row) {
            self.bytes += column.push(cell)?;
        }
        self.rows += 1;
        match self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES {
            true => self.write_group(),
            false => Ok(()),
        }
    }

    fn write_group(&mut self) -> io::Result<()> {
        (self.rows, self.bytes) = (0, 0);
        let mut group = self.file.next_row_group().map_err(failed)?;
        for column in &mut self.columns {
            let writer = group.next_column().map_err(failed)?;
            let mut writer = writer.ok_or_else(|| io::Error::other("a column is missing"))?;
            let defined = Some(&column.defined[..]);
            let written = match &column.of {
                OfKind::Text(values) => {
                    let column = writer.typed::<ByteArrayType>();
                    column.write_batch(values, defined, None)
                }
                OfKind::Whole(values) => {
                    let column = writer.typed::<Int64Type>();
                    column.write_batch(values, defined, None)
                }
                OfKind::Number(values) => {
                    let column = writer.typed::<DoubleType>();
                    column.write_batch(values, defined, None)
                }
            };
            written.and_then(|_| writer.close()).map_err(failed)?;
            column.clear();
        }
        group.close().map(drop).map_err(failed)
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        if self.rows > 0 {
            self.write_group()?;
        }
        self.file.into_inner().map_err(failed)
    }
}

impl Values {
    fn of(kind: Kind) -> Self {
        Self {
            defined: Vec::new(),
            of: match kind {
                Kind::Text => OfKind::Text(Vec::new()),
                Kind::Whole => OfKind::Whole(Vec::new()),
                Kind::Number => OfKind::Number(Vec::new()),
            },
        }
    }

    /// Takes a value, and gives the bytes that it takes.
    fn push(&mut self, cell: &Cell<'_>) -> io::Result<usize> {
        let bytes = match (&mut self.of, cell) {
            (_, Cell::None) => 0,
            (OfKind::Text(values), Cell::Text(text)) => {
                values.push(ByteArray::from(text.as_bytes().to_vec()));
                text.len()
            }
            (OfKind::Whole(values), Cell::Whole(number)) => {
                values.push(i64::try_from(*number).unwrap_or(i64::MAX));
                8
            }
            (OfKind::Number(values), Cell::Number(number)) => {
                values.push(*number);
                8
            }
            _ => return Err(io::Error::other("a value is not of its column's kind")),
        };
        self.defined.push(i16::from(*cell != Cell::None));
        Ok(bytes)
    }

    fn clear(&mut self) {
        self.defined.clear();
        match &mut self.of {
            OfKind::Text(values) => values.clear(),
            OfKind::Whole(values) => values.clear(),
            OfKind::Number(values) => values.clear(),
        }
    }
}

/// What the system said, if it did, since a full disk is told as one.
fn failed(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(source) => *source,
            Err(source) => io::Error::other(source),
        },
        other => io::Error::other(other),
    }
}
