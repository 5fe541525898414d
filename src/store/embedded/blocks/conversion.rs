//! Writing blocks in another layout, segment by segment.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::EmbeddedBlocks;
use super::old::OldBlock;
use crate::picture::PictureId;
use crate::store::embedded::log::{ClosedSegment, Fate, LoggedEntry};
use crate::store::entry::{DescriptorSection, Section, SectionKind, read_record};
use crate::store::keeping::Conversion;
use crate::store::{Converted, Metadata, Sequence, StoreError};

/// What of a segment is to get another layout.
#[derive(Debug, Clone, Copy, Default)]
struct Due {
    blocks: u64,
    bytes: u64,
    /// Bytes that they have then.
    after: u64,
}

/// Tells how far it came, and whether to go on.
struct Steps<'a> {
    done: u64,
    total: u64,
    progress: &'a mut dyn FnMut(u64, u64) -> bool,
}

impl Steps<'_> {
    fn add(&mut self, pictures: usize) -> Result<(), StoreError> {
        self.done += pictures as u64;
        match (self.progress)(self.done, self.total) {
            true => Ok(()),
            false => Err(StoreError::Stopped),
        }
    }
}

impl EmbeddedBlocks {
    pub(super) fn convert_segments(
        &self,
        metadata: &dyn Metadata,
        to: &Conversion<'_>,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Converted, StoreError> {
        let mut due: BTreeMap<u32, Due> = BTreeMap::new();
        for entry in to.locations(metadata) {
            let (id, location) = entry?;
            let Some(span) = location.payload else {
                continue;
            };
            if let Some(layout) = to.target(metadata, id, span.length)? {
                let segment = due.entry(span.segment).or_default();
                segment.blocks += 1;
                segment.bytes += span.length;
                segment.after += layout.block_len() as u64;
            }
        }
        let mut steps = Steps {
            done: 0,
            total: due.values().map(|segment| segment.blocks).sum(),
            progress,
        };
        let mut converted = Converted {
            total: steps.total,
            complete: true,
            ..Converted::default()
        };
        if due.contains_key(&self.log.segments().1) {
            self.log.close_segment()?;
        }
        for segment in self.log.segments().0 {
            let Some(due) = due.get(&segment.number) else {
                continue;
            };
            let before = steps.done;
            let unread = &mut converted.unread;
            match self.convert_segment(metadata, to, segment, *due, &mut steps, unread) {
                Ok(Some(freed)) => converted.freed += freed,
                // Not all of it can be read now.
                Ok(None) => converted.complete = false,
                Err(StoreError::Stopped) => {
                    (converted.stopped, converted.complete) = (true, false);
                    // The copy of a segment counts as a whole.
                    steps.done = if segment.is_old { steps.done } else { before };
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        converted.pictures = steps.done;
        Ok(converted)
    }

    /// Converts the blocks of one segment, and returns how many bytes that gives back; `None` if it is
    /// still needed.
    fn convert_segment(
        &self,
        metadata: &dyn Metadata,
        to: &Conversion<'_>,
        segment: ClosedSegment,
        due: Due,
        steps: &mut Steps<'_>,
        unread: &mut Vec<String>,
    ) -> Result<Option<u64>, StoreError> {
        let rest = segment.length.saturating_sub(due.bytes);
        self.reserve.check_for(rest + due.after)?;
        let written = if segment.is_old {
            let mut change = |blocks: Vec<OldBlock>| -> Result<Vec<OldBlock>, StoreError> {
                let changed = blocks.into_par_iter();
                let changed = changed.map(|block| self.converted_old(metadata, to, block));
                let changed = changed.collect::<Result<Vec<_>, StoreError>>()?;
                let count = changed.iter().filter(|(_, is_changed)| *is_changed).count();
                let goes_on = steps.add(count);
                if goes_on.is_err() {
                    // They are not written.
                    steps.done -= count as u64;
                }
                goes_on?;
                Ok(changed.into_iter().map(|(block, _)| block).collect())
            };
            self.copy_old(metadata, segment, &mut change, unread)?
        } else {
            let mut decide = |entries: &[LoggedEntry]| -> Result<Vec<Fate>, StoreError> {
                let fates = entries.par_iter();
                let fates = fates.map(|entry| match self.lives(metadata, entry)? {
                    true => self.converted_entry(metadata, to, entry),
                    false => Ok(Fate::Gone),
                });
                let fates = fates.collect::<Result<Vec<_>, StoreError>>()?;
                let is_changed = |fate: &&Fate| matches!(fate, Fate::Changed(_));
                steps.add(fates.iter().filter(is_changed).count())?;
                Ok(fates)
            };
            Some(self.rewrite(metadata, segment, &mut decide, unread)?)
        };
        let freed = written.map(|written| self.give_back(segment, written));
        freed.transpose()
    }

    /// What becomes of an entry that stays. A damaged block stays as it is, for `verify` to name.
    fn converted_entry(
        &self,
        metadata: &dyn Metadata,
        to: &Conversion<'_>,
        entry: &LoggedEntry,
    ) -> Result<Fate, StoreError> {
        let is_picture = entry.section(SectionKind::Record).is_some();
        let span = entry.location.payload.filter(|span| {
            let is_own = span.segment == entry.location.segment;
            is_picture && is_own
        });
        let id = entry.picture;
        let Some(span) = span else {
            return Ok(Fate::Stays);
        };
        if to.target(metadata, id, span.length)?.is_none() {
            return Ok(Fate::Stays);
        }
        let block = match self.log.read_checked(id, span) {
            Err(StoreError::Damaged { .. }) => return Ok(Fate::Stays),
            block => block?,
        };
        let Some(block) = to.convert(metadata, id, &block)? else {
            return Ok(Fate::Stays);
        };
        let mut sections = described_now(metadata, to, entry)?;
        sections.push(Section::of_owned(SectionKind::Block, block));
        Ok(Fate::Changed(sections))
    }

    /// The same of a block of an older format. Says whether it is changed.
    fn converted_old(
        &self,
        metadata: &dyn Metadata,
        to: &Conversion<'_>,
        block: OldBlock,
    ) -> Result<(OldBlock, bool), StoreError> {
        let converted = match block.damaged {
            Some(_) => None,
            None => to.convert(metadata, block.picture, &block.bytes)?,
        };
        let Some(bytes) = converted else {
            return Ok((block, false));
        };
        let entry = self.log.entry_at(block.from.segment, block.from.offset)?;
        let changed = OldBlock {
            bytes,
            changed: described_now(metadata, to, &entry)?,
            ..block
        };
        Ok((changed, true))
    }
}

/// How the picture of an entry is described and how it looks, where the entry says it in another way
/// than the store does: what is left of the picture cannot tell it any more.
fn described_now(
    metadata: &dyn Metadata,
    to: &Conversion<'_>,
    entry: &LoggedEntry,
) -> Result<Vec<Section<'static>>, StoreError> {
    let says = |kind: SectionKind, id: &str| -> Result<bool, StoreError> {
        let section = entry.section(kind);
        let section: Option<DescriptorSection<'_>> = section.map(read_record).transpose()?;
        Ok(section.is_some_and(|section| section.id == id))
    };
    let number = |id: PictureId| -> Result<Sequence, StoreError> {
        let record = metadata.picture(id)?;
        let record = record.ok_or(StoreError::Unreadable { tree: "pictures" })?;
        Ok(Sequence(record.sequence))
    };
    let section = |kind, id: &str, values| {
        let section = DescriptorSection {
            id: id.into(),
            values,
        };
        Section::of_record(kind, &section)
    };
    let mut sections = Vec::new();
    if !says(SectionKind::Descriptor, to.descriptor)? {
        let descriptor = metadata.descriptor(number(entry.picture)?)?.to_bytes();
        sections.push(section(SectionKind::Descriptor, to.descriptor, descriptor));
    }
    if let Some(id) = to.look
        && !says(SectionKind::Look, id)?
        && let Some(look) = metadata.look(number(entry.picture)?)?
    {
        sections.push(section(SectionKind::Look, id, look.bytes().to_vec()));
    }
    Ok(sections)
}
