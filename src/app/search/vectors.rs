//! The numbers by which pictures are compared, for programs that go on with them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::activation::Activations;
use crate::app::{Collection, Error};
use crate::network::Embedding;
use crate::picture::PictureId;
use crate::store::{Sequence, StoreError};

/// Which numbers of pictures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum VectorKind {
    /// The network's pooled output.
    #[default]
    Embedding,
    /// What the index compares.
    Descriptor,
}

impl VectorKind {
    /// Its name in URLs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedding => "embedding",
            Self::Descriptor => "descriptor",
        }
    }
}

/// A stored picture's numbers, at unit length: the inner product of two is their cosine.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureVector {
    /// The picture.
    pub id: PictureId,
    /// The numbers.
    pub values: Vec<f32>,
}

impl Collection {
    /// Gives the numbers of every picture that searches see, in the order of storing. Returns the ids
    /// of pictures that cannot be read.
    ///
    /// # Errors
    /// If the store fails, or `each` does.
    pub fn vectors<E: From<Error>>(
        &self,
        kind: VectorKind,
        mut each: impl FnMut(PictureVector) -> Result<(), E>,
    ) -> Result<Vec<String>, E> {
        let store = self.store();
        let hidden = self.hidden().load();
        let mut unread = Vec::new();
        for entry in store.pictures() {
            let (sequence, id) = entry.map_err(Error::from)?;
            if hidden.contains(&sequence) {
                continue;
            }
            match self.vector(kind, sequence, id) {
                Ok(values) => each(PictureVector { id, values })?,
                Err(error) => {
                    // It may have been removed since the list was begun.
                    if store.contains(id).map_err(Error::from)? {
                        tracing::warn!(picture = %id, %error, "a stored picture cannot be read");
                        unread.push(id.to_string());
                    }
                }
            }
        }
        Ok(unread)
    }

    fn vector(
        &self,
        kind: VectorKind,
        sequence: Sequence,
        id: PictureId,
    ) -> Result<Vec<f32>, StoreError> {
        let store = self.store();
        Ok(match kind {
            VectorKind::Embedding => {
                let block = store.block(id)?;
                let activations = Activations::new(store.layout(), &block);
                let embedding = Embedding::normalized(&activations.embedding());
                embedding.values().to_vec()
            }
            VectorKind::Descriptor => store.descriptor(sequence)?.values().to_vec(),
        })
    }
}
