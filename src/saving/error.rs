//! Why pictures cannot be saved.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::table::TableError;

/// Pictures cannot be saved, or not be read back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SaveError {
    /// The file system failed.
    #[error("{path}: {source}{}", hint(source))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder is something else.
    #[error(
        "{dir} has something in it that is no dataset of simdex: name an empty folder, a new one, or one that `--save` or `--files` has made"
    )]
    NotEmpty {
        /// The folder.
        dir: PathBuf,
    },
    /// There is no dataset in the folder.
    #[error("there is no dataset in {dir}: name a folder that `--save` or `--files` has made")]
    Missing {
        /// The folder.
        dir: PathBuf,
    },
    /// It was made by a newer simdex.
    #[error("the dataset in {dir} was made by a newer simdex; use that one, or another folder")]
    Newer {
        /// The folder.
        dir: PathBuf,
    },
    /// Its files are laid out in another way.
    #[error("the dataset in {dir} is laid out as {is}: leave out --layout, or name another folder")]
    OtherLayout {
        /// The folder.
        dir: PathBuf,
        /// How its files are laid out.
        is: &'static str,
    },
    /// Another process adds to it.
    #[error(
        "the dataset in {dir} is being written by another simdex: wait for it to end, or name another folder"
    )]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// A line of the manifest cannot be read.
    #[error(
        "{path}, line {line}, is no line of a manifest: put it right, or take it out, and the picture is saved anew"
    )]
    Manifest {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: u64,
    },
    /// A table of it cannot be written.
    #[error("{path}: {source}")]
    Table {
        /// The file.
        path: PathBuf,
        /// Why.
        source: TableError,
    },
    /// What was to be saved before could not be.
    #[error("nothing more is saved, since something could not be before")]
    Stopped,
}

impl SaveError {
    pub(super) fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "; free some space, and the same command goes on where it stopped"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "; name a folder that you may write to"
        }
        _ => "",
    }
}
