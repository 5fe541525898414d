//! The frontier: every URL ever seen and what became of it, in one sled tree.
//!
//! ```text
//!   offer ──> Queued ── lease, settle ──> Done | Failed | Refused
//!                ^           └── retry ──> Retry
//!                └──────── when due ─────────┘
//! ```
//!
//! A URL is marked seen when it is queued, and leaves its queue when it is settled. That it
//! is leased in between only the process knows (`flights.rs`), whose end ends its leases.

use std::collections::HashMap;
use std::sync::PoisonError;

use sled::Batch;
use sled::transaction::{
    ConflictableTransactionResult, TransactionError, Transactional, TransactionalTree,
};

use super::host::HostRecord;
use super::key::{FrontierKey, Order, embed_key};
use super::lease::{Discovery, FrontierCounts, Lease, PageVisit, Queued, UrlOutcome};
use super::record::{Role, UrlRecord, UrlState, decode, encode};
use super::removal::REMOVED;
use super::visits::VisitRecord;
use super::{Store, StoreError};
use crate::canonical_url::{CanonicalUrl, HostId, UrlId};

impl Store {
    /// Queues what was never seen.
    ///
    /// # Errors
    /// If sled fails.
    pub fn offer(&self, found: &[Discovery]) -> Result<Queued, StoreError> {
        self.check_space()?;
        let _guard = self.frontier.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changes = Changes::default();
        let queued = self.queue_unseen(found, &mut changes)?;
        (&self.trees.frontier, &self.trees.hosts)
            .transaction(|(urls, hosts)| -> ConflictableTransactionResult<(), ()> {
                urls.apply_batch(&changes.urls)?;
                changes.write_hosts(hosts)
            })
            .map_err(transaction_error)?;
        Ok(queued)
    }

    /// Puts back what was handed out in stores that wrote leases down, as they did until
    /// version 0.1. Returns how many there were.
    ///
    /// # Errors
    /// If sled fails.
    pub fn recover_leases(&self) -> Result<u64, StoreError> {
        let mut recovered = 0;
        for entry in self.trees.frontier.scan_prefix([FrontierKey::LEASED]) {
            let (key, value) = entry?;
            let Some(FrontierKey::Leased(url)) = FrontierKey::decode(&key) else {
                return Err(UNREADABLE);
            };
            let mut batch = Batch::default();
            batch.remove(key);
            batch.insert(value, &url.0);
            self.trees.frontier.apply_batch(batch)?;
            recovered += 1;
        }
        Ok(recovered)
    }

    /// Records what became of a URL that gave no page and no picture.
    ///
    /// # Errors
    /// If sled fails.
    pub fn settle(&self, lease: Lease, outcome: UrlOutcome) -> Result<(), StoreError> {
        match outcome {
            UrlOutcome::Unchanged => self.unchanged(lease.id)?,
            UrlOutcome::Gone(_) | UrlOutcome::OptedOut(_) => self.forget(lease.id)?,
            _ => {}
        }
        let mut batch = Batch::default();
        settle_into(&mut batch, &lease, outcome);
        Ok(self.trees.frontier.apply_batch(batch)?)
    }

