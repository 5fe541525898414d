//! Reading back what was saved.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::manifest::{MANIFEST, for_each_place};
use super::{Layout, Row, SaveError};
use crate::picture::PictureId;

/// The pictures of a dataset, to be read one by one. In memory are their ids and where they are.
pub struct SavedPictures {
    dir: PathBuf,
    /// Where the line of each begins in the manifest.
    lines: HashMap<PictureId, u64>,
    /// Of each tar that was read from, where pictures lie in it, and how long they are.
    tars: HashMap<String, HashMap<PictureId, (u64, u64)>>,
}

impl SavedPictures {
    /// Opens the dataset in a folder.
    ///
    /// # Errors
    /// If there is none, or it cannot be read.
    pub fn open(dir: &Path) -> Result<Self, SaveError> {
        if Layout::of(dir)?.is_none() {
            return Err(SaveError::Missing {
                dir: dir.to_owned(),
            });
        }
        let mut lines = HashMap::new();
        for_each_place(&dir.join(MANIFEST), |at, id| {
            lines.insert(id, at);
        })?;
        Ok(Self {
            dir: dir.to_owned(),
            lines,
            tars: HashMap::new(),
        })
    }

    /// What is known of a picture, and its bytes; `None` if it is not there, or not as it was.
    ///
    /// # Errors
    /// If the files cannot be read.
    pub fn read(&mut self, id: PictureId) -> Result<Option<(Row, Vec<u8>)>, SaveError> {
        let Some(&at) = self.lines.get(&id) else {
            return Ok(None);
        };
        let manifest = self.dir.join(MANIFEST);
        let row = read_line(&manifest, at).map_err(SaveError::io(&manifest))?;
        let (path, read) = match &row.shard {
            None => {
                let path = self.dir.join(&row.file);
                let read = std::fs::read(&path);
                (path, read)
            }
            Some(shard) => {
                let path = self.dir.join(shard);
                let read = self.read_from_tar(shard, id);
                (path, read)
            }
        };
        match read {
            Ok(bytes) => {
                let is_whole = PictureId::of(&bytes) == id;
                Ok(is_whole.then_some((row, bytes)))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(SaveError::io(&path)(error)),
        }
    }

    fn read_from_tar(&mut self, shard: &str, id: PictureId) -> io::Result<Vec<u8>> {
        let open = || {
            let path = self.dir.join(shard);
            // A killed run has left it unfinished.
            File::open(&path).or_else(|_| File::open(path.with_extension("tar.part")))
        };
        let mut file = open()?;
        if !self.tars.contains_key(shard) {
            let places = places(&file);
            self.tars.insert(shard.to_owned(), places);
        }
        let place = self.tars.get(shard).and_then(|places| places.get(&id));
        let &(at, length) = place.ok_or(ErrorKind::NotFound)?;
        file.seek(SeekFrom::Start(at))?;
        let mut bytes = Vec::new();
        file.take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Where the pictures of a tar lie, as far as it can be read.
fn places(file: &File) -> HashMap<PictureId, (u64, u64)> {
    let mut archive = tar::Archive::new(BufReader::new(file));
    let mut places = HashMap::new();
    let entries = archive.entries_with_seek().into_iter().flatten();
    for entry in entries.map_while(Result::ok) {
        let place = (entry.raw_file_position(), entry.size());
        let path = entry.path();
        let path = path.as_deref().ok().and_then(Path::to_str);
        let name = path.and_then(|path| path.split_once('.'));
        if let Some((id, ending)) = name
            && !matches!(ending, "json" | "txt")
            && let Ok(id) = id.parse()
        {
            places.insert(id, place);
        }
    }
    places
}

fn read_line(manifest: &Path, at: u64) -> io::Result<Row> {
    let mut file = File::open(manifest)?;
    file.seek(SeekFrom::Start(at))?;
    let mut line = Vec::new();
    BufReader::new(file).read_until(b'\n', &mut line)?;
    Ok(serde_json::from_slice(&line)?)
}
