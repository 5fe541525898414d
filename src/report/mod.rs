//! Result lists as text, tables, JSON, HTML and contact sheets, the plot of a training, the tables and diagrams of an
//! evaluation, and what makes text from outside safe to be shown on a terminal.

mod contact_sheet;
mod domains;
mod html;
mod intervals;
mod json;
mod lines;
mod lists;
mod markup;
mod npy;
mod page;
mod politeness;
mod printable;
mod reliability;
mod rows;
mod score_text;
mod text;
mod training_curve;
mod trec;

pub use contact_sheet::{SheetTooLarge, contact_sheet};
pub use domains::{domains_diagrams, domains_svg, domains_text};
pub use html::write_html;
pub use intervals::interval_plot;
pub use json::write_json;
pub use lines::{Column, Line, Table, TextLines};
pub use lists::{ListError, ListFormat, ListWriter};
pub use npy::NpyWriter;
pub use page::measurements_page;
pub use politeness::politeness_text;
pub use printable::printable;
pub use reliability::{Reliability, reliability_diagrams};
pub use rows::{RESULT_COLUMNS, ResultRow, result_rows};
pub use text::{comparison_text, copy_text, duplicates_text, entry_text, result_head, result_text};
pub use training_curve::training_curve;
pub use trec::write_trec;
