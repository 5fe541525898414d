//! The view of one question: what a store that can search has found near to what is asked for.

use std::sync::Arc;

use super::filter::Filter;
use super::rank::Ranker;
use super::selected::Selected;
use super::view::{Gathered, View};
use super::{SearchError, SearchOptions};
use crate::canonical_url::HostId;
use crate::head::{CollectionMean, Mode, Ranking};
use crate::index::{Accept, Gathering};
use crate::store::{
    Means, Near, NearPicture, NearTo, NewPicture, Sequence, Store, StoreError, Which,
};

/// So many more than are wanted are asked for, as a share of them: near-copies come as one.
const SPARE: usize = 4;
/// Where too few of what was found may come, so many times as many are asked for next.
const GROWTH: usize = 4;
/// Where a filter refuses much, no more than these are looked through.
const MOST: usize = 20_000;

impl View {
    /// What `store` finds near to what is wanted: as much as a search with these options takes from an
    /// index, with its near-copies. It holds for this search alone.
    ///
    /// # Errors
    /// If the store fails.
    pub fn nearby(
        store: &Store,
        wanted: &[Vec<NewPicture>],
        ranking: &Ranking,
        options: &SearchOptions,
    ) -> Result<Self, SearchError> {
        let scored = options.candidates.max(options.k);
        let is_fused = matches!(ranking, Ranking::Fused(_));
        let asked = Asked {
            store,
            options,
            count: Ranker::pool(ranking, options.mode, scored),
            by_looks: is_fused
                && options.mode == Mode::LookAlike
                && store.look_id().is_some()
                && wanted.iter().flatten().all(|view| view.look.is_some()),
            selected: Selected::of(store, &options.filter)?,
        };
        let mut found = Gathering::new(store)?;
        found.take_in(store, asked.same_bytes(wanted)?)?;
        for view in wanted.iter().flatten() {
            asked.gather(view, &mut found)?;
        }
        let looks = asked.by_looks.then(|| found.looks());
        let mean = is_fused.then(|| store.means()).transpose()?;
        Ok(Self {
            index: Arc::new(found.index()),
            mean: mean.map(|means| Arc::new(means.into())),
            looks: looks.map(Arc::new),
            gathered: Some(Arc::new(Gathered {
                of: store.picture_count(),
                pictures: found.into_pictures(),
            })),
        })
    }
}

/// What is asked of a store.
struct Asked<'a> {
    store: &'a Store,
    options: &'a SearchOptions,
    /// How many candidates are wanted for each view.
    count: usize,
    /// Whether they are proposed by their looks.
    by_looks: bool,
    /// Which of what was found may come.
    selected: Selected<'a>,
}

impl Asked<'_> {
    /// The stored pictures with the very bytes of what is wanted.
    fn same_bytes(&self, wanted: &[Vec<NewPicture>]) -> Result<Vec<NearPicture>, StoreError> {
        let mut found = Vec::new();
        for upright in wanted.iter().filter_map(|views| views.first()) {
            let Some(record) = self.store.picture(upright.id)? else {
                continue;
            };
            let sequence = Sequence(record.sequence);
            // One that is damaged, or was removed meanwhile, is none.
            let Ok(Some(row)) = self.store.row(sequence) else {
                continue;
            };
            found.push(NearPicture {
                sequence,
                row,
                hash: record.perceptual_hash,
                look: match self.by_looks {
                    true => self.store.look(sequence)?,
                    false => None,
                },
            });
        }
        Ok(found)
    }

    /// Adds what is near to a view of what is wanted: more and more, until there are enough that may
    /// come, or there are no more.
    fn gather(&self, view: &NewPicture, found: &mut Gathering) -> Result<(), StoreError> {
        let look = view.look.as_ref().filter(|_| self.by_looks);
        let filter = &self.options.filter;
        let mut near = Near {
            to: look.map_or(NearTo::Descriptor(&view.descriptor), NearTo::Look),
            count: self.count + self.count / SPARE + filter.hidden.len(),
            which: None,
        };
        loop {
            let nearest = self.store.near(&near)?;
            found.take_in(self.store, nearest.pictures)?;
            if nearest.are_all || self.are_enough(near.to, found) {
                return Ok(());
            }
            // The first time, what may come at all, of as many; then of more.
            near.which = match near.which {
                None if filter.which() != Which::default() => Some(filter.which()),
                which => {
                    if near.count >= MOST.max(self.count) {
                        return Ok(());
                    }
                    near.count = near.count.saturating_mul(GROWTH);
                    which
                }
            };
        }
    }

    /// Whether an index of what was found would propose as many as are wanted.
    fn are_enough(&self, to: NearTo<'_>, found: &Gathering) -> bool {
        let index = found.index();
        let accept: Accept<'_> = &|sequence| self.selected.accepts(sequence);
        let proposed = match to {
            NearTo::Descriptor(descriptor) => index.search(descriptor, self.count, accept),
            NearTo::Look(look) => found.looks().search(&index, look, self.count, accept),
        };
        proposed.len() >= self.count
    }
}

impl Filter {
    /// What a store can select by: all but words.
    fn which(&self) -> Which {
        Which {
            min_width: self.min_width,
            min_height: self.min_height,
            since_s: self.since_s,
            until_s: self.until_s,
            host: self.host.as_deref().map(HostId::of),
        }
    }
}

impl From<Means> for CollectionMean {
    fn from(means: Means) -> Self {
        if means.pictures < Self::FEWEST {
            return Self::default();
        }
        Self {
            embedding: means.embedding,
            descriptor: means.descriptor,
        }
    }
}
