//! Storing and reading pictures.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use sled::transaction::{ConflictableTransactionResult, Transactional};

use super::changes::Changes;
use super::frontier::transaction_error;
use super::key::{LocationId, Sequence};
use super::record::{
    Embed, Extent, FileRecord, PictureRecord, SegmentRecord, UrlState, decode, encode,
};
use super::{Block, Lease, NEXT_SEQUENCE, Store, StoreError, UrlOutcome, now_ms};
use crate::canonical_url::CanonicalUrl;
use crate::network::{Descriptor, Embedding};
use crate::picture::{PerceptualHash, PictureId};

/// A picture with its features, ready to be stored.
#[derive(Debug)]
pub struct NewPicture {
    /// Hash of its bytes.
    pub id: PictureId,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// MIME type of the file.
    pub media_type: &'static str,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// For near copies.
    pub perceptual_hash: PerceptualHash,
    /// The pooled embedding.
    pub embedding: Embedding,
    /// What the index compares.
    pub descriptor: Descriptor,
    /// A small JPEG for result lists.
    pub thumbnail: Vec<u8>,
    /// The activations' block, in the store's layout.
    pub block: Vec<u8>,
}

/// Where bytes came from.
#[derive(Debug)]
pub enum Source {
    /// A local file.
    File {
        /// Its absolute path.
        path: PathBuf,
        /// Its size in bytes.
        bytes: u64,
        /// When it was last changed, in nanoseconds since 1970.
        modified_ns: u64,
    },
    /// A URL of the frontier.
    Url(Lease),
    /// A page that holds the bytes itself, in a `data:` URL.
    Inline {
        /// The page.
        page: CanonicalUrl,
        /// How it shows them.
        embed: Embed,
    },
    /// The store itself, which has kept them since they were fetched.
    Waiting(PictureId),
}

/// What came of bytes.
#[derive(Debug)]
pub enum PictureOutcome {
    /// A picture to be stored, unless its bytes are there already.
    Picture(Source, Box<NewPicture>),
    /// Bytes that are in the store.
    Known(Source, PictureId),
    /// Bytes that are no usable picture; nothing is kept but the URL's fate.
    Unusable(Source, UrlOutcome),
}

impl PictureOutcome {
    /// The picture, if the store had kept its bytes until now.
    fn had_waited(&self) -> Option<PictureId> {
        match self {
            Self::Picture(Source::Waiting(id), _)
            | Self::Known(Source::Waiting(id), _)
            | Self::Unusable(Source::Waiting(id), _) => Some(*id),
            _ => None,
        }
    }
}

impl Store {
    /// Stores a batch and returns once it would survive a power failure. The result says
    /// for each entry whether a new picture was stored.
    ///
    /// # Errors
    /// If the disk is full or fails. Nothing of the batch counts then; its URLs are
    /// handed out again by the next crawl.
    pub fn commit(&self, settled: Vec<PictureOutcome>) -> Result<Vec<bool>, StoreError> {
        self.check_space()?;
        self.leave_old_places(&settled)?;
        let had_waited: Vec<PictureId> = settled
            .iter()
            .filter_map(PictureOutcome::had_waited)
            .collect();
        let mut next = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changes = Changes::default();
        let mut fresh = HashSet::new();
        let mut sequence = *next;
        let mut stored = Vec::with_capacity(settled.len());
        for entry in settled {
            let is_new = match self.unless_let_go(entry)? {
                PictureOutcome::Picture(origin, picture) => {
                    let id = picture.id;
                    let is_new = !self.contains(id)? && fresh.insert(id);
                    if is_new {
                        self.add_picture(&mut changes, *picture, Sequence(sequence))?;
                        sequence += 1;
                    }
                    changes.add_place(origin, id);
                    is_new
                }
                PictureOutcome::Known(origin, id) => {
                    changes.add_place(origin, id);
                    false
                }
                PictureOutcome::Unusable(Source::Url(lease), outcome) => {
                    changes.settle(lease, outcome);
                    false
                }
                PictureOutcome::Unusable(_, _) => false,
            };
            stored.push(is_new);
        }
        changes
            .counters
            .insert(&NEXT_SEQUENCE, &Sequence(sequence).key());
        self.segments.sync()?;
        self.apply(&changes)?;
        self.db.flush()?;
        *next = sequence;
        // A crash before this leaves bytes behind that the next run lets go of.
        for id in had_waited {
            if self.contains(id)? {
                self.drop_body(id)?;
            } else {
                self.drop_unusable(id)?;
            }
        }
        tracing::debug!(
            settled = stored.len(),
            new = fresh.len(),
            "committed and flushed"
        );
        Ok(stored)
    }

