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

impl Reserve {
    /// Refuses to go on below the reserve.
    pub fn check(&self) -> Result<(), StoreError> {
        if self.is_frozen {
            return Err(StoreError::ReadOnly {
                dir: self.dir.clone(),
            });
        }
        let free =
            fs4::available_space(&self.dir).map_err(|error| StoreError::io(&self.dir, error))?;
        if free < self.bytes {
            return Err(StoreError::DiskFull {
                free_mb: free >> 20,
                reserve_mb: self.bytes >> 20,
            });
        }
        Ok(())
    }
}
