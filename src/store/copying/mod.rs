//! Copying a whole store into another, of whichever engine, and holding the two against each other.
//!
//! The records of both are gone through side by side, in the order of their keys: what the copy has not, or
//! has otherwise, is written. So a copy that was cut short goes on where it was, what it has is not
//! written again, and whatever a kill has left half done is found and put right.

mod comparing;
mod place;

use std::collections::BTreeMap;
use std::sync::PoisonError;

pub use comparing::Compared;
pub use place::StorePlace;

use super::transfer::{Kind, Pair, Record, Replacement, pairs};
use super::{Block, Store, StoreError};

/// The most records that are written at once.
const RECORDS_AT_ONCE: usize = 500;
/// The most bytes of activations and bodies that are held at once.
const BYTES_AT_ONCE: usize = 32 << 20;

/// What copying came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copied {
    /// Records of the original, by the short names of their kinds.
    pub records: BTreeMap<&'static str, u64>,
    /// Records that were written now; the copy had the others.
    pub written: u64,
    /// Records that the copy had and the original has no more, which were taken out.
    pub taken: u64,
    /// Bytes of activations and bodies that were written now.
    pub bytes: u64,
    /// Whether it was asked to stop before it came to the end.
    pub stopped: bool,
}

impl Store {
    /// Copies this store into `to`, which [`Self::begin_copy`] has opened. `progress` is told the kind of
    /// records that it is at and how many of them were gone through, and says whether to go on.
    ///
    /// # Errors
    /// If others work on this store, something of it is damaged, or `to` cannot be written. What was
    /// copied stays; called again, it goes on.
    pub fn copy_to(
        &self,
        to: &Self,
        progress: &mut dyn FnMut(Kind, u64) -> bool,
    ) -> Result<Copied, StoreError> {
        self.copy_in_steps(to, RECORDS_AT_ONCE, progress)
    }

    /// The same with so many records at once.
    pub(super) fn copy_in_steps(
        &self,
        to: &Self,
        at_once: usize,
        progress: &mut dyn FnMut(Kind, u64) -> bool,
    ) -> Result<Copied, StoreError> {
        if self.is_converting() {
            return Err(StoreError::Changing(
                "run `simdex compact --keep ...`, which has begun to change it, to its end first",
            ));
        }
        if self.metadata.is_at_work()? {
            return Err(StoreError::Changing(
                "others work on it; stop them, and after a kill wait for a minute",
            ));
        }
        // Stores of long ago wrote them down.
        self.metadata.recover_leases()?;
        let _guard = to.commits.lock().unwrap_or_else(PoisonError::into_inner);
        let mut copied = Copied::default();
        for kind in Kind::ALL {
            let mut step = Step::default();
            let mut gone_through = 0;
            for pair in pairs(self.metadata.records(kind), to.metadata.records(kind)) {
                gone_through += u64::from(self.add_to(&mut step, pair?)?);
                if step.is_full(at_once) {
                    step.write(to, &mut copied)?;
                    if !progress(kind, gone_through) {
                        copied.stopped = true;
                        return Ok(copied);
                    }
                }
            }
            step.write(to, &mut copied)?;
            copied.records.insert(kind.name(), gone_through);
            if !progress(kind, gone_through) {
                copied.stopped = true;
                return Ok(copied);
            }
        }
        to.metadata.flush()?;
        Ok(copied)
    }

    /// Ends the copy into this store, once it was found to be whole.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn end_copy(&self) -> Result<(), StoreError> {
        let _guard = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        self.metadata.end_copy()
    }

    /// Adds to a step what makes the copy say what this store says. Returns whether this store has
    /// anything there.
    fn add_to(&self, step: &mut Step, pair: Pair) -> Result<bool, StoreError> {
        match pair {
            Pair::Same(_) => Ok(true),
            Pair::Extra(record) => {
                step.with.taken.push(record);
                step.extra += 1;
                Ok(false)
            }
            Pair::Missing(record) => {
                step.put(self.large_part(&record)?, record);
                Ok(true)
            }
            Pair::Different(record, there) => {
                step.with.taken.push(there);
                step.put(self.large_part(&record)?, record);
                Ok(true)
            }
        }
    }

    /// What of a record is read on its own, to the last byte.
    fn large_part(&self, record: &Record) -> Result<Option<Block>, StoreError> {
        match record {
            Record::Picture(picture) => {
                let location = self.metadata.block_location(picture.id)?;
                let location = location.ok_or(StoreError::Damaged {
                    picture: picture.id,
                })?;
                // As it is stored, in whichever layout.
                self.blocks.verify(picture.id, location).map(Some)
            }
            Record::Waiting(id) => {
                let body = self.metadata.waiting_body(*id)?;
                Ok(Some(Block::of_bytes(body)))
            }
            _ => Ok(None),
        }
    }
}

/// What is written at once.
#[derive(Default)]
struct Step {
    with: Replacement,
    bytes: usize,
    /// Records that only the copy had.
    extra: u64,
}

impl Step {
    fn put(&mut self, large: Option<Block>, record: Record) {
        self.bytes += large.as_ref().map_or(0, |large| large.len());
        self.with.put.push((record, large));
    }

    fn is_full(&self, at_once: usize) -> bool {
        let records = self.with.put.len() + self.with.taken.len();
        records >= at_once || self.bytes >= BYTES_AT_ONCE
    }

    /// Writes it, and is empty again.
    fn write(&mut self, to: &Store, copied: &mut Copied) -> Result<(), StoreError> {
        let Self { with, bytes, extra } = std::mem::take(self);
        if with.put.is_empty() && with.taken.is_empty() {
            return Ok(());
        }
        to.metadata.replace(&with, &*to.blocks)?;
        copied.written += with.put.len() as u64;
        copied.taken += extra;
        copied.bytes += bytes as u64;
        Ok(())
    }
}
