//! Result lists as text, CSV, JSON and HTML, the plot of a training, and what makes text from
//! outside safe to be shown on a terminal.

mod csv;
mod html;
mod json;
mod lists;
mod printable;
mod score_text;
mod text;
mod text_lines;
mod training_curve;

pub use csv::{write_csv_header, write_csv_rows};
pub use html::write_html;
pub use json::write_json;
pub use lists::{ListFormat, ListWriter};
pub use printable::printable;
pub use text::{comparison_text, duplicates_text, result_text};
pub use text_lines::TextLines;
pub use training_curve::training_curve;
