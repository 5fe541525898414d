//! Ranked lists, written as they come.

use std::io;

use super::{write_csv_header, write_csv_rows, write_html, write_json};
use crate::search::QueryResult;

/// How ranked lists are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListFormat {
    /// One row a result.
    Csv,
    /// One array of what `query --format json` prints.
    Json,
    /// One line a query.
    Jsonl,
    /// One self-contained page of pictures with scores.
    Html,
}

/// Lists as they come, written; only a page of pictures needs all of them at once.
pub struct ListWriter<'a> {
    format: ListFormat,
    head: &'a str,
    bytes: Vec<u8>,
    count: usize,
    /// Of a page of pictures.
    kept: Vec<QueryResult>,
}

impl<'a> ListWriter<'a> {
    /// None yet, ranked by the head of that name.
    ///
    /// # Errors
    /// If writing fails.
    pub fn new(format: ListFormat, head: &'a str) -> io::Result<Self> {
        let mut bytes = Vec::new();
        match format {
            ListFormat::Csv => write_csv_header(&mut bytes)?,
            ListFormat::Json => bytes.push(b'['),
            ListFormat::Jsonl | ListFormat::Html => {}
        }
        Ok(Self {
            format,
            head,
            bytes,
            count: 0,
            kept: Vec::new(),
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
    pub fn add(&mut self, list: QueryResult) -> io::Result<()> {
        match self.format {
            ListFormat::Csv => write_csv_rows(&list, &mut self.bytes)?,
            ListFormat::Html => self.kept.push(list),
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
    pub fn finish(mut self) -> io::Result<Vec<u8>> {
        match self.format {
            ListFormat::Csv | ListFormat::Jsonl => {}
            ListFormat::Html => write_html(&self.kept, self.head, &mut self.bytes)?,
            ListFormat::Json => self.bytes.extend(b"]\n"),
        }
        Ok(self.bytes)
    }
}
