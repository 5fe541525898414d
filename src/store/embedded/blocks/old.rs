//! Segments of older formats, whose blocks are copied into entries of their own.

use super::EmbeddedBlocks;
use crate::picture::PictureId;
use crate::store::embedded::log::ClosedSegment;
use crate::store::entry::{Entry, Section, SectionKind, overflow};
use crate::store::{EntryLocation, Metadata, Span, StoreError};

/// Blocks that are copied in one step; a block has most of a megabyte.
const AT_ONCE: usize = 16;

/// A block on its way into an entry.
pub(super) struct OldBlock {
    pub(super) picture: PictureId,
    /// Where the entry is that names it.
    pub(super) from: EntryLocation,
    pub(super) bytes: Vec<u8>,
    /// Its checksum, if they are not what it is of.
    pub(super) damaged: Option<u32>,
    /// Sections that take the place of the entry's own of their kinds.
    pub(super) changed: Vec<Section<'static>>,
}

/// Changes blocks on their way, some at once.
pub(super) type Change<'a> = &'a mut dyn FnMut(Vec<OldBlock>) -> Result<Vec<OldBlock>, StoreError>;

impl EmbeddedBlocks {
    /// Copies the living blocks of a segment of an older format into entries of their own, as `change`
    /// leaves them. Returns how many bytes they have, or `None` if it is still needed.
    pub(super) fn copy_old(
        &self,
        metadata: &dyn Metadata,
        segment: ClosedSegment,
        change: Change<'_>,
        unread: &mut Vec<String>,
    ) -> Result<Option<u64>, StoreError> {
        let mut living = Vec::new();
        for entry in metadata.block_locations() {
            let (id, from) = entry?;
            if let Some(span) = from.payload.filter(|span| span.segment == segment.number) {
                living.push((id, from, span));
            }
        }
        let (mut is_needed, mut written) = (false, 0);
        for some in living.chunks(AT_ONCE) {
            let bytes = some.iter().map(|(_, _, span)| span.length).sum();
            self.reserve.check_for(bytes)?;
            let mut blocks = Vec::new();
            for (id, from, span) in some {
                let block = match self.log.read_checked(*id, *span) {
                    // Its bytes go along, and stay damaged.
                    Err(StoreError::Damaged { picture }) => {
                        tracing::warn!(%picture, "it is damaged, and was copied as it is");
                        let bytes = self.log.read_damaged(*span);
                        bytes.map(|bytes| (bytes, Some(span.checksum)))
                    }
                    block => block.map(|bytes| (bytes, None)),
                };
                match block {
                    Ok((bytes, damaged)) => blocks.push(OldBlock {
                        picture: *id,
                        from: *from,
                        bytes,
                        damaged,
                        changed: Vec::new(),
                    }),
                    Err(error) => {
                        unread.push(format!(
                            "{}: it was left as it is, and what was removed may be in it: {error}",
                            self.log.path(segment.number).display()
                        ));
                        is_needed = true;
                    }
                }
            }
            let blocks = change(blocks)?;
            self.copy_blocks(metadata, &blocks)?;
            written += blocks
                .iter()
                .map(|block| block.bytes.len() as u64)
                .sum::<u64>();
        }
        if is_needed {
            return Ok(None);
        }
        self.log.retire(segment.number)?;
        metadata.move_entries(&[])?;
        Ok(Some(written))
    }

    /// Writes entries with their blocks for those that name them elsewhere.
    fn copy_blocks(&self, metadata: &dyn Metadata, blocks: &[OldBlock]) -> Result<(), StoreError> {
        let mut old = Vec::new();
        for block in blocks {
            let entry = self.log.entry_at(block.from.segment, block.from.offset)?;
            let thumbnail = block.from.thumbnail;
            let thumbnail = thumbnail.map(|span| self.thumbnail(block.picture, span));
            old.push((entry, thumbnail.transpose()?));
        }
        let (mut entries, mut behind) = (Vec::new(), Vec::new());
        for (block, (old, thumbnail)) in blocks.iter().zip(&old) {
            let id = block.picture;
            let mut sections = block.changed.clone();
            for (kind, bytes) in &old.sections {
                let is_changed = block.changed.iter().any(|section| section.kind == *kind);
                // Places are told as they are now: the copy is told later than what took some away.
                let is_dropped = matches!(kind, SectionKind::BlockElsewhere | SectionKind::Found);
                if !is_changed && !is_dropped {
                    sections.push(Section::of_bytes(*kind, bytes));
                }
            }
            let places = self.trees.places_of(id)?;
            let places = places.iter();
            let mut places: Vec<_> = places
                .map(|place| Section::of_record(SectionKind::Found, place))
                .collect();
            behind.extend(overflow(id, &mut places));
            sections.extend(places);
            let (thumbnail, damaged) = match thumbnail {
                Some((bytes, damaged)) => (&bytes[..], *damaged),
                None => (&[][..], None),
            };
            sections.push(Section {
                damaged,
                ..Section::of_bytes(SectionKind::Thumbnail, thumbnail)
            });
            sections.push(Section {
                damaged: block.damaged,
                ..Section::of_bytes(SectionKind::Block, &block.bytes)
            });
            entries.push(Entry {
                picture: id,
                sections,
            });
        }
        entries.extend(behind);
        let copies = self.log.append(&entries)?;
        let moved = blocks.iter().zip(copies);
        let moved: Vec<_> = moved
            .map(|(block, to)| (block.picture, block.from, to))
            .collect();
        metadata.move_entries(&moved)
    }

    /// A preview, and its checksum if it is damaged.
    fn thumbnail(
        &self,
        picture: PictureId,
        span: Span,
    ) -> Result<(Vec<u8>, Option<u32>), StoreError> {
        match self.log.read_checked(picture, span) {
            Err(StoreError::Damaged { .. }) => {
                Ok((self.log.read_damaged(span)?, Some(span.checksum)))
            }
            bytes => Ok((bytes?, None)),
        }
    }
}
