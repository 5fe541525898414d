//! What a crawl tells while it runs.

use super::summary::Summary;

/// A URL or file that could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The URL or path.
    pub source: String,
    /// What is wrong, for people.
    pub message: String,
}

/// What a crawl tells while it runs.
#[derive(Debug)]
pub enum Event<'a> {
    /// The figures have changed.
    Progress {
        /// What was done so far.
        summary: &'a Summary,
        /// Hosts whose turns are kept track of.
        hosts: usize,
        /// Requests under way.
        under_way: usize,
    },
    /// Something could not be used.
    Problem(&'a Problem),
}
