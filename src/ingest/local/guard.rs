//! When a file that is not there counts as gone: only if the folder that it was in is there, and is
//! the one that it was. A disk that is not plugged in is an empty folder.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::file_system::file_system;
use crate::local_path::path_text;
use crate::store::FileSystemMark;

/// Files that are not there and were kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The folder that they were below.
    pub folder: PathBuf,
    /// How many they are.
    pub files: u64,
    /// Why they were kept.
    pub why: WhyKept,
}

/// Why files that are not there are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyKept {
    /// The folder cannot be read, which the system says why.
    Unreadable(String),
    /// The folder is empty.
    Empty,
    /// There is no picture in the folder any more, but other files: those that a system leaves
    /// where a disk or a share is not there.
    NoPictures,
    /// The folder is on another file system than before.
    OtherFileSystem,
    /// It is not known on which file system the folder was.
    UnknownFileSystem,
    /// They are links that lead nowhere.
    DeadLinks,
    /// They are more than a tenth of the files below the folder, and more than a hundred.
    TooMany,
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (folder, files) = (path_text(&self.folder), self.files);
        let are = if files == 1 { "file is" } else { "files are" };
        write!(f, "{folder}: {files} {are} not there and kept, since ")?;
        match &self.why {
            WhyKept::Unreadable(error) => write!(f, "the folder cannot be read ({error})")?,
            WhyKept::Empty => f.write_str("the folder is empty (is the disk plugged in?)")?,
            WhyKept::NoPictures => f.write_str("no picture is left in the folder (is its disk there?)")?,
            WhyKept::DeadLinks => f.write_str("they are links that lead nowhere (is their disk there?)")?,
            WhyKept::OtherFileSystem => {
                f.write_str("the folder is on another file system than before")?;
            }
            WhyKept::UnknownFileSystem => f.write_str(
                "it was not noted on which file system they were (the next `add` of the folder knows)",
            )?,
            WhyKept::TooMany => {
                return f.write_str(
                    "they are many: more than 100 and a tenth of the folder; --drop-missing drops them",
                );
            }
        }
        write!(f, "; `simdex remove --missing {folder}` drops them")
    }
}

/// Judges folders by what they were.
pub(super) struct Guard<'a> {
    marks: &'a [FileSystemMark],
    judged: HashMap<PathBuf, Option<WhyKept>>,
}

impl<'a> Guard<'a> {
    pub(super) fn new(marks: &'a [FileSystemMark]) -> Self {
        Self {
            marks,
            judged: HashMap::new(),
        }
    }

    /// Why a file that is not there is kept, and the folder that it is kept for; `None` if it is
    /// gone. `root` is the folder whose files are looked at; without one, all marks count.
    pub(super) fn keeps(&mut self, file: &Path, root: Option<&Path>) -> Option<(PathBuf, WhyKept)> {
        let mut above: Option<&FileSystemMark> = None;
        let mut marked = false;
        for mark in self.marks {
            let folder = mark.folder.as_path();
            if !file.starts_with(folder) {
                continue;
            }
            if root.is_some_and(|root| !folder.starts_with(root)) {
                // They are sorted: the last is the nearest.
                above = Some(mark);
                continue;
            }
            marked |= root.is_none_or(|root| root == folder);
            if let Some(why) = self.judge(folder, &mark.file_system) {
                return Some((folder.to_owned(), why));
            }
        }
        let why = match (root, above) {
            _ if marked => None,
            (Some(root), Some(mark)) => self.judge(root, &mark.file_system).map(|why| (root, why)),
            (Some(root), None) => {
                let why = not_there(root).unwrap_or(WhyKept::UnknownFileSystem);
                Some((root, why))
            }
            (None, _) => {
                let folder = file.parent().unwrap_or(file);
                let why = not_there(folder).unwrap_or(WhyKept::UnknownFileSystem);
                Some((folder, why))
            }
        };
        why.map(|(folder, why)| (folder.to_owned(), why))
    }

    fn judge(&mut self, folder: &Path, before: &str) -> Option<WhyKept> {
        if let Some(judged) = self.judged.get(folder) {
            return judged.clone();
        }
        let judged = judge(folder, before);
        self.judged.insert(folder.to_owned(), judged.clone());
        judged
    }
}

fn judge(folder: &Path, before: &str) -> Option<WhyKept> {
    not_there(folder).or_else(|| match file_system(folder) {
        Ok(now) if now == before => None,
        Ok(_) => Some(WhyKept::OtherFileSystem),
        Err(error) => Some(WhyKept::Unreadable(error.to_string())),
    })
}

/// What is wrong with a folder that cannot be read or in which nothing is.
pub(super) fn not_there(folder: &Path) -> Option<WhyKept> {
    let first = std::fs::read_dir(folder).map(|mut entries| entries.next());
    match first.and_then(Option::transpose) {
        Ok(Some(_)) => None,
        Ok(None) => Some(WhyKept::Empty),
        Err(error) => Some(WhyKept::Unreadable(error.to_string())),
    }
}
