//! Where the store's files are to be: a folder or a device there is in the way.

use std::path::{Path, PathBuf};

use super::header::{COPY, FILE};
use super::lock;
use crate::store::StoreError;
use crate::store::embedded::RECORDS;
use crate::store::embedded::log::{FOLDER, LIST_FILE, MARK_FILE, number_of};

/// Refuses what is no file where the store in `dir` has one: to open a pipe waits for ever, and
/// what a folder has may be the file itself.
///
/// # Errors
/// [`StoreError::NoFile`].
pub fn check_places(dir: &Path) -> Result<(), StoreError> {
    let small = [FILE, COPY, LIST_FILE, MARK_FILE, lock::FILE];
    let mut paths: Vec<PathBuf> = small.iter().map(|file| dir.join(file)).collect();
    // A folder that cannot be listed is found out when it is used.
    let segments = std::fs::read_dir(dir.join(FOLDER)).into_iter().flatten();
    let segments = segments.filter_map(Result::ok);
    let segments = segments.filter(|it| it.file_name().to_str().and_then(number_of).is_some());
    paths.extend(segments.map(|segment| segment.path()));
    let records = walkdir::WalkDir::new(dir.join(RECORDS)).into_iter();
    let records = records
        .filter_map(Result::ok)
        .map(|entry| entry.into_path());
    paths.extend(records.filter(|path| !path.is_dir()));
    let is_other = |path: &PathBuf| path.metadata().is_ok_and(|data| !data.is_file());
    match paths.into_iter().find(is_other) {
        Some(path) => Err(StoreError::NoFile { path }),
        None => Ok(()),
    }
}
