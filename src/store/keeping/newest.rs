//! A store that keeps its newest pictures in full and sketches of the rest: when those in full take more
//! than they may, the oldest of them become sketches.
//!
//! That is done in steps of one segment, of which nobody waits for more than one, and not for each
//! picture: once there are too many, a tenth of them go. A process finds out which there are when they may
//! be too many for the first time, and then follows what is stored.

use std::collections::BTreeMap;
use std::sync::TryLockError;
use std::time::{Duration, Instant};

use crate::picture::PictureId;
use crate::store::{Sequence, Store, StoreError};

/// Of the pictures that may be kept in full, one of so many makes room when there are too many.
const SHARE: u64 = 10;
/// After a failure, as of a full disk, nothing is tried for so long.
const REST: Duration = Duration::from_secs(600);

/// Which pictures are kept in full, as far as this process knows.
#[derive(Debug, Default)]
pub(in crate::store) struct Newest {
    /// By their numbers. Some may have been removed.
    full: BTreeMap<Sequence, PictureId>,
    /// The pictures before this number were looked at.
    next: Sequence,
    /// What is to become sketches, one segment's pictures each, those stored last first.
    due: Vec<Vec<(Sequence, PictureId)>>,
    /// All of those are before this number.
    full_from: Sequence,
    rests_until: Option<Instant>,
}

impl Newest {
    /// From which number on pictures are to be kept in full: 0 if that is all.
    pub(in crate::store) fn full_from(&mut self, store: &Store) -> Result<Sequence, StoreError> {
        if let Some(most) = store.most_in_full() {
            self.plan(store, most)?;
        }
        Ok(match self.due.is_empty() {
            true => Sequence(0),
            false => self.full_from,
        })
    }

    /// Finds out what is to become sketches, where more than `most` pictures are kept in full.
    fn plan(&mut self, store: &Store, most: u64) -> Result<(), StoreError> {
        if !self.due.is_empty() || !self.catch_up(store, most)? {
            return Ok(());
        }
        // Some may have been removed since.
        let mut segments = BTreeMap::new();
        for (sequence, id) in &self.full {
            if let Some(segment) = store.full_in(*id)? {
                segments.insert(*sequence, segment);
            }
        }
        self.full
            .retain(|sequence, _| segments.contains_key(sequence));
        let count = self.full.len() as u64;
        if count <= most {
            return Ok(());
        }
        let due = count - (most - most.div_ceil(SHARE));
        let due = usize::try_from(due).unwrap_or(usize::MAX);
        let mut by_segment: BTreeMap<u32, Vec<(Sequence, PictureId)>> = BTreeMap::new();
        for (sequence, id) in self.full.iter().take(due) {
            let pictures = by_segment.entry(segments[sequence]).or_default();
            pictures.push((*sequence, *id));
        }
        let first_kept = self.full.keys().nth(due).copied();
        self.full_from = first_kept.unwrap_or(self.next);
        self.due = by_segment.into_values().collect();
        self.due.sort_by(|a, b| b.first().cmp(&a.first()));
        Ok(())
    }

    /// Takes in what was stored since. Returns whether more than `most` may be kept in full.
    fn catch_up(&mut self, store: &Store, most: u64) -> Result<bool, StoreError> {
        if self.next == Sequence(0) {
            // Then nobody needs to look.
            if store.picture_count() as u64 <= most {
                return Ok(false);
            }
            self.next = Sequence(store.next_sequence());
            for entry in store.block_locations() {
                let (id, location) = entry?;
                let length = location.payload.map_or(0, |span| span.length);
                if store.identity.layouts.is_full(length)
                    && let Some(record) = store.picture(id)?
                {
                    self.full.insert(Sequence(record.sequence), id);
                }
            }
        }
        for entry in store.pictures_from(self.next) {
            let (sequence, id) = entry?;
            if store.full_in(id)?.is_some() {
                self.full.insert(sequence, id);
            }
            self.next = Sequence(sequence.0 + 1);
        }
        Ok(self.full.len() as u64 > most)
    }

    /// Has the next of what is due become sketches.
    fn step(&mut self, store: &Store) -> Result<(), StoreError> {
        let Some(pictures) = self.due.last() else {
            return Ok(());
        };
        let ids: Vec<PictureId> = pictures.iter().map(|(_, id)| *id).collect();
        // For what is damaged, as `verify` tells, no segment is copied.
        if ids.iter().any(|id| store.verified_block(*id).is_ok()) {
            store.convert_some(self.full_from, Some(&ids), &mut |_, _| true)?;
        }
        for (sequence, _) in self.due.pop().into_iter().flatten() {
            self.full.remove(&sequence);
        }
        Ok(())
    }
}

impl Store {
    /// The bytes that the pictures may take that are kept in full, if of the others no more than a
    /// sketch is kept.
    pub fn recent_bytes(&self) -> Option<u64> {
        self.identity.recent_bytes
    }

    /// How many pictures may be kept in full, if not all may.
    fn most_in_full(&self) -> Option<u64> {
        let bytes = self.recent_bytes()?;
        Some(bytes / self.layout().block_len() as u64)
    }

    /// In which segment a picture is that is kept in full; `None` if it is not.
    fn full_in(&self, id: PictureId) -> Result<Option<u32>, StoreError> {
        let location = self.block_location(id)?;
        let span = location.and_then(|location| location.payload);
        let span = span.filter(|span| self.identity.layouts.is_full(span.length));
        Ok(span.map(|span| span.segment))
    }

    /// How many pictures are kept in full. Reads where all pictures lie.
    ///
    /// # Errors
    /// If the records cannot be read.
    pub fn count_in_full(&self) -> Result<u64, StoreError> {
        let mut count = 0;
        for entry in self.block_locations() {
            let length = entry?.1.payload.map_or(0, |span| span.length);
            let layout = usize::try_from(length).ok();
            let layout = layout.and_then(|length| self.identity.layouts.of_block(length));
            count += u64::from(layout.is_some_and(|layout| layout.keeps_values()));
        }
        Ok(count)
    }

    /// Where the pictures that are kept in full take more than they may, has some of the oldest become
    /// sketches: those of one segment. Returns whether there is more to do. Costs nothing where there is
    /// nothing to do, or where another thread is at it. Nobody who reads waits for it.
    ///
    /// # Errors
    /// If the store cannot be read, or the disk is full or fails: nothing is lost, and nothing more is
    /// tried for some minutes.
    pub fn make_room_for_newest(&self) -> Result<bool, StoreError> {
        let Some(most) = self.most_in_full() else {
            return Ok(false);
        };
        let mut newest = match self.newest.try_lock() {
            Ok(newest) => newest,
            Err(TryLockError::Poisoned(newest)) => newest.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(false),
        };
        if newest
            .rests_until
            .is_some_and(|until| Instant::now() < until)
        {
            return Ok(false);
        }
        let stepped = newest.plan(self, most).and_then(|()| newest.step(self));
        if let Err(error) = stepped {
            *newest = Newest {
                rests_until: Some(Instant::now() + REST),
                ..Newest::default()
            };
            return Err(error);
        }
        Ok(!newest.due.is_empty())
    }
}
