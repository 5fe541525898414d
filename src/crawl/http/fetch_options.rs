//! What is asked for beyond the URL.

use super::wait_policy::WaitPolicy;
use crate::canonical_url::CanonicalUrl;
use crate::store::Validators;
use crate::store::ledger::Purpose;

/// What is asked for beyond the URL, and how.
#[derive(Debug, Clone)]
pub(in crate::crawl) struct FetchOptions {
    /// What the answer is for.
    pub(in crate::crawl) purpose: Purpose,
    /// How long the first permit may be waited for.
    pub(in crate::crawl) wait: WaitPolicy,
    /// The known version: the server may answer that it has not changed.
    pub(in crate::crawl) known: Option<Validators>,
    /// The page that shows what is asked for, where its hosts are to know.
    pub(in crate::crawl) referer: Option<CanonicalUrl>,
    /// The attempt's number, from 1.
    pub(in crate::crawl) attempt: u32,
}

impl FetchOptions {
    /// A first attempt, with nothing known, that waits for its turn.
    pub(in crate::crawl) fn first(purpose: Purpose) -> Self {
        Self {
            purpose,
            wait: WaitPolicy::ForTurn,
            known: None,
            referer: None,
            attempt: 1,
        }
    }
}
