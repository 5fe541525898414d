//! What was read from a document.

use std::collections::BTreeMap;

use crate::canonical_url::CanonicalUrl;
use crate::crawl::policy::reason::Reason;
use crate::extract::{InlinePicture, LeftOut};
use crate::store::PageVisit;

/// What was read from a document.
pub(in crate::crawl) struct DocumentContents {
    /// What the store is to know of it.
    pub(in crate::crawl) visit: PageVisit,
    /// Pictures that stand in the document itself.
    pub(in crate::crawl) inline: Vec<InlinePicture>,
    /// Where a seed sends its readers, if that is out of the scope.
    pub(in crate::crawl) left_scope: Option<CanonicalUrl>,
    /// Length of the body in bytes.
    pub(in crate::crawl) bytes: u64,
    /// Whether there was more of it, which did not come.
    pub(in crate::crawl) truncated: bool,
    /// What was found and not taken, by reason.
    pub(in crate::crawl) declined: BTreeMap<Reason, u64>,
    /// What limits have left out of it.
    pub(in crate::crawl) left_out: LeftOut,
    /// What is wrong with it, if it is a sitemap that somebody names.
    pub(in crate::crawl) fault: Option<String>,
}
