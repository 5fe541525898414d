//! Free disk space.

use std::path::PathBuf;

use crate::store::StoreError;

/// Free disk space below which nothing is stored: sled does not handle a full disk well.
#[derive(Debug, Clone)]
pub struct Reserve {
    /// A folder of the disk.
    pub dir: PathBuf,
    /// Free space that is kept, in bytes.
    pub bytes: u64,
    /// Whether nothing may be stored at all.
    pub is_frozen: bool,
}

/// Room for records beside what is copied, in bytes.
const ROOM: u64 = 16 << 20;

impl Reserve {
    /// Refuses to go on below the reserve.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`].
    pub fn check(&self) -> Result<(), StoreError> {
        self.check_free(self.bytes)
    }

    /// Refuses to copy so many bytes where they do not fit. What makes room may use the reserve.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`].
    pub fn check_for(&self, copied: u64) -> Result<(), StoreError> {
        self.check_free(copied + ROOM)
    }

    fn check_free(&self, needed: u64) -> Result<(), StoreError> {
        if self.is_frozen {
            return Err(StoreError::ReadOnly {
                dir: self.dir.clone(),
            });
        }
        let free =
            fs4::available_space(&self.dir).map_err(|error| StoreError::io(&self.dir, error))?;
        if free < needed {
            return Err(StoreError::DiskFull {
                free_mb: free >> 20,
                needed_mb: needed >> 20,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_room_may_use_the_reserve() {
        let dir = tempfile::tempdir().unwrap();
        let reserve = Reserve {
            dir: dir.path().to_owned(),
            bytes: u64::MAX,
            is_frozen: false,
        };
        assert!(matches!(reserve.check(), Err(StoreError::DiskFull { .. })));
        reserve.check_for(1).unwrap();
        assert!(reserve.check_for(u64::MAX / 2).is_err());
        let frozen = Reserve {
            is_frozen: true,
            ..reserve
        };
        assert!(matches!(
            frozen.check_for(1),
            Err(StoreError::ReadOnly { .. })
        ));
    }
}
