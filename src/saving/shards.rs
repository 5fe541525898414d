//! WebDataset's tars: `00000.tar`, each sample three files of one name.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::SaveError;
use super::manifest::Known;
use crate::atomic_file::sync_folder;
use crate::picture::PictureId;

/// What tars are made of, in bytes.
const BLOCK: u64 = 512;
/// What a tar ends with: two empty blocks.
const END: u64 = 2 * BLOCK;
/// The name of a tar that is not finished ends in this.
const PART: &str = ".tar.part";

/// The tars of a folder, of which the last may be open.
pub(super) struct Shards {
    dir: PathBuf,
    /// From this size on a tar is finished.
    most_bytes: u64,
    next: u32,
    open: Option<Shard>,
    /// Those that are full, and get their names when all in them counts.
    full: Vec<Shard>,
}

struct Shard {
    number: u32,
    path: PathBuf,
    file: BufWriter<File>,
    /// Its length up to the last whole sample.
    length: u64,
}

/// The three files of a sample.
pub(super) struct Sample<'a> {
    pub(super) id: &'a str,
    pub(super) ending: &'a str,
    pub(super) picture: &'a [u8],
    pub(super) facts: &'a [u8],
    pub(super) words: &'a str,
}

impl Shards {
    /// Looks at the tars that are there. One that a killed run has left unfinished is gone on with,
    /// behind the last sample that the manifest knows.
    pub(super) fn open(dir: &Path, most_bytes: u64, known: &Known) -> Result<Self, SaveError> {
        let mut shards = Self {
            dir: dir.to_owned(),
            most_bytes,
            next: 0,
            open: None,
            full: Vec::new(),
        };
        let mut parts = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(SaveError::io(dir))? {
            let name = entry.map_err(SaveError::io(dir))?.file_name();
            let Some(name) = name.to_str() else { continue };
            let number = name.strip_suffix(PART).or(name.strip_suffix(".tar"));
            let Some(number) = number.and_then(|number| number.parse::<u32>().ok()) else {
                continue;
            };
            shards.next = shards.next.max(number + 1);
            if name.ends_with(PART) {
                parts.push(number);
            }
        }
        parts.sort_unstable();
        for number in parts {
            shards.recover(number, known)?;
        }
        Ok(shards)
    }

    /// The folder.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The name of the tar into which a sample goes whose picture has so many bytes.
    pub(super) fn current(&mut self, bytes: u64) -> Result<String, SaveError> {
        let is_full =
            |shard: &mut Shard| shard.length > 0 && shard.length + bytes > self.most_bytes;
        self.full.extend(self.open.take_if(is_full));
        let number = match &self.open {
            Some(shard) => shard.number,
            None => self.begin()?,
        };
        Ok(name(number))
    }

    /// Writes a sample; it counts once it is durable.
    pub(super) fn add(&mut self, sample: &Sample<'_>) -> Result<(), SaveError> {
        let Some(shard) = &mut self.open else {
            return Err(SaveError::Stopped);
        };
        match shard.write(sample) {
            Ok(length) => shard.length += length,
            Err(error) => {
                // Half a sample is no sample.
                let length = shard.length;
                let path = shard.path.clone();
                if let Some(Shard { file, .. }) = self.open.take() {
                    let (file, _) = file.into_parts();
                    let _ = file.set_len(length);
                }
                return Err(SaveError::io(&path)(error));
            }
        }
        Ok(())
    }

    /// Makes durable what was added.
    pub(super) fn sync(&mut self) -> Result<(), SaveError> {
        for shard in self.full.iter_mut().chain(&mut self.open) {
            let flushed = shard.file.flush();
            let synced = flushed.and_then(|()| shard.file.get_ref().sync_data());
            synced.map_err(SaveError::io(&shard.path))?;
        }
        Ok(())
    }

    /// Finishes those that are full: all in them counts by now.
    pub(super) fn finish_full(&mut self) -> Result<(), SaveError> {
        std::mem::take(&mut self.full)
            .into_iter()
            .try_for_each(|shard| shard.finish(&self.dir))
    }

    /// Finishes the open tar, too: another run begins another.
    pub(super) fn finish(&mut self) -> Result<(), SaveError> {
        self.full.extend(self.open.take());
        self.finish_full()
    }

