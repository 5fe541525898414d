//! "Find images like this one": prune with the index, re-score with the head, explain.

mod copies;
mod html;
mod rank;
mod rescore;
mod result;
mod searcher;
mod table;

pub use html::write_html;
pub use rank::{Ranker, Scored, score_pair, score_views};
pub use result::{Comparison, CopyEntry, Evidence, Layers, QueryResult, ResultEntry, Timing};
pub use searcher::{Query, SearchError, SearchOptions, Searcher, compare};
pub use table::{write_csv_header, write_csv_rows};
