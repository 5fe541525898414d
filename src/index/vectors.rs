//! What every way to find near descriptors offers: the scan and the graph here, another
//! engine later.

use super::{Accept, Candidate};
use crate::network::Descriptor;
use crate::store::Sequence;

/// Points, each the descriptor of a stored picture. All descriptors are at unit length.
pub trait Vectors: Send + Sync {
    /// The `count` points nearest to `query` that `accept` lets through, best first; ties in
    /// the order of storing. Fewer come only where there are no more to be found.
    fn nearest(&self, query: &Descriptor, count: usize, accept: Accept<'_>) -> Vec<Candidate>;

    /// Whether a search for a point's own descriptor gives the point, or one as near.
    fn finds(&self, sequence: Sequence, descriptor: &Descriptor) -> bool;

    /// Every point, in the order of storing.
    fn sequences(&self) -> Box<dyn DoubleEndedIterator<Item = Sequence> + '_>;
}
