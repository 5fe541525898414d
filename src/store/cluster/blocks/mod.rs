//! Activations in object storage. A commit is one object, a segment, or a few; a picture's
//! activations are a range of its bytes, and are kept on this machine once they were read.

mod bucket;
mod cache;
mod segment;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use bucket::{Bucket, Listed};
use cache::Cache;
use segment::{Builder, HEADER};

use crate::picture::PictureId;
use crate::store::blocks::Conversion;
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
}

/// The live entries of a segment.
type Live = Vec<(PictureId, EntryLocation)>;

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

    /// The same with settings of S3 that come before those of the environment.
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
        })
    }

    fn put<'a>(
        &self,
        entries: impl Iterator<Item = (PictureId, Option<&'a [u8]>)>,
    ) -> Result<Vec<EntryLocation>, StoreError> {
        let mut places = Vec::new();
        let mut open: Option<Builder> = None;
        for (picture, payload) in entries {
            let mut builder = match open.take() {
                Some(builder) => builder,
                None => Builder::new((self.number)()?),
            };
            places.push(builder.add(picture, payload));
            match builder.bytes.len() < SEGMENT {
                true => open = Some(builder),
                false => self.bucket.put(builder.number(), builder.bytes)?,
            }
        }
        if let Some(builder) = open {
            self.bucket.put(builder.number(), builder.bytes)?;
        }
        Ok(places)
    }

    /// The bytes of an entry as the bucket has them, checked to the last.
    fn fetch(&self, picture: PictureId, at: &EntryLocation) -> Result<Vec<u8>, StoreError> {
        let bytes = self.bucket.read(at.segment, segment::range(at))?;
        let bytes = bytes.filter(|bytes| segment::is_entry(bytes, picture, at, true));
        bytes.ok_or(StoreError::Damaged { picture })
    }

    /// The live entries of all segments.
    fn live(&self, metadata: &dyn Metadata) -> Result<HashMap<u32, Live>, StoreError> {
        let mut live: HashMap<u32, Live> = HashMap::new();
        for entry in metadata.block_locations() {
            let (picture, at) = entry?;
            live.entry(at.segment).or_default().push((picture, at));
        }
        Ok(live)
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
        let kept = self.cache.as_ref().and_then(|cache| cache.get(&at));
        let bytes = match kept {
            Some(bytes) if segment::is_entry(&bytes, picture, &at, false) => bytes,
            _ => {
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
            && cache.get(&at).is_some_and(|kept| kept != bytes)
        {
            cache.forget(&at);
        }
        let range = HEADER..bytes.len();
        Block::new(std::sync::Arc::new(bytes), range).ok_or(StoreError::Damaged { picture })
    }

    fn compact(&self, metadata: &dyn Metadata, which: Wasteful) -> Result<Compacted, StoreError> {
        if which == Wasteful::Half && metadata.removed_since(0).is_empty() {
            // Asked after every crawl of every worker: nothing has left since this one began, and to
            // find that out by all records and objects would take long.
            return Ok(Compacted::default());
        }
        // Listed before the records are read: what is younger than the list is not in it.
        let listed = self.bucket.list()?;
        let live = self.live(metadata)?;
        let mut compacted = Compacted::default();
        for object in listed {
            let Some(number) = object.segment else {
                continue;
            };
            if self.is_young(&object) {
                continue;
            }
            let Some(live) = live.get(&number) else {
                self.bucket.delete(number)?;
                compacted.freed += object.bytes;
                continue;
            };
            let dead = object
                .bytes
                .saturating_sub(segment::bytes_of(live.iter().map(|(_, at)| at)));
            let is_wasteful = match which {
                Wasteful::Half => dead * 2 > object.bytes,
                Wasteful::Any => dead > 0,
            };
            if is_wasteful {
                let rewritten = self.rewrite(metadata, live, |_| None, &mut compacted.unread)?;
                if rewritten.is_whole {
                    self.bucket.delete(number)?;
                    compacted.freed += object.bytes.saturating_sub(rewritten.bytes);
                }
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
        let mut live = self.live(metadata)?;
        let is_of_before = |at: &EntryLocation| {
            let length = at.payload.map_or(0, |span| span.length);
            to.layouts.is_of_before(length)
        };
        let before = |live: &Live| live.iter().filter(|(_, at)| is_of_before(at)).count() as u64;
        live.retain(|_, live| before(live) > 0);
        let mut converted = Converted {
            total: live.values().map(before).sum(),
            ..Converted::default()
        };
        for (number, live) in &live {
            let bytes = segment::bytes_of(live.iter().map(|(_, at)| at));
            let change = |payload: &[u8]| to.layouts.convert(payload);
            let rewritten = self.rewrite(metadata, live, change, &mut converted.unread)?;
            if rewritten.is_whole {
                self.bucket.delete(*number)?;
                converted.freed += bytes.saturating_sub(rewritten.bytes);
            }
            converted.pictures += before(live);
            if !progress(converted.pictures, converted.total) {
                converted.stopped = true;
                return Ok(converted);
            }
        }
        converted.complete = true;
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
