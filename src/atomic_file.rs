//! Files that are replaced in one step: whoever reads one finds the old or the new, whole.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// A file that is to be replaced.
#[derive(Debug, Clone, Copy)]
pub struct AtomicFile<'a> {
    path: &'a Path,
    private: bool,
}

impl<'a> AtomicFile<'a> {
    /// The file at `path`, which only its owner may read.
    pub fn new(path: &'a Path) -> Self {
        Self {
            path,
            private: true,
        }
    }

    /// Gives the file what other programs give a new one: all may read that the system's
    /// settings (umask) let.
    #[must_use]
    pub fn shared(self) -> Self {
        Self {
            private: false,
            ..self
        }
    }

    /// Writes a new file in the same folder and puts it in the old one's place. It is there
    /// after a power failure, too, once this has returned.
    ///
    /// # Errors
    /// If it cannot be written. The old file is as it was then.
    pub fn write(self, bytes: &[u8]) -> io::Result<()> {
        self.write_with(|file| file.write_all(bytes))
    }

    /// The same with what `fill` writes, for what is too long to be kept in memory.
    ///
    /// # Errors
    /// If it cannot be written, or `fill` fails. The old file is as it was then.
    pub fn write_with<E: From<io::Error>>(
        self,
        fill: impl FnOnce(&mut File) -> Result<(), E>,
    ) -> Result<(), E> {
        let folder = folder_of(self.path);
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        if !self.private {
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        }
        let mut file = builder.tempfile_in(folder)?;
        fill(file.as_file_mut())?;
        file.as_file().sync_all()?;
        file.persist(self.path).map_err(io::Error::from)?;
        Ok(sync_folder(folder)?)
    }
}

/// The folder that a file is in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Makes the new name survive a power failure. Where folders cannot be opened, as on
/// Windows, the system does without.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        for text in ["old", "new"] {
            AtomicFile::new(&path).write(text.as_bytes()).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_written_leaves_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("folder");
        std::fs::create_dir_all(path.join("full")).unwrap();
        assert!(AtomicFile::new(&path).write(b"new").is_err());
        assert!(path.join("full").is_dir());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_shared_file_is_no_more_private_than_a_new_one() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let mode = |name: &str| {
            let data = std::fs::metadata(dir.path().join(name)).unwrap();
            data.permissions().mode()
        };
        std::fs::write(dir.path().join("usual"), "").unwrap();
        for (name, file) in [("shared", true), ("private", false)] {
            let path = dir.path().join(name);
            let atomic = AtomicFile::new(&path);
            let atomic = if file { atomic.shared() } else { atomic };
            atomic.write(b"").unwrap();
        }
        assert_eq!(mode("shared"), mode("usual"));
        assert_eq!(mode("private") & 0o077, 0);
    }
}
