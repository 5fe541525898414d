//! Descriptors are computed from activations; when the way of computing them changes, they are
//! made anew.

use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::activation::Activations;
use crate::network::Network;
use crate::store::embedded::Embedded;
use crate::store::{Blocks, StoreError};

/// Most pictures described between two reports of progress.
const CHUNK: usize = 256;
const NOTE_EVERY: Duration = Duration::from_secs(5);

impl Embedded {
    /// Describes all pictures anew, from their activations.
    pub(in crate::store::embedded) fn describe_anew(
        &self,
        network: &Network,
    ) -> Result<(), StoreError> {
        let (metadata, trees) = (&self.metadata, &self.metadata.trees);
        let of = metadata.picture_count();
        if of > 0 {
            tracing::info!(pictures = of, "describing the pictures anew");
        }
        let (mut done, mut noted) = (0, Instant::now());
        let mut pictures = metadata.pictures().peekable();
        while pictures.peek().is_some() {
            let chunk: Vec<_> = pictures.by_ref().take(CHUNK).collect::<Result<_, _>>()?;
            let described: Vec<_> = chunk
                .par_iter()
                .map(|(sequence, id)| {
                    let location = metadata.block_location(*id)?;
                    let location = location.ok_or(StoreError::Damaged { picture: *id })?;
                    let block = self.blocks.read(*id, location)?;
                    let layout = self.identity.layouts.of_block(block.len());
                    let layout = layout.ok_or(StoreError::Damaged { picture: *id })?;
                    // What the log says of a picture stays where no more than a sketch of it is there.
                    let described = layout.keeps_values().then(|| {
                        let activations = Activations::new(layout, &block);
                        network.describe(activations)
                    });
                    Ok((*sequence, described))
                })
                .collect::<Vec<Result<_, StoreError>>>();
            for entry in described {
                match entry {
                    Ok((sequence, Some(descriptor))) => {
                        let bytes = descriptor.to_bytes();
                        trees.descriptors.insert(sequence.key(), bytes)?;
                    }
                    Ok((_, None)) => {}
                    Err(error) => tracing::warn!(%error, "a picture is not described"),
                }
            }
            done += chunk.len();
            if noted.elapsed() > NOTE_EVERY {
                noted = Instant::now();
                tracing::info!(done, of, "described");
            }
        }
        metadata.records.sync()
    }
}
