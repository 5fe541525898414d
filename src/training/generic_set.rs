//! What the shipped head learns from.

use super::example::{EditedExample, Example};

/// What the shipped head learns from.
#[derive(Debug)]
pub struct GenericSet<'a> {
    /// Labelled pictures. How they are described does not matter: projections are learned here.
    pub pictures: &'a [Example<'a>],
    /// Their classes, each in one domain.
    pub labels: &'a [usize],
    /// The domain of each: photos of one kind, drawings, icons.
    pub domains: &'a [usize],
    /// Names of the classes. Classes of one name in different domains are the same.
    pub classes: &'a [String],
    /// Edited copies of some of the pictures.
    pub edited: &'a [EditedExample<'a>],
    /// Seed of everything random.
    pub seed: u64,
}

/// The shipped head cannot be learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GenericError {
    /// There is nothing to project.
    #[error("the manifest does not say how the last layer is normalised")]
    NotPooled,
}
