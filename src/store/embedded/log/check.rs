//! Checking a whole segment, as a copy of it is.

use std::io;
use std::path::Path;

use super::ClosedSegment;
use super::entries::{is_whole, read_entry};
use super::format::{OLD_MAGIC, SEGMENT_HEADER, StoreId, segment_header};
use crate::store::StoreError;
use crate::store::embedded::disk::{Disk, DiskFile, SystemDisk};

/// Reads all of a segment's file and compares it with its checksums.
///
/// # Errors
/// If it is damaged, of another store, or cannot be read.
pub(in crate::store) fn check_segment(
    path: &Path,
    store: StoreId,
    segment: ClosedSegment,
) -> Result<(), StoreError> {
    let failed = |error| StoreError::io(path, error);
    let wrong = |at: u64| StoreError::Log {
        path: path.to_owned(),
        message: format!("it is damaged at byte {at}"),
    };
    let file = SystemDisk.open(path).map_err(failed)?;
    if file.length().map_err(failed)? < segment.length {
        return Err(wrong(segment.length));
    }
    if segment.is_old {
        return match old_damage(&*file, segment.length).map_err(failed)? {
            Some(at) => Err(wrong(at)),
            None => Ok(()),
        };
    }
    let mut head = [0; SEGMENT_HEADER as usize];
    file.read_at(&mut head, 0).map_err(failed)?;
    if head != segment_header(store, segment.number) {
        return Err(wrong(0));
    }
    let mut at = SEGMENT_HEADER;
    while at < segment.length {
        let entry = read_entry(&*file, segment.number, at, segment.length).map_err(failed)?;
        let entry = entry.ok_or_else(|| wrong(at))?;
        if !is_whole(&*file, &entry).map_err(failed)? {
            return Err(wrong(at));
        }
        at += entry.length;
    }
    Ok(())
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
