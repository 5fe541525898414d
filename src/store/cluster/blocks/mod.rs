//! Activations in object storage. A commit is one object, a segment, or a few; a picture's
//! activations are a range of its bytes, and are kept on this machine once they were read.

mod bucket;
mod cache;
mod live;
mod owner;
mod place;
mod segment;
#[cfg(test)]
mod tests;
mod tidying;

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use bucket::{Bucket, Listed, PutPayload};
use cache::Cache;
use live::Live;
pub(super) use owner::Past;
use segment::{Builder, HEADER};
use tidying::Tidying;

use crate::picture::PictureId;
use crate::store::keeping::Conversion;
use crate::store::{
    AppendEntries, Block, Blocks, Compacted, Converted, Entry, EntryLocation, Metadata, StoreError,
    Wasteful, now_ms,
};

/// A segment is closed when it has so many bytes.
const SEGMENT: usize = 64 << 20;

/// Activations in a bucket.
pub(super) struct ObjectBlocks {
    bucket: Bucket,
    cache: Option<Cache>,
    /// Gives a number that no segment has had.
    number: Box<dyn Fn() -> Result<u32, StoreError> + Send + Sync>,
    /// Segments that are younger are left alone: what was appended to them by others may not be in
    /// the records yet.
    grace: Duration,
    tidying: Tidying,
}

impl ObjectBlocks {
    /// Opens the bucket that `url` names. What is read is kept in `cache`, a folder and the most
    /// bytes in it.
    pub(super) fn open(
        url: &str,
        cache: Option<(&Path, u64)>,
        grace: Duration,
        number: Box<dyn Fn() -> Result<u32, StoreError> + Send + Sync>,
    ) -> Result<Self, StoreError> {
        Self::open_with(url, &[], cache, grace, number)
    }

    /// The same with settings of the bucket that come before those of the environment.
    pub(super) fn open_with(
        url: &str,
        settings: &[(&str, &str)],
        cache: Option<(&Path, u64)>,
        grace: Duration,
        number: Box<dyn Fn() -> Result<u32, StoreError> + Send + Sync>,
    ) -> Result<Self, StoreError> {
        let cache = cache
            .map(|(dir, most)| Cache::open(dir, most))
            .transpose()?;
        Ok(Self {
            bucket: Bucket::open(url, settings)?,
            cache,
            number,
            grace,
            tidying: Tidying::default(),
        })
    }

    fn put<'a>(
        &self,
        entries: impl Iterator<Item = (PictureId, Option<&'a [u8]>)>,
    ) -> Result<Vec<EntryLocation>, StoreError> {
        let mut places = Vec::new();
        let mut open: Option<Builder> = None;
        // Where the entries of the open segment begin.
        let mut first = 0;
        for (picture, payload) in entries {
            let mut builder = match open.take() {
                Some(builder) => builder,
                None => Builder::new((self.number)()?),
            };
            places.push(builder.add(picture, payload));
            match builder.bytes.len() < SEGMENT {
                true => open = Some(builder),
                false => {
                    self.close(builder, &mut places[first..])?;
                    first = places.len();
                }
            }
        }
        if let Some(builder) = open {
            self.close(builder, &mut places[first..])?;
        }
        Ok(places)
    }

    /// Writes a segment, with another number where its own is taken: numbers begin again when the
    /// database is that of an older backup.
    fn close(&self, builder: Builder, places: &mut [EntryLocation]) -> Result<(), StoreError> {
        let mut number = builder.number();
        let bytes = PutPayload::from(builder.bytes);
        while !self.bucket.create(number, &bytes)? {
            number = (self.number)()?;
            while self.bucket.has(number)? {
                number = (self.number)()?;
            }
            for at in &mut *places {
                segment::renumber(at, number);
            }
        }
        Ok(())
    }

