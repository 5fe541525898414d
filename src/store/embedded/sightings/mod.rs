//! On which hosts pictures were seen: an index over places, embeds and pages, for filters.
//!
//! A picture was seen on a host where a URL of the host gave it, or a page of the host shows a URL that gave
//! it. The tree has a key for each of the two together, and no values. It is written by the transactions that
//! change what it follows from ([`changes`]), and made anew where it is missing or may be wrong ([`making`]).

mod changes;
mod making;
mod records;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::EmbeddedMetadata;
use super::trees::{SIGHTED_LOG, SIGHTED_RUNS, TreeBatches, Trees, encode};
use crate::canonical_url::HostId;
use crate::store::embedded::log::Position;
use crate::store::{Sequence, SequenceSet, StoreError};
pub(in crate::store::embedded) use changes::SightingChanges;

/// Hosts whose pictures stay in memory: those that were asked for last.
const MOST_HOSTS: usize = 8;

/// What the process knows of the tree.
#[derive(Debug, Default)]
pub(super) struct Sightings {
    /// Whether they are there and follow what changes.
    are_kept: AtomicBool,
    /// How many changes of many steps are under way: while one is, a process that ends leaves them wrong.
    doubts: AtomicU32,
    /// The hosts asked for last, the last one at the end.
    asked: Mutex<Vec<(HostId, Asked)>>,
}

/// The pictures of a host.
#[derive(Debug)]
enum Asked {
    /// They are being read. What has changed since that began.
    Reading(Vec<(Sequence, bool)>),
    /// They were read, and follow what changes.
    Known(SequenceSet),
}

impl Sightings {
    /// Says whether they are there and right.
    pub(super) fn keep(&self, are_kept: bool) {
        self.are_kept.store(are_kept, Ordering::Relaxed);
    }

    /// Whether they are there and follow what changes.
    pub(super) fn are_kept(&self) -> bool {
        self.are_kept.load(Ordering::Relaxed)
    }

    /// Whether they would be right if the process ended now.
    fn are_sure(&self) -> bool {
        self.are_kept() && self.doubts.load(Ordering::Relaxed) == 0
    }

    fn asked(&self) -> MutexGuard<'_, Vec<(HostId, Asked)>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has what is in memory follow changes that were made.
    pub(super) fn took(&self, changes: SightingChanges) {
        let mut asked = self.asked();
        for (host, sequence, is_seen) in changes.into_iter() {
            match asked.iter_mut().find(|known| known.0 == host) {
                None => {}
                Some((_, Asked::Reading(later))) => later.push((sequence, is_seen)),
                Some((_, Asked::Known(set))) => set_to(set, sequence, is_seen),
            }
        }
    }

    /// What is in memory of a host; what is not there yet is noted as being read.
    fn known(&self, host: HostId) -> Option<SequenceSet> {
        let mut asked = self.asked();
        let at = asked.iter().position(|known| known.0 == host);
        match at.map(|at| asked.remove(at)) {
            Some((_, Asked::Known(set))) => {
                asked.push((host, Asked::Known(set.clone())));
                Some(set)
            }
            // Another is at it.
            Some(reading) => {
                asked.push(reading);
                None
            }
            None => {
                if asked.len() >= MOST_HOSTS {
                    asked.remove(0);
                }
                asked.push((host, Asked::Reading(Vec::new())));
                None
            }
        }
    }

    /// Keeps what was read of a host, with what has changed since.
    fn read(&self, host: HostId, mut set: SequenceSet) -> SequenceSet {
        let mut asked = self.asked();
        if let Some((_, known)) = asked.iter_mut().find(|known| known.0 == host)
            && let Asked::Reading(later) = known
        {
            for (sequence, is_seen) in std::mem::take(later) {
                set_to(&mut set, sequence, is_seen);
            }
            *known = Asked::Known(set.clone());
        }
        set
    }

    /// Has all hosts read again.
    fn forget_asked(&self) {
        self.asked().clear();
    }

    /// Forgets a host that could not be read.
    fn not_read(&self, host: HostId) {
        self.asked().retain(|known| known.0 != host);
    }
}

fn set_to(set: &mut SequenceSet, sequence: Sequence, is_seen: bool) {
    match is_seen {
        true => set.insert(sequence),
        false => set.remove(sequence),
    };
}

impl EmbeddedMetadata {
    /// The pictures that were seen on a host; `None` where that is not kept.
    pub(super) fn pictures_seen_on(&self, host: HostId) -> Result<Option<SequenceSet>, StoreError> {
        if !self.sightings.are_kept() {
            return Ok(None);
        }
        if let Some(known) = self.sightings.known(host) {
            return Ok(Some(known));
        }
        match pictures_of(&self.trees, host).collect() {
            Ok(set) => Ok(Some(self.sightings.read(host, set))),
            Err(error) => {
                self.sightings.not_read(host);
                Err(error)
            }
        }
    }

    /// Adds to changes of places, embeds or pages what they change of where pictures were seen. `left`: the
    /// host that leaves with them. The caller holds the totals until they are made.
    pub(super) fn add_sightings(
        &self,
        batches: &mut TreeBatches,
        left: Option<HostId>,
    ) -> Result<SightingChanges, StoreError> {
        if !self.sightings.are_kept() {
            return Ok(SightingChanges::default());
        }
        let mut changes = SightingChanges::of(&self.trees, batches)?;
        if let Some(host) = left {
            changes.add_left(&self.trees, batches, host)?;
            self.sightings.doubts.fetch_sub(1, Ordering::Relaxed);
        }
        changes.write(&self.trees, batches);
        Ok(changes)
    }

    /// Makes changes of places, embeds or pages, with what they change of where pictures were seen. The
    /// caller holds the totals.
    pub(super) fn apply_with_sightings(&self, mut batches: TreeBatches) -> Result<(), StoreError> {
        let changes = self.add_sightings(&mut batches, None)?;
        batches.apply()?;
        self.sightings.took(changes);
        Ok(())
    }

    /// Adds to changes that take the log in up to a position that the sightings follow it, if they do.
    pub(super) fn mark_sightings(&self, applied: Position, batches: &mut TreeBatches) {
        if self.sightings.are_sure() {
            let counters = batches.of(&self.trees.counters);
            counters.insert(&SIGHTED_LOG, encode(&applied));
        }
    }

    /// Notes that a run has begun, if the sightings are kept: a simdex that does not know them would not.
    pub(super) fn mark_run(&self, run: u64) -> Result<(), StoreError> {
        if self.sightings.are_kept() {
            let counters = &self.trees.counters;
            counters.insert(SIGHTED_RUNS, &run.to_be_bytes())?;
        }
        Ok(())
    }

    /// Begins a change of many steps, at the end of which a host leaves: should the process end before
    /// that, the sightings are made anew.
    pub(super) fn doubt_sightings(&self) -> Result<(), StoreError> {
        if self.sightings.are_kept() {
            self.sightings.doubts.fetch_add(1, Ordering::Relaxed);
            self.trees.counters.remove(SIGHTED_LOG)?;
        }
        Ok(())
    }
}

/// The pictures that are noted as seen on a host.
fn pictures_of(trees: &Trees, host: HostId) -> impl Iterator<Item = Result<Sequence, StoreError>> {
    let keys = trees.sightings.scan_prefix(host.0).keys();
    keys.map(move |key| {
        let sequence = key?.get(host.0.len()..).and_then(Sequence::from_key);
        sequence.ok_or(StoreError::Unreadable { tree: "sightings" })
    })
}
