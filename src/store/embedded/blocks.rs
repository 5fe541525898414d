//! Activations in the log, and the space that removed ones leave.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::files::Reserve;
use super::log::{ClosedSegment, Log, LoggedEntry, Position};
use super::records::Closing;
use super::trees::{SegmentUse, Trees, decode, numbered};
use crate::picture::PictureId;
use crate::store::entry::{Entry, LabelFact, Section, SectionKind, overflow, read_record};
use crate::store::{
    AppendEntries, Block, Blocks, Compacted, EntryLocation, LabelId, Metadata, Span, StoreError,
    Wasteful,
};

/// Blocks of older formats that are copied in one step; a block has most of a megabyte.
const AT_ONCE: usize = 16;

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
                true => self.copy_old(metadata, segment, unread)?,
                false => Some(self.rewrite(metadata, segment, unread)?),
            };
            if let Some(written) = written {
                self.trees.usage.remove(number.to_be_bytes())?;
                self.log.delete_retired()?;
                compacted.freed += segment.length.saturating_sub(written);
            }
        }
        Ok(compacted)
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

    /// Copies what lives of a segment to a new one, and returns how many bytes that has. What nobody
    /// can read goes along, and is told.
    fn rewrite(
        &self,
        metadata: &dyn Metadata,
        segment: ClosedSegment,
        unread: &mut Vec<String>,
    ) -> Result<u64, StoreError> {
        let mut rewritten = self
            .log
            .rewrite(segment, false, &mut |entry| self.lives(metadata, entry))?;
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

    /// Copies the living blocks of a segment of an older format into entries of their own. Returns
    /// how many bytes they have, or `None` if it is still needed.
    fn copy_old(
        &self,
        metadata: &dyn Metadata,
        segment: ClosedSegment,
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
            let mut sections = Vec::new();
            for (kind, bytes) in &old.sections {
                // Places are told as they are now: the copy is told later than what took some away.
                if !matches!(kind, SectionKind::BlockElsewhere | SectionKind::Found) {
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

/// A block of an older format on its way into an entry.
struct OldBlock {
    picture: PictureId,
    /// Where the entry is that names it.
    from: EntryLocation,
    bytes: Vec<u8>,
    /// Its checksum, if they are not what it is of.
    damaged: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance::fixture::{file, options, picture_id, picture_with};
    use crate::store::embedded::Embedded;
    use crate::store::leases::LEASE_TIME;
    use crate::store::{Body, PictureOutcome, Source};

    fn commit(store: &Embedded, origin: Source, n: u8) {
        let picture = picture_with(vec![n; 2000], n);
        let outcome = PictureOutcome::Picture(origin, picture);
        store.metadata.commit(vec![outcome], &store.blocks).unwrap();
    }

    fn is_whole(store: &Embedded, n: u8) -> bool {
        let location = store.metadata.block_location(picture_id(n)).unwrap();
        let block = store.blocks.verify(picture_id(n), location.unwrap());
        block.unwrap().iter().all(|byte| *byte == n)
    }

    fn segments(dir: &tempfile::TempDir) -> usize {
        let files = std::fs::read_dir(dir.path().join("activations")).unwrap();
        files.count()
    }

    #[test]
    fn a_closed_segment_is_rewritten_when_most_of_it_is_dead() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Embedded::open(dir.path(), &options(), LEASE_TIME).unwrap();
        let store = open();
        let compact = |store: &Embedded| store.blocks.compact(&store.metadata, Wasteful::Half);
        (0..4).for_each(|n| commit(&store, file(&format!("{n}.png")), n));
        store.metadata.log.close_segment().unwrap();
        commit(&store, file("4.png"), 4);
        for n in 0..2 {
            store.metadata.remove_picture(picture_id(n)).unwrap();
        }
        assert_eq!(compact(&store).unwrap().freed, 0);
        store.metadata.remove_picture(picture_id(2)).unwrap();
        assert!(compact(&store).unwrap().freed > 0);
        assert!(is_whole(&store, 3) && is_whole(&store, 4));
        drop(store);
        let store = open();
        assert!(is_whole(&store, 3) && is_whole(&store, 4));
        // One that is dead as a whole is deleted, and nothing is rewritten twice.
        store.metadata.remove_picture(picture_id(3)).unwrap();
        let before = segments(&dir);
        assert!(compact(&store).unwrap().freed > 0);
        assert_eq!(compact(&store).unwrap().freed, 0);
        assert_eq!(segments(&dir), before - 1);
    }

    #[test]
    fn kept_bytes_go_when_their_features_are_there() {
        let dir = tempfile::tempdir().unwrap();
        let store = Embedded::open(dir.path(), &options(), LEASE_TIME).unwrap();
        let bodies = (0..3).map(|n| Body {
            origin: file(&format!("{n}.png")),
            id: picture_id(n),
            bytes: vec![n; 5000],
        });
        store.metadata.keep_bodies(bodies.collect()).unwrap();
        store.metadata.log.close_segment().unwrap();
        for n in 0..3 {
            assert_eq!(
                store.metadata.waiting_body(picture_id(n)).unwrap(),
                [n; 5000]
            );
            commit(&store, Source::Waiting(picture_id(n)), n);
        }
        assert_eq!(store.metadata.waiting_count(), 0);
        let freed = store
            .blocks
            .compact(&store.metadata, Wasteful::Half)
            .unwrap()
            .freed;
        assert!(freed > 15_000, "{freed}");
        assert!((0..3).all(|n| is_whole(&store, n)));
        let provenance = store.metadata.trees.provenance(picture_id(1)).unwrap();
        assert_eq!(provenance.paths.len(), 1);
    }

    /// Where an entry lies in its file.
    fn flip(dir: &tempfile::TempDir, segment: u32, offset: u64) {
        let path = dir
            .path()
            .join(format!("activations/{segment:08}.activations"));
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[usize::try_from(offset).unwrap()] ^= 1;
        std::fs::write(path, bytes).unwrap();
    }

    #[test]
    fn what_is_removed_goes_whatever_is_damaged_beside_it() {
        for of_head in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let open = || Embedded::open(dir.path(), &options(), LEASE_TIME).unwrap();
            let store = open();
            (0..3).for_each(|n| commit(&store, file(&format!("{n}.png")), 100 + n));
            let at = |n| {
                store
                    .metadata
                    .block_location(picture_id(n))
                    .unwrap()
                    .unwrap()
            };
            let (damaged, removed) = (at(101), at(102));
            drop(store);
            let offset = match of_head {
                true => damaged.offset + 20,
                false => damaged.payload.unwrap().offset + 7,
            };
            flip(&dir, damaged.segment, offset);
            let store = open();
            assert!(store.metadata.remove_picture(picture_id(102)).unwrap());
            let compacted = store
                .blocks
                .compact(&store.metadata, Wasteful::Any)
                .unwrap();
            assert!(compacted.freed > removed.payload.unwrap().length);
            // Nobody knows what bytes without a head are of.
            assert_eq!(
                compacted.unread.len(),
                usize::from(of_head),
                "{compacted:?}"
            );
            // They are named as long as they are there, also where nothing is left to rewrite.
            assert_eq!(store.blocks.nameless().unwrap(), compacted.unread);
            let files = std::fs::read_dir(dir.path().join("activations")).unwrap();
            for file in files {
                let bytes = std::fs::read(file.unwrap().path()).unwrap();
                assert!(!bytes.windows(2000).any(|bytes| bytes == [102; 2000]));
            }
            drop(store);
            let store = open();
            assert!(is_whole(&store, 100));
            let left = store
                .metadata
                .block_location(picture_id(101))
                .unwrap()
                .unwrap();
            // It is still named as damaged.
            assert!(store.blocks.verify(picture_id(101), left).is_err());
            let repaired = {
                drop(store);
                Embedded::repair(dir.path(), &options()).unwrap()
            };
            assert_eq!(repaired.pictures, if of_head { 1 } else { 2 });
        }
    }
}
