//! Comma-separated values (RFC 4180).

use std::io::{self, Write};

use super::{Cell, Column};

/// A table as comma-separated values; what there is none of is empty.
pub(super) struct CsvTable<W: Write>(csv::Writer<W>);

impl<W: Write> CsvTable<W> {
    pub(super) fn new(columns: &[Column], file: W) -> io::Result<Self> {
        let mut csv = csv::Writer::from_writer(file);
        csv.write_record(columns.iter().map(|column| column.name))?;
        Ok(Self(csv))
    }

    pub(super) fn add(&mut self, row: &[Cell<'_>]) -> io::Result<()> {
        add_row(&mut self.0, row)
    }

    pub(super) fn finish(self) -> io::Result<W> {
        self.0.into_inner().map_err(csv::IntoInnerError::into_error)
    }
}

/// Writes the line of names that a table as comma-separated values begins with.
///
/// # Errors
/// If it cannot be written.
pub fn write_csv_names(columns: &[Column], out: &mut dyn Write) -> io::Result<()> {
    CsvTable::new(columns, out)?.finish().map(drop)
}

/// Writes a row as comma-separated values, for tables that are sent on as they grow.
///
/// # Errors
/// If it cannot be written.
pub fn write_csv_row(row: &[Cell<'_>], out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    add_row(&mut csv, row)?;
    csv.flush()
}

fn add_row<W: Write>(csv: &mut csv::Writer<W>, row: &[Cell<'_>]) -> io::Result<()> {
    for cell in row {
        match cell {
            Cell::None => csv.write_field("")?,
            Cell::Text(text) => csv.write_field(text.as_bytes())?,
            Cell::Whole(number) => csv.write_field(number.to_string())?,
            Cell::Number(number) => csv.write_field(number.to_string())?,
        }
    }
    Ok(csv.write_record(None::<&[u8]>)?)
}
