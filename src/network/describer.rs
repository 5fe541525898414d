//! From a picture's activations to what the index compares.

use std::sync::Arc;

use super::{Descriptor, Manifest, Projection};
use crate::activation::Activations;

/// Describes pictures of one network in one way: projected where there is a projection, else by
/// their embedding.
#[derive(Debug, Clone)]
pub struct Describer {
    manifest: Arc<Manifest>,
    projection: Option<Arc<Projection>>,
}

impl Describer {
    pub(super) fn new(manifest: Arc<Manifest>, projection: Option<Arc<Projection>>) -> Self {
        Self {
            manifest,
            projection,
        }
    }

    /// What the index compares a picture by, from its activations.
    pub fn describe(&self, activations: Activations<'_>) -> Descriptor {
        let projection = self.projection.as_deref();
        let projected = projection.and_then(|p| p.describe(&self.manifest, activations));
        projected.unwrap_or_else(|| Descriptor::normalized(activations.embedding()))
    }

    /// Numbers in a descriptor.
    pub fn dimensions(&self) -> usize {
        let projected = self.projection.as_deref().map(Projection::dimensions);
        projected.unwrap_or(self.manifest.embedding.dimensions)
    }

    /// Tells this way of describing pictures from others.
    pub fn id(&self) -> &str {
        let projection = self.projection.as_deref();
        projection.map_or("embedding", Projection::id)
    }
}
