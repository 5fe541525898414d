//! Tables of rows as files: CSV, Parquet, Excel's workbooks. One definition of columns serves all.

mod cell;
mod csv;
mod format;
#[cfg(feature = "parquet")]
mod parquet;
mod writer;
#[cfg(feature = "xlsx")]
mod xlsx;

pub use cell::{Cell, Column, Kind};
pub use csv::{write_csv_names, write_csv_row};
pub use format::{TableError, TableFormat};
pub use writer::TableWriter;