    /// The bytes of an entry as the bucket has them, checked to the last.
    fn fetch(&self, picture: PictureId, at: &EntryLocation) -> Result<Vec<u8>, StoreError> {
        let bytes = self.bucket.read(at.segment, segment::range(at))?;
        let bytes = bytes.filter(|bytes| segment::is_entry(bytes, picture, at, true));
        bytes.ok_or(StoreError::Damaged { picture })
    }

    /// Gives back what no record names of segments that are old enough.
    fn compact_now(
        &self,
        metadata: &dyn Metadata,
        which: Wasteful,
    ) -> Result<Compacted, StoreError> {
        // Listed before the records are read: what is younger than the list is not in it.
        let listed = self.bucket.list()?;
        let shares = live::shares(metadata, |_| true)?;
        let mut compacted = Compacted::default();
        let mut wasteful: HashMap<u32, u64> = HashMap::new();
        for object in listed {
            let Some(number) = object.segment else {
                continue;
            };
            let share = shares.get(&number).copied().unwrap_or_default();
            let dead = object.bytes.saturating_sub(segment::OWN + share.bytes);
            let is_wasteful = match which {
                _ if share.entries == 0 => true,
                Wasteful::Half => dead * 2 > object.bytes,
                Wasteful::Any => dead > 0,
            };
            if is_wasteful && self.is_young(&object) {
                self.tidying.again_after(self.grace);
            } else if is_wasteful {
                wasteful.insert(number, object.bytes);
            }
        }
        let segments: Vec<u32> = wasteful.keys().copied().collect();
        let entries = |segment: u32| shares.get(&segment).map_or(0, |share| share.entries);
        live::for_each(metadata, &segments, entries, |number, live| {
            let rewritten = self.rewrite(metadata, live, |_| None, &mut compacted.unread)?;
            if rewritten.is_whole {
                self.bucket.delete(number)?;
                compacted.freed += wasteful[&number].saturating_sub(rewritten.bytes);
            }
            Ok(true)
        })?;
        Ok(compacted)
    }

    /// Writes some entries anew, tells `metadata` where they are then, and gives the bytes that
    /// they take there. Those that cannot be read stay where they are.
    fn rewrite(
        &self,
        metadata: &dyn Metadata,
        live: &Live,
        change: impl Fn(&[u8]) -> Option<Vec<u8>>,
        unread: &mut Vec<String>,
    ) -> Result<Rewritten, StoreError> {
        let mut entries = Vec::with_capacity(live.len());
        let mut is_whole = true;
        for (picture, at) in live {
            match self.fetch(*picture, at) {
                Ok(bytes) => {
                    let payload = &bytes[HEADER..];
                    let payload = change(payload).unwrap_or_else(|| payload.to_vec());
                    entries.push((*picture, *at, payload));
                }
                // Another has moved it meanwhile.
                Err(StoreError::Damaged { .. })
                    if metadata.block_location(*picture)? != Some(*at) => {}
                Err(StoreError::Damaged { picture }) => {
                    is_whole = false;
                    unread.push(format!("the activations of picture {picture} are damaged"));
                }
                Err(error) => return Err(error),
            }
        }
        let payloads = entries
            .iter()
            .map(|(picture, _, payload)| (*picture, Some(&payload[..])));
        let places = self.put(payloads)?;
        let bytes = segment::bytes_of(places.iter());
        let moves = entries
            .iter()
            .zip(&places)
            .map(|((picture, from, _), to)| (*picture, *from, *to));
        let moves: Vec<_> = moves.collect();
        metadata.move_entries(&moves)?;
        Ok(Rewritten {
            is_whole,
            bytes: if places.is_empty() { 0 } else { bytes },
        })
    }

    fn is_young(&self, listed: &Listed) -> bool {
        let grace_ms = i64::try_from(self.grace.as_millis()).unwrap_or(i64::MAX);
        now_ms().cast_signed() - listed.written_ms < grace_ms
    }
}

