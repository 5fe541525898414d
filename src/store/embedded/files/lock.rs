//! The lock that keeps other processes out.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

#[cfg(feature = "cluster")]
use crate::private_folder;
use crate::store::StoreError;

/// The file's name in the store's folder.
pub const FILE: &str = "lock";

/// The store's lock. The system releases it when the process ends, however it ends.
pub struct Lock {
    /// `None` where there is no file and none can be made.
    _file: Option<File>,
}

impl Lock {
    /// Keeps those out who write, without writing.
    pub fn share(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(FILE);
        let file = match File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            file => Some(file.map_err(|error| StoreError::io(&path, error))?),
        };
        match file.as_ref().map_or(Ok(()), File::try_lock_shared) {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked {
                dir: dir.to_owned(),
                owner: String::new(),
            }),
            Err(TryLockError::Error(error)) => Err(StoreError::io(&path, error)),
        }
    }

    /// The same lock once more: it is released when both are dropped.
    pub fn again(&self) -> Result<Self, std::io::Error> {
        let file = self._file.as_ref().map(File::try_clone).transpose()?;
        Ok(Self { _file: file })
    }

    /// Keeps everybody else out of a folder that is made where there is none.
    #[cfg(feature = "cluster")]
    pub fn of_new(dir: &Path) -> Result<Self, StoreError> {
        private_folder::create(dir).map_err(|error| StoreError::io(dir, error))?;
        Self::take(dir)
    }

    /// Keeps everybody else out.
    pub fn take(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(FILE);
        let io = |error| StoreError::io(&path, error);
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                // Only for the message; without the number it still says enough.
                let _ = file.read_to_string(&mut owner);
                // What follows is where it listens.
                let owner = owner.lines().next().unwrap_or_default();
                return Err(StoreError::Locked {
                    dir: dir.to_owned(),
                    owner: if owner.is_empty() {
                        String::new()
                    } else {
                        format!(" (process {owner})")
                    },
                });
            }
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        file.set_len(0).map_err(io)?;
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        writeln!(file, "{}", std::process::id()).map_err(io)?;
        Ok(Self { _file: Some(file) })
    }
}
