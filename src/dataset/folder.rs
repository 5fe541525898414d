//! Pictures below a folder.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::picture::looks_like_picture;

/// The pictures below a folder, sorted. What cannot be read is left out.
pub fn pictures_below(dir: &Path) -> Vec<PathBuf> {
    WalkDir::new(dir)
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .filter(|path| looks_like_picture(path))
        .collect()
}
