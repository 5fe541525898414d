//! Saves pictures, from several threads.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use super::folders::{self, Written};
use super::manifest::{Known, Manifest};
use super::rights::Rights;
use super::shards::{Sample, Shards};
use super::{Layout, Row, SaveError, tables};
use crate::picture::{Format, PictureId};
use crate::table::TableFormat;

/// How pictures are saved.
#[derive(Debug, Clone, Default)]
pub struct SaveOptions {
    /// How files are laid out; `None`: as those that are there, or else in folders.
    pub layout: Option<Layout>,
    /// From which size on a tar is finished, in bytes; `None`: [`SaveOptions::SHARD_BYTES`].
    pub shard_bytes: Option<u64>,
    /// The manifest is written as these tables, too.
    pub tables: Vec<TableFormat>,
}

impl SaveOptions {
    /// The usual size of a tar, in bytes: 1 GB.
    pub const SHARD_BYTES: u64 = 1_000_000_000;
}

/// A dataset in a folder, to which pictures are added, from any thread. What was added counts once
/// [`Self::settle`] has returned.
///
/// It knows the pictures that are there by their ids, some 60 MB for a million; bytes it keeps none.
pub struct Saver {
    dir: PathBuf,
    tables: Vec<TableFormat>,
    state: Mutex<State>,
    /// Held while what was added is made durable.
    settling: Mutex<Manifest>,
    /// Held as long as the dataset is open.
    _lock: File,
}

impl std::fmt::Debug for Saver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Saver")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

struct State {
    known: Known,
    new: u64,
    files: Files,
    /// The lines of what is not durable yet.
    rows: Vec<Row>,
    failure: Option<SaveError>,
    has_failed: bool,
}

enum Files {
    Folders(Vec<Written>),
    Shards(Shards),
}

/// Held by the process that adds to a dataset.
const LOCK: &str = ".lock";

