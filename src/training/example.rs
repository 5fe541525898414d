//! Pictures to learn from.

use crate::edit::Edit;
use crate::head::{CollectionMean, Features};
use crate::network::{Descriptor, Embedding};
use crate::picture::PictureId;

/// A picture to learn from.
#[derive(Debug, Clone, Copy)]
pub struct Example<'a> {
    /// What is measured of it.
    pub features: Features<'a>,
    /// Its embedding.
    pub embedding: &'a Embedding,
    /// Its id.
    pub id: PictureId,
}

/// A copy to learn from.
#[derive(Debug, Clone, Copy)]
pub struct EditedExample<'a> {
    /// The picture that it was made from, by number.
    pub original: usize,
    /// What was done.
    pub edit: Edit,
    /// The copy.
    pub example: Example<'a>,
}

/// What some pictures have in common.
pub(super) fn mean_of(pictures: &[Example<'_>]) -> CollectionMean {
    let each = pictures.iter();
    CollectionMean::of(each.map(|p| (p.embedding, p.features.descriptor)))
}

/// A picture with another descriptor.
pub(super) fn redescribed<'a>(example: &Example<'a>, descriptor: &'a Descriptor) -> Example<'a> {
    Example {
        features: Features {
            descriptor,
            ..example.features
        },
        ..*example
    }
}
