//! What a crawl tells while it runs.

use super::problem::Problem;
use super::summary::Summary;

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
