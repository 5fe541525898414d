//! What a walk over local files asks of a store: this process's own, or one that another process
//! has open.

use std::path::Path;

use crate::ingest::{Ingest, ListedFile, Receipt};
use crate::picture::PictureId;
use crate::store::{FilePlace, FileSystemMark, FilesLeft, Store, StoreError};

/// What a walk over local files asks of a store.
pub trait FileStore: Sync {
    /// Why it does not answer.
    type Error: Send;

    /// Whether a file is known and has not changed since it was read.
    ///
    /// # Errors
    /// If the store does not answer.
    fn is_known(&self, path: &Path, bytes: u64, modified_ns: u64) -> Result<bool, Self::Error>;

    /// All local files at which pictures were found.
    ///
    /// # Errors
    /// If the store does not answer.
    fn places(&self) -> Result<Vec<FilePlace>, Self::Error>;

    /// Takes files that are gone from their pictures.
    ///
    /// # Errors
    /// If the store does not answer.
    fn drop_places(&self, places: &[FilePlace]) -> Result<FilesLeft, Self::Error>;

    /// On which file systems folders were.
    ///
    /// # Errors
    /// If the store does not answer.
    fn marks(&self) -> Result<Vec<FileSystemMark>, Self::Error>;

    /// Replaces what [`Self::marks`] gives.
    ///
    /// # Errors
    /// If the store does not answer.
    fn keep_marks(&self, marks: &[FileSystemMark]) -> Result<(), Self::Error>;

    /// Whether a picture was found at URLs, too.
    ///
    /// # Errors
    /// If the store does not answer.
    fn has_urls(&self, picture: PictureId) -> Result<bool, Self::Error>;
}

impl FileStore for Store {
    type Error = StoreError;

    fn is_known(&self, path: &Path, bytes: u64, modified_ns: u64) -> Result<bool, StoreError> {
        Ok(self.known_file(path, bytes, modified_ns)?.is_some())
    }

    fn places(&self) -> Result<Vec<FilePlace>, StoreError> {
        self.file_places().collect()
    }

    fn drop_places(&self, places: &[FilePlace]) -> Result<FilesLeft, StoreError> {
        self.drop_files(places, None)
    }

    fn marks(&self) -> Result<Vec<FileSystemMark>, StoreError> {
        self.file_systems()
    }

    fn keep_marks(&self, marks: &[FileSystemMark]) -> Result<(), StoreError> {
        self.keep_file_systems(marks)
    }

    fn has_urls(&self, picture: PictureId) -> Result<bool, StoreError> {
        Ok(!self.provenance(picture)?.urls.is_empty())
    }
}

/// What takes files in.
pub struct Intake<E> {
    /// Where files are handed in; sending waits while the queue is full, and fails once nothing can
    /// be taken in any more.
    pub jobs: async_channel::Sender<ListedFile>,
    /// What became of them. It must be drained.
    pub receipts: async_channel::Receiver<Receipt>,
    /// Lets finish what was handed in, and says what has failed.
    pub finish: Box<dyn FnOnce() -> Result<(), E> + Send>,
}

impl From<Ingest<ListedFile>> for Intake<StoreError> {
    fn from(ingest: Ingest<ListedFile>) -> Self {
        Self {
            jobs: ingest.jobs(),
            receipts: ingest.receipts(),
            finish: Box::new(move || ingest.finish()),
        }
    }
}
