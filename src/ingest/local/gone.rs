//! Files that are gone, or have other bytes by now: they leave the store, if that is sure.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::file_store::FileStore;
use super::guard::{Guard, Kept, WhyKept, not_there};
use super::listing::Listing;
use super::real_paths::RealPaths;
use crate::local_path::LocalPath;
use crate::picture::PictureId;
use crate::store::{FilePlace, FileSystemMark, FilesLeft, Store, StoreError};

/// So many files may always go at once,
const ALWAYS: usize = 100;
/// and more of them, if they are no more than every so many-th below their folder.
const SHARE: usize = 10;

/// What became of files that are gone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gone {
    /// Files that were dropped, and pictures that went with them.
    pub dropped: FilesLeft,
    /// Files that were kept, and why.
    pub kept: Vec<Kept>,
}

impl Gone {
    fn drop<S: FileStore>(&mut self, store: &S, places: &[FilePlace]) -> Result<(), S::Error> {
        let left = store.drop_places(places)?;
        self.dropped.files += left.files;
        self.dropped.pictures += left.pictures;
        Ok(())
    }

    fn keep(&mut self, kept: BTreeMap<PathBuf, (WhyKept, u64)>) {
        let kept = kept.into_iter();
        self.kept
            .extend(kept.map(|(folder, (why, files))| Kept { folder, files, why }));
    }
}

/// All that the store knows of local files.
struct Known {
    places: Vec<FilePlace>,
    /// Files that are known to have other bytes by now than those of other places.
    current: HashSet<LocalPath>,
}

impl Known {
    fn read<S: FileStore>(store: &S) -> Result<Self, S::Error> {
        let mut places = store.places()?;
        // What was uploaded was never a file here.
        places.retain(|place| place.path.as_path().is_absolute());
        let current = places.iter().filter(|place| place.is_current);
        let current = current.map(|place| place.path.clone()).collect();
        Ok(Self { places, current })
    }

    /// Places whose files hold another picture by now.
    fn is_replaced(&self, place: &FilePlace) -> bool {
        !place.is_current && self.current.contains(&place.path)
    }
}

/// Whether there is no such file, and not only no way to look.
fn is_missing(path: &Path) -> bool {
    matches!(look(path), Look::Missing | Look::DeadLink)
}

/// What there is at a path.
enum Look {
    File,
    Missing,
    /// A link that leads nowhere: its disk may be away.
    DeadLink,
    /// One may not look.
    Closed(String),
}

fn look(path: &Path) -> Look {
    match std::fs::metadata(path) {
        Ok(data) if data.is_file() => Look::File,
        Ok(_) => Look::Missing,
        Err(error) => match error.kind() {
            ErrorKind::NotFound if path.is_symlink() => Look::DeadLink,
            ErrorKind::NotFound | ErrorKind::NotADirectory => Look::Missing,
            _ => Look::Closed(error.to_string()),
        },
    }
}

/// Places whose paths are links by now to files that are known by their own paths: one file is not
/// counted twice, and what stood there before is gone. All places below `roots`, and those of
/// pictures that are at several.
fn links_to_known(known: &Known, roots: &[&Path]) -> Vec<FilePlace> {
    let mut counts: HashMap<PictureId, u32> = HashMap::new();
    for place in known.places.iter().filter(|place| place.is_current) {
        *counts.entry(place.picture).or_default() += 1;
    }
    let mut real_paths = RealPaths::default();
    let mut is_link = |place: &&FilePlace| {
        let path = place.path.as_path();
        let is_several = counts.get(&place.picture).is_some_and(|count| *count > 1);
        (is_several || roots.iter().any(|root| path.starts_with(root)))
            && path.is_file()
            && real_paths
                .elsewhere(path)
                .is_some_and(|real| known.current.contains(&LocalPath::new(real)))
    };
    let links = known.places.iter().filter(|place| is_link(place));
    links.cloned().collect()
}

