//! Writes a table, row by row, in the format that is asked for.

use std::io::{Seek, Write};

use super::csv::CsvTable;
#[cfg(feature = "parquet")]
use super::parquet::ParquetTable;
#[cfg(feature = "xlsx")]
use super::xlsx::XlsxTable;
use super::{Cell, Column, TableError, TableFormat};

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
    Csv(Box<CsvTable<W>>),
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
            TableFormat::Csv => Inner::Csv(Box::new(CsvTable::new(columns, file)?)),
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