    /// A picture whose last page has opted out while it was on its way is not taken.
    fn unless_let_go(&self, entry: PictureOutcome) -> Result<PictureOutcome, StoreError> {
        let (PictureOutcome::Picture(Source::Url(lease), _)
        | PictureOutcome::Known(Source::Url(lease), _)) = &entry
        else {
            return Ok(entry);
        };
        let state = self.url_record(lease.id)?.map(|record| record.state);
        Ok(match (entry, state) {
            (
                PictureOutcome::Picture(origin, _) | PictureOutcome::Known(origin, _),
                Some(UrlState::Refused(reason)),
            ) => PictureOutcome::Unusable(origin, UrlOutcome::Refused(reason)),
            (entry, _) => entry,
        })
    }

    /// A URL that gives another picture than it gave before is no place of that one.
    fn leave_old_places(&self, settled: &[PictureOutcome]) -> Result<(), StoreError> {
        for entry in settled {
            let (lease, now) = match entry {
                PictureOutcome::Picture(Source::Url(lease), picture) => (lease, Some(picture.id)),
                PictureOutcome::Known(Source::Url(lease), id) => (lease, Some(*id)),
                PictureOutcome::Unusable(Source::Url(lease), _) => (lease, None),
                _ => continue,
            };
            match (&lease.visit, now) {
                (Some(visit), Some(now)) if *now.as_bytes() != visit.content => {
                    self.leave_place(PictureId::from_bytes(visit.content), lease.id)?;
                }
                (Some(_), None) => self.forget(lease.id)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn add_picture(
        &self,
        changes: &mut Changes,
        picture: NewPicture,
        sequence: Sequence,
    ) -> Result<(), StoreError> {
        let id = picture.id;
        let (extent, segment, mut written) = self.segments.append(id, &picture.block)?;
        written.dead = self.segment_record(segment)?.dead;
        changes
            .segments
            .insert(&segment.to_be_bytes(), encode(&written));
        changes.extents.insert(id.as_bytes(), encode(&extent));
        changes
            .descriptors
            .insert(&sequence.key(), picture.descriptor.to_bytes());
        changes.thumbnails.insert(id.as_bytes(), picture.thumbnail);
        changes.sequences.insert(&sequence.key(), id.as_bytes());
        let record = PictureRecord {
            sequence: sequence.0,
            width: picture.width,
            height: picture.height,
            media_type: picture.media_type.to_owned(),
            bytes: picture.bytes,
            perceptual_hash: picture.perceptual_hash,
            first_seen: now_ms() / 1000,
        };
        changes.pictures.insert(id.as_bytes(), encode(&record));
        Ok(())
    }

    fn apply(&self, changes: &Changes) -> Result<(), StoreError> {
        let t = &self.trees;
        (
            &t.pictures,
            &t.sequences,
            &t.descriptors,
            &t.thumbnails,
            &t.extents,
            &t.segments,
            &t.places,
            &t.files,
            &t.counters,
            &t.frontier,
            &t.visits,
            &t.embeds,
        )
            .transaction(|trees| -> ConflictableTransactionResult<(), ()> {
                trees.0.apply_batch(&changes.pictures)?;
                trees.1.apply_batch(&changes.sequences)?;
                trees.2.apply_batch(&changes.descriptors)?;
                trees.3.apply_batch(&changes.thumbnails)?;
                trees.4.apply_batch(&changes.extents)?;
                trees.5.apply_batch(&changes.segments)?;
                trees.6.apply_batch(&changes.places)?;
                trees.7.apply_batch(&changes.files)?;
                trees.8.apply_batch(&changes.counters)?;
                trees.9.apply_batch(&changes.frontier)?;
                trees.10.apply_batch(&changes.visits)?;
                trees.11.apply_batch(&changes.embeds)?;
                Ok(())
            })
            .map_err(transaction_error)
    }

    pub(super) fn segment_record(&self, segment: u32) -> Result<SegmentRecord, StoreError> {
        match self.trees.segments.get(segment.to_be_bytes())? {
            Some(value) => decode("segments", &value),
            None => Ok(SegmentRecord::default()),
        }
    }

    /// Whether these bytes are stored.
    ///
    /// # Errors
    /// If sled fails.
    pub fn contains(&self, id: PictureId) -> Result<bool, StoreError> {
        Ok(self.trees.pictures.contains_key(id.as_bytes())?)
    }

    /// A picture's metadata.
    ///
    /// # Errors
    /// If sled fails or the record is unreadable.
    pub fn picture(&self, id: PictureId) -> Result<Option<PictureRecord>, StoreError> {
        let value = self.trees.pictures.get(id.as_bytes())?;
        value.map(|value| decode("pictures", &value)).transpose()
    }

    /// The picture stored at a place in the order.
    ///
    /// # Errors
    /// If sled fails or the record is unreadable.
    pub fn picture_at(&self, sequence: Sequence) -> Result<Option<PictureId>, StoreError> {
        let value = self.trees.sequences.get(sequence.key())?;
        value
            .map(|value| PictureId::from_slice(&value).ok_or(SEQUENCES))
            .transpose()
    }

    /// All pictures in the order of storing.
    pub fn pictures(
        &self,
    ) -> impl Iterator<Item = Result<(Sequence, PictureId), StoreError>> + use<> {
        self.trees.sequences.iter().map(|entry| {
            let (key, value) = entry?;
            let sequence = Sequence::from_key(&key).ok_or(SEQUENCES)?;
            Ok((sequence, PictureId::from_slice(&value).ok_or(SEQUENCES)?))
        })
    }

    /// How many pictures are stored; reads all sequence numbers.
    pub fn picture_count(&self) -> usize {
        self.trees.sequences.len()
    }

    /// The descriptors from `first` on, in the order of storing.
    pub fn descriptors(
        &self,
        first: Sequence,
    ) -> impl Iterator<Item = Result<(Sequence, Descriptor), StoreError>> + use<> {
        let dimensions = self.dimensions;
        self.trees
            .descriptors
            .range(first.key()..)
            .map(move |entry| {
                let (key, value) = entry?;
                let sequence = Sequence::from_key(&key).ok_or(DESCRIPTORS)?;
                let descriptor = Descriptor::from_bytes(&value, dimensions).ok_or(DESCRIPTORS)?;
                Ok((sequence, descriptor))
            })
    }

    /// One picture's descriptor.
    ///
    /// # Errors
    /// If sled fails or the record is missing or unreadable.
    pub fn descriptor(&self, sequence: Sequence) -> Result<Descriptor, StoreError> {
        let value = self.trees.descriptors.get(sequence.key())?;
        let value = value.ok_or(DESCRIPTORS)?;
        Descriptor::from_bytes(&value, self.dimensions).ok_or(DESCRIPTORS)
    }

    /// A picture's activations, read in place.
    ///
    /// # Errors
    /// If they are missing or not what was written.
    pub fn block(&self, id: PictureId) -> Result<Block, StoreError> {
        self.segments.read(id, self.extent(id)?)
    }

    /// Like [`Self::block`], but every byte is checked against its checksum.
    ///
    /// # Errors
    /// If they are missing or damaged.
    pub fn verified_block(&self, id: PictureId) -> Result<Block, StoreError> {
        self.segments.verify(id, self.extent(id)?)
    }

    pub(super) fn extent(&self, id: PictureId) -> Result<Extent, StoreError> {
        let value = self.trees.extents.get(id.as_bytes())?;
        decode(
            "extents",
            &value.ok_or(StoreError::Damaged { picture: id })?,
        )
    }

    /// A small JPEG of the picture, stretched to the network's input size.
    ///
    /// # Errors
    /// If sled fails.
    pub fn thumbnail(&self, id: PictureId) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self
            .trees
            .thumbnails
            .get(id.as_bytes())?
            .map(|value| value.to_vec()))
    }

    /// The picture in a local file, if the file has not changed since it was read.
    ///
    /// # Errors
    /// If sled fails or the record is unreadable.
    pub fn known_file(
        &self,
        path: &Path,
        bytes: u64,
        modified_ns: u64,
    ) -> Result<Option<PictureId>, StoreError> {
        let Some(value) = self.trees.files.get(LocationId::of_path(path).0)? else {
            return Ok(None);
        };
        let record: FileRecord = decode("files", &value)?;
        let unchanged = record.bytes == bytes && record.modified_ns == modified_ns;
        Ok(unchanged.then_some(record.picture))
    }
}

const DESCRIPTORS: StoreError = StoreError::Unreadable {
    tree: "descriptors",
};
const SEQUENCES: StoreError = StoreError::Unreadable { tree: "sequences" };
