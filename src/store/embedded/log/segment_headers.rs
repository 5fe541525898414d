//! The first bytes of segments, where they are damaged: what else is known of the store says
//! which segment a file is, so that its entries are not lost with them.

use std::io;
use std::path::Path;

use super::entries::entries_in;
use super::format::{OLD_MAGIC, SEGMENT_HEADER, StoreId, parse_segment_header, segment_header};
use super::mark::Mark;
use super::segment_list::SegmentList;
use super::{ClosedSegment, FOLDER, file_name, number_of};
use crate::store::StoreError;
use crate::store::embedded::disk::{Disk, DiskFile};

/// A segment's first bytes.
type Head = [u8; SEGMENT_HEADER as usize];

/// The first bytes of a file; `None` if it is too short for a segment.
pub(super) fn read_head(file: &dyn DiskFile) -> io::Result<Option<Head>> {
    let mut head = [0; SEGMENT_HEADER as usize];
    if file.length()? < SEGMENT_HEADER {
        return Ok(None);
    }
    file.read_at(&mut head, 0)?;
    Ok(Some(head))
}

/// Whether a file begins as segments of format 3 or older do.
///
/// # Errors
/// If it cannot be read.
pub(in crate::store) fn is_old_segment(file: &dyn DiskFile) -> io::Result<bool> {
    let head = read_head(file)?;
    Ok(head.is_some_and(|head| head[..4] == OLD_MAGIC))
}

/// The numbers of the files that have a segment's name, in order.
///
/// # Errors
/// If the folder cannot be read.
pub(in crate::store) fn segment_numbers(
    disk: &dyn Disk,
    dir: &Path,
) -> Result<Vec<u32>, StoreError> {
    let folder = dir.join(FOLDER);
    let names = match disk.list(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        names => names.map_err(|error| StoreError::io(&folder, error))?,
    };
    let numbers = names.iter().filter_map(|name| {
        let number = number_of(name)?;
        (file_name(number) == *name).then_some(number)
    });
    let mut numbers: Vec<u32> = numbers.collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// The length of the first block in segments of format 3 or older; `None` if there is none.
///
/// # Errors
/// If they cannot be read.
pub(in crate::store) fn old_block_length(
    disk: &dyn Disk,
    dir: &Path,
) -> Result<Option<u64>, StoreError> {
    for number in segment_numbers(disk, dir)? {
        let path = dir.join(FOLDER).join(file_name(number));
        let head = disk.open(&path).and_then(|file| read_head(&*file));
        let head = head.map_err(|error| StoreError::io(&path, error))?;
        let length = head.filter(|head| head[..4] == OLD_MAGIC);
        let length = length.and_then(|head| head[8..16].try_into().ok());
        if length.is_some() {
            return Ok(length.map(u64::from_le_bytes));
        }
    }
    Ok(None)
}

/// Writes the headers of this store's segments anew where they are damaged. Whose a file is then
/// say the list and the mark, which name it; where the list is lost, its name alone.
///
/// # Errors
/// If the disk fails.
pub(in crate::store) fn mend_headers(
    disk: &dyn Disk,
    dir: &Path,
    store: StoreId,
) -> Result<(), StoreError> {
    let list = sound(SegmentList::read(disk, dir, store))?;
    let marked = sound(Mark::read(disk, dir, store))?;
    let marked = marked.map(|mark| mark.position.segment);
    for number in segment_numbers(disk, dir)? {
        let path = dir.join(FOLDER).join(file_name(number));
        let failed = |error| StoreError::io(&path, error);
        let file = disk.open(&path).map_err(failed)?;
        let head = read_head(&*file).map_err(failed)?;
        drop(file);
        if head.is_none_or(|head| parse_segment_header(&head).is_some()) {
            continue;
        }
        let begins_old = head.is_some_and(|head| head[..4] == OLD_MAGIC);
        let is_old = match &list {
            Some(list) if list.copying == Some(number) || list.retired.contains(&number) => {
                continue;
            }
            Some(list) => match list.closed.iter().find(|closed| closed.number == number) {
                Some(closed) => closed.is_old,
                None if list.open == number || marked == Some(number) => false,
                None => continue,
            },
            None => begins_old,
        };
        let header = segment_header(store, number);
        let right = match is_old {
            true if begins_old => continue,
            // Of its first block; the rest of that tells whether it is whole.
            true => &OLD_MAGIC[..],
            false if has_entries(disk, &path)? => &header[..],
            false => continue,
        };
        let write = || {
            let file = disk.create(&path)?;
            file.write_at(right, 0)?;
            file.sync()
        };
        write().map_err(failed)?;
        tracing::warn!(path = %path.display(), "its first bytes were damaged, and are made anew");
    }
    Ok(())
}

/// What was read of a small file, if it is there and not damaged; what cannot be read now may be
/// whole.
///
/// # Errors
/// What the system says.
pub(in crate::store) fn sound<T>(
    read: Result<Option<T>, StoreError>,
) -> Result<Option<T>, StoreError> {
    match read {
        Err(StoreError::Log { .. } | StoreError::Header { .. }) => Ok(None),
        read => read,
    }
}

/// Whether there is a sound entry in a file.
fn has_entries(disk: &dyn Disk, path: &Path) -> Result<bool, StoreError> {
    let length = disk.length(path);
    let all = ClosedSegment {
        number: 0,
        length: length.map_err(|error| StoreError::io(path, error))?,
        is_old: false,
    };
    let mut is_any = false;
    entries_in(disk, path, all, 0, &mut |entry| {
        is_any |= entry.is_ok();
        Ok(())
    })?;
    Ok(is_any)
}
