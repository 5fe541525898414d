//! The walk over files and folders: which are pictures to be read.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fs::Metadata;
use std::path::{Component, Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::exclude::Exclude;
use super::file_system::{device, file_system, identity};
use super::unread::SkippedFiles;
use crate::ingest::features::not_a_file;
use crate::picture::{looks_like_picture, unread_ending};
use crate::shutdown::Shutdown;

/// What is read of folders.
#[derive(Debug, Default)]
pub(super) struct Rules<'a> {
    pub(super) hidden: bool,
    pub(super) exclude: &'a [Exclude],
}

/// What a walk has found.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// The files and folders that were named, and are there, as absolute paths.
    pub(super) roots: Vec<Root>,
    /// Pictures, each with the number of its root.
    pub(super) files: Vec<(PathBuf, usize)>,
    /// What cannot be read, and why.
    pub(super) unreadable: Vec<(PathBuf, String)>,
    /// Pictures of formats that are not read.
    pub(super) unread: SkippedFiles,
    /// Files and folders that the rules leave out.
    pub(super) left_out: u64,
    /// The folders that were named, and those below them on other file systems; and on which.
    pub(super) file_systems: BTreeMap<PathBuf, String>,
    /// The folders of files that were named themselves, and on which file systems they are.
    pub(super) parents: BTreeMap<PathBuf, String>,
}

impl Listing {
    /// The folders that were named, can be read, and have no picture in them.
    pub(super) fn without_pictures(&self) -> Vec<PathBuf> {
        let roots = self.roots.iter().enumerate();
        let without = roots.filter(|(number, root)| {
            let is_unreadable = || {
                self.unreadable
                    .iter()
                    .any(|(path, _)| path.starts_with(&root.path))
            };
            // Below another root it was walked with that one.
            let is_inner = self
                .roots
                .iter()
                .any(|other| other.path != root.path && root.path.starts_with(&other.path));
            root.is_folder && !self.has_pictures(*number) && !is_inner && !is_unreadable()
        });
        without.map(|(_, root)| root.path.clone()).collect()
    }

    /// Whether pictures were found below a root.
    pub(super) fn has_pictures(&self, root: usize) -> bool {
        self.files.iter().any(|(_, number)| *number == root)
    }
}

/// A file or a folder that was named.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) path: PathBuf,
    pub(super) is_folder: bool,
}

/// An absolute path for one that was named. Without `..`, by which one file would have many.
pub fn absolute(path: &Path) -> PathBuf {
    let goes_up = path.components().any(|part| part == Component::ParentDir);
    let resolved = goes_up.then(|| std::fs::canonicalize(path).ok()).flatten();
    let plain = || std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let absolute = resolved.unwrap_or_else(plain);
    // A slash at the end is no part of a name.
    absolute.components().collect()
}

/// Lists what is below `roots`, in the order of names. A file that is named itself is always
/// listed; within folders, files whose names end like a picture's, and not what `rules` leave out.
/// A file that several links lead to is listed once, by its own path where that is below a root.
pub(super) fn list(roots: &[PathBuf], rules: &Rules<'_>, shutdown: &Shutdown) -> Listing {
    let mut walk = Walk {
        rules,
        shutdown,
        found: Listing::default(),
        folders: HashSet::new(),
        files: HashSet::new(),
        identified: 0,
        is_below_link: false,
        links: VecDeque::new(),
    };
    for root in roots {
        let path = absolute(root);
        match std::fs::metadata(&path) {
            Err(error) => {
                walk.found
                    .unreadable
                    .push((path.clone(), error.to_string()));
                walk.add_root(path, true);
            }
            Ok(data) if data.is_dir() => {
                let number = walk.add_root(path.clone(), true);
                walk.folder(&path, number, true);
            }
            Ok(data) if data.is_file() => {
                let number = walk.add_root(path.clone(), false);
                if let Some(parent) = path.parent()
                    && let Ok(id) = file_system(parent)
                {
                    walk.found.parents.insert(parent.to_owned(), id);
                }
                walk.found.files.push((path, number));
            }
            Ok(data) => {
                let problem = not_a_file(data.file_type()).to_owned();
                walk.found.unreadable.push((path, problem));
            }
        }
    }
    while let Some((link, number)) = walk.links.pop_front() {
        walk.follow(&link, number);
    }
    walk.found
}

struct Walk<'a> {
    rules: &'a Rules<'a>,
    shutdown: &'a Shutdown,
    found: Listing,
    /// Folders that were walked.
    folders: HashSet<(u64, u64)>,
    /// Files that were listed, of the first `identified`: only links make it necessary to know.
    files: HashSet<(u64, u64)>,
    identified: usize,
    /// Whether the walk is below a link.
    is_below_link: bool,
    /// Links, which are followed when all else is listed.
    links: VecDeque<(PathBuf, usize)>,
}

