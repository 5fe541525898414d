//! What the name of a stored picture means: an id, its first digits, or a path.

use std::path::{Path, PathBuf};

use super::{Collection, Error};
use crate::picture::PictureId;

/// What a name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// A picture, by its id.
    Picture(PictureId),
    /// A file or a folder.
    Path(PathBuf),
}

/// Digits that the beginning of an id has at least.
const FEWEST_DIGITS: usize = 4;
/// Candidates that are listed for a beginning that many ids have.
const MOST_LISTED: usize = 20;

impl Collection {
    /// What the name of a stored picture means: an id or its first digits, four or more, where a
    /// picture has such an id; else the path, which is absolute.
    ///
    /// # Errors
    /// [`Error::AmbiguousId`] if several pictures' ids begin like this, [`Error::IdOrPath`] if
    /// there is a file of this name, too, or the store fails.
    pub fn named(&self, name: &str, path: &Path) -> Result<Named, Error> {
        if let Ok(id) = name.parse() {
            return Ok(Named::Picture(id));
        }
        let path = path.to_owned();
        let is_beginning = name.len() >= FEWEST_DIGITS
            && name.len() < 2 * PictureId::LEN
            && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_beginning {
            return Ok(Named::Path(path));
        }
        let found = self.ids_beginning(&name.to_ascii_lowercase())?;
        let is_file = |place: Result<crate::store::FilePlace, _>| {
            place.map(|place| place.path.as_path().starts_with(&path))
        };
        match found.as_slice() {
            [] => Ok(Named::Path(path)),
            [id] => {
                for place in self.store().file_places() {
                    if is_file(place)? {
                        return Err(Error::IdOrPath(name.to_owned()));
                    }
                }
                Ok(Named::Picture(*id))
            }
            many => Err(Error::AmbiguousId {
                beginning: name.to_owned(),
                candidates: many.to_vec(),
            }),
        }
    }

    /// Pictures, with features or without, whose ids begin with these digits; some of them where
    /// there are many.
    fn ids_beginning(&self, digits: &str) -> Result<Vec<PictureId>, Error> {
        let store = self.store();
        let pictures = store.pictures().map(|entry| entry.map(|(_, id)| id));
        let mut found = Vec::new();
        for id in pictures.chain(store.waiting()) {
            let id = id?;
            if id.to_string().starts_with(digits) {
                found.push(id);
            }
            if found.len() == MOST_LISTED {
                break;
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}
