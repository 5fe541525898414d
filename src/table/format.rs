//! The formats of tables, and why one cannot be written.

use std::io;

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
