//! What settings have kept out of the store, to be judged again when they change.

use std::collections::BTreeSet;

use crate::canonical_url::UrlId;
use crate::store::record::UrlRecord;

/// A URL that was refused, or a document of which something was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptOut {
    /// The URL's identity.
    pub id: UrlId,
    /// What is known of it.
    pub record: UrlRecord,
    /// What was kept out, and why.
    pub what: KeptOutFor,
}

/// What was kept out, and the short names of the reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptOutFor {
    /// The URL itself.
    Url(String),
    /// Links or pictures on the document that it gave.
    OnPage(BTreeSet<String>),
}
