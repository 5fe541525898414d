use rayon::prelude::*;

use crate::activation::layer_mses;
use crate::head::Ranking;
use crate::index::Candidate;
use crate::picture::PictureId;
use crate::store::{Block, Store, StoreError};

/// A candidate with its score and what explains it.
pub(super) struct Scored {
    pub(super) id: PictureId,
    pub(super) cosine: f32,
    pub(super) score: f32,
    pub(super) mses: Vec<f32>,
}

/// Compares the query's block with every candidate's, on all cores, best first.
///
/// A candidate whose activations are damaged is left out with a warning.
pub(super) fn rescore(
    store: &Store,
    ranking: &Ranking,
    query: &[u8],
    candidates: &[Candidate],
) -> Result<Vec<Scored>, StoreError> {
    let mut blocks: Vec<(PictureId, f32, Block)> = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let Some(id) = store.picture_at(candidate.sequence)? else {
            continue;
        };
        match store.block(id) {
            Ok(block) => blocks.push((id, candidate.cosine, block)),
            Err(error) => tracing::warn!(%error, "a candidate is left out"),
        }
    }
    // In the order of the file, so that a cold disk reads forward.
    blocks.sort_unstable_by_key(|(_, _, block)| block.as_ptr() as usize);
    let layout = store.layout();
    let mut scored: Vec<Scored> = blocks
        .into_par_iter()
        .map(|(id, cosine, block)| {
            let mses = layer_mses(layout, query, &block);
            let score = ranking.score(cosine, &mses);
            Scored {
                id,
                cosine,
                score,
                mses,
            }
        })
        .collect();
    scored.sort_unstable_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then(b.cosine.total_cmp(&a.cosine))
            .then(a.id.cmp(&b.id))
    });
    Ok(scored)
}
