//! A block: one picture's activations as bytes, and where they lie.

use std::ops::{Deref, Range};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Where bytes lie in a segment, and their checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// Number of the segment.
    pub(super) segment: u32,
    /// Where they begin there, in bytes.
    pub(super) offset: u64,
    /// How many they are.
    pub(super) length: u64,
    /// Their CRC-32.
    pub(super) checksum: u32,
}

/// Where an entry lies. Only the [`Blocks`](super::Blocks) that gave it know what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntryLocation {
    /// Number of the segment.
    pub(super) segment: u32,
    /// Where the entry begins there, in bytes.
    pub(super) offset: u64,
    /// Its large part: the activations, or a body that waits for them.
    pub(super) payload: Option<Span>,
    /// The small JPEG.
    pub(super) thumbnail: Option<Span>,
}

/// One picture's block, read in place. It keeps the memory that it lies in.
#[derive(Clone)]
pub struct Block {
    memory: Arc<dyn AsRef<[u8]> + Send + Sync>,
    range: Range<usize>,
}

impl Block {
    /// A block in memory of its own.
    pub fn of_bytes(bytes: Vec<u8>) -> Self {
        Self {
            range: 0..bytes.len(),
            memory: Arc::new(bytes),
        }
    }

    /// The bytes of `memory` in `range`; `None` if it has fewer.
    pub(super) fn new(
        memory: Arc<dyn AsRef<[u8]> + Send + Sync>,
        range: Range<usize>,
    ) -> Option<Self> {
        (*memory).as_ref().get(range.clone())?;
        Some(Self { memory, range })
    }
}

impl Deref for Block {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &(*self.memory).as_ref()[self.range.clone()]
    }
}
