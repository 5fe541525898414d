//! Entries that were read, kept on this machine's disk: what was used longest ago goes first.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::{EntryLocation, StoreError};

/// A segment and a place in it.
type Key = (u32, u64);

/// A folder of entries.
pub(super) struct Cache {
    dir: PathBuf,
    /// The most bytes that are kept.
    most: u64,
    uses: Mutex<Uses>,
}

/// An entry that is kept.
struct Kept {
    used: u64,
    bytes: u64,
    /// Whether this process has seen that all of its bytes are right.
    is_checked: bool,
}

/// What is kept, and when it was used.
#[derive(Default)]
struct Uses {
    last: u64,
    bytes: u64,
    entries: HashMap<Key, Kept>,
    by_use: BTreeMap<u64, Key>,
}

impl Uses {
    fn note(&mut self, key: Key, bytes: u64, is_checked: bool) {
        self.forget(key);
        self.last += 1;
        self.bytes += bytes;
        let kept = Kept {
            used: self.last,
            bytes,
            is_checked,
        };
        self.entries.insert(key, kept);
        self.by_use.insert(self.last, key);
    }

    fn forget(&mut self, key: Key) {
        if let Some(kept) = self.entries.remove(&key) {
            self.by_use.remove(&kept.used);
            self.bytes -= kept.bytes;
        }
    }
}

impl Cache {
    /// Opens the folder, with what is in it.
    pub(super) fn open(dir: &Path, most: u64) -> Result<Self, StoreError> {
        crate::private_folder::create(dir).map_err(|error| StoreError::io(dir, error))?;
        let mut uses = Uses::default();
        for entry in fs::read_dir(dir)
            .map_err(|error| StoreError::io(dir, error))?
            .flatten()
        {
            let name = entry.file_name();
            match name.to_str().and_then(key_of) {
                Some(key) => {
                    let bytes = entry.metadata().map_or(0, |data| data.len());
                    uses.note(key, bytes, false);
                }
                // Part of one that was being written when a process was killed.
                None => drop(fs::remove_file(entry.path())),
            }
        }
        Ok(Self {
            dir: dir.to_owned(),
            most,
            uses: Mutex::new(uses),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Uses> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, key: Key) -> PathBuf {
        self.dir.join(format!("{}-{}.entry", key.0, key.1))
    }

    /// The bytes of an entry, if they are here, and whether they are known to be right.
    pub(super) fn get(&self, at: &EntryLocation) -> Option<(Vec<u8>, bool)> {
        let key = (at.segment, at.offset);
        let is_checked = self.lock().entries.get(&key)?.is_checked;
        match fs::read(self.path(key)) {
            Ok(bytes) => {
                self.lock().note(key, bytes.len() as u64, is_checked);
                Some((bytes, is_checked))
            }
            Err(_) => {
                self.lock().forget(key);
                None
            }
        }
    }

    /// Notes that all bytes of an entry are right.
    pub(super) fn note_checked(&self, at: &EntryLocation) {
        if let Some(kept) = self.lock().entries.get_mut(&(at.segment, at.offset)) {
            kept.is_checked = true;
        }
    }

    /// Keeps the bytes of an entry, which are right. Where that fails nothing is lost but time.
    pub(super) fn put(&self, at: &EntryLocation, bytes: &[u8]) {
        let key = (at.segment, at.offset);
        if bytes.len() as u64 > self.most {
            return;
        }
        self.make_room(bytes.len() as u64);
        let written = tempfile::NamedTempFile::new_in(&self.dir).and_then(|file| {
            fs::write(file.path(), bytes)?;
            file.persist(self.path(key)).map_err(|error| error.error)
        });
        match written {
            Ok(_) => self.lock().note(key, bytes.len() as u64, true),
            Err(error) => tracing::debug!(%error, "an entry is not kept on this machine"),
        }
    }

    fn make_room(&self, bytes: u64) {
        let mut uses = self.lock();
        while uses.bytes + bytes > self.most {
            let Some((_, key)) = uses.by_use.first_key_value() else {
                return;
            };
            let key = *key;
            uses.forget(key);
            drop(fs::remove_file(self.path(key)));
        }
    }

    /// Forgets an entry that is not what it was.
    pub(super) fn forget(&self, at: &EntryLocation) {
        let key = (at.segment, at.offset);
        self.lock().forget(key);
        drop(fs::remove_file(self.path(key)));
    }
}

fn key_of(name: &str) -> Option<Key> {
    let (segment, offset) = name.strip_suffix(".entry")?.split_once('-')?;
    Some((segment.parse().ok()?, offset.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(offset: u64) -> EntryLocation {
        EntryLocation {
            segment: 1,
            offset,
            payload: None,
            thumbnail: None,
        }
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(dir.path(), 25).unwrap();
        for offset in 0..2 {
            cache.put(&at(offset), &[offset as u8; 10]);
        }
        assert_eq!(cache.get(&at(0)), Some((vec![0; 10], true)));
        cache.put(&at(2), &[2; 10]);
        assert_eq!(cache.get(&at(1)), None);
        // It is there again in another process, but for what was half written.
        fs::write(dir.path().join("half"), [0; 3]).unwrap();
        let cache = Cache::open(dir.path(), 25).unwrap();
        assert_eq!(cache.get(&at(0)), Some((vec![0; 10], false)));
        cache.note_checked(&at(2));
        assert_eq!(cache.get(&at(2)), Some((vec![2; 10], true)));
        assert!(!dir.path().join("half").exists());
        cache.forget(&at(2));
        assert_eq!(cache.get(&at(2)), None);
    }
}
