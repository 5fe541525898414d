//! "Find images like this one": prune with the index, re-score with the head, explain.

mod comparison;
mod copies;
mod exact;
mod examples;
pub mod explanation;
mod filter;
mod nearby;
mod options;
mod pool;
mod rank;
mod representative;
mod result;
mod running_mean;
mod searcher;
mod selected;
mod verification;
mod view;

#[cfg(test)]
mod selected_tests;

pub use comparison::compare;
pub use exact::exact_or;
pub use filter::Filter;
pub use options::SearchOptions;
pub use rank::{Candidates, Known, Ranker, Scored, score_pair, score_views};
pub use result::{Comparison, CopyEntry, Evidence, Layers, QueryResult, ResultEntry, Timing};
pub(crate) use running_mean::RunningMean;
pub use searcher::{Query, SearchError, Searcher};
pub use selected::Selected;
pub use verification::{Claim, Preview, verify};
pub use view::{Gathered, View};