    fn begin(&mut self) -> Result<u32, SaveError> {
        let number = self.next;
        let path = self.dir.join(format!("{number:05}{PART}"));
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = file.and_then(|file| sync_folder(&self.dir).map(|()| file));
        let file = BufWriter::new(file.map_err(SaveError::io(&path))?);
        self.next += 1;
        self.open = Some(Shard {
            number,
            path,
            file,
            length: 0,
        });
        Ok(number)
    }

    /// Cuts an unfinished tar behind its last sample that counts, and goes on with it.
    fn recover(&mut self, number: u32, known: &Known) -> Result<(), SaveError> {
        // There is one at most, unless somebody has put it there.
        self.finish()?;
        let path = self.dir.join(format!("{number:05}{PART}"));
        let failed = SaveError::io(&path);
        let file = OpenOptions::new().read(true).write(true).open(&path);
        let mut file = file.map_err(&failed)?;
        let in_it = known.iter().filter(|(_, shard)| **shard == Some(number));
        let in_it: HashSet<PictureId> = in_it.map(|(id, _)| *id).collect();
        let length = last_sample(&mut file, &in_it).map_err(&failed)?;
        file.set_len(length).map_err(&failed)?;
        file.seek(SeekFrom::Start(length)).map_err(&failed)?;
        drop(failed);
        self.open = Some(Shard {
            number,
            path,
            file: BufWriter::new(file),
            length,
        });
        Ok(())
    }
}

impl Shard {
    /// Ends the tar, and gives it its name; one without samples goes.
    fn finish(mut self, dir: &Path) -> Result<(), SaveError> {
        let failed = SaveError::io(&self.path);
        if self.length == 0 {
            return std::fs::remove_file(&self.path).map_err(failed);
        }
        let written = self.file.write_all(&[0; END as usize]);
        let written = written.and_then(|()| self.file.flush());
        let synced = written.and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(&failed)?;
        let renamed = std::fs::rename(&self.path, dir.join(name(self.number)));
        renamed.and_then(|()| sync_folder(dir)).map_err(failed)
    }

    fn write(&mut self, sample: &Sample<'_>) -> std::io::Result<u64> {
        let Sample { id, ending, .. } = sample;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let mut length = 0;
        for (ending, bytes) in [
            (*ending, sample.picture),
            ("json", sample.facts),
            // Last: a sample is whole when it is.
            ("txt", sample.words.as_bytes()),
        ] {
            let mut header = tar::Header::new_ustar();
            header.set_path(format!("{id}.{ending}"))?;
            header.set_entry_type(tar::EntryType::Regular);
            header.set_mode(0o644);
            header.set_mtime(now.as_secs());
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            self.file.write_all(header.as_bytes())?;
            self.file.write_all(bytes)?;
            let padding = padding(bytes.len() as u64);
            self.file
                .write_all(&[0; BLOCK as usize][..padding as usize])?;
            length += BLOCK + bytes.len() as u64 + padding;
        }
        self.file.flush()?;
        Ok(length)
    }
}

fn name(number: u32) -> String {
    format!("{number:05}.tar")
}

/// What fills the last block of so many bytes.
fn padding(bytes: u64) -> u64 {
    (BLOCK - bytes % BLOCK) % BLOCK
}

/// Where the last whole sample of an unfinished tar ends that is one of these.
fn last_sample(file: &mut File, known: &HashSet<PictureId>) -> std::io::Result<u64> {
    let length = file.metadata()?.len();
    let (mut at, mut last) = (0, 0);
    let mut block = [0; BLOCK as usize];
    while at + BLOCK <= length {
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut block)?;
        let header = tar::Header::from_byte_slice(&block);
        let (Ok(path), Ok(size)) = (header.path(), header.entry_size()) else {
            break;
        };
        let Some((id, ending)) = path.to_str().and_then(|path| path.split_once('.')) else {
            break;
        };
        let end = size
            .checked_add(padding(size))
            .and_then(|it| it.checked_add(at + BLOCK));
        let Some(end) = end.filter(|end| *end <= length) else {
            break;
        };
        at = end;
        if ending == "txt" && id.parse::<PictureId>().is_ok_and(|id| known.contains(&id)) {
            last = at;
        }
    }
    Ok(last)
}