    /// Records a page and queues what stood on it, all or nothing.
    ///
    /// # Errors
    /// If sled fails.
    pub fn settle_page(&self, lease: Lease, visit: &PageVisit) -> Result<Queued, StoreError> {
        self.check_space()?;
        let _guard = self.frontier.lock().unwrap_or_else(PoisonError::into_inner);
        let page = visit.url.id();
        let mut changes = Changes::default();
        if page != lease.id {
            let known = self.url_record(page)?;
            if known
                .as_ref()
                .is_some_and(|known| known.state != UrlState::Open)
            {
                // Redirected to a page that was read, or that is not to be read.
                settle_into(&mut changes.urls, &lease, UrlOutcome::Done);
                self.trees.frontier.apply_batch(changes.urls)?;
                return Ok(Queued::default());
            }
            // If it waits in a queue, it is passed over there.
            let record = UrlRecord {
                url: visit.url.to_string(),
                host: visit.url.host_id(),
                state: UrlState::Done,
                ..known.unwrap_or_else(|| lease.record.clone())
            };
            let key = FrontierKey::Url(page).encode();
            changes.urls.insert(key, encode(&record));
        }
        self.touch_host(&mut changes, &visit.url, |record| record.pages += 1)?;
        let queued = self.queue_unseen(&visit.found, &mut changes)?;
        settle_into(&mut changes.urls, &lease, UrlOutcome::Done);
        let mut embeds = Batch::default();
        let mut shown = Vec::new();
        for found in &visit.found {
            if let Some(embed) = &found.embed {
                let picture = found.url.id();
                embeds.insert(&embed_key(picture, page), encode(embed));
                shown.push(picture);
            }
        }
        let before = self.visit(page)?;
        if let Some(before) = &before {
            self.hide(page, &before.shown, &shown.iter().copied().collect())?;
        }
        let (content, validators) = (visit.content, visit.validators.clone());
        let after = VisitRecord::after(before.as_ref(), content, validators, shown);
        let t = &self.trees;
        (&t.frontier, &t.hosts, &t.pages, &t.embeds, &t.visits)
            .transaction(
                |(urls, hosts, pages, embed, visits)| -> ConflictableTransactionResult<(), ()> {
                    urls.apply_batch(&changes.urls)?;
                    changes.write_hosts(hosts)?;
                    match &visit.page {
                        Some(record) => pages.insert(&page.0, encode(record))?,
                        None => pages.remove(&page.0)?,
                    };
                    embed.apply_batch(&embeds)?;
                    visits.insert(&page.0, encode(&after))?;
                    Ok(())
                },
            )
            .map_err(transaction_error)?;
        if let (Some(reason), Some(before)) = (visit.opted_out, &before) {
            self.let_go(&before.shown, reason)?;
        }
        Ok(queued)
    }

    /// Counts the URLs by state; reads the whole frontier.
    ///
    /// # Errors
    /// If sled fails or a record is unreadable.
    pub fn frontier_counts(&self) -> Result<FrontierCounts, StoreError> {
        let mut counts = FrontierCounts::default();
        for entry in &self.trees.frontier {
            let (key, value) = entry?;
            let count = match FrontierKey::decode(&key).ok_or(UNREADABLE)? {
                FrontierKey::Queued { .. } => &mut counts.pending,
                FrontierKey::Leased(_) => &mut counts.leased,
                FrontierKey::Retry { .. } => &mut counts.retry,
                FrontierKey::Url(_) => match decode::<UrlRecord>("frontier", &value)?.state {
                    UrlState::Open => continue,
                    UrlState::Done => &mut counts.done,
                    UrlState::Failed(_) => &mut counts.failed,
                    UrlState::Refused(_) => &mut counts.refused,
                },
            };
            *count += 1;
        }
        let leased = self.flights.count();
        counts.leased += leased;
        counts.pending = counts.pending.saturating_sub(leased);
        Ok(counts)
    }

    /// The seeds of every crawl so far: pages at depth 0. Reads the whole frontier.
    ///
    /// # Errors
    /// If sled fails or a record is unreadable.
    pub fn seeds(&self) -> Result<Vec<String>, StoreError> {
        let mut seeds = Vec::new();
        for entry in self.trees.frontier.scan_prefix([FrontierKey::URL]) {
            let record: UrlRecord = decode("frontier", &entry?.1)?;
            let removed = record.state == UrlState::Refused(REMOVED.to_owned());
            if record.depth == 0 && record.role == Role::Page && !removed {
                seeds.push(record.url);
            }
        }
        Ok(seeds)
    }

    /// What is known of a URL.
    ///
    /// # Errors
    /// If sled fails or the record is unreadable.
    pub fn url_record(&self, id: UrlId) -> Result<Option<UrlRecord>, StoreError> {
        let value = self.trees.frontier.get(FrontierKey::Url(id).encode())?;
        value.map(|value| decode("frontier", &value)).transpose()
    }

