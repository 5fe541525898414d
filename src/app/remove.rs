//! Deleting pictures and hosts.

use std::path::PathBuf;

use serde::Serialize;

use super::{Collection, Error};
use crate::canonical_url::HostId;
use crate::ingest::{absolute, drop_missing};
use crate::local_path::path_text;
use crate::picture::PictureId;
use crate::store::{FilePlace, Wasteful};

/// What is to be deleted.
#[derive(Debug, Clone, Default)]
pub struct Removal {
    /// Pictures.
    pub pictures: Vec<PictureId>,
    /// Local files, and folders for all files below them; with the pictures that are nowhere else.
    pub files: Vec<PathBuf>,
    /// Local files that are not there any more: those below these folders, or all.
    pub gone_below: Option<Vec<PathBuf>>,
    /// A host with its pages, URLs, and the pictures seen nowhere else.
    pub host: Option<String>,
    /// A removed host that may be crawled again.
    pub take_back: Option<String>,
}

/// The JSON of `remove`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// Pictures that went.
    pub removed: u64,
    /// Local files that are no place of a picture any more.
    pub files: u64,
    /// Pictures and hosts that were not there.
    pub missing: u64,
    /// Bytes given back to the disk at once.
    pub bytes_freed: u64,
    /// What is damaged, was kept, and may have bytes of what was removed.
    pub unread: Vec<String>,
    /// Files under another name, which the store does not use: they may have some, too.
    pub set_aside: Vec<String>,
}

impl Collection {
    /// Deletes what is named; `missing` is told what of it is not there.
    ///
    /// # Errors
    /// If the store fails.
    pub fn remove(&self, what: &Removal, missing: &mut dyn FnMut(&str)) -> Result<Removed, Error> {
        let store = self.store();
        let mut result = Removed {
            removed: 0,
            files: 0,
            missing: 0,
            bytes_freed: 0,
            unread: Vec::new(),
            set_aside: Vec::new(),
        };
        for id in &what.pictures {
            if store.remove_picture(*id)? {
                result.removed += 1;
            } else {
                result.missing += 1;
                missing(&format!("{id}: there is no such picture"));
            }
        }
        for path in &what.files {
            let path = absolute(path);
            let places = store.file_places().filter(|place| match place {
                Ok(place) => place.path.as_path().starts_with(&path),
                Err(_) => true,
            });
            let places = places.collect::<Result<Vec<FilePlace>, _>>()?;
            if places.is_empty() {
                result.missing += 1;
                missing(&format!(
                    "{}: there is no picture with an id that begins like this, and none was added from such a file or folder",
                    path_text(&path)
                ));
            }
            let left = store.drop_files(&places, Some(&path))?;
            result.removed += left.pictures;
            result.files += left.files;
        }
        if let Some(folders) = &what.gone_below {
            let folders: Vec<PathBuf> = folders.iter().map(|path| absolute(path)).collect();
            let gone = drop_missing(store, &folders)?;
            result.removed += gone.dropped.pictures;
            result.files += gone.dropped.files;
            for kept in gone.kept {
                result.missing += 1;
                missing(&kept.to_string());
            }
        }
        if let Some(host) = &what.host {
            result.removed += store.remove_host(host)?;
        }
        if let Some(host) = &what.take_back
            && !store.take_back_host(HostId::of(host))?
        {
            result.missing += 1;
            missing(&format!("{host}: no such host was removed"));
        }
        store.flush()?;
        match store.compact(Wasteful::Any) {
            Ok(compacted) => {
                result.bytes_freed = compacted.freed;
                result.unread = compacted.unread;
            }
            // Named again they would not be found.
            Err(error) => result.unread.push(format!(
                "what was named is removed, but its bytes are still in the store's files: {error}; \
                 instead of the same command again, `simdex compact` deletes them"
            )),
        }
        let aside = store.set_aside();
        result.set_aside = aside.iter().map(|path| path_text(path)).collect();
        Ok(result)
    }
}
