//! Small files of derived data beside the index, each with a checksum: what is damaged costs
//! only the work of making it anew.

use std::io;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::atomic_file::AtomicFile;

const CHECKSUM: usize = 4;

/// What was saved; `None` if there is no file, or a damaged one, of which `damaged` is said.
pub(crate) fn load<T: DeserializeOwned>(path: &Path, damaged: &str) -> Option<T> {
    let bytes = std::fs::read(path).ok()?;
    let (checksum, body) = bytes.split_first_chunk::<CHECKSUM>()?;
    let value = (crc32fast::hash(body) == u32::from_le_bytes(*checksum))
        .then(|| postcard::from_bytes(body).ok())
        .flatten();
    if value.is_none() {
        tracing::warn!("{damaged}");
    }
    value
}

/// Replaces the file in one step, making its folder where there is none.
///
/// # Errors
/// If the folder cannot be written.
pub(crate) fn save<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let body = postcard::to_stdvec(value).map_err(io::Error::other)?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let checksum = crc32fast::hash(&body).to_le_bytes();
    AtomicFile::new(path).write(&[&checksum[..], &body].concat())
}
