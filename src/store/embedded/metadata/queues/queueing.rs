//! What goes into the frontier's tree, and out of it.

use std::collections::HashMap;

use crate::canonical_url::{CanonicalUrl, HostId};
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::trees::{Changes, FrontierKey, TreeBatches, Trees, encode};
use crate::store::order::Order;
use crate::store::{
    Discovery, HostRecord, Lease, Promise, Queued, Role, StoreError, UrlOutcome, UrlRecord,
    UrlState,
};

impl EmbeddedMetadata {
    /// Adds to `changes` what is not yet in the frontier. The caller holds the guard.
    pub(in crate::store::embedded) fn queue_unseen(
        &self,
        found: &[Discovery],
        changes: &mut QueueChanges<'_>,
    ) -> Result<Queued, StoreError> {
        let mut queued = Queued::default();
        for discovery in &Discovery::joined(found) {
            let id = discovery.url.id();
            let key = FrontierKey::Url(id).encode();
            let host = discovery.url.host_id();
            if self.is_removed(host)? {
                queued.removed += 1;
                continue;
            }
            if let Some(known) = self.url_record(id)?
                && !(discovery.is_seed() && known.state.may_be_asked_for_again())
            {
                if known.state == UrlState::Open && discovery.role == Role::Picture {
                    self.hear_more(discovery, changes)?;
                }
                continue;
            }
            self.touch_host(changes, &discovery.url, |record| {
                record.crawl = self.crawl()
            })?;
            let record = UrlRecord {
                url: discovery.url.to_string(),
                host,
                role: discovery.role,
                depth: discovery.depth,
                attempts: 0,
                state: UrlState::Open,
            };
            changes.urls().insert(key, encode(&record));
            let promise = discovery.hint.promise;
            changes.urls().insert(
                self.next_key(host, discovery.role, promise)?.encode(),
                &id.0,
            );
            if discovery.role == Role::Picture && !discovery.hint.is_plain() {
                self.keep_hint(id, &discovery.hint, changes);
            }
            match discovery.role {
                Role::Picture => {
                    queued.pictures += 1;
                    queued.guesses += u64::from(promise == Promise::Guessed);
                }
                Role::Page => queued.pages += 1,
                Role::Sheet | Role::Feed | Role::Sitemap => {}
            }
            if !queued.hosts.contains(&host) {
                queued.hosts.push(host);
            }
        }
        Ok(queued)
    }

    /// Adds the change of a host's record to `changes`, if there is one.
    pub(in crate::store::embedded) fn touch_host(
        &self,
        changes: &mut QueueChanges<'_>,
        url: &CanonicalUrl,
        change: impl FnOnce(&mut HostRecord),
    ) -> Result<(), StoreError> {
        let id = url.host_id();
        let before = match changes.hosts.get(&id) {
            Some(record) => Some(record.clone()),
            None => self.host(id)?,
        };
        let mut record = before.clone().unwrap_or_default();
        record.name = url.host().to_owned();
        change(&mut record);
        if Some(&record) != before.as_ref() {
            changes.hosts.insert(id, record);
        }
        Ok(())
    }

    pub(in crate::store::embedded) fn next_key(
        &self,
        host: HostId,
        role: Role,
        promise: Promise,
    ) -> Result<FrontierKey, StoreError> {
        let count = self.trees.db.generate_id()?;
        let order = Order::of(role, promise, count);
        self.leases.is_free(host, order);
        Ok(FrontierKey::Queued { host, order })
    }
}

/// Changes of queues and of their hosts.
pub(in crate::store::embedded) struct QueueChanges<'a> {
    trees: &'a Trees,
    pub(in crate::store::embedded) batches: TreeBatches,
    hosts: HashMap<HostId, HostRecord>,
}

impl<'a> QueueChanges<'a> {
    pub(in crate::store::embedded) fn new(trees: &'a Trees) -> Self {
        Self {
            trees,
            batches: TreeBatches::default(),
            hosts: HashMap::new(),
        }
    }

    /// What changes in the frontier.
    pub(in crate::store::embedded) fn urls(&mut self) -> &mut Changes {
        self.batches.of(&self.trees.frontier)
    }

    /// Makes the changes, all or nothing.
    pub(in crate::store::embedded) fn apply(self) -> Result<(), StoreError> {
        self.into_batches().apply()
    }

    /// The changes, to be made with others.
    pub(in crate::store::embedded) fn into_batches(mut self) -> TreeBatches {
        let hosts = &self.trees.hosts;
        for (id, record) in &self.hosts {
            self.batches.of(hosts).insert(&id.0, encode(record));
        }
        self.batches
    }
}

/// Ends a lease within `batch`. The lease is dropped only when the batch is applied, or it
/// would be handed out again.
pub(in crate::store::embedded) fn settle_into(
    batch: &mut Changes,
    lease: &Lease,
    outcome: UrlOutcome,
) {
    let id = lease.id;
    let state = match outcome {
        UrlOutcome::Done | UrlOutcome::Unchanged => UrlState::Done,
        UrlOutcome::Failed(reason) | UrlOutcome::Gone(reason) => UrlState::Failed(reason),
        UrlOutcome::Refused(reason) | UrlOutcome::OptedOut(reason) => UrlState::Refused(reason),
        UrlOutcome::Unwanted(reason) => UrlState::Refused(reason),
        UrlOutcome::Retry { at_ms, reason } => {
            batch.insert(
                FrontierKey::Retry { at_ms, url: id }.encode(),
                reason.as_bytes(),
            );
            UrlState::Open
        }
        UrlOutcome::Left(reason) => {
            let at_ms = lease.place.order.in_next_run();
            batch.insert(
                FrontierKey::Retry { at_ms, url: id }.encode(),
                reason.as_bytes(),
            );
            leave_queue(batch, lease, lease.record.attempts, UrlState::Open);
            return;
        }
    };
    end_as(batch, lease, state);
}

/// Like [`settle_into`], with the state that the URL gets.
pub(in crate::store::embedded) fn end_as(batch: &mut Changes, lease: &Lease, state: UrlState) {
    leave_queue(batch, lease, lease.record.attempts + 1, state);
}

fn leave_queue(batch: &mut Changes, lease: &Lease, attempts: u32, state: UrlState) {
    let (host, order) = (lease.place.host, lease.place.order);
    batch.remove(FrontierKey::Queued { host, order }.encode());
    let record = UrlRecord {
        attempts,
        state,
        ..lease.record.clone()
    };
    batch.insert(FrontierKey::Url(lease.id).encode(), encode(&record));
}
