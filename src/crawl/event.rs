//! What a crawl reports while it runs.

use super::problem::Problem;
use super::summary::Summary;

/// What a crawl reports while it runs.
#[derive(Debug)]
pub enum Event<'a> {
    /// The figures have changed.
    Progress {
        /// What was done so far.
        summary: &'a Summary,
        /// Hosts whose turns are tracked.
        hosts: usize,
        /// Requests under way.
        under_way: usize,
    },
    /// Something could not be used.
    Problem(&'a Problem),
    /// A limit has left something out of a document that was read.
    LeftOut(&'a Problem),
}
