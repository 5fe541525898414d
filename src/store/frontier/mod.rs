//! The frontier's trait: every URL ever seen and what became of it.
//!
//! ```text
//!   offer ──> queued ── lease, settle ──> done | failed | refused
//!                ^           └── retry ──> waiting for its time
//!                └──────── when due ─────────────┘
//! ```

pub(super) mod hint;
pub(super) mod kept_out;
pub(super) mod lease;
pub(super) mod leases;
pub(super) mod losses;
pub(super) mod order;
pub(super) mod terms;
pub(super) mod visit;

use std::collections::BTreeMap;

use super::{Listing, StoreError};
use crate::canonical_url::{HostId, UrlId};
use crate::store::record::UrlRecord;
use kept_out::KeptOut;
use lease::{Discovery, FrontierCounts, Lease, PageVisit, Queued, Retrying, UrlOutcome};
use visit::Again;

/// What is to be fetched. A URL is marked seen when it is queued, and leaves its queue when
/// it is settled.
///
/// A lease that has run out and was given to another settles nothing: what its holder reports
/// is ignored, since the new holder reports it too.
pub trait Frontier: Send + Sync {
    /// Queues the URLs that were never seen before.
    ///
    /// # Errors
    /// If the store fails.
    fn offer(&self, found: &[Discovery]) -> Result<Queued, StoreError>;

    /// Puts back what was handed out in stores that wrote leases down, as they did until
    /// version 0.1. Returns how many there were.
    ///
    /// # Errors
    /// If the store fails.
    fn recover_leases(&self) -> Result<u64, StoreError>;

    /// Records what became of a URL that gave no page and no picture. If it was to give a
    /// picture, its next version is queued.
    ///
    /// # Errors
    /// If the store fails.
    fn settle(&self, lease: Lease, outcome: UrlOutcome) -> Result<(), StoreError>;

    /// The hosts that got work since this was asked last, because the next versions of pictures
    /// are asked for whose URLs gave none.
    fn take_new_work(&self) -> Vec<HostId>;

    /// Records a page and queues what was found on it, all or nothing.
    ///
    /// # Errors
    /// If the store fails.
    fn settle_page(&self, lease: Lease, visit: &PageVisit) -> Result<Queued, StoreError>;

    /// How many URLs are in which state.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn frontier_counts(&self) -> Result<FrontierCounts, StoreError>;

    /// The seeds of every crawl so far: pages at depth 0. Reads the whole frontier.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn seeds(&self) -> Result<Vec<String>, StoreError>;

    /// What is known of a URL.
    ///
    /// # Errors
    /// If the store fails or the record is unreadable.
    fn url_record(&self, id: UrlId) -> Result<Option<UrlRecord>, StoreError>;

    /// Hands out the next URL of `host`, pictures first and guesses last; with `pages` false only
    /// pictures.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn lease(&self, host: HostId, pages: bool) -> Result<Option<Lease>, StoreError>;

    /// Hands out the URL of `host` that `rank` puts highest among the `most` first pictures
    /// and the `most` first pages of its queue.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn lease_best(
        &self,
        host: HostId,
        pages: bool,
        most: usize,
        rank: &dyn Fn(UrlId, &UrlRecord) -> f32,
    ) -> Result<Option<Lease>, StoreError>;

    /// Renews a lease: the URL is handed out for the whole lease time from now on. `false` if
    /// the time was over and the URL was given to another.
    ///
    /// # Errors
    /// If the store fails.
    fn renew(&self, lease: &mut Lease) -> Result<bool, StoreError>;

    /// Queues the retries that are due, and those that a clock has set that was ahead. Returns
    /// their hosts.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn requeue_due(&self, now_ms: u64) -> Result<Vec<HostId>, StoreError>;

    /// Queues what the last run has left to this one, in its order.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn requeue_left(&self) -> Result<(), StoreError>;

    /// When the next retry is due, in milliseconds since 1970.
    ///
    /// # Errors
    /// If the store fails.
    fn next_retry_ms(&self) -> Result<Option<u64>, StoreError>;

    /// The URLs that wait: those in queues, host by host, then those to be tried again.
    fn pending(&self) -> Listing<'_, UrlRecord>;

    /// The URLs that were asked for, or were to be, and wait to be tried again, in the order of
    /// their times.
    fn retries(&self) -> Listing<'_, Retrying>;

    /// Whether URLs of a host wait in its queue.
    ///
    /// # Errors
    /// If the store fails.
    fn has_queued(&self, host: HostId) -> Result<bool, StoreError>;

    /// How many URLs wait.
    ///
    /// # Errors
    /// If the store fails.
    fn pending_count(&self) -> Result<u64, StoreError>;

    /// Queues URLs that were asked for before. Returns how many.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn queue_again(&self, which: &Again) -> Result<u64, StoreError>;

    /// The URLs that failed or were refused. Reads the whole frontier.
    fn failures(&self) -> Listing<'_, UrlRecord>;

    /// What settings have kept out: refused URLs, and documents of which something was not
    /// taken. Reads the whole frontier.
    fn kept_out(&self) -> Listing<'_, KeptOut>;

    /// Queues a URL again that was settled, to be sent whole even if it has not changed. Its
    /// host becomes one of the present crawl if `own`. Returns whether it was queued.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn ask_again(&self, url: UrlId, own: bool) -> Result<bool, StoreError>;

    /// When the next visit is due, in seconds since 1970; reads all visits.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn next_due_s(&self) -> Result<Option<u64>, StoreError>;

    /// Why URLs failed or were refused, and how many.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn reasons(&self) -> Result<BTreeMap<String, u64>, StoreError>;
}
