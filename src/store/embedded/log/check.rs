//! Checking a whole segment, as a copy of it is.

use std::fmt;
use std::io;
use std::path::Path;

use super::ClosedSegment;
use super::entries::{entries_in, is_whole};
use super::format::{OLD_MAGIC, SEGMENT_HEADER, StoreId, segment_header};
use crate::picture::PictureId;
use crate::store::StoreError;
use crate::store::embedded::disk::{Disk, DiskFile, SystemDisk};

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
    path: &Path,
    store: StoreId,
    segment: ClosedSegment,
) -> Result<Vec<SegmentFlaw>, StoreError> {
    let failed = |error| StoreError::io(path, error);
    let file = SystemDisk.open(path).map_err(failed)?;
    let length = file.length().map_err(failed)?.min(segment.length);
    let mut flaws = Vec::new();
    let mut flaw = |from, to, picture| flaws.push(SegmentFlaw { from, to, picture });
    if segment.is_old {
        if let Some(at) = old_damage(&*file, length).map_err(failed)? {
            flaw(at, length, None);
        }
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
    entries_in(&SystemDisk, path, segment, 0, &mut |entry| {
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

/// Where a segment of an older format is damaged. A torn write at its end is none.
fn old_damage(file: &dyn DiskFile, length: u64) -> io::Result<Option<u64>> {
    let mut at = 0;
    let mut header = [0; 64];
    while at + 64 <= length {
        file.read_at(&mut header, at)?;
        let mut eight = [0; 8];
        eight.copy_from_slice(&header[8..16]);
        let block = u64::from_le_bytes(eight);
        if header[..4] != OLD_MAGIC {
            return Ok(Some(at));
        }
        let end = (at + 64).saturating_add(block);
        if end > length {
            break;
        }
        let mut bytes = vec![0; usize::try_from(block).map_err(io::Error::other)?];
        file.read_at(&mut bytes, at + 64)?;
        if header[4..8] != crc32fast::hash(&bytes).to_le_bytes() {
            return Ok(Some(at));
        }
        at = end;
    }
    Ok(None)
}
