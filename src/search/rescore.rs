//! Candidates with their features, and ranking them by several examples.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::rank::{Ranker, Scored};
use crate::activation::{Activations, Layout};
use crate::head::{Features, logit, sigmoid};
use crate::index::Candidate;
use crate::network::{Descriptor, LookDescriptor};
use crate::picture::{PerceptualHash, PictureId};
use crate::store::{Block, NewPicture, Sequence, Store, StoreError};

/// A candidate's features, read from the store.
pub(super) struct Loaded {
    pub(super) id: PictureId,
    block: Block,
    descriptor: Descriptor,
    look: Option<LookDescriptor>,
    hash: PerceptualHash,
}

impl Loaded {
    pub(super) fn features<'a>(&'a self, layout: &'a Layout) -> Features<'a> {
        Features {
            activations: Activations::new(layout, &self.block),
            descriptor: &self.descriptor,
            look: self.look.as_ref(),
            hash: self.hash,
        }
    }
}

/// Pictures that cannot be read, which an answer names.
#[derive(Debug, Default)]
pub(super) struct Unread(BTreeSet<PictureId>);

impl Unread {
    pub(super) fn add(&mut self, id: PictureId, error: &StoreError) {
        if self.0.insert(id) {
            tracing::warn!(picture = %id, %error, "a stored picture cannot be read");
        }
    }

    pub(super) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

/// Reads the features of candidates. One whose activations are damaged is left out and noted,
/// unless it is the very picture that is `asked` for, whose features are at hand.
pub(super) fn load(
    store: &Store,
    candidates: &[Candidate],
    asked: &[Vec<NewPicture>],
    unread: &mut Unread,
) -> Result<Vec<Loaded>, StoreError> {
    let read = |candidate: &Candidate| {
        let mut unread = Unread::default();
        let loaded = load_one(store, candidate.sequence, asked, &mut unread)?;
        Ok((loaded, unread))
    };
    let read = candidates.par_iter().map(read);
    let read = read.collect::<Result<Vec<_>, StoreError>>()?;
    let note = |(loaded, unreadable)| {
        unread.extend(unreadable);
        loaded
    };
    Ok(read.into_iter().filter_map(note).collect())
}

pub(super) fn load_one(
    store: &Store,
    sequence: Sequence,
    asked: &[Vec<NewPicture>],
    unread: &mut Unread,
) -> Result<Option<Loaded>, StoreError> {
    let Some(id) = store.picture_at(sequence)? else {
        return Ok(None);
    };
    let Some(record) = store.picture(id)? else {
        return Ok(None);
    };
    let features = store
        .descriptor(sequence)
        .and_then(|descriptor| Ok((descriptor, store.block(id)?)));
    match features {
        Ok((descriptor, block)) => Ok(Some(Loaded {
            id,
            block,
            descriptor,
            // Of looks that not all pictures have, nothing is made.
            look: match store.look_id() {
                Some(_) => store.look(sequence)?,
                None => None,
            },
            hash: record.perceptual_hash,
        })),
        Err(error) => {
            unread.add(id, &error);
            let upright = asked.iter().filter_map(|views| views.first());
            let mut same = upright.filter(|picture| picture.id == id);
            Ok(same.next().map(|picture| Loaded {
                id,
                block: Block::of_bytes(picture.block.clone()),
                descriptor: picture.descriptor.clone(),
                look: picture.look.clone(),
                hash: record.perceptual_hash,
            }))
        }
    }
}

/// Ranks loaded candidates by their similarity to all of `wanted` and none of `unwanted`,
/// each picture in one or more views: the mean of the log-odds of those wanted, less what
/// the likest of those unwanted has above even odds.
pub(super) fn rank_by_examples(
    ranker: &Ranker<'_>,
    wanted: &[Vec<Features<'_>>],
    unwanted: &[Vec<Features<'_>>],
    candidates: &[Features<'_>],
) -> Vec<Scored> {
    if let ([views], []) = (wanted, unwanted) {
        return ranker.rank(views, candidates);
    }
    // A candidate counts only if it was compared with all.
    let ranker = &Ranker {
        rescored: candidates.len(),
        ..*ranker
    };
    let mut sums = vec![0f32; candidates.len()];
    let mut shown: Vec<Option<Scored>> = vec![None; candidates.len()];
    for views in wanted {
        for entry in ranker.rank(views, candidates) {
            sums[entry.candidate] += logit(entry.score) / wanted.len() as f32;
            let best = &mut shown[entry.candidate];
            if best.as_ref().is_none_or(|best| entry.score > best.score) {
                *best = Some(entry);
            }
        }
    }
    let mut against = vec![0f32; candidates.len()];
    for views in unwanted {
        for entry in ranker.rank(views, candidates) {
            let odds = &mut against[entry.candidate];
            *odds = odds.max(logit(entry.score));
        }
    }
    let mut all: Vec<Scored> = shown.into_iter().flatten().collect();
    for entry in &mut all {
        let odds = sums[entry.candidate] - against[entry.candidate];
        entry.score = sigmoid(odds);
    }
    all.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then(a.candidate.cmp(&b.candidate))
    });
    all
}
