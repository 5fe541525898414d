//! Checking a whole segment, as a copy of it is.

use std::fmt;
use std::io;
use std::path::Path;

use super::ClosedSegment;
use super::entries::{entries_in, is_whole};
use super::format::{OLD_MAGIC, SEGMENT_HEADER, StoreId, segment_header};
use crate::picture::PictureId;
use crate::store::StoreError;
use crate::store::embedded::disk::{Disk, DiskFile};

/// Bytes of the header of a block of format 3 or older.
const OLD_HEADER: u64 = 64;
/// More bytes than such a block has.
const MOST_OLD: u64 = 64 << 20;
/// Read at once where the next block is looked for.
const CHUNK: usize = 1 << 20;

/// Bytes of a segment that are not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct SegmentFlaw {
    from: u64,
    to: u64,
    /// Whose they are, where that can be read.
    picture: Option<PictureId>,
}

impl SegmentFlaw {
    /// How many bytes may be lost.
    pub(in crate::store) fn bytes(self) -> u64 {
        self.to - self.from
    }
}

impl fmt::Display for SegmentFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bytes {} to {}", self.from, self.to)?;
        match self.picture {
            Some(picture) => write!(f, " (picture {picture})"),
            None => Ok(()),
        }
    }
}

/// Reads all of a segment's file and compares it with its checksums.
///
/// # Errors
/// If it cannot be read.
pub(in crate::store) fn check_segment(
    disk: &dyn Disk,
    path: &Path,
    store: StoreId,
    segment: ClosedSegment,
) -> Result<Vec<SegmentFlaw>, StoreError> {
    let failed = |error| StoreError::io(path, error);
    let file = disk.open(path).map_err(failed)?;
    let length = file.length().map_err(failed)?.min(segment.length);
    let mut flaws = Vec::new();
    let mut flaw = |from, to, picture| flaws.push(SegmentFlaw { from, to, picture });
    if segment.is_old {
        old_flaws(&*file, length, &mut flaw).map_err(failed)?;
        if length < segment.length {
            flaw(length, segment.length, None);
        }
        return Ok(flaws);
    }
    let mut head = [0; SEGMENT_HEADER as usize];
    if length >= SEGMENT_HEADER {
        file.read_at(&mut head, 0).map_err(failed)?;
    }
    if head != segment_header(store, segment.number) {
        flaw(0, SEGMENT_HEADER, None);
    }
    entries_in(disk, path, segment, 0, &mut |entry| {
        match entry {
            Err(damage) => flaw(damage.from, damage.to, None),
            Ok(entry) => {
                if !is_whole(&*file, &entry).map_err(failed)? {
                    let from = entry.location.offset;
                    flaw(from, from + entry.length, Some(entry.picture));
                }
            }
        }
        Ok(())
    })?;
    Ok(flaws)
}

/// Finds the damaged blocks of a segment of an older format. A torn write at its end is none.
fn old_flaws(
    file: &dyn DiskFile,
    length: u64,
    flaw: &mut dyn FnMut(u64, u64, Option<PictureId>),
) -> io::Result<()> {
    let mut at = 0;
    while at + OLD_HEADER <= length {
        match old_block(file, at, length)? {
            Old::Sound(end) => at = end,
            Old::Damaged(picture, end) => {
                flaw(at, end, Some(picture));
                at = end;
            }
            found @ (Old::Torn | Old::None) => {
                let next = next_old_block(file, at + 1, length)?;
                if !(matches!(found, Old::Torn) && next == length) {
                    flaw(at, next, None);
                }
                at = next;
            }
        }
    }
    Ok(())
}

/// What there is at a place of a segment of an older format.
enum Old {
    /// A block, and where it ends.
    Sound(u64),
    /// A picture's block that is not what was written.
    Damaged(PictureId, u64),
    /// The beginning of one.
    Torn,
    /// No block.
    None,
}

fn old_block(file: &dyn DiskFile, at: u64, length: u64) -> io::Result<Old> {
    let mut header = [0; OLD_HEADER as usize];
    file.read_at(&mut header, at)?;
    let mut eight = [0; 8];
    eight.copy_from_slice(&header[8..16]);
    let block = u64::from_le_bytes(eight);
    let picture = PictureId::from_slice(&header[16..48]);
    let Some(picture) = picture.filter(|_| header[..4] == OLD_MAGIC && block <= MOST_OLD) else {
        return Ok(Old::None);
    };
    let end = at + OLD_HEADER + block;
    if end > length {
        return Ok(Old::Torn);
    }
    let mut bytes = vec![0; usize::try_from(block).map_err(io::Error::other)?];
    file.read_at(&mut bytes, at + OLD_HEADER)?;
    let is_sound = header[4..8] == crc32fast::hash(&bytes).to_le_bytes();
    // Behind a block is another one, or nothing; else its length is what is damaged.
    let is_followed = end + OLD_HEADER > length || {
        let mut magic = [0; 4];
        file.read_at(&mut magic, end)?;
        magic == OLD_MAGIC
    };
    Ok(match (is_sound, is_followed) {
        (true, _) => Old::Sound(end),
        (false, true) => Old::Damaged(picture, end),
        (false, false) => Old::None,
    })
}

/// Where the next sound block begins, or the segment ends.
fn next_old_block(file: &dyn DiskFile, from: u64, length: u64) -> io::Result<u64> {
    let mut at = from;
    let mut bytes = vec![0; CHUNK];
    while at + OLD_HEADER <= length {
        let there = CHUNK.min(usize::try_from(length - at).unwrap_or(CHUNK));
        let some = &mut bytes[..there];
        file.read_at(some, at)?;
        for (i, _) in some
            .windows(4)
            .enumerate()
            .filter(|(_, it)| **it == OLD_MAGIC)
        {
            let found = at + i as u64;
            if found + OLD_HEADER <= length
                && matches!(old_block(file, found, length)?, Old::Sound(_))
            {
                return Ok(found);
            }
        }
        at += (there - 3) as u64;
    }
    Ok(length)
}
