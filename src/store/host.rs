//! What is remembered of hosts and of the rules at their origins.

use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use super::key::FrontierKey;
use super::record::{decode, encode};
use super::{Store, StoreError};
use crate::canonical_url::{HostId, UrlId};

/// A host that was met.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostRecord {
    /// Its name or literal address.
    pub name: String,
    /// The crawl that queued URLs of it last.
    pub crawl: u64,
    /// The run that left it for the next one, because its rules could not be had.
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

/// Larger files of rules are fetched anew by the next process, since sled is for small
/// records.
const LARGEST_RULES: usize = 64 << 10;

impl Store {
    /// Begins a run of the crawler and gives its number, which tells it from all others of
    /// the store. What it queues belongs to `crawl`; the same crawl may take many runs.
    ///
    /// # Errors
    /// If sled fails.
    pub fn begin_run(&self, crawl: u64) -> Result<u64, StoreError> {
        let next = |value: Option<&[u8]>| {
            let last = value.and_then(|value| value.try_into().ok());
            let run = last.map_or(1, |last| u64::from_be_bytes(last) + 1);
            Some(run.to_be_bytes().to_vec())
        };
        let value = self.trees.counters.update_and_fetch(super::RUNS, next)?;
        let value = value.ok_or(StoreError::Unreadable { tree: "counters" })?;
        let run = value.as_ref().try_into().map(u64::from_be_bytes);
        let run = run.map_err(|_| StoreError::Unreadable { tree: "counters" })?;
        self.run.store(run, Ordering::Relaxed);
        self.crawl.store(crawl, Ordering::Relaxed);
        Ok(run)
    }

    /// What is known of a host.
    ///
    /// # Errors
    /// If sled fails or the record is unreadable.
    pub fn host(&self, host: HostId) -> Result<Option<HostRecord>, StoreError> {
        let value = self.trees.hosts.get(host.0)?;
        value.map(|value| decode("hosts", &value)).transpose()
    }

    /// Leaves a host to the next run.
    ///
    /// # Errors
    /// If sled fails or the record is unreadable.
    pub fn leave_host(&self, host: HostId) -> Result<(), StoreError> {
        let left_in = self.run();
        let record = HostRecord {
            left_in,
            ..self.host(host)?.unwrap_or_default()
        };
        self.trees.hosts.insert(host.0, encode(&record))?;
        Ok(())
    }

    /// The next host with URLs waiting, in the order of identities.
    ///
    /// # Errors
    /// If sled fails.
    pub fn waiting_host_after(&self, host: Option<HostId>) -> Result<Option<HostId>, StoreError> {
        let from = match host {
            None => vec![FrontierKey::QUEUED],
            Some(host) => FrontierKey::behind_host(host),
        };
        let next = self.trees.frontier.range(from..).keys().next();
        Ok(match next.transpose()? {
            Some(key) => match FrontierKey::decode(&key) {
                Some(FrontierKey::Queued { host, .. }) => Some(host),
                _ => None,
            },
            None => None,
        })
    }

    /// A file of rules as it was last fetched.
    ///
    /// # Errors
    /// If sled fails or the record is unreadable.
    pub fn rule_file(&self, url: &str) -> Result<Option<RuleFileRecord>, StoreError> {
        let value = self.trees.rules.get(UrlId::of(url).0)?;
        value.map(|value| decode("rules", &value)).transpose()
    }

    /// Remembers a file of rules, unless it is very large.
    ///
    /// # Errors
    /// If sled fails.
    pub fn keep_rule_file(&self, record: &RuleFileRecord) -> Result<(), StoreError> {
        let key = UrlId::of(&record.url).0;
        if record.body.as_ref().map_or(0, Vec::len) > LARGEST_RULES {
            self.trees.rules.remove(key)?;
        } else {
            self.trees.rules.insert(key, encode(record))?;
        }
        Ok(())
    }

    /// The number of the present run of the crawler.
    fn run(&self) -> u64 {
        self.run.load(Ordering::Relaxed)
    }

    /// The crawl to which what is queued belongs.
    pub(super) fn crawl(&self) -> u64 {
        self.crawl.load(Ordering::Relaxed)
    }
}
