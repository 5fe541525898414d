//! The hosts' trait: what is remembered of hosts, of their rules, and of removed ones.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{RemovalRules, StoreError};
use crate::canonical_url::HostId;

/// A host that was met.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostRecord {
    /// Its name or literal address.
    pub name: String,
    /// The crawl that queued URLs of it last.
    pub crawl: u64,
    /// The run that left it for the next one, because it asked for more patience than that had.
    pub left_in: u64,
    /// Pages read from it.
    pub pages: u64,
}

/// What an origin answered when it was asked for a file of rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFileRecord {
    /// The file's URL.
    pub url: String,
    /// When it was asked for, in milliseconds since 1970.
    pub fetched_ms: u64,
    /// The file; `None` if there is none.
    pub body: Option<Vec<u8>>,
}

/// How a process paces a host, as whoever asks the host next must know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostRest {
    /// Whether a request is under way.
    pub is_asked: bool,
    /// How long the host is to be left alone from now on.
    pub left: Duration,
    /// The least time between two requests to it.
    pub delay: Duration,
}

/// What paces the requests of a process.
pub trait HostPace: Send + Sync {
    /// How a host is paced; `None` if nothing is owed to it, because it was not asked.
    fn rest(&self, host: HostId) -> Option<HostRest>;
}

/// Larger files of rules are fetched anew by the next process: records are small.
pub(super) const LARGEST_RULES: usize = 64 << 10;

/// What is known of hosts, and the runs of the crawler.
pub trait Hosts: Send + Sync {
    /// Begins a run of the crawler and returns its number, which no other run of the store has.
    /// What it queues belongs to `crawl`; the same crawl may take many runs. It removes no more
    /// than `rules` allow.
    ///
    /// # Errors
    /// If the store fails.
    fn begin_run(&self, crawl: u64, rules: RemovalRules) -> Result<u64, StoreError>;

    /// The number of the last run of the crawler; 0 if there was none.
    ///
    /// # Errors
    /// If the store fails or the record is unreadable.
    fn last_run(&self) -> Result<u64, StoreError>;

    /// The hosts of which the present run removes no more, and how many of their pictures were
    /// kept that would have gone.
    fn removals_stopped(&self) -> BTreeMap<HostId, u64>;

    /// What [`Self::keep_settings`] was told last.
    ///
    /// # Errors
    /// If the store fails.
    fn settings(&self) -> Result<Option<Vec<u8>>, StoreError>;

    /// Remembers the settings by which URLs were refused, in a form that the crawler
    /// understands.
    ///
    /// # Errors
    /// If the store fails.
    fn keep_settings(&self, settings: &[u8]) -> Result<(), StoreError>;

    /// What is known of a host.
    ///
    /// # Errors
    /// If the store fails or the record is unreadable.
    fn host(&self, host: HostId) -> Result<Option<HostRecord>, StoreError>;

    /// Leaves a host to the next run.
    ///
    /// # Errors
    /// If the store fails or the record is unreadable.
    fn leave_host(&self, host: HostId) -> Result<(), StoreError>;

    /// The next host with URLs waiting, in the order of identities.
    ///
    /// # Errors
    /// If the store fails.
    fn waiting_host_after(&self, host: Option<HostId>) -> Result<Option<HostId>, StoreError>;

    /// Whether this process may ask a host of which it has leased no URL, as a redirect wants it to. Of
    /// several that work on one store, one at a time may.
    ///
    /// # Errors
    /// If the store fails.
    fn claim_host(&self, _host: HostId) -> Result<bool, StoreError> {
        Ok(true)
    }

    /// Has what paces this process's requests say how long a host is left alone before another
    /// process asks it. What did so before and is used no more is forgotten.
    fn pace_by(&self, _pace: Arc<dyn HostPace>) {}

    /// A file of rules as it was last fetched.
    ///
    /// # Errors
    /// If the store fails or the record is unreadable.
    fn rule_file(&self, url: &str) -> Result<Option<RuleFileRecord>, StoreError>;

    /// Remembers a file of rules, unless it is very large.
    ///
    /// # Errors
    /// If the store fails.
    fn keep_rule_file(&self, record: &RuleFileRecord) -> Result<(), StoreError>;

    /// Deletes the pages and URLs of a host, and the pictures that were seen nowhere else.
    /// Returns how many pictures went.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn remove_host(&self, host: &str) -> Result<u64, StoreError>;

    /// Whether a host was removed: none of its URLs is queued then.
    ///
    /// # Errors
    /// If the store fails.
    fn is_removed(&self, host: HostId) -> Result<bool, StoreError>;

    /// Lets a removed host be crawled again, as one that was never met. Returns whether it
    /// was removed.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn take_back_host(&self, host: HostId) -> Result<bool, StoreError>;
}