impl Saver {
    /// Opens the dataset in a folder, or makes one where there is nothing.
    ///
    /// # Errors
    /// If the folder holds something else, or a dataset of another layout, is in use, or cannot be
    /// written, or this program was built without a table that is asked for.
    pub fn open(dir: &Path, options: &SaveOptions) -> Result<Self, SaveError> {
        for format in &options.tables {
            format.check().map_err(|source| SaveError::Table {
                path: dir.to_owned(),
                source,
            })?;
        }
        std::fs::create_dir_all(dir).map_err(SaveError::io(dir))?;
        if Layout::of(dir)?.is_none() {
            ensure_empty(dir)?;
        }
        let lock = lock(dir)?;
        // Another process may have made it meanwhile.
        let layout = match (Layout::of(dir)?, options.layout) {
            (Some(is), Some(asked)) if is != asked => {
                return Err(SaveError::OtherLayout {
                    dir: dir.to_owned(),
                    is: is.name(),
                });
            }
            (Some(is), _) => is,
            (None, asked) => {
                let layout = asked.unwrap_or_default();
                layout.mark(dir)?;
                layout
            }
        };
        let (manifest, known) = Manifest::open(dir)?;
        let files = match layout {
            Layout::Folders => {
                folders::begin(dir)?;
                Files::Folders(Vec::new())
            }
            Layout::WebDataset => {
                let most = options.shard_bytes.unwrap_or(SaveOptions::SHARD_BYTES);
                Files::Shards(Shards::open(dir, most, &known)?)
            }
        };
        Ok(Self {
            dir: dir.to_owned(),
            tables: options.tables.clone(),
            state: Mutex::new(State {
                known,
                new: 0,
                files,
                rows: Vec::new(),
                failure: None,
                has_failed: false,
            }),
            settling: Mutex::new(manifest),
            _lock: lock,
        })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether a picture is in the dataset.
    pub fn contains(&self, id: PictureId) -> bool {
        self.state().known.contains_key(&id)
    }

    /// How many pictures are in it, and how many of them are new.
    pub fn count(&self) -> (u64, u64) {
        let state = self.state();
        (state.known.len() as u64, state.new)
    }

    /// Adds a picture, unless it is there. `row` has what is known of it; what its bytes tell is
    /// filled in.
    ///
    /// # Errors
    /// If it cannot be written; then nothing more is, and the first error is the one to show
    /// ([`Self::finish`] gives it).
    pub fn save(&self, id: PictureId, mut row: Row, bytes: &[u8]) -> Result<(), SaveError> {
        if self.contains(id) {
            return Ok(());
        }
        let format = Format::of(bytes).unwrap_or(Format::Other);
        let ending = format.ending();
        fill_in(&mut row, id, format, bytes);
        let mut state = self.state();
        if state.has_failed {
            return Err(SaveError::Stopped);
        }
        if state.known.contains_key(&id) {
            return Ok(());
        }
        let added = match &mut state.files {
            Files::Folders(_) => {
                row.file = folders::name(&row.id, ending);
                drop(state);
                let written = folders::write(&self.dir, &row.file, bytes);
                state = self.state();
                // Another thread was faster; its row is there, and this file goes.
                if state.known.contains_key(&id) {
                    return Ok(());
                }
                written.map(|written| state.files.push(written))
            }
            Files::Shards(shards) => add_to(shards, &mut row, ending, bytes),
        };
        match added {
            Ok(()) => {
                // Whoever finds it known finds its row, too.
                state.known.insert(id, None);
                state.rows.push(row);
                state.new += 1;
                Ok(())
            }
            Err(error) => state.fail(error),
        }
    }

    /// Makes durable what was added: files first, then their lines in the manifest.
    ///
    /// # Errors
    /// As [`Self::save`].
    pub fn settle(&self) -> Result<(), SaveError> {
        let mut manifest = self.settling.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state();
        if state.has_failed {
            return Err(SaveError::Stopped);
        }
        let rows = std::mem::take(&mut state.rows);
        if rows.is_empty() {
            return Ok(());
        }
        let settled = match &mut state.files {
            Files::Folders(written) => {
                let written = std::mem::take(written);
                // Others go on writing theirs meanwhile.
                drop(state);
                let settled = folders::settle(&self.dir, written);
                settled.and_then(|()| manifest.add(&rows))
            }
            Files::Shards(shards) => {
                let synced = shards.sync();
                let added = synced.and_then(|()| manifest.add(&rows));
                let finished = added.and_then(|()| shards.finish_full());
                drop(state);
                finished
            }
        };
        settled.or_else(|error| self.state().fail(error))
    }

    /// Makes the rest durable, finishes the open tar and brings the tables up to date: the end of a
    /// run.
    ///
    /// # Errors
    /// The first one of all that happened.
    pub fn finish(&self) -> Result<(), SaveError> {
        let settled = self.settle();
        let mut state = self.state();
        if let Some(error) = state.failure.take() {
            return Err(error);
        }
        settled?;
        match &mut state.files {
            Files::Folders(_) => folders::end(&self.dir),
            Files::Shards(shards) => shards.finish()?,
        }
        drop(state);
        tables::write_all(&self.dir, &self.tables)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Keeps the first error; nothing more is saved.
    fn fail<T>(&mut self, error: SaveError) -> Result<T, SaveError> {
        self.has_failed = true;
        self.failure.get_or_insert(error);
        Err(SaveError::Stopped)
    }
}

impl Files {
    fn push(&mut self, written: Written) {
        if let Self::Folders(all) = self {
            all.push(written);
        }
    }
}

/// Adds a sample to the open tar, and says in its row where that is.
fn add_to(shards: &mut Shards, row: &mut Row, ending: &str, bytes: &[u8]) -> Result<(), SaveError> {
    row.file = format!("{}.{ending}", row.id);
    row.shard = Some(shards.current(bytes.len() as u64)?);
    let facts =
        serde_json::to_vec(&row).map_err(|error| SaveError::io(shards.dir())(error.into()))?;
    shards.add(&Sample {
        id: &row.id,
        ending,
        picture: bytes,
        facts: &facts,
        words: row.words(),
    })
}

/// Fills in what the bytes tell. What the picture says of its licence counts for more than what a
/// page says.
fn fill_in(row: &mut Row, id: PictureId, format: Format, bytes: &[u8]) {
    row.id = id.to_string();
    // Where it lay in another dataset.
    row.shard = None;
    row.sha256 = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format.media_type().clone_into(&mut row.media_type);
    row.bytes = bytes.len() as u64;
    let rights = Rights::in_bytes(bytes);
    row.license_from = match (&rights.license, &row.license) {
        (Some(_), _) => Some("picture".to_owned()),
        (None, Some(_)) => Some("page".to_owned()),
        (None, None) => None,
    };
    row.license = rights.license.or(row.license.take());
    row.copyright = rights.copyright;
    row.creator = rights.creator;
}

/// Takes a folder for this process alone.
fn lock(dir: &Path) -> Result<File, SaveError> {
    let path = dir.join(LOCK);
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path);
    let file = file.map_err(SaveError::io(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(SaveError::InUse {
            dir: dir.to_owned(),
        }),
        Err(std::fs::TryLockError::Error(error)) => Err(SaveError::io(&path)(error)),
    }
}

/// A folder that holds something else is no place for a dataset.
fn ensure_empty(dir: &Path) -> Result<(), SaveError> {
    for entry in std::fs::read_dir(dir).map_err(SaveError::io(dir))? {
        if entry.map_err(SaveError::io(dir))?.file_name() != LOCK {
            return Err(SaveError::NotEmpty {
                dir: dir.to_owned(),
            });
        }
    }
    Ok(())
}
