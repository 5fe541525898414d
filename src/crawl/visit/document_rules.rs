//! The rules by which documents are read.

use crate::config::Respect;
use crate::crawl::policy::admission::Admission;
use crate::crawl::policy::scope::ScopeRules;
use crate::extract::PageRules;

/// The rules by which documents are read and what they name is queued.
#[derive(Debug)]
pub(in crate::crawl) struct DocumentRules {
    /// Which pages are followed.
    pub(in crate::crawl) scope: ScopeRules,
    /// Which URLs are queued.
    pub(in crate::crawl) admission: Admission,
    /// Which opt-outs are respected.
    pub(in crate::crawl) respect: Respect,
    /// Which pictures of a page are wanted.
    pub(in crate::crawl) page: PageRules,
}
