//! Hosts in memory.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::MemoryMetadata;
use crate::canonical_url::{HostId, UrlId};
use crate::store::hosts::LARGEST_RULES;
use crate::store::order::Order;
use crate::store::{HostRecord, Hosts, RemovalRules, RuleFileRecord, StoreError};

impl Hosts for MemoryMetadata {
    fn begin_run(&self, crawl: u64, rules: RemovalRules) -> Result<u64, StoreError> {
        self.losses.begin(rules);
        let mut state = self.lock();
        state.runs += 1;
        state.run = state.runs;
        state.crawl = crawl;
        Ok(state.run)
    }

    #[cfg(test)]
    fn claim_host(&self, host: HostId) -> Result<bool, StoreError> {
        Ok(self.anothers != Some(host))
    }

    fn removals_stopped(&self) -> BTreeMap<HostId, u64> {
        self.losses.stopped()
    }

    fn last_run(&self) -> Result<u64, StoreError> {
        Ok(self.lock().run)
    }

    fn settings(&self) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.lock().settings.clone())
    }

    fn keep_settings(&self, settings: &[u8]) -> Result<(), StoreError> {
        self.lock().settings = Some(settings.to_vec());
        Ok(())
    }

    fn host(&self, host: HostId) -> Result<Option<HostRecord>, StoreError> {
        Ok(self.lock().hosts.get(&host).cloned())
    }

    fn leave_host(&self, host: HostId) -> Result<(), StoreError> {
        let mut state = self.lock();
        let run = state.run;
        state.hosts.entry(host).or_default().left_in = run;
        Ok(())
    }

    fn waiting_host_after(&self, host: Option<HostId>) -> Result<Option<HostId>, StoreError> {
        let from = host.map_or(Bound::Unbounded, |host| {
            Bound::Excluded((host, Order(u64::MAX)))
        });
        let state = self.lock();
        let next = state.queue.range((from, Bound::Unbounded)).next();
        Ok(next.map(|((host, _), _)| *host))
    }

    fn rule_file(&self, url: &str) -> Result<Option<RuleFileRecord>, StoreError> {
        Ok(self.lock().rules.get(&UrlId::of(url)).cloned())
    }

    fn keep_rule_file(&self, record: &RuleFileRecord) -> Result<(), StoreError> {
        let id = UrlId::of(&record.url);
        if record.body.as_ref().map_or(0, Vec::len) > LARGEST_RULES {
            self.lock().rules.remove(&id);
        } else {
            self.lock().rules.insert(id, record.clone());
        }
        Ok(())
    }

    fn remove_host(&self, host: &str) -> Result<u64, StoreError> {
        Ok(self.lock().remove_host(host))
    }

    fn is_removed(&self, host: HostId) -> Result<bool, StoreError> {
        Ok(self.lock().removed_hosts.contains(&host))
    }

    fn take_back_host(&self, host: HostId) -> Result<bool, StoreError> {
        Ok(self.lock().take_back_host(host))
    }
}
