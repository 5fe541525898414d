//! What backups and repairs are asked for, and what came of them.

use std::path::PathBuf;

use crate::picture::PictureId;

/// How a backup is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BackupOptions {
    /// Closed segments are linked where that can be done, not copied.
    pub link: bool,
    /// What the store no longer has is deleted from the backup.
    pub prune: bool,
    /// What lies in the backup already is taken for whole by its length, and not read.
    pub quick: bool,
}

/// What a backup has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    /// What of the source is damaged: it is so in the copy, too.
    pub damaged: Vec<String>,
}

/// What giving back space came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Bytes given back.
    pub freed: u64,
    /// What could not be read and was kept as it is, though something removed may be in it.
    pub unread: Vec<String>,
}

/// What converting pictures to the store's encoding came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Converted {
    /// Pictures that were converted now.
    pub pictures: u64,
    /// Pictures that were to be.
    pub total: u64,
    /// Bytes given back.
    pub freed: u64,
    /// Whether it was asked to stop before it came to the end.
    pub stopped: bool,
    /// Whether nothing is left but what is damaged.
    pub complete: bool,
    /// What could not be read and was kept as it is.
    pub unread: Vec<String>,
}

/// Something that is not right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The picture, if it is one's.
    pub picture: Option<PictureId>,
    /// What is wrong.
    pub problem: String,
}

/// What a store has after [`Store::repair`](super::Store::repair).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Pictures with features.
    pub pictures: u64,
    /// Pictures without.
    pub waiting: u64,
    /// Pictures of both kinds that were committed, where that is known.
    pub committed: Option<u64>,
    /// Bytes of the log that are damaged, and were passed over.
    pub damaged_bytes: u64,
    /// What was damaged of the backup that the store was made of.
    pub damaged: Vec<String>,
    /// Whether what the crawler knew is lost: it begins again at its seeds.
    pub forgot_crawl: bool,
    /// What could not be used and was left under another name.
    pub aside: Vec<PathBuf>,
    /// Pictures of segments among it that the store does not have.
    pub pictures_aside: u64,
}
