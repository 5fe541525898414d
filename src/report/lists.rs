//! Ranked lists, written as they come.

use std::io::{self, Cursor};

use super::contact_sheet::{SheetTooLarge, contact_sheet, ensure_room};
use super::rows::{RESULT_COLUMNS, result_rows};
use super::{write_html, write_json, write_trec};
use crate::search::QueryResult;
use crate::table::{TableError, TableFormat, TableWriter, write_csv_names, write_csv_row};

/// How ranked lists are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListFormat {
    /// One row a result.
    Csv,
    /// The same as Parquet.
    Parquet,
    /// The same as Excel's workbook.
    Xlsx,
    /// One array of what `query --format json` prints.
    Json,
    /// One line a query.
    Jsonl,
    /// One line a result, as trec_eval reads it.
    Trec,
    /// One self-contained page of pictures with scores.
    Html,
    /// One picture of small pictures with scores.
    Png,
}

/// Lists cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// A table cannot be written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A contact sheet has too many pictures.
    #[error(transparent)]
    Sheet(#[from] SheetTooLarge),
    /// Writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl ListFormat {
    /// Whether previews of the pictures are needed.
    pub fn has_previews(self) -> bool {
        matches!(self, Self::Html | Self::Png)
    }

    /// Whether it is text, for a terminal.
    pub fn is_text(self) -> bool {
        !matches!(self, Self::Parquet | Self::Xlsx | Self::Png)
    }

    fn table(self) -> Option<TableFormat> {
        match self {
            Self::Parquet => Some(TableFormat::Parquet),
            Self::Xlsx => Some(TableFormat::Xlsx),
            _ => None,
        }
    }
}

/// Lists as they come, written; only pages and sheets of pictures need all of them at once.
pub struct ListWriter {
    format: ListFormat,
    head: String,
    bytes: Vec<u8>,
    count: usize,
    table: Option<TableWriter<Cursor<Vec<u8>>>>,
    /// Of pages and sheets of pictures.
    kept: Vec<QueryResult>,
    /// Pictures in those.
    pictures: usize,
}

impl ListWriter {
    /// None yet, ranked by the head of that name.
    ///
    /// # Errors
    /// If this program was built without the format, or writing fails.
    pub fn new(format: ListFormat, head: &str) -> Result<Self, ListError> {
        let file = || Cursor::new(Vec::new());
        let table = format.table();
        let table = table.map(|format| TableWriter::new(format, &RESULT_COLUMNS, file()));
        let mut bytes = Vec::new();
        match format {
            ListFormat::Csv => write_csv_names(&RESULT_COLUMNS, &mut bytes)?,
            ListFormat::Json => bytes.push(b'['),
            _ => {}
        }
        Ok(Self {
            format,
            head: head.to_owned(),
            bytes,
            count: 0,
            table: table.transpose()?,
            kept: Vec::new(),
            pictures: 0,
        })
    }

    /// Lists added so far.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Adds a list.
    ///
    /// # Errors
    /// If it cannot be written in this format.
    pub fn add(&mut self, list: QueryResult) -> Result<(), ListError> {
        if let Some(table) = &mut self.table {
            for row in result_rows(&list) {
                table.add(&row)?;
            }
        }
        self.pictures += list.results.len() + 1;
        if self.format == ListFormat::Png {
            ensure_room(self.pictures)?;
        }
        match self.format {
            ListFormat::Parquet | ListFormat::Xlsx => {}
            ListFormat::Csv => {
                for row in result_rows(&list) {
                    write_csv_row(&row, &mut self.bytes)?;
                }
            }
            ListFormat::Html | ListFormat::Png => self.kept.push(list),
            ListFormat::Trec => write_trec(&list, &self.head, &mut self.bytes)?,
            ListFormat::Json => {
                if self.count > 0 {
                    self.bytes.push(b',');
                }
                write_json(&list, &mut self.bytes)?;
            }
            ListFormat::Jsonl => {
                write_json(&list, &mut self.bytes)?;
                self.bytes.push(b'\n');
            }
        }
        self.count += 1;
        Ok(())
    }

    /// Takes what was written since the last time, to be sent on.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// What is left to be written.
    ///
    /// # Errors
    /// If it cannot be written in this format.
    pub fn finish(mut self) -> Result<Vec<u8>, ListError> {
        if let Some(table) = self.table {
            return Ok(table.finish()?.into_inner());
        }
        match self.format {
            ListFormat::Html => write_html(&self.kept, &self.head, &mut self.bytes)?,
            ListFormat::Png => self.bytes = contact_sheet(&self.kept)?,
            ListFormat::Json => self.bytes.extend(b"]\n"),
            _ => {}
        }
        Ok(self.bytes)
    }
}
