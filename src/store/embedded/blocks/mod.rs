//! Activations in the log, and the space that removed ones leave.

mod conversion;
mod old;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::files::Reserve;
use super::log::{ClosedSegment, Decide, Fate, Log, LoggedEntry, Position};
use super::records::Closing;
use super::trees::{SegmentUse, Trees, decode, numbered};
use crate::picture::PictureId;
use crate::store::entry::{Entry, LabelFact, SectionKind, read_record};
use crate::store::keeping::Conversion;
use crate::store::{
    AppendEntries, Block, Blocks, Compacted, Converted, EntryLocation, LabelId, Metadata,
    StoreError, Wasteful,
};

/// The log as a place of activations.
pub(in crate::store) struct EmbeddedBlocks {
    pub(super) log: Arc<Log>,
    pub(super) trees: Arc<Closing<Trees>>,
    pub(super) reserve: Reserve,
}

impl AppendEntries for EmbeddedBlocks {
    fn append(&self, entries: &[Entry<'_>]) -> Result<Vec<EntryLocation>, StoreError> {
        self.log.append(entries)
    }
}

impl Blocks for EmbeddedBlocks {
    fn read(&self, picture: PictureId, at: EntryLocation) -> Result<Block, StoreError> {
        self.log.read(picture, at)
    }

    fn will_need(&self, entries: &[(PictureId, EntryLocation)]) {
        self.log.will_need(entries);
    }

    fn verify(&self, picture: PictureId, at: EntryLocation) -> Result<Block, StoreError> {
        let damaged = || StoreError::Damaged { picture };
        let entry = self.log.entry_at(at.segment, at.offset)?;
        if entry.picture != picture || entry.location != at {
            return Err(damaged());
        }
        let bytes = self
            .log
            .read_checked(picture, at.payload.ok_or_else(damaged)?)?;
        let range = 0..bytes.len();
        let block = Block::new(Arc::new(bytes), range);
        block.ok_or(StoreError::Damaged { picture })
    }

    fn compact(&self, metadata: &dyn Metadata, which: Wasteful) -> Result<Compacted, StoreError> {
        let usage = numbered::<SegmentUse>(&self.trees.usage, "usage")?;
        let mut compacted = Compacted::default();
        let is_wasteful = |number: u32| {
            let used = usage.get(&number).copied().unwrap_or_default();
            used.dead > 0 && (used.live == 0 || which == Wasteful::Any || used.dead > used.live)
        };
        if which == Wasteful::Any && is_wasteful(self.log.segments().1) {
            self.log.close_segment()?;
        }
        for segment in self.log.segments().0 {
            let number = segment.number;
            if !is_wasteful(number) {
                continue;
            }
            // Where nothing is copied this works on a full disk, too.
            if let Some(used) = usage.get(&number).filter(|used| used.live > 0) {
                let bytes = segment.length / (used.live + used.dead) * used.live;
                self.reserve.check_for(bytes)?;
            }
            let unread = &mut compacted.unread;
            let written = match segment.is_old {
                true => self.copy_old(metadata, segment, &mut |block| Ok(block), unread)?,
                false => {
                    let mut decide = |entries: &[LoggedEntry]| -> Result<Vec<Fate>, StoreError> {
                        let fates =
                            entries
                                .iter()
                                .map(|entry| match self.lives(metadata, entry)? {
                                    true => Ok(Fate::Stays),
                                    false => Ok(Fate::Gone),
                                });
                        fates.collect()
                    };
                    Some(self.rewrite(metadata, segment, &mut decide, unread)?)
                }
            };
            if let Some(written) = written {
                compacted.freed += self.give_back(segment, written)?;
            }
        }
        Ok(compacted)
    }

    fn convert(
        &self,
        metadata: &dyn Metadata,
        to: &Conversion<'_>,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Converted, StoreError> {
        self.convert_segments(metadata, to, progress)
    }

    fn nameless(&self) -> Result<Vec<String>, StoreError> {
        let mut lengths = BTreeMap::new();
        self.log.for_each_entry(Position::default(), &mut |entry| {
            if let Err(damage) = entry {
                *lengths.entry(damage.segment).or_default() += damage.to - damage.from;
            }
            Ok(())
        })?;
        let lengths = lengths.into_iter();
        Ok(lengths
            .map(|(segment, length)| self.kept(segment, length))
            .collect())
    }
}

impl EmbeddedBlocks {
    /// That damaged bytes of a segment are still there.
    fn kept(&self, segment: u32, length: u64) -> String {
        format!(
            "{}: {length} damaged bytes were kept, and what was removed may be in them; `simdex \
             repair` takes them out of the store and leaves them under another name",
            self.log.path(segment).display(),
        )
    }

    /// Deletes a segment of which what lives is elsewhere, in so many bytes. Returns how many are
    /// given back.
    fn give_back(&self, segment: ClosedSegment, written: u64) -> Result<u64, StoreError> {
        self.trees.usage.remove(segment.number.to_be_bytes())?;
        self.log.delete_retired()?;
        Ok(segment.length.saturating_sub(written))
    }

    /// Copies what `decide` keeps of a segment to a new one, and returns how many bytes that has. What
    /// nobody can read goes along, and is told.
    fn rewrite(
        &self,
        metadata: &dyn Metadata,
        segment: ClosedSegment,
        decide: Decide<'_>,
        unread: &mut Vec<String>,
    ) -> Result<u64, StoreError> {
        let mut rewritten = self.log.rewrite(segment, false, decide)?;
        for picture in &rewritten.damaged {
            tracing::warn!(%picture, "it is damaged, and was copied as it is");
        }
        let regions = &rewritten.unreadable;
        if let Some(to) = rewritten.to.filter(|_| !regions.is_empty()) {
            let length = regions.iter().map(|region| region.length).sum();
            unread.push(self.kept(to, length));
            // The records know of what they were.
            for entry in metadata.block_locations() {
                let (id, from) = entry?;
                if from.segment == segment.number {
                    let moved = regions.iter().find_map(|region| region.moved(from, to));
                    rewritten.moved.extend(moved.map(|to| (id, from, to)));
                }
            }
        }
        metadata.move_entries(&rewritten.moved)?;
        Ok(rewritten.length)
    }

    /// Whether an entry still says something.
    fn lives(&self, metadata: &dyn Metadata, entry: &LoggedEntry) -> Result<bool, StoreError> {
        let id = entry.picture;
        let is_picture = entry.section(SectionKind::Record).is_some();
        if is_picture || entry.location.payload.is_some() {
            let waiting = self.trees.waiting.get(id.as_bytes())?;
            let waiting = waiting.map(|value| decode("waiting", &value)).transpose()?;
            let known = metadata.block_location(id)?.or(waiting);
            return Ok(known == Some(entry.location));
        }
        if let Some(fact) = entry.section(SectionKind::Label) {
            let fact: LabelFact = read_record(fact)?;
            // What was taken back may still be said elsewhere in the log.
            return Ok(fact.label.is_none() || metadata.label(LabelId(fact.id))? == fact.label);
        }
        let of_picture = [SectionKind::Found, SectionKind::Lost];
        let is_of_picture = of_picture.iter().any(|kind| entry.section(*kind).is_some());
        Ok(!is_of_picture || metadata.contains(id)? || metadata.waits(id)?)
    }
}

#[cfg(test)]
mod tests;
