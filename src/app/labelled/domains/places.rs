//! The stores that queries are put to: views of one store, so that features are computed once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::DomainsOptions;
use crate::dataset::Domains;
use crate::evaluation::{AskedStores, StoreKind};
use crate::index::Index;
use crate::picture::PictureId;
use crate::search::View;
use crate::store::{Sequence, Store, StoreError};

/// A stored picture with its classes.
pub(super) struct StoredPicture {
    pub(super) sequence: Sequence,
    pub(super) id: PictureId,
    pub(super) classes: Vec<usize>,
}

/// One store that is asked.
pub(super) struct Place {
    /// What it holds.
    store: StoreKind,
    /// Its kind, by number.
    pub(super) kind: usize,
    /// The domain that it holds alone.
    pub(super) only: Option<usize>,
    /// Its number among those of its kind, and how many these are.
    pub(super) draw: usize,
    pub(super) of: usize,
    pictures: usize,
    /// How many of its pictures are of each class.
    pub(super) counts: HashMap<usize, usize>,
    pub(super) view: View,
}

/// As many pictures are drawn for one size of samples together, in this many draws at most:
/// a few pictures alone tell little.
const DRAWN: usize = 500;
const MOST_DRAWS: usize = 10;

/// The mixed store, each domain alone, and samples.
pub(super) fn places(
    store: &Store,
    index: &Arc<Index>,
    domains: &Domains,
    stored: &[StoredPicture],
    options: &DomainsOptions,
) -> Result<Vec<Place>, StoreError> {
    let among = |pictures: &[&StoredPicture]| {
        let kept: HashSet<Sequence> = pictures.iter().map(|picture| picture.sequence).collect();
        View::new(store, Arc::new(index.among(store, &kept)?))
    };
    let place = |store, kind, only, (draw, of), pictures: &[&StoredPicture], view| {
        let mut counts = HashMap::new();
        for class in pictures.iter().flat_map(|picture| &picture.classes) {
            *counts.entry(*class).or_default() += 1;
        }
        Place {
            store,
            kind,
            only,
            draw,
            of,
            pictures: pictures.len(),
            counts,
            view,
        }
    };
    let all: Vec<&StoredPicture> = stored.iter().collect();
    let view = View::new(store, Arc::clone(index))?;
    let mut places = vec![place(StoreKind::Mixed, 0, None, (0, 1), &all, view)];
    let count = domains.names.len();
    for domain in 0..count {
        let is_own = |class: &usize| domains.classes[*class].domain == domain;
        let own = all.iter().copied().filter(|p| p.classes.iter().any(is_own));
        let own: Vec<&StoredPicture> = own.collect();
        let view = among(&own)?;
        places.push(place(
            StoreKind::Alone,
            1,
            Some(domain),
            (domain, count),
            &own,
            view,
        ));
    }
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    let mut drawn = all.clone();
    for (kind, size) in (2..).zip(fitting(stored, options)) {
        let draws = (DRAWN / size).clamp(1, MOST_DRAWS);
        for draw in 0..draws {
            drawn.shuffle(&mut rng);
            let view = among(&drawn[..size])?;
            let store = StoreKind::Sample(size);
            places.push(place(
                store,
                kind,
                None,
                (draw, draws),
                &drawn[..size],
                view,
            ));
        }
    }
    Ok(places)
}

/// The sizes of samples that are smaller than what is stored, ascending.
fn fitting(stored: &[StoredPicture], options: &DomainsOptions) -> Vec<usize> {
    let mut sizes = options.sizes.clone();
    sizes.retain(|size| *size < stored.len());
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// The sizes that are not.
pub(super) fn too_large(stored: &[StoredPicture], options: &DomainsOptions) -> Vec<usize> {
    let sizes = options.sizes.iter().copied();
    sizes.filter(|size| *size >= stored.len()).collect()
}

/// The kinds of stores, by their numbers.
pub(super) fn kinds(places: &[Place]) -> Vec<AskedStores> {
    let mut kinds: Vec<AskedStores> = Vec::new();
    for place in places {
        if place.kind == kinds.len() {
            kinds.push(AskedStores {
                kind: place.store,
                stores: 0,
                pictures: 0,
            });
        }
        kinds[place.kind].stores += 1;
        kinds[place.kind].pictures += place.pictures;
    }
    kinds
}
