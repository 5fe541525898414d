//! Activations in the log, and the space that removed ones leave.

use std::sync::Arc;

use super::files::Reserve;
use super::log::{ClosedSegment, Log, LoggedEntry};
use super::trees::{SegmentUse, Trees, decode, location_key, numbered};
use crate::picture::PictureId;
use crate::store::entry::{Entry, Found, Section, SectionKind, read_record};
use crate::store::{AppendEntries, Block, Blocks, EntryLocation, Metadata, StoreError, Wasteful};

/// The log as a place of activations.
pub(in crate::store) struct EmbeddedBlocks {
    pub(super) log: Arc<Log>,
    pub(super) trees: Arc<Trees>,
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

    fn compact(&self, metadata: &dyn Metadata, which: Wasteful) -> Result<u64, StoreError> {
        let usage = numbered::<SegmentUse>(&self.trees.usage, "usage")?;
        let mut freed = 0;
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
            if usage.get(&number).is_some_and(|used| used.live > 0) {
                self.reserve.check()?;
            }
            let dropped = match segment.is_old {
                true => self.copy_old(metadata, segment)?,
                false => self.rewrite(metadata, segment)?,
            };
            if dropped {
                self.trees.usage.remove(number.to_be_bytes())?;
                self.log.delete_retired()?;
                freed += segment.length;
            }
        }
        Ok(freed)
    }
}

impl EmbeddedBlocks {
    /// Copies what lives of a segment to a new one. Returns whether the old one is not needed
    /// any more.
    fn rewrite(&self, metadata: &dyn Metadata, segment: ClosedSegment) -> Result<bool, StoreError> {
        let rewritten = self
            .log
            .rewrite(segment, &mut |entry| self.lives(metadata, entry))?;
        let Some(rewritten) = rewritten else {
            return Ok(false);
        };
        metadata.move_entries(&rewritten.moved)?;
        Ok(true)
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
        let of_picture = [SectionKind::Found, SectionKind::Lost];
        let is_of_picture = of_picture.iter().any(|kind| entry.section(*kind).is_some());
        Ok(!is_of_picture || metadata.contains(id)? || metadata.waits(id)?)
    }

    /// Copies the living blocks of a segment of an older format into entries of their own.
    /// Returns whether it is not needed any more.
    fn copy_old(
        &self,
        metadata: &dyn Metadata,
        segment: ClosedSegment,
    ) -> Result<bool, StoreError> {
        let mut is_needed = false;
        for entry in metadata.block_locations() {
            let (id, from) = entry?;
            let Some(span) = from.payload.filter(|span| span.segment == segment.number) else {
                continue;
            };
            self.reserve.check()?;
            let block = match self.log.read_checked(id, span) {
                Ok(block) => block,
                Err(error) => {
                    tracing::warn!(%error, "a damaged segment is left as it is");
                    is_needed = true;
                    continue;
                }
            };
            let old = self.log.entry_at(from.segment, from.offset)?;
            let mut sections = Vec::new();
            for (kind, bytes) in &old.sections {
                if self.is_still_so(id, *kind, bytes)? {
                    sections.push(Section::of_bytes(*kind, bytes));
                }
            }
            let thumbnail = from.thumbnail.map(|span| self.log.read_checked(id, span));
            let thumbnail = thumbnail.transpose()?.unwrap_or_default();
            sections.push(Section::of_bytes(SectionKind::Thumbnail, &thumbnail));
            sections.push(Section::of_bytes(SectionKind::Block, &block));
            let copy = Entry {
                picture: id,
                sections,
            };
            for to in self.log.append(&[copy])? {
                metadata.move_entries(&[(id, from, to)])?;
            }
        }
        if !is_needed {
            self.log.retire(segment.number)?;
            metadata.move_entries(&[])?;
        }
        Ok(!is_needed)
    }

    /// Whether a section of an entry belongs into a copy that is told later.
    fn is_still_so(
        &self,
        id: PictureId,
        kind: SectionKind,
        bytes: &[u8],
    ) -> Result<bool, StoreError> {
        Ok(match kind {
            SectionKind::BlockElsewhere => false,
            SectionKind::Found => {
                let found: Found = read_record(bytes)?;
                let key = location_key(id, found.id());
                self.trees.places.contains_key(key)?
            }
            _ => true,
        })
    }
}
