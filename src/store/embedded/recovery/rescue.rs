//! What a backup has, whatever of it is damaged or missing.

use std::io;
use std::path::Path;

use crate::store::StoreError;
use crate::store::embedded::disk::{Disk, SystemDisk};
use crate::store::embedded::files::{HEADER_FILE, Header, WITH_LOG};
use crate::store::embedded::log::{
    ClosedSegment, LIST_FILE, MARK_FILE, Mark, SegmentList, StoreId, is_old_segment,
    segment_numbers, sound,
};
use crate::store::embedded::recovery::plan::{Plan, path};

/// What a store is made of: all of a backup, or what is left of one.
pub(super) struct Rescue {
    /// `None` if it is lost: it is made anew from the log then.
    pub(super) header: Option<Header>,
    pub(super) store: StoreId,
    pub(super) list: Option<SegmentList>,
    pub(super) mark: Option<Mark>,
    pub(super) segments: Vec<ClosedSegment>,
    /// What is damaged or missing, with what is done about it.
    pub(super) damaged: Vec<String>,
}

impl Rescue {
    /// Looks at a backup.
    ///
    /// # Errors
    /// If there is none, or it cannot be read.
    pub(super) fn of(dir: &Path) -> Result<Self, StoreError> {
        match Plan::of(dir) {
            Ok(plan) => Ok(Self {
                segments: plan.segments(),
                header: Some(plan.header),
                store: plan.store,
                list: Some(plan.list),
                mark: Some(plan.mark),
                damaged: Vec::new(),
            }),
            Err(
                StoreError::Log { .. } | StoreError::Header { .. } | StoreError::NoHeader { .. },
            ) => Self::of_what_is_left(dir),
            Err(error) => Err(error),
        }
    }

    fn of_what_is_left(dir: &Path) -> Result<Self, StoreError> {
        let header = sound(Header::read_or_copy(dir))?;
        let header = header.filter(|header| header.store_id(dir).is_ok());
        if header
            .as_ref()
            .is_some_and(|header| header.format < WITH_LOG)
        {
            return Err(StoreError::Older {
                dir: dir.to_owned(),
            });
        }
        let id = header.as_ref().and_then(|it| it.store_id(dir).ok());
        let id = id.or_else(|| SegmentList::owner(&SystemDisk, dir));
        let id = id.or_else(|| Mark::owner(&SystemDisk, dir));
        // A backup gets its header last: without any of them none was ever finished.
        let store = id.ok_or_else(|| StoreError::NoBackup {
            dir: dir.to_owned(),
        })?;
        let list = sound(SegmentList::read(&SystemDisk, dir, store))?;
        let mark = sound(Mark::read(&SystemDisk, dir, store))?;
        let segments = match &list {
            Some(list) => {
                let mut segments = list.closed.clone();
                segments.extend(whole_file(dir, list.open)?);
                segments
            }
            None => all_files(dir)?,
        };
        let parts = [
            (HEADER_FILE, header.is_none(), "it is made anew"),
            (
                LIST_FILE,
                list.is_none(),
                "all segments that are there are taken",
            ),
            (
                MARK_FILE,
                mark.is_none(),
                "all that is in the segments is taken",
            ),
        ];
        let lost = parts.iter().filter(|(_, is_lost, _)| *is_lost);
        Ok(Self {
            damaged: lost
                .map(|(file, _, done)| {
                    let file = dir.join(file);
                    format!("{}: it is damaged or missing; {done}", file.display())
                })
                .collect(),
            header,
            store,
            list,
            mark,
            segments,
        })
    }
}

/// A segment as long as its file; `None` if it is not there.
fn whole_file(dir: &Path, number: u32) -> Result<Option<ClosedSegment>, StoreError> {
    let path = path(dir, number);
    let read = || {
        let file = SystemDisk.open(&path)?;
        Ok(ClosedSegment {
            number,
            length: file.length()?,
            is_old: is_old_segment(&*file)?,
        })
    };
    match read() {
        Ok(segment) => Ok(Some(segment)),
        Err(error) if io::Error::kind(&error) == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io(&path, error)),
    }
}

/// All files that have a segment's name, in order.
fn all_files(dir: &Path) -> Result<Vec<ClosedSegment>, StoreError> {
    let numbers = segment_numbers(&SystemDisk, dir)?;
    let segments = numbers
        .into_iter()
        .filter_map(|n| whole_file(dir, n).transpose());
    segments.collect()
}
