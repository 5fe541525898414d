//! Deleting pictures and hosts.

mod hiding;

pub use hiding::Hiding;

use std::path::{Component, PathBuf};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Collection, Error, Named};
use crate::canonical_url::HostId;
use crate::ingest::{absolute, drop_missing};
use crate::local_path::{LocalPath, path_text};
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

/// What is to be deleted, as a command or a request says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RemovalAsked {
    /// Ids, their first digits, and local files and folders.
    pub names: Vec<NamedOrPath>,
    /// Local files that are not there any more: those below these folders, or all; absolute paths.
    pub gone_below: Option<Vec<String>>,
    /// A host with its pages, URLs, and the pictures seen nowhere else.
    pub host: Option<String>,
    /// A removed host that may be crawled again.
    pub take_back: Option<String>,
    /// Pictures and a host only: remove them after so many seconds, at most a day. Until then they are
    /// hidden, and it can be undone.
    pub wait_s: Option<u64>,
}

/// A name that may mean a picture or a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NamedOrPath {
    /// As it was given.
    pub name: String,
    /// The absolute path that it is, if it is one; none is meant if this is empty.
    pub path: String,
}

impl NamedOrPath {
    /// A name as given on this machine.
    pub fn given(name: String) -> Self {
        let path = LocalPath::named(name.as_ref());
        let path = path_text(&absolute(path.as_path()));
        Self { name, path }
    }
}

impl RemovalAsked {
    /// Whether it says by its form what it means: no path in it has to be looked at to be understood.
    fn is_plain(&self) -> bool {
        let names = self.names.iter().map(|name| &name.path);
        let paths = names.chain(self.gone_below.iter().flatten());
        paths.filter(|path| !path.is_empty()).all(|path| {
            let path = LocalPath::named(path.as_ref());
            let mut parts = path.as_path().components();
            path.as_path().is_absolute() && parts.all(|part| part != Component::ParentDir)
        })
    }
}

impl Collection {
    /// What is meant, by the ids that there are.
    ///
    /// # Errors
    /// As [`Self::named`], and if a path is not absolute.
    pub fn removal(&self, asked: &RemovalAsked) -> Result<Removal, Error> {
        if !asked.is_plain() {
            return Err(Error::RelativePath);
        }
        let path = |text: &String| LocalPath::named(text.as_ref()).as_path().to_owned();
        let mut what = Removal {
            gone_below: asked
                .gone_below
                .as_ref()
                .map(|all| all.iter().map(path).collect()),
            host: asked.host.clone(),
            take_back: asked.take_back.clone(),
            ..Removal::default()
        };
        for named in &asked.names {
            match self.named(&named.name, &path(&named.path))? {
                Named::Picture(id) => what.pictures.push(id),
                Named::Path(path) if path.as_os_str().is_empty() => {
                    return Err(Error::NoSuchId(named.name.clone()));
                }
                Named::Path(path) => what.files.push(path),
            }
        }
        Ok(what)
    }

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
                "what was named is removed, but its bytes are still in the store's files, until `simdex \
                 compact` can rewrite them: {error}"
            )),
        }
        let aside = store.set_aside();
        result.set_aside = aside.iter().map(|path| path_text(path)).collect();
        Ok(result)
    }
}
