//! A folder with one folder of pictures for each class.

use std::path::{Path, PathBuf};

use super::folder::pictures_below;
use crate::picture::looks_like_picture;

/// Pictures under class labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelled {
    /// Names of the classes: the folders.
    pub classes: Vec<String>,
    /// Files, each with the index of its class; sorted.
    pub files: Vec<(PathBuf, usize)>,
    /// Folders that are no class, since they have fewer than two pictures, and how many they have.
    pub ignored: Vec<(PathBuf, usize)>,
    /// Pictures that are in no folder of a class.
    pub loose: usize,
}

/// A folder of labels cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// The folder cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Fewer than two folders with pictures.
    #[error("{0} needs at least two folders, one per class, with two or more pictures each")]
    TooFew(PathBuf),
    /// There are no pictures in a folder of domains.
    #[error(
        "there are no pictures below {}; it must hold folders of domains, these folders of classes, and these pictures: DIR/DOMAIN/CLASS/picture.jpg",
        .0.display()
    )]
    NoPictures(PathBuf),
    /// There are pictures, but not in folders of domains.
    #[error(
        "{} holds no domains of two classes each, as in DIR/DOMAIN/CLASS/picture.jpg; if its folders are classes, it is one domain: name the folder above it, or measure it alone with `simdex eval retrieval`",
        .0.display()
    )]
    NoDomains(PathBuf),
    /// There is only one domain.
    #[error(
        "there is only one domain of two classes or more, {}, and nothing to mix it with; `simdex eval retrieval` measures it alone",
        .0.display()
    )]
    OneDomain(PathBuf),
}

impl Labelled {
    /// Pictures without labels.
    pub fn unlabelled(paths: Vec<PathBuf>) -> Self {
        Self {
            classes: Vec::new(),
            files: paths.into_iter().map(|path| (path, 0)).collect(),
            ignored: Vec::new(),
            loose: 0,
        }
    }

    /// Takes at most `most` files out, of each class about the same share; the rest is in the
    /// second, which tells nothing of folders once more.
    #[must_use]
    pub fn split(self, most: usize) -> (Self, Self) {
        let step = self.files.len().div_ceil(most.max(1)).max(1);
        let all = self.files.into_iter().enumerate();
        let (taken, left): (Vec<_>, Vec<_>) = all.partition(|(i, _)| i.is_multiple_of(step));
        let files = |numbered: Vec<(usize, (PathBuf, usize))>| {
            numbered.into_iter().map(|(_, file)| file).collect()
        };
        let rest = Self {
            classes: self.classes.clone(),
            files: files(left),
            ignored: Vec::new(),
            loose: 0,
        };
        let taken = Self {
            classes: self.classes,
            files: files(taken),
            ignored: self.ignored,
            loose: self.loose,
        };
        (taken, rest)
    }
}

/// Lists `dir`: one folder for each class, pictures anywhere below it.
///
/// # Errors
/// If the folder cannot be read or has fewer than two classes of two pictures.
pub fn labelled_files(dir: &Path) -> Result<Labelled, LabelError> {
    let read = |source| LabelError::Read {
        path: dir.to_owned(),
        source,
    };
    let mut folders = Vec::new();
    let mut loose = 0;
    for entry in std::fs::read_dir(dir).map_err(read)? {
        let path = entry.map_err(read)?.path();
        if path.is_dir() {
            folders.push(path);
        } else if looks_like_picture(&path) {
            loose += 1;
        }
    }
    folders.sort();
    let mut classes = Vec::new();
    let mut files = Vec::new();
    let mut ignored = Vec::new();
    for folder in folders {
        let pictures = pictures_below(&folder);
        if pictures.len() >= 2 {
            let name = folder.file_name().unwrap_or_default();
            files.extend(pictures.into_iter().map(|path| (path, classes.len())));
            classes.push(name.to_string_lossy().into_owned());
        } else {
            ignored.push((folder, pictures.len()));
        }
    }
    if classes.len() < 2 {
        return Err(LabelError::TooFew(dir.to_owned()));
    }
    Ok(Labelled {
        classes,
        files,
        ignored,
        loose,
    })
}

/// Lists several folders of classes, each a domain: photos of one kind, drawings, icons. Gives the
/// domain of each class besides; classes of one name in different folders stay apart.
///
/// # Errors
/// If a folder cannot be read or has fewer than two classes of two pictures.
pub fn labelled_domains(dirs: &[PathBuf]) -> Result<(Labelled, Vec<usize>), LabelError> {
    let mut all = Labelled::unlabelled(Vec::new());
    let mut domains = Vec::new();
    for (domain, dir) in dirs.iter().enumerate() {
        let one = labelled_files(dir)?;
        let before = all.classes.len();
        let files = one.files.into_iter();
        all.files
            .extend(files.map(|(path, class)| (path, before + class)));
        domains.resize(before + one.classes.len(), domain);
        all.classes.extend(one.classes);
        all.ignored.extend(one.ignored);
        all.loose += one.loose;
    }
    Ok((all, domains))
}
