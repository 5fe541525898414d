//! The local files that a store knows, as a trait: where pictures were found, what left, what is
//! not to come back, and on which file systems folders were.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Listing, StoreError};
use crate::local_path::LocalPath;
use crate::picture::PictureId;

/// A local file at which a picture was found.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FilePlace {
    /// The picture.
    pub picture: PictureId,
    /// The file's absolute path.
    pub path: LocalPath,
    /// Whether the file still had these bytes when it was read last.
    pub is_current: bool,
}

/// On which file system a folder was when files below it were read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileSystemMark {
    /// The folder's absolute path: one that was added, or one below it on another file system.
    pub folder: LocalPath,
    /// What tells the file system from others.
    pub file_system: String,
}

/// What leaves with files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FilesLeft {
    /// Files that are no place of a picture any more.
    pub files: u64,
    /// Pictures that went with them: they are known from nowhere else.
    pub pictures: u64,
}

/// What is known of local files.
pub trait Files: Send + Sync {
    /// The picture in a local file, if the file has not changed since it was read.
    ///
    /// # Errors
    /// If the store fails or the record is unreadable.
    fn known_file(
        &self,
        path: &Path,
        bytes: u64,
        modified_ns: u64,
    ) -> Result<Option<PictureId>, StoreError>;

    /// All local files at which pictures were found; the files of one picture together.
    fn file_places(&self) -> Listing<'_, FilePlace>;

    /// Takes files from their pictures, and pictures out that are known from nowhere else. With
    /// `by_word` somebody has said so, of a file or of all below a folder: they do not come back
    /// until [`Self::take_back_file`].
    ///
    /// # Errors
    /// If the disk is full or fails, or a record is unreadable.
    fn drop_files(
        &self,
        places: &[FilePlace],
        by_word: Option<&Path>,
    ) -> Result<FilesLeft, StoreError>;

    /// Whether somebody has said that a picture is not to be taken from a file: of the picture, of
    /// the file with these bytes, or of all below a folder. Gives the file or folder that was
    /// named; an empty path if it was the picture.
    ///
    /// # Errors
    /// If the store fails or the record is unreadable.
    fn removed_file(
        &self,
        picture: PictureId,
        path: &Path,
    ) -> Result<Option<LocalPath>, StoreError>;

    /// Lets a picture be taken from a file again.
    ///
    /// # Errors
    /// If the disk is full or fails.
    fn take_back_file(&self, picture: PictureId, path: &Path) -> Result<(), StoreError>;

    /// On which file systems folders were, sorted by their paths.
    ///
    /// # Errors
    /// If the store fails or the record is unreadable.
    fn file_systems(&self) -> Result<Vec<FileSystemMark>, StoreError>;

    /// Replaces what [`Self::file_systems`] gives.
    ///
    /// # Errors
    /// If the disk is full or fails.
    fn keep_file_systems(&self, marks: &[FileSystemMark]) -> Result<(), StoreError>;
}