    /// Adds to `batch` what is not yet in the frontier. The caller holds the guard.
    fn queue_unseen(
        &self,
        found: &[Discovery],
        changes: &mut Changes,
    ) -> Result<Queued, StoreError> {
        let mut queued = Queued::default();
        let mut fresh = std::collections::HashSet::new();
        for discovery in found {
            let id = discovery.url.id();
            let key = FrontierKey::Url(id).encode();
            if !fresh.insert(id) {
                continue;
            }
            let host = discovery.url.host_id();
            if self.is_removed(host)? {
                queued.removed += 1;
                continue;
            }
            if let Some(known) = self.url_record(id)?
                && !(is_seed(discovery) && may_be_asked_for_again(&known.state))
            {
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
            changes.urls.insert(key, encode(&record));
            changes
                .urls
                .insert(self.next_key(host, discovery.role)?.encode(), &id.0);
            match discovery.role {
                Role::Picture => queued.pictures += 1,
                Role::Page => queued.pages += 1,
                Role::Sheet | Role::Feed | Role::Sitemap => {}
            }
            if !queued.hosts.contains(&host) {
                queued.hosts.push(host);
            }
        }
        Ok(queued)
    }

    /// Takes a change of a host's record into `changes`, if it is one.
    fn touch_host(
        &self,
        changes: &mut Changes,
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

    pub(super) fn next_key(&self, host: HostId, role: Role) -> Result<FrontierKey, StoreError> {
        let count = self.db.generate_id()?;
        let order = match role {
            Role::Picture | Role::Sheet => Order::picture(count),
            Role::Page | Role::Feed | Role::Sitemap => Order::page(count),
        };
        self.flights.is_free(host, order);
        Ok(FrontierKey::Queued { host, order })
    }
}

/// What becomes of the frontier and of the hosts in one transaction.
#[derive(Default)]
struct Changes {
    urls: Batch,
    hosts: HashMap<HostId, HostRecord>,
}

impl Changes {
    fn write_hosts(&self, tree: &TransactionalTree) -> ConflictableTransactionResult<(), ()> {
        for (id, record) in &self.hosts {
            tree.insert(&id.0, encode(record))?;
        }
        Ok(())
    }
}

fn is_seed(discovery: &Discovery) -> bool {
    discovery.depth == 0 && discovery.role == Role::Page
}

/// A seed that could not be had before is tried again when it is named again.
fn may_be_asked_for_again(state: &UrlState) -> bool {
    match state {
        UrlState::Failed(_) => true,
        UrlState::Refused(reason) => reason != REMOVED,
        UrlState::Open | UrlState::Done => false,
    }
}

pub(super) const UNREADABLE: StoreError = StoreError::Unreadable { tree: "frontier" };

/// Ends a lease within `batch`. The lease is dropped only when the batch is applied, or it
/// would be handed out again.
pub(super) fn settle_into(batch: &mut Batch, lease: &Lease, outcome: UrlOutcome) {
    let id = lease.id;
    let (host, order) = (lease.flight.host, lease.flight.order);
    batch.remove(FrontierKey::Queued { host, order }.encode());
    let mut record = lease.record.clone();
    record.attempts += 1;
    record.state = match outcome {
        UrlOutcome::Done | UrlOutcome::Unchanged => UrlState::Done,
        UrlOutcome::Failed(reason) | UrlOutcome::Gone(reason) => UrlState::Failed(reason),
        UrlOutcome::Refused(reason) | UrlOutcome::OptedOut(reason) => UrlState::Refused(reason),
        UrlOutcome::Retry { at_ms } => {
            batch.insert(FrontierKey::Retry { at_ms, url: id }.encode(), vec![]);
            UrlState::Open
        }
        UrlOutcome::Left => {
            record.attempts -= 1;
            batch.insert(FrontierKey::left(order, id).encode(), vec![]);
            UrlState::Open
        }
    };
    batch.insert(FrontierKey::Url(id).encode(), encode(&record));
}

/// Our transactions never abort, so only sled's own errors come out of them.
pub(super) fn transaction_error(error: TransactionError<()>) -> StoreError {
    match error {
        TransactionError::Storage(error) => error.into(),
        TransactionError::Abort(()) => unreachable!("no transaction of the store aborts"),
    }
}
