//! Reading parts of entries: in place for searches, checked for everything else.

use std::collections::HashSet;
use std::io;
use std::sync::{MutexGuard, PoisonError};

use super::format::{HEADER, Header, OLD_MAGIC};
use super::{Log, Map, Mapped};
use crate::picture::PictureId;
use crate::store::{Block, EntryLocation, Span, StoreError};

impl Log {
    /// The payload of an entry, in place, if the entry is the picture's. Its checksum is compared
    /// when it is first read.
    ///
    /// # Errors
    /// If it is not there, or not what was written.
    pub(in crate::store) fn read(
        &self,
        picture: PictureId,
        at: EntryLocation,
    ) -> Result<Block, StoreError> {
        let damaged = || StoreError::Damaged { picture };
        let span = at.payload.ok_or_else(damaged)?;
        let end = span.offset.checked_add(span.length).ok_or_else(damaged)?;
        let map = self.map(span.segment, end, picture)?;
        will_need(&map, at, span);
        let bytes = (*map).as_ref();
        let is_own = match span.segment == at.segment {
            true => {
                let start = usize::try_from(at.offset).map_err(|_| damaged())?;
                let head = bytes
                    .get(start..)
                    .and_then(|rest| rest.first_chunk::<HEADER>());
                let header = head.and_then(Header::parse);
                header.is_some_and(|header| header.picture == picture)
            }
            // A block that an older version wrote, with a header of its own.
            false => {
                let start = usize::try_from(span.offset).map_err(|_| damaged())?;
                let head = start
                    .checked_sub(HEADER)
                    .and_then(|from| bytes.get(from..start));
                head.is_some_and(|head| {
                    head[..4] == OLD_MAGIC && head[16..48] == picture.as_bytes()[..]
                })
            }
        };
        if !is_own {
            return Err(damaged());
        }
        let start = usize::try_from(span.offset).map_err(|_| damaged())?;
        let end = usize::try_from(end).map_err(|_| damaged())?;
        let block = Block::new(map, start..end).ok_or_else(damaged)?;
        let is_checked = self.checked().contains(&(span.segment, span.offset));
        if !is_checked {
            if crc32fast::hash(&block) != span.checksum {
                return Err(damaged());
            }
            self.checked().insert((span.segment, span.offset));
        }
        Ok(block)
    }

    /// Has the system begin to read entries that are read soon, all of them side by side.
    pub(in crate::store) fn will_need(&self, entries: &[(PictureId, EntryLocation)]) {
        let spans = entries
            .iter()
            .filter_map(|(id, at)| Some((*id, *at, at.payload?)));
        let mut spans: Vec<_> = spans.collect();
        // As they lie on the disk.
        spans.sort_unstable_by_key(|(_, _, span)| (span.segment, span.offset));
        for spans in spans.chunk_by(|(_, _, a), (_, _, b)| a.segment == b.segment) {
            let ends = spans
                .iter()
                .map(|(_, _, span)| span.offset.saturating_add(span.length));
            let (picture, _, first) = spans[0];
            // Who reads it says what is wrong.
            if let Ok(map) = self.map(first.segment, ends.max().unwrap_or(0), picture) {
                for (_, at, span) in spans {
                    will_need(&map, *at, *span);
                }
            }
        }
    }

    fn checked(&self) -> MutexGuard<'_, HashSet<(u32, u64)>> {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of a segment, read from the disk and checked. What cannot be read now is told
    /// apart from what is damaged.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if they are not what was written, else what the system says.
    pub(in crate::store) fn read_checked(
        &self,
        picture: PictureId,
        span: Span,
    ) -> Result<Vec<u8>, StoreError> {
        let path = self.path(span.segment);
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::NotFound => {
                StoreError::Damaged { picture }
            }
            _ => StoreError::io(&path, error),
        };
        let file = self.disk.open(&path).map_err(failed)?;
        let length = file.length().map_err(failed)?;
        if span
            .offset
            .checked_add(span.length)
            .is_none_or(|end| end > length)
        {
            return Err(StoreError::Damaged { picture });
        }
        let length = usize::try_from(span.length).map_err(|_| StoreError::Damaged { picture })?;
        let mut bytes = vec![0; length];
        file.read_at(&mut bytes, span.offset).map_err(failed)?;
        match crc32fast::hash(&bytes) == span.checksum {
            true => Ok(bytes),
            false => Err(StoreError::Damaged { picture }),
        }
    }

    /// Bytes of a segment as they are, whatever their checksum; zeros behind the file's end.
    ///
    /// # Errors
    /// If they cannot be read now.
    pub(in crate::store) fn read_damaged(&self, span: Span) -> Result<Vec<u8>, StoreError> {
        let path = self.path(span.segment);
        let failed = |error| StoreError::io(&path, error);
        let mut bytes = vec![0; usize::try_from(span.length).unwrap_or(0)];
        let file = match self.disk.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(bytes),
            file => file.map_err(failed)?,
        };
        let there = file.length().map_err(failed)?.saturating_sub(span.offset);
        let there = bytes
            .len()
            .min(usize::try_from(there).unwrap_or(usize::MAX));
        file.read_at(&mut bytes[..there], span.offset)
            .map_err(failed)?;
        Ok(bytes)
    }

    /// A map of the segment that reaches at least to `end`.
    fn map(&self, segment: u32, end: u64, picture: PictureId) -> Result<Mapped, StoreError> {
        let path = self.path(segment);
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => StoreError::Damaged { picture },
            _ => StoreError::io(&path, error),
        };
        // Reading a map behind the end of its file kills the process.
        if self.disk.length(&path).map_err(failed)? < end {
            return Err(StoreError::Damaged { picture });
        }
        let mut maps = self
            .maps
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(Map(map)) = maps.get(&segment)
            && (**map).as_ref().len() as u64 >= end
        {
            return Ok(map.clone());
        }
        let file = self.disk.open(&path).map_err(failed)?;
        let map = file.map().map_err(failed)?;
        maps.insert(segment, Map(map.clone()));
        Ok(map)
    }
}

/// Has the system begin to read an entry up to the end of its payload.
fn will_need(map: &Mapped, at: EntryLocation, span: Span) {
    let begin = match at.segment == span.segment {
        true => at.offset.min(span.offset),
        false => span.offset.saturating_sub(HEADER as u64),
    };
    let end = span.offset.saturating_add(span.length);
    if let (Ok(begin), Ok(end)) = (usize::try_from(begin), usize::try_from(end))
        && end <= (**map).as_ref().len()
    {
        map.will_need(begin..end);
    }
}
