//! Excel's workbooks.

use std::io::{self, Seek, Write};

use rust_xlsxwriter::{Format, Workbook, XlsxError};

use super::{Cell, Column, Kind, TableError, TableFormat};

/// A table as a workbook of one sheet. Rows wait in a temporary file, not in memory.
pub(super) struct XlsxTable<W> {
    workbook: Workbook,
    file: W,
    rows: u32,
}

/// Most rows of a sheet, with that of names.
const MOST_ROWS: u32 = 1_048_576;
/// Longest text of a cell, in UTF-16 units.
const LONGEST: usize = 32_767;
/// Widths of columns, in characters.
const WIDTH: f64 = 12.0;
const TEXT_WIDTH: f64 = 24.0;

impl<W: Write + Seek + Send> XlsxTable<W> {
    pub(super) fn new(columns: &[Column], file: W) -> io::Result<Self> {
        let mut workbook = Workbook::new();
        let sheet = workbook
            .add_worksheet_with_constant_memory()
            .map_err(failed)?;
        let bold = Format::new().set_bold();
        for (at, column) in (0u16..).zip(columns) {
            let width = match column.kind {
                Kind::Text => TEXT_WIDTH,
                Kind::Whole | Kind::Number => WIDTH,
            };
            sheet.set_column_width(at, width).map_err(failed)?;
            sheet
                .write_string_with_format(0, at, column.name, &bold)
                .map_err(failed)?;
        }
        sheet.set_freeze_panes(1, 0).map_err(failed)?;
        Ok(Self {
            workbook,
            file,
            rows: 1,
        })
    }

    pub(super) fn add(&mut self, row: &[Cell<'_>]) -> Result<(), TableError> {
        if self.rows == MOST_ROWS {
            return Err(TableError::TooLong {
                format: TableFormat::Xlsx,
                most: MOST_ROWS as usize - 1,
            });
        }
        let sheet = self.workbook.worksheet_from_index(0).map_err(failed)?;
        for (at, cell) in (0u16..).zip(row) {
            let written = match cell {
                Cell::None => continue,
                Cell::Text(text) => sheet.write_string(self.rows, at, cut(text)),
                Cell::Whole(number) => sheet.write_number(self.rows, at, *number as f64),
                Cell::Number(number) => sheet.write_number(self.rows, at, *number),
            };
            written.map_err(failed)?;
        }
        self.rows += 1;
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        self.workbook
            .save_to_writer(&mut self.file)
            .map_err(failed)?;
        Ok(self.file)
    }
}

/// The beginning of a text that a cell can hold.
fn cut(text: &str) -> &str {
    let mut units = 0;
    let end = text.char_indices().find(|(_, character)| {
        units += character.len_utf16();
        units > LONGEST
    });
    end.map_or(text, |(at, _)| &text[..at])
}

/// What the system said, if it did, since a full disk is told as one.
fn failed(error: XlsxError) -> io::Error {
    match error {
        XlsxError::IoError(source) => source,
        other => io::Error::other(other),
    }
}
