//! The encodings that a store can be made with, by name.

use serde::{Deserialize, Serialize};

use super::codec::Codec;
use super::compact::Compact;
use super::float::Floats;
use super::int8::Int8;

/// How activations are stored.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// One signed byte a value with one scale per picture and layer: a quarter of f32;
    /// pairwise MSEs move by about 0.05 %.
    #[default]
    Int8,
    /// What `Compact` was until format 6: parts of a picture are known less well. New stores are not made
    /// with it.
    #[serde(rename = "compact")]
    CompactBefore,
    /// IEEE half precision.
    F16,
    /// As the network gave them.
    F32,
    // Records have numbers for these: what is new comes last.
    /// Sketches and statistics: an eightieth of `Int8`. Distances are estimates, and places within
    /// a picture are known roughly.
    #[serde(rename = "compact2")]
    Compact,
}

impl Encoding {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Int8,
        Self::CompactBefore,
        Self::F16,
        Self::F32,
        Self::Compact,
    ];

    /// Whether it keeps sketches.
    pub fn is_compact(self) -> bool {
        matches!(self, Self::Compact | Self::CompactBefore)
    }

    /// What writes and measures activations in this encoding.
    pub(crate) fn codec(self) -> &'static dyn Codec {
        match self {
            Self::Int8 => &Int8,
            Self::Compact | Self::CompactBefore => &Compact,
            Self::F16 => &Floats::<half::f16>::NEW,
            Self::F32 => &Floats::<f32>::NEW,
        }
    }
}