impl Walk<'_> {
    fn add_root(&mut self, path: PathBuf, is_folder: bool) -> usize {
        self.found.roots.push(Root { path, is_folder });
        self.found.roots.len() - 1
    }

    /// Walks a folder: one that was named, or one that a link leads to.
    fn folder(&mut self, base: &Path, number: usize, is_root: bool) {
        // The devices of the folder and of those on the way down to an entry.
        let mut devices: Vec<u64> = Vec::new();
        let mut entries = WalkDir::new(base).sort_by_file_name().into_iter();
        while let Some(entry) = entries.next() {
            if self.shutdown.requested() {
                return;
            }
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.unreadable(base, &error);
                    continue;
                }
            };
            let is_folder = entry.file_type().is_dir() || entry.depth() == 0;
            if entry.depth() > 0 && self.is_left_out(&entry, number) {
                self.found.left_out += 1;
                if is_folder {
                    entries.skip_current_dir();
                }
                continue;
            }
            if !is_folder {
                self.entry(entry, number);
                continue;
            }
            // The folder that was named may be a link itself.
            let Ok(data) = std::fs::metadata(entry.path()) else {
                continue;
            };
            let is_new = identity(&data).is_none_or(|id| self.folders.insert(id));
            let is_named = entry.depth() == 0 && is_root;
            if !(is_new || is_named) {
                entries.skip_current_dir();
                continue;
            }
            devices.truncate(entry.depth());
            let device = device(&data);
            if devices.last().is_none_or(|above| *above != device)
                && let Ok(id) = file_system(entry.path())
            {
                self.found.file_systems.insert(entry.into_path(), id);
            }
            devices.push(device);
        }
    }

    fn unreadable(&mut self, base: &Path, error: &walkdir::Error) {
        let gone = error.io_error().map(std::io::Error::kind);
        if gone == Some(std::io::ErrorKind::NotFound) && error.depth() > 0 {
            // Deleted while it was listed.
            return;
        }
        let path = error.path().unwrap_or(base).to_owned();
        let message = match error.io_error() {
            Some(error) => error.to_string(),
            None => error.to_string(),
        };
        self.found.unreadable.push((path, message));
    }

    fn is_left_out(&self, entry: &DirEntry, number: usize) -> bool {
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let root = &self.found.roots[number].path;
        let path = entry.path().strip_prefix(root).unwrap_or(entry.path());
        (is_hidden && !self.rules.hidden) || self.rules.exclude.iter().any(|e| e.matches(path))
    }

    fn entry(&mut self, entry: DirEntry, number: usize) {
        let kind = entry.file_type();
        let path = entry.into_path();
        if kind.is_symlink() {
            self.links.push_back((path, number));
        } else if kind.is_file() {
            // What lies below a link may be listed by another path.
            let data = self.is_below_link.then(|| std::fs::metadata(&path).ok());
            if data.flatten().is_none_or(|data| self.is_new(&data)) {
                self.file(path, number);
            }
        } else if looks_like_picture(&path) {
            self.found
                .unreadable
                .push((path, not_a_file(kind).to_owned()));
        }
    }

    fn file(&mut self, path: PathBuf, number: usize) {
        if looks_like_picture(&path) {
            self.found.files.push((path, number));
        } else if let Some(ending) = unread_ending(&path) {
            self.found.unread.add(ending);
        }
    }

    fn follow(&mut self, link: &Path, number: usize) {
        let data = match std::fs::metadata(link) {
            Ok(data) => data,
            Err(_) if !looks_like_picture(link) => return,
            Err(error) => {
                let message = format!("a link that leads nowhere: {error}");
                return self.found.unreadable.push((link.to_owned(), message));
            }
        };
        if data.is_dir() {
            // Without identities of folders a link may lead round and round.
            let is_new = identity(&data).is_some_and(|id| !self.folders.contains(&id));
            if is_new {
                self.is_below_link = true;
                self.folder(link, number, false);
                self.is_below_link = false;
            }
        } else if data.is_file() {
            if self.is_new(&data) {
                self.file(link.to_owned(), number);
            }
        } else if looks_like_picture(link) {
            let problem = not_a_file(data.file_type()).to_owned();
            self.found.unreadable.push((link.to_owned(), problem));
        }
    }

    /// Whether a file that a link leads to is not listed yet.
    fn is_new(&mut self, data: &Metadata) -> bool {
        for (path, _) in &self.found.files[self.identified..] {
            let listed = std::fs::metadata(path).ok();
            self.files.extend(listed.as_ref().and_then(identity));
        }
        self.identified = self.found.files.len();
        identity(data).is_none_or(|id| !self.files.contains(&id))
    }
}
