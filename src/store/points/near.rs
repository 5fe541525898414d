//! What a store that can search is asked, and what it answers.

use crate::canonical_url::HostId;
use crate::network::{Descriptor, LookDescriptor};
use crate::picture::PerceptualHash;
use crate::store::{PictureRow, Sequence};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Near<'a> {
    /// What pictures are to be near to.
    pub to: NearTo<'a>,
    /// How many are wanted.
    pub count: usize,
    /// Which ones may come; `None`: all.
    pub which: Option<Which>,
}

/// What pictures are to be near to.
#[derive(Debug, Clone, Copy)]
pub enum NearTo<'a> {
    /// By their descriptors.
    Descriptor(&'a Descriptor),
    /// By their looks; those that have none do not come.
    Look(&'a LookDescriptor),
}

/// Which pictures may come: those of which all of this holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Which {
    /// They are at least so wide, in pixels.
    pub min_width: u32,
    /// They are at least so high, in pixels.
    pub min_height: u32,
    /// They were stored from then on, in seconds since 1970.
    pub since_s: Option<u64>,
    /// They were stored before then, in seconds since 1970.
    pub until_s: Option<u64>,
    /// They were seen on this host.
    pub host: Option<HostId>,
}

/// What was found near.
#[derive(Debug, Clone, Default)]
pub struct Nearest {
    /// The pictures, in no order.
    pub pictures: Vec<NearPicture>,
    /// Whether there are no more to be found.
    pub are_all: bool,
}

/// A picture with all that a search needs of it but its activations.
#[derive(Debug, Clone)]
pub struct NearPicture {
    /// Its place in the order of storing.
    pub sequence: Sequence,
    /// Which it is, how it is described, and where its activations lie.
    pub row: PictureRow,
    /// Its perceptual hash.
    pub hash: PerceptualHash,
    /// How it looks; `None` if it has no look.
    pub look: Option<LookDescriptor>,
}

/// Means over a store's pictures, or over as many of them as say the same.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Means {
    /// How many pictures they are taken over.
    pub pictures: u64,
    /// Of their embeddings.
    pub embedding: Vec<f32>,
    /// Of their descriptors.
    pub descriptor: Vec<f32>,
}
