//! The manifest as tables.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::SaveError;
use super::manifest::{MANIFEST, for_each_row};
use super::row::COLUMNS;
use crate::atomic_file::AtomicFile;
use crate::table::{TableError, TableFormat, TableWriter};

/// The file of a table beside the manifest.
fn path_of(dir: &Path, format: TableFormat) -> PathBuf {
    dir.join(match format {
        TableFormat::Csv => "manifest.csv",
        TableFormat::Parquet => "manifest.parquet",
        TableFormat::Xlsx => "manifest.xlsx",
    })
}

/// Brings the tables of a dataset up to date: those that are asked for, and those that are there. One that
/// this program cannot write is told.
pub(super) fn write_all(dir: &Path, asked: &[TableFormat]) -> Result<(), SaveError> {
    for format in [TableFormat::Csv, TableFormat::Parquet, TableFormat::Xlsx] {
        let path = path_of(dir, format);
        let is_asked = asked.contains(&format);
        match format.check() {
            Err(error) if path.exists() && !is_asked => {
                tracing::warn!(path = %path.display(), %error, "a table is not brought up to date");
            }
            _ if path.exists() || is_asked => write(dir, format)?,
            _ => {}
        }
    }
    Ok(())
}

/// Writes the manifest as a table, in one step.
fn write(dir: &Path, format: TableFormat) -> Result<(), SaveError> {
    let path = path_of(dir, format);
    let failed = |source: TableError| SaveError::Table {
        path: path.clone(),
        source,
    };
    let fill = |file: &mut File| -> Result<(), Failed> {
        let file = BufWriter::new(file);
        let mut table = TableWriter::new(format, &COLUMNS, file).map_err(failed)?;
        for_each_row(&dir.join(MANIFEST), |row| {
            table.add(&row.cells()).map_err(failed)
        })?;
        Ok(table.finish().map_err(failed)?.flush()?)
    };
    let written = AtomicFile::new(&path).shared().write_with(fill);
    written.map_err(|error| match error {
        Failed::Io(source) => SaveError::io(&path)(source),
        Failed::Save(error) => error,
    })
}

/// Why a table is not written.
enum Failed {
    Io(std::io::Error),
    Save(SaveError),
}

impl From<std::io::Error> for Failed {
    fn from(source: std::io::Error) -> Self {
        Self::Io(source)
    }
}

impl From<SaveError> for Failed {
    fn from(error: SaveError) -> Self {
        Self::Save(error)
    }
}
