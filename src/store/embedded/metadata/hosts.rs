//! What is remembered of hosts and of the rules at their origins.

use std::sync::atomic::Ordering;

use crate::canonical_url::{HostId, UrlId};
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::trees::{FrontierKey, RUNS, decode, encode};
use crate::store::hosts::LARGEST_RULES;
use crate::store::{HostRecord, RemovalRules, RuleFileRecord, StoreError};

impl EmbeddedMetadata {
    pub(in crate::store::embedded) fn begin_run(
        &self,
        crawl: u64,
        rules: RemovalRules,
    ) -> Result<u64, StoreError> {
        let next = |value: Option<&[u8]>| {
            let last = value.and_then(|value| value.try_into().ok());
            let run = last.map_or(1, |last| u64::from_be_bytes(last) + 1);
            Some(run.to_be_bytes().to_vec())
        };
        let value = self.trees.counters.update_and_fetch(RUNS, next)?;
        let value = value.ok_or(StoreError::Unreadable { tree: "counters" })?;
        let run = run_of(&value)?;
        self.mark_run(run)?;
        self.run.store(run, Ordering::Relaxed);
        self.crawl.store(crawl, Ordering::Relaxed);
        self.losses.begin(rules);
        Ok(run)
    }

    pub(in crate::store::embedded) fn last_run(&self) -> Result<u64, StoreError> {
        let value = self.trees.counters.get(RUNS)?;
        value.map_or(Ok(0), |value| run_of(&value))
    }

    pub(in crate::store::embedded) fn host(
        &self,
        host: HostId,
    ) -> Result<Option<HostRecord>, StoreError> {
        let value = self.trees.hosts.get(host.0)?;
        value.map(|value| decode("hosts", &value)).transpose()
    }

    pub(in crate::store::embedded) fn leave_host(&self, host: HostId) -> Result<(), StoreError> {
        let left_in = self.run();
        let record = HostRecord {
            left_in,
            ..self.host(host)?.unwrap_or_default()
        };
        self.trees.hosts.insert(host.0, encode(&record))?;
        Ok(())
    }

    pub(in crate::store::embedded) fn waiting_host_after(
        &self,
        host: Option<HostId>,
    ) -> Result<Option<HostId>, StoreError> {
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

    pub(in crate::store::embedded) fn rule_file(
        &self,
        url: &str,
    ) -> Result<Option<RuleFileRecord>, StoreError> {
        let value = self.trees.rules.get(UrlId::of(url).0)?;
        value.map(|value| decode("rules", &value)).transpose()
    }

    pub(in crate::store::embedded) fn keep_rule_file(
        &self,
        record: &RuleFileRecord,
    ) -> Result<(), StoreError> {
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
    pub(in crate::store::embedded) fn crawl(&self) -> u64 {
        self.crawl.load(Ordering::Relaxed)
    }
}

fn run_of(value: &[u8]) -> Result<u64, StoreError> {
    let run = value.try_into().map(u64::from_be_bytes);
    run.map_err(|_| StoreError::Unreadable { tree: "counters" })
}