/// What writing a segment's entries anew came to.
struct Rewritten {
    /// Whether nothing of the old one is needed any more.
    is_whole: bool,
    bytes: u64,
}

impl AppendEntries for ObjectBlocks {
    fn append(&self, entries: &[Entry<'_>]) -> Result<Vec<EntryLocation>, StoreError> {
        let entries = entries.iter();
        self.put(entries.map(|entry| (entry.picture, segment::payload(entry))))
    }
}

impl Blocks for ObjectBlocks {
    fn read(&self, picture: PictureId, at: EntryLocation) -> Result<Block, StoreError> {
        let kept = self.cache.as_ref().and_then(|cache| {
            // Thoroughly once in a process: what lies on a disk may change.
            let (bytes, is_checked) = cache.get(&at)?;
            let is_whole = segment::is_entry(&bytes, picture, &at, !is_checked);
            is_whole.then(|| {
                cache.note_checked(&at);
                bytes
            })
        });
        let bytes = match kept {
            Some(bytes) => bytes,
            None => {
                let bytes = self.fetch(picture, &at)?;
                if let Some(cache) = &self.cache {
                    cache.put(&at, &bytes);
                }
                bytes
            }
        };
        let range = HEADER..bytes.len();
        Block::new(std::sync::Arc::new(bytes), range).ok_or(StoreError::Damaged { picture })
    }

    fn verify(&self, picture: PictureId, at: EntryLocation) -> Result<Block, StoreError> {
        let bytes = self.fetch(picture, &at)?;
        if let Some(cache) = &self.cache
            && cache.get(&at).is_some_and(|(kept, _)| kept != bytes)
        {
            cache.forget(&at);
        }
        let range = HEADER..bytes.len();
        Block::new(std::sync::Arc::new(bytes), range).ok_or(StoreError::Damaged { picture })
    }

    fn compact(&self, metadata: &dyn Metadata, which: Wasteful) -> Result<Compacted, StoreError> {
        // Asked after every crawl of every worker.
        if which == Wasteful::Half && !self.tidying.is_due(metadata) {
            return Ok(Compacted::default());
        }
        let compacted = self.compact_now(metadata, which);
        if compacted.is_err() {
            self.tidying.again_after(Duration::ZERO);
        }
        compacted
    }

    fn convert(
        &self,
        metadata: &dyn Metadata,
        to: &Conversion<'_>,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Converted, StoreError> {
        let is_of_before = |at: &EntryLocation| {
            let length = at.payload.map_or(0, |span| span.length);
            to.layouts.is_of_before(length)
        };
        let shares = live::shares(metadata, is_of_before)?;
        let mut converted = Converted {
            total: shares.values().map(|share| share.entries as u64).sum(),
            ..Converted::default()
        };
        let segments: Vec<u32> = shares.keys().copied().collect();
        let entries = |segment: u32| shares[&segment].entries;
        live::for_each(metadata, &segments, entries, |number, live| {
            let bytes = segment::bytes_of(live.iter().map(|(_, at)| at));
            let change = |payload: &[u8]| to.layouts.convert(payload);
            let rewritten = self.rewrite(metadata, live, change, &mut converted.unread)?;
            if rewritten.is_whole {
                self.bucket.delete(number)?;
                converted.freed += bytes.saturating_sub(rewritten.bytes);
            }
            converted.pictures += live.iter().filter(|(_, at)| is_of_before(at)).count() as u64;
            converted.stopped = !progress(converted.pictures, converted.total);
            Ok(!converted.stopped)
        })?;
        converted.complete = !converted.stopped;
        Ok(converted)
    }

    fn nameless(&self) -> Result<Vec<String>, StoreError> {
        let listed = self.bucket.list()?.into_iter();
        let unknown = listed.filter(|object| object.segment.is_none());
        Ok(unknown
            .map(|object| format!("{} is no segment", object.name))
            .collect())
    }
}
