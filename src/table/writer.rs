//! Writes a table, row by row, in the format that is asked for.

use std::io::{self, Seek, Write};

use super::csv::CsvTable;
#[cfg(feature = "parquet")]
use super::parquet::ParquetTable;
#[cfg(feature = "xlsx")]
use super::xlsx::XlsxTable;
use super::{Cell, Column};

/// A format of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    /// Comma-separated values (RFC 4180).
    Csv,
    /// Apache Parquet.
    Parquet,
    /// Excel's workbooks.
    Xlsx,
}

/// A table cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// This program was built without the format.
    #[error(
        "this simdex was built without {}: the packages (pip, npm, Debian) have it, and so has `cargo build --release --features {}`",
        .0.name(), .0.feature()
    )]
    NotBuilt(TableFormat),
    /// A format cannot take so many rows.
    #[error("a sheet of {} takes {most} rows; write Parquet or CSV", format.name())]
    TooLong {
        /// The format.
        format: TableFormat,
        /// Its most rows.
        most: usize,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl TableFormat {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Parquet => "Parquet",
            Self::Xlsx => "XLSX",
        }
    }

    /// The feature of Cargo.toml that brings it.
    fn feature(self) -> &'static str {
        match self {
            Self::Csv => "",
            Self::Parquet => "parquet",
            Self::Xlsx => "xlsx",
        }
    }

    /// Whether this program can write it.
    ///
    /// # Errors
    /// If it was built without; the error says which build has it.
    pub fn check(self) -> Result<(), TableError> {
        let is_built = match self {
            Self::Csv => true,
            Self::Parquet => cfg!(feature = "parquet"),
            Self::Xlsx => cfg!(feature = "xlsx"),
        };
        match is_built {
            true => Ok(()),
            false => Err(TableError::NotBuilt(self)),
        }
    }
}

/// Writes a table, row by row.
///
/// ```
/// use simdex::table::{Cell, Column, TableFormat, TableWriter};
///
/// const COLUMNS: [Column; 2] = [Column::text("name"), Column::whole("bytes")];
/// let file = std::io::Cursor::new(Vec::new());
/// let mut table = TableWriter::new(TableFormat::Csv, &COLUMNS, file)?;
/// table.add(&[Cell::text("a cat"), Cell::Whole(7)])?;
/// assert_eq!(table.finish()?.into_inner(), b"name,bytes\na cat,7\n");
/// # Ok::<(), simdex::table::TableError>(())
/// ```
pub struct TableWriter<W: Write + Seek + Send>(Inner<W>);

enum Inner<W: Write + Seek + Send> {
    Csv(CsvTable<W>),
    #[cfg(feature = "parquet")]
    Parquet(Box<ParquetTable<W>>),
    #[cfg(feature = "xlsx")]
    Xlsx(Box<XlsxTable<W>>),
}

impl<W: Write + Seek + Send> TableWriter<W> {
    /// Begins a table of these columns.
    ///
    /// # Errors
    /// If the program was built without the format, or the file cannot be written.
    pub fn new(
        format: TableFormat,
        columns: &'static [Column],
        file: W,
    ) -> Result<Self, TableError> {
        format.check()?;
        Ok(Self(match format {
            TableFormat::Csv => Inner::Csv(CsvTable::new(columns, file)?),
            #[cfg(feature = "parquet")]
            TableFormat::Parquet => Inner::Parquet(Box::new(ParquetTable::new(columns, file)?)),
            #[cfg(feature = "xlsx")]
            TableFormat::Xlsx => Inner::Xlsx(Box::new(XlsxTable::new(columns, file)?)),
            #[cfg(not(all(feature = "parquet", feature = "xlsx")))]
            other => return Err(TableError::NotBuilt(other)),
        }))
    }

    /// Adds a row: a cell a column, in their order.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn add(&mut self, row: &[Cell<'_>]) -> Result<(), TableError> {
        match &mut self.0 {
            Inner::Csv(table) => Ok(table.add(row)?),
            #[cfg(feature = "parquet")]
            Inner::Parquet(table) => Ok(table.add(row)?),
            #[cfg(feature = "xlsx")]
            Inner::Xlsx(table) => table.add(row),
        }
    }

    /// Writes what is left, and gives the file back.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(self) -> Result<W, TableError> {
        Ok(match self.0 {
            Inner::Csv(table) => table.finish()?,
            #[cfg(feature = "parquet")]
            Inner::Parquet(table) => table.finish()?,
            #[cfg(feature = "xlsx")]
            Inner::Xlsx(table) => table.finish()?,
        })
    }
}
