//! What a backup is asked for, and what came of it.

/// How a backup is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BackupOptions {
    /// Closed segments are linked where that can be done, not copied.
    pub link: bool,
    /// What the store no longer has is deleted from the backup.
    pub prune: bool,
}

/// What a backup has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BackedUp {
    /// Pictures with features.
    pub pictures: u64,
    /// Pictures without.
    pub waiting: u64,
    /// Bytes of segments.
    pub bytes: u64,
    /// Segments that were new or had grown.
    pub segments: u64,
    /// Bytes of them that were copied; what is linked is not.
    pub copied_bytes: u64,
    /// Bytes deleted from the backup.
    pub pruned_bytes: u64,
}
