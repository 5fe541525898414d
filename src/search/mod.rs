//! "Find images like this one": prune with the index, re-score with the head, explain.

mod copies;
mod html;
mod rescore;
mod result;
mod searcher;
mod table;

pub use html::write_html;
pub use result::{Comparison, CopyEntry, Layers, QueryResult, ResultEntry, Timing};
pub use searcher::{SearchError, SearchOptions, Searcher, compare};
pub use table::write_csv;
