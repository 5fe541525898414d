//! What a backup is to have: the segments of a store at one moment, as far as its mark reaches.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::private_folder;
use crate::store::StoreError;
use crate::store::embedded::disk::SystemDisk;
use crate::store::embedded::files::{Header, WITH_LOG, check_places};
use crate::store::embedded::log::{
    ClosedSegment, FOLDER, LIST_FILE, MARK_FILE, Mark, Position, SegmentList, StoreId, file_name,
};

/// How often a list that changes under our hands is read again.
const TRIES: usize = 100;
const PAUSE: Duration = Duration::from_millis(50);

/// What a backup is of.
pub(super) struct Plan {
    pub(super) header: Header,
    pub(super) store: StoreId,
    pub(super) list: SegmentList,
    pub(super) mark: Mark,
}

impl Plan {
    /// Reads what a store, which may be in use, has at one moment.
    pub(super) fn of(dir: &Path) -> Result<Self, StoreError> {
        check_places(dir)?;
        let header = Header::read_or_copy(dir)?.ok_or_else(|| StoreError::NoHeader {
            dir: dir.to_owned(),
        })?;
        if header.format < WITH_LOG {
            return Err(StoreError::Older {
                dir: dir.to_owned(),
            });
        }
        let store = header.store_id(dir)?;
        let missing = |file: &str| StoreError::Log {
            path: dir.join(file),
            message: "it is missing".to_owned(),
        };
        let read_list = || {
            let list = SegmentList::read(&SystemDisk, dir, store)?;
            list.ok_or_else(|| missing(LIST_FILE))
        };
        for _ in 0..TRIES {
            let list = read_list()?;
            let mark = Mark::read(&SystemDisk, dir, store)?;
            let mark = mark.ok_or_else(|| missing(MARK_FILE))?;
            if read_list()? == list {
                return Ok(Self {
                    header,
                    store,
                    list,
                    mark,
                });
            }
            std::thread::sleep(PAUSE);
        }
        Err(StoreError::Log {
            path: dir.join(LIST_FILE),
            message: "it keeps changing; try again".to_owned(),
        })
    }

    /// The segments to copy, with the open one as far as the mark covers it.
    pub(super) fn segments(&self) -> Vec<ClosedSegment> {
        let mut segments = self.list.closed.clone();
        let Position {
            segment, length, ..
        } = self.mark.position;
        if segment == self.list.open && length > 0 {
            segments.push(ClosedSegment {
                number: segment,
                length,
                is_old: false,
            });
        }
        segments
    }
}

pub(super) fn path(dir: &Path, segment: u32) -> PathBuf {
    dir.join(FOLDER).join(file_name(segment))
}

pub(super) fn make_private(dir: &Path) -> Result<(), StoreError> {
    private_folder::create(dir).map_err(|error| StoreError::io(dir, error))
}
