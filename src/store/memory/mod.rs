//! A store in memory, for tests. It behaves like a store in a folder.

mod blocks;
mod catalogue;
mod files;
mod frontier;
mod hints;
mod hosts;
mod labels;
mod queue;
mod removal;
mod selection;
mod transfer;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(super) use blocks::MemoryBlocks;

use super::leases::Leases;
use super::losses::Losses;
use super::order::Order;
use super::{
    Counts, Embed, EntryLocation, FileRecord, FileSystemMark, FrontierCounts, HostRecord, Label,
    LabelId, Location, LocationId, Metadata, PageRecord, PageTerms, PictureHint, PictureRecord,
    Points, RuleFileRecord, Sequence, StoreError, UrlRecord, VisitRecord,
};
use crate::canonical_url::{HostId, UrlId};
use crate::local_path::LocalPath;
use crate::network::{Descriptor, LookDescriptor};
use crate::picture::PictureId;

/// What a store in memory knows.
pub(super) struct MemoryMetadata {
    state: Mutex<State>,
    leases: Leases,
    losses: Losses,
    /// A host that another process asks, as a test has it.
    #[cfg(test)]
    anothers: Option<HostId>,
}

/// All records, by what they are of.
#[derive(Default)]
struct State {
    /// Every URL ever seen.
    urls: BTreeMap<UrlId, UrlRecord>,
    /// URLs waiting, in order within their host.
    queue: BTreeMap<(HostId, Order), UrlId>,
    /// URLs to try again at a time, in milliseconds since 1970, and why.
    retries: BTreeMap<(u64, UrlId), String>,
    /// How many were queued so far.
    queued: u64,
    hosts: BTreeMap<HostId, HostRecord>,
    rules: BTreeMap<UrlId, RuleFileRecord>,
    removed_hosts: BTreeSet<HostId>,
    /// Runs of the crawler so far, and the crawl that the present one belongs to.
    runs: u64,
    run: u64,
    crawl: u64,
    pages: BTreeMap<UrlId, PageRecord>,
    /// By the picture and the page that shows it.
    embeds: BTreeMap<(UrlId, UrlId), Embed>,
    /// What pages say of the use of their pictures.
    terms: BTreeMap<UrlId, PageTerms>,
    visits: BTreeMap<UrlId, VisitRecord>,
    /// URLs that were gone at their last visit, and when they were first found so.
    absences: BTreeMap<UrlId, u64>,
    /// What pages say of pictures' URLs that wait.
    hints: BTreeMap<UrlId, PictureHint>,
    /// Hosts that got work because of what came of other URLs.
    new_work: Vec<HostId>,
    /// Documents of which something was not taken, and the reasons.
    declined: BTreeMap<UrlId, BTreeSet<String>>,
    /// Those of the last run.
    settings: Option<Vec<u8>>,
    pictures: BTreeMap<PictureId, StoredPicture>,
    sequences: BTreeMap<Sequence, PictureId>,
    /// Pictures removed so far.
    removed: Vec<Sequence>,
    next_sequence: u64,
    locations: BTreeMap<(PictureId, LocationId), Location>,
    files: BTreeMap<LocationId, FileRecord>,
    /// Pictures that are not to be taken from one file, or from any, and what was named.
    removed_files: BTreeMap<(PictureId, Option<LocationId>), LocalPath>,
    file_systems: Vec<FileSystemMark>,
    labels: BTreeMap<LabelId, Label>,
    /// How often it changed which pairs are no near-copies.
    changes_of_duplicates: u64,
    /// Bytes of pictures that wait for their features.
    waiting: BTreeMap<PictureId, Vec<u8>>,
}

/// All that is kept of one picture but its block.
struct StoredPicture {
    record: PictureRecord,
    descriptor: Descriptor,
    look: Option<LookDescriptor>,
    thumbnail: Vec<u8>,
    block: EntryLocation,
}

impl MemoryMetadata {
    /// An empty one, which hands URLs out for `lease_time`.
    pub(super) fn new(lease_time: Duration) -> Self {
        Self {
            state: Mutex::default(),
            leases: Leases::new(lease_time),
            losses: Losses::default(),
            #[cfg(test)]
            anothers: None,
        }
    }

    /// One beside which another process asks a host.
    #[cfg(test)]
    pub(super) fn beside_another(lease_time: Duration, host: HostId) -> Self {
        Self {
            anothers: Some(host),
            ..Self::new(lease_time)
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// What is near is found by the index.
impl Points for MemoryMetadata {}

impl Metadata for MemoryMetadata {
    fn check_space(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn counts(&self) -> Counts {
        let state = self.lock();
        let mut counts = Counts {
            frontier: FrontierCounts {
                pending: state.queue.len() as u64,
                retry: state.retries.len() as u64,
                ..FrontierCounts::default()
            },
            pages: state.pages.len() as u64,
            hosts: state.hosts.len() as u64,
            ..Counts::default()
        };
        for record in state.urls.values() {
            counts.count_url(&record.state, true);
        }
        counts
    }

    fn recount(&self) -> Result<Counts, StoreError> {
        Ok(self.counts())
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