/// Drops what is gone below the roots of a listing: places of files that hold another picture by
/// now, and files that are not there any more. Notes on which file systems the folders are.
pub(super) fn drop_gone<S: FileStore>(
    store: &S,
    listing: &Listing,
    drop_missing: bool,
) -> Result<Gone, S::Error> {
    let marks = store.marks()?;
    let known = Known::read(store)?;
    let mut guard = Guard::new(&marks);
    let mut gone = Gone::default();
    let mut looked_at = HashSet::new();
    for (number, root) in listing.roots.iter().enumerate() {
        let below = known.places.iter().enumerate();
        let below = below.filter(|(_, place)| place.path.as_path().starts_with(&root.path));
        let below: Vec<&FilePlace> = below
            .filter(|(number, _)| looked_at.insert(*number))
            .map(|(_, place)| place)
            .collect();
        if !root.is_folder {
            let replaced = below.into_iter().filter(|place| known.is_replaced(place));
            gone.drop(store, &replaced.cloned().collect::<Vec<_>>())?;
            continue;
        }
        let files: HashSet<&LocalPath> = below.iter().map(|place| &place.path).collect();
        let (mut missing, mut replaced) = (Vec::new(), Vec::new());
        let mut kept: BTreeMap<PathBuf, (WhyKept, u64)> = BTreeMap::new();
        for place in below {
            let is_replaced = known.is_replaced(place);
            let looked = look(place.path.as_path());
            if let (Look::Closed(error), false) = (&looked, is_replaced) {
                let folder = match not_there(&root.path) {
                    Some(_) => root.path.clone(),
                    None => place
                        .path
                        .as_path()
                        .parent()
                        .unwrap_or(&root.path)
                        .to_owned(),
                };
                let why = WhyKept::Unreadable(error.clone());
                kept.entry(folder).or_insert((why, 0)).1 += 1;
                continue;
            }
            if let (Look::DeadLink, false) = (&looked, is_replaced) {
                let dead = kept
                    .entry(root.path.clone())
                    .or_insert((WhyKept::DeadLinks, 0));
                dead.1 += 1;
                continue;
            }
            if !is_replaced && matches!(looked, Look::File) {
                continue;
            }
            match guard.keeps(place.path.as_path(), Some(&root.path)) {
                Some((folder, why)) => kept.entry(folder).or_insert((why, 0)).1 += 1,
                None if is_replaced => replaced.push(place.clone()),
                None => missing.push(place.clone()),
            }
        }
        gone.drop(store, &replaced)?;
        let last = last_places(store, &known, &missing)?;
        if !drop_missing && last > 0 && !listing.has_pictures(number) {
            let none = (WhyKept::NoPictures, missing.len() as u64);
            kept.insert(root.path.clone(), none);
        } else if !drop_missing && last > ALWAYS && last * SHARE > files.len() {
            let many = (WhyKept::TooMany, missing.len() as u64);
            kept.insert(root.path.clone(), many);
        } else {
            gone.drop(store, &missing)?;
        }
        gone.keep(kept);
    }
    let roots: Vec<&Path> = listing
        .roots
        .iter()
        .map(|root| root.path.as_path())
        .collect();
    gone.drop(store, &links_to_known(&known, &roots))?;
    let noted = noted(&marks, listing, &gone.kept);
    if noted != marks {
        store.keep_marks(&noted)?;
    }
    Ok(gone)
}

/// How many of these places are those by which their pictures are known alone: files that were
/// moved lose nothing.
fn last_places<S: FileStore>(
    store: &S,
    known: &Known,
    missing: &[FilePlace],
) -> Result<usize, S::Error> {
    let going: HashSet<&FilePlace> = missing.iter().collect();
    let mut stays: HashMap<PictureId, bool> = HashMap::new();
    for place in missing {
        stays.insert(place.picture, false);
    }
    for place in &known.places {
        if place.is_current
            && !going.contains(place)
            && let Some(stays) = stays.get_mut(&place.picture)
        {
            *stays = true;
        }
    }
    let mut last = 0;
    for place in missing {
        let is_elsewhere = stays.get(&place.picture).copied().unwrap_or_default();
        if !is_elsewhere && !store.has_urls(place.picture)? {
            last += 1;
        }
    }
    Ok(last)
}

/// On which file systems folders are, as far as it is known. One for which files were kept stays
/// as it was, until nothing is missing in it.
fn noted(before: &[FileSystemMark], listing: &Listing, kept: &[Kept]) -> Vec<FileSystemMark> {
    let is_held = |folder: &Path| {
        let held = kept.iter().find(|kept| kept.folder == folder);
        held.is_some_and(|kept| {
            !matches!(
                kept.why,
                WhyKept::UnknownFileSystem
                    | WhyKept::TooMany
                    | WhyKept::NoPictures
                    | WhyKept::DeadLinks
            )
        })
    };
    let mut marks: BTreeMap<&Path, &str> = BTreeMap::new();
    for mark in before {
        let folder = mark.folder.as_path();
        let is_below = listing
            .file_systems
            .keys()
            .any(|root| folder.starts_with(root));
        // What was a file system of its own and is none any more is not noted again.
        if is_held(folder) || !is_below || !folder.is_dir() {
            marks.insert(folder, &mark.file_system);
        }
    }
    for (folder, file_system) in &listing.file_systems {
        if !is_held(folder) {
            marks.insert(folder, file_system);
        }
    }
    for (folder, file_system) in &listing.parents {
        marks.entry(folder).or_insert(file_system);
    }
    let marks = marks.into_iter();
    let mut marks: Vec<FileSystemMark> = marks
        .map(|(folder, file_system)| FileSystemMark {
            folder: LocalPath::new(folder),
            file_system: file_system.to_owned(),
        })
        .collect();
    marks.sort_unstable();
    marks
}

/// Drops all files that are not there any more: of the folders that are named, whatever they are
/// on; without any, of all that were added, if their folders are what they were.
///
/// # Errors
/// If the store fails.
pub fn drop_missing(store: &Store, folders: &[PathBuf]) -> Result<Gone, StoreError> {
    let marks = store.file_systems()?;
    let known = Known::read(store)?;
    let mut guard = Guard::new(&marks);
    let mut gone = Gone::default();
    let mut kept: BTreeMap<PathBuf, (WhyKept, u64)> = BTreeMap::new();
    let mut missing = Vec::new();
    for place in &known.places {
        let path = place.path.as_path();
        let is_meant = folders.is_empty() || folders.iter().any(|f| path.starts_with(f));
        if !is_meant || !is_missing(path) {
            continue;
        }
        match guard.keeps(path, None) {
            Some((folder, why)) if folders.is_empty() => {
                kept.entry(folder).or_insert((why, 0)).1 += 1;
            }
            _ => missing.push(place.clone()),
        }
    }
    gone.drop(store, &missing)?;
    gone.keep(kept);
    Ok(gone)
}
