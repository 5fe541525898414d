//! The libraries that this user takes: those whose checksums simdex knows, and a list of others in
//! the cache, one a line. simdex adds what it fetches, and `--trust` what lies beside the program.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Error;
use super::package::LIBRARIES;
use crate::private_folder;

/// The name of the list.
const LIST: &str = "libraries.sha256";

/// The checksums in a cache that is the user's alone.
pub(super) struct Trusted {
    cache: PathBuf,
    text: String,
}

impl Trusted {
    /// Reads the list; `None` if there is no cache yet.
    ///
    /// # Errors
    /// If others could change what is in the cache, or the list cannot be read.
    pub(super) fn in_cache(cache: &Path) -> Result<Option<Self>, Error> {
        if !cache.exists() {
            return Ok(None);
        }
        let cache = private_folder::check(cache)?;
        let list = cache.join(LIST);
        let text = match std::fs::read_to_string(&list) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read.map_err(Error::cache("read", &list))?,
        };
        Ok(Some(Self { cache, text }))
    }

    /// The same, and makes the cache where there is none.
    pub(super) fn making_cache(cache: &Path) -> Result<Self, Error> {
        private_folder::create(cache).map_err(Error::cache("create", cache))?;
        match Self::in_cache(cache)? {
            Some(trusted) => Ok(trusted),
            None => Err(Error::cache("find", cache)(io::ErrorKind::NotFound.into())),
        }
    }

    /// The cache, by a path without links.
    pub(super) fn cache(&self) -> &Path {
        &self.cache
    }

    /// Whether a library of this checksum is taken.
    pub(super) fn contains(&self, sha256: &str) -> bool {
        let listed = |line: &str| line.trim() == sha256;
        !sha256.is_empty() && (is_shipped(sha256) || self.text.lines().any(listed))
    }

    /// Adds a checksum to the list.
    ///
    /// # Errors
    /// If the list cannot be written.
    pub(super) fn add(&mut self, sha256: &str) -> Result<(), Error> {
        if self.contains(sha256) {
            return Ok(());
        }
        let list = self.cache.join(LIST);
        let add = || {
            let mut file = OpenOptions::new().create(true).append(true).open(&list)?;
            // A line of its own, also behind half a line.
            file.write_all(format!("\n{sha256}\n").as_bytes())?;
            file.sync_all()
        };
        add().map_err(Error::cache("write", &list))?;
        self.text += &format!("\n{sha256}\n");
        Ok(())
    }
}

/// Whether it is the checksum of a library in one of the packages that simdex names.
pub(super) fn is_shipped(sha256: &str) -> bool {
    LIBRARIES.contains(&sha256)
}

/// The checksum of a file, in lower-case hexadecimal digits.
pub(super) fn sha256_of(path: &Path) -> Result<String, Error> {
    let sum = || sha256(&mut File::open(path)?);
    sum().map_err(Error::cache("read", path))
}

/// The checksum of what is left of a file.
pub(super) fn sha256(file: &mut File) -> io::Result<String> {
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            length => digest.update(&buffer[..length]),
        }
    }
    let bytes = digest.finalize();
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_kept_one_a_line() {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("cache");
        assert!(Trusted::in_cache(&cache).unwrap().is_none());
        let mut trusted = Trusted::making_cache(&cache).unwrap();
        let (one, two) = ("1".repeat(64), "2".repeat(64));
        trusted.add(&one).unwrap();
        std::fs::write(cache.join(LIST), "half a li").unwrap();
        trusted.add(&two).unwrap();
        assert!(trusted.contains(&one) && trusted.contains(&two));
        let read = Trusted::in_cache(&cache).unwrap().unwrap();
        assert!(!read.contains(&one) && read.contains(&two) && !read.contains(""));
        assert!(read.contains(LIBRARIES[0]), "known without a list");
    }
}
