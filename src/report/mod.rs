//! Result lists as text, CSV, JSON and HTML, the plot of a training, the tables and diagrams of an
//! evaluation, and what makes text from outside safe to be shown on a terminal.

mod csv;
mod domains;
mod html;
mod json;
mod lists;
mod markup;
mod npy;
mod printable;
mod reliability;
mod score_text;
mod text;
mod text_lines;
mod training_curve;

pub use csv::{write_csv_header, write_csv_rows};
pub use domains::{domains_svg, domains_text, write_domains_html};
pub use html::write_html;
pub use json::write_json;
pub use lists::{ListFormat, ListWriter};
pub use npy::NpyWriter;
pub use printable::printable;
pub use reliability::{Reliability, reliability_diagrams};
pub use text::{comparison_text, duplicates_text, result_text};
pub use text_lines::TextLines;
pub use training_curve::training_curve;
