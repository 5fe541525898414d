//! URLs that wait: in queues, for another try at its time, or for the next run.

use std::ops::RangeInclusive;
use std::sync::PoisonError;

use crate::canonical_url::{HostId, UrlId};
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::trees::{Changes, FrontierKey, UNREADABLE};
use crate::store::order::Order;
use crate::store::visit::beyond_retries_ms;
use crate::store::{Listing, Retrying, StoreError, UrlRecord, UrlState};

impl EmbeddedMetadata {
    pub(in crate::store::embedded) fn requeue_due(
        &self,
        now_ms: u64,
    ) -> Result<Vec<HostId>, StoreError> {
        let last = Order::NEXT_RUN - 1;
        let mut hosts = self.requeue(0..=now_ms.min(last))?;
        hosts.extend(self.requeue(beyond_retries_ms(now_ms).min(last)..=last)?);
        Ok(hosts)
    }

    pub(in crate::store::embedded) fn requeue_left(&self) -> Result<(), StoreError> {
        self.requeue(Order::NEXT_RUN..=u64::MAX).map(drop)
    }

    fn requeue(&self, times: RangeInclusive<u64>) -> Result<Vec<HostId>, StoreError> {
        let mut hosts = Vec::new();
        let _guard = self.frontier.lock().unwrap_or_else(PoisonError::into_inner);
        let (at_ms, url) = (*times.start(), UrlId([0; 16]));
        let from = FrontierKey::Retry { at_ms, url }.encode();
        for key in self.trees.frontier.range(from..).keys() {
            let key = key?;
            let Some(FrontierKey::Retry { at_ms, url }) = FrontierKey::decode(&key) else {
                return Err(UNREADABLE);
            };
            if at_ms > *times.end() {
                break;
            }
            let record = self.url_record(url)?.ok_or(UNREADABLE)?;
            let mut batch = Changes::default();
            batch.remove(key);
            if record.state == UrlState::Open {
                let promise = self.hint(url)?.promise;
                let key = self.next_key(record.host, record.role, promise)?;
                batch.insert(key.encode(), &url.0);
                hosts.push(record.host);
            }
            self.trees.frontier.apply(batch)?;
        }
        Ok(hosts)
    }

    pub(in crate::store::embedded) fn next_retry_ms(&self) -> Result<Option<u64>, StoreError> {
        let mut retries = self.trees.frontier.scan_prefix([FrontierKey::RETRY]).keys();
        let first = retries.next().transpose()?;
        Ok(first.and_then(|key| match FrontierKey::decode(&key) {
            Some(FrontierKey::Retry { at_ms, .. }) if at_ms < Order::NEXT_RUN => Some(at_ms),
            _ => None,
        }))
    }

    pub(in crate::store::embedded) fn retries(&self) -> Listing<'_, Retrying> {
        let entries = self.trees.frontier.scan_prefix([FrontierKey::RETRY]);
        let retries = entries.map(|entry| {
            let (key, reason) = entry?;
            let Some(FrontierKey::Retry { at_ms, url }) = FrontierKey::decode(&key) else {
                return Err(UNREADABLE);
            };
            let reason = String::from_utf8_lossy(&reason).into_owned();
            let record = self.url_record(url)?.ok_or(UNREADABLE)?;
            Ok(Retrying::new(record, reason, at_ms))
        });
        let is_open = |retry: &Result<Retrying, _>| {
            let retry = retry.as_ref();
            retry.map_or(true, |retry| retry.record.state == UrlState::Open)
        };
        Box::new(retries.filter(is_open))
    }

    pub(in crate::store::embedded) fn pending(&self) -> Listing<'_, UrlRecord> {
        let entries = self.trees.frontier.range([FrontierKey::QUEUED]..);
        let record = move |entry: sled::Result<(sled::IVec, sled::IVec)>| {
            let (key, value) = entry?;
            let id = match FrontierKey::decode(&key).ok_or(UNREADABLE)? {
                FrontierKey::Leased(id) | FrontierKey::Retry { url: id, .. } => id,
                _ => UrlId(value.as_ref().try_into().map_err(|_| UNREADABLE)?),
            };
            self.url_record(id)?.ok_or(UNREADABLE)
        };
        let is_open = |record: &Result<UrlRecord, _>| {
            // Other URLs were settled in the meantime, and are skipped in their queue.
            record
                .as_ref()
                .map_or(true, |record| record.state == UrlState::Open)
        };
        Box::new(entries.map(record).filter(is_open))
    }

    pub(in crate::store::embedded) fn has_queued(&self, host: HostId) -> Result<bool, StoreError> {
        let order = Order::picture(0);
        let from = FrontierKey::Queued { host, order }.encode();
        let to = FrontierKey::behind_host(host);
        let mut keys = self.trees.frontier.range(from..to).keys();
        Ok(keys.next().transpose()?.is_some())
    }

    pub(in crate::store::embedded) fn pending_count(&self) -> Result<u64, StoreError> {
        Ok(self.trees.counts().waiting())
    }
}
