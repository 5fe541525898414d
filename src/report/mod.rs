//! Result lists as text, CSV, JSON and HTML, and the plot of a training.

mod csv;
mod html;
mod lists;
mod text;
mod training_curve;

pub use csv::{write_csv_header, write_csv_rows};
pub use html::write_html;
pub use lists::{ListFormat, ListWriter};
pub use text::{comparison_text, duplicates_text, result_text};
pub use training_curve::training_curve;
