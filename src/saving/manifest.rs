//! The manifest: a line of JSON a picture, to which is only added.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Row, SaveError};
use crate::picture::PictureId;

/// The name of the manifest in its folder.
pub const MANIFEST: &str = "manifest.jsonl";

/// The manifest, open to be added to.
pub(super) struct Manifest {
    path: PathBuf,
    file: File,
    length: u64,
}

/// What has to be known of a line to know what is there.
#[derive(Deserialize)]
struct Place<'a> {
    id: &'a str,
    shard: Option<&'a str>,
}

/// The pictures of a manifest, and the number of the tar that each is in.
pub(super) type Known = HashMap<PictureId, Option<u32>>;

impl Manifest {
    /// Opens the manifest of a folder, or makes a new one, and says what is in it. Half a line at its
    /// end, which a killed run or a full disk has left, is cut off.
    pub(super) fn open(dir: &Path) -> Result<(Self, Known), SaveError> {
        let path = dir.join(MANIFEST);
        let failed = SaveError::io(&path);
        let file = OpenOptions::new().append(true).create(true).open(&path);
        let mut file = file.map_err(&failed)?;
        let mut known = Known::new();
        let mut read = |line: &[u8]| {
            let place: Place<'_> = serde_json::from_slice(line).ok()?;
            let shard = place.shard.and_then(|name| name.strip_suffix(".tar"));
            let shard = shard.and_then(|number| number.parse().ok());
            known.insert(place.id.parse().ok()?, shard);
            Some(())
        };
        let mut length = for_each_line(&path, &mut read)?;
        let rest = rest_of(&path, length).map_err(&failed)?;
        if !rest.is_empty() {
            // Whoever has edited the file may have left out its last line's end.
            match serde_json::from_slice::<Row>(&rest)
                .ok()
                .and_then(|_| read(&rest))
            {
                Some(()) => {
                    file.write_all(b"\n").map_err(&failed)?;
                    length += rest.len() as u64 + 1;
                }
                None => file.set_len(length).map_err(&failed)?,
            }
        }
        drop(failed);
        Ok((Self { path, file, length }, known))
    }

    /// Adds lines, all or none, and makes them durable.
    pub(super) fn add(&mut self, rows: &[Row]) -> Result<(), SaveError> {
        let mut lines = Vec::new();
        for row in rows {
            let written = serde_json::to_writer(&mut lines, row);
            written.map_err(|error| SaveError::io(&self.path)(error.into()))?;
            lines.push(b'\n');
        }
        let added = self
            .file
            .write_all(&lines)
            .and_then(|()| self.file.sync_data());
        if let Err(error) = added {
            // If even that fails, the next run cuts half a line off.
            let _ = self.file.set_len(self.length);
            return Err(SaveError::io(&self.path)(error));
        }
        self.length += lines.len() as u64;
        Ok(())
    }
}

/// What follows the last whole line.
fn rest_of(path: &Path, length: u64) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(length))?;
    let mut rest = Vec::new();
    file.read_to_end(&mut rest)?;
    Ok(rest)
}

/// Hands the rows of a manifest to `each`.
pub(super) fn for_each_row(
    path: &Path,
    mut each: impl FnMut(Row) -> Result<(), SaveError>,
) -> Result<(), SaveError> {
    let mut result = Ok(());
    for_each_line(path, |line| {
        let row = serde_json::from_slice(line).ok()?;
        if result.is_ok() {
            result = each(row);
        }
        Some(())
    })?;
    result
}

/// Tells `each` of the pictures of a manifest, and where their lines begin in it.
pub(super) fn for_each_place(
    path: &Path,
    mut each: impl FnMut(u64, PictureId),
) -> Result<(), SaveError> {
    let mut at = 0;
    for_each_line(path, |line| {
        let place: Place<'_> = serde_json::from_slice(line).ok()?;
        each(at, place.id.parse().ok()?);
        at += line.len() as u64;
        Some(())
    })?;
    Ok(())
}

/// Hands whole lines to `read`, which gives nothing for one that is none. Returns how many bytes they
/// are: what follows is half a line.
fn for_each_line(path: &Path, mut read: impl FnMut(&[u8]) -> Option<()>) -> Result<u64, SaveError> {
    let failed = SaveError::io(path);
    let mut file = BufReader::new(File::open(path).map_err(&failed)?);
    let (mut line, mut length) = (Vec::new(), 0);
    for number in 1.. {
        line.clear();
        let read_bytes = file.read_until(b'\n', &mut line).map_err(&failed)?;
        if read_bytes == 0 || !line.ends_with(b"\n") {
            break;
        }
        read(&line).ok_or_else(|| SaveError::Manifest {
            path: path.to_owned(),
            line: number,
        })?;
        length += read_bytes as u64;
    }
    Ok(length)
}
