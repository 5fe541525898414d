//! Ranked lists in the formats of `export`.

use std::path::Path;

use super::export::{ExportFormat, replace};
use super::{output, progress};
use crate::search::{QueryResult, write_csv_header, write_csv_rows, write_html};

/// Lists as they come, written; only a page of pictures needs all of them at once.
pub(super) struct Lists<'a> {
    format: ExportFormat,
    head: &'a str,
    /// What is to be written.
    pub(super) bytes: Vec<u8>,
    pub(super) count: usize,
    /// Of a page of pictures.
    kept: Vec<QueryResult>,
}

impl<'a> Lists<'a> {
    /// None yet, ranked by the head of that name.
    pub(super) fn new(format: ExportFormat, head: &'a str) -> anyhow::Result<Self> {
        let mut bytes = Vec::new();
        match format {
            ExportFormat::Csv => write_csv_header(&mut bytes)?,
            ExportFormat::Json => bytes.push(b'['),
            ExportFormat::Jsonl | ExportFormat::Html => {}
        }
        Ok(Self {
            format,
            head,
            bytes,
            count: 0,
            kept: Vec::new(),
        })
    }

    pub(super) fn add(&mut self, list: QueryResult) -> anyhow::Result<()> {
        match self.format {
            ExportFormat::Csv => write_csv_rows(&list, &mut self.bytes)?,
            ExportFormat::Html => self.kept.push(list),
            ExportFormat::Json => {
                if self.count > 0 {
                    self.bytes.push(b',');
                }
                serde_json::to_writer(&mut self.bytes, &list)?;
            }
            ExportFormat::Jsonl => {
                serde_json::to_writer(&mut self.bytes, &list)?;
                self.bytes.push(b'\n');
            }
        }
        self.count += 1;
        Ok(())
    }

    /// What is left to be written.
    pub(super) fn finish(mut self) -> anyhow::Result<Vec<u8>> {
        match self.format {
            ExportFormat::Csv | ExportFormat::Jsonl => {}
            ExportFormat::Html => write_html(&self.kept, self.head, &mut self.bytes)?,
            ExportFormat::Json => self.bytes.extend(b"]\n"),
        }
        Ok(self.bytes)
    }
}

/// Writes lists to a file in one step, or to stdout.
pub(super) fn deliver(path: &Path, bytes: &[u8], lists: usize) -> anyhow::Result<()> {
    if path == Path::new("-") {
        return output::write(bytes);
    }
    replace(path, bytes)?;
    let lists = counted(lists, "list");
    progress::note(&format!("{lists} written to {}", path.display()));
    Ok(())
}

/// "1 group", "2 groups".
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
