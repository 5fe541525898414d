//! Ranking a pool of candidates.

use rayon::prelude::*;

use super::candidates::Candidates;
use super::scored::{Scored, sort};
use crate::activation::Activations;
use crate::head::{
    CollectionMean, Features, Fused, Mode, NeighbourGraph, Prepared, Ranking, Signal, sigmoid,
};
use crate::network::{Descriptor, Embedding};

/// Ranks candidates by one ranking and mode.
#[derive(Debug, Clone, Copy)]
pub struct Ranker<'a> {
    /// What scores.
    pub ranking: &'a Ranking,
    /// What "alike" means.
    pub mode: Mode,
    /// What the collection's pictures have in common.
    pub mean: &'a CollectionMean,
    /// Pictures in the collection.
    pub pictures: usize,
    /// Candidates whose activations are compared; the rest of the pool tells only of
    /// neighbourhoods.
    pub rescored: usize,
}

/// Nearest candidates that are compared with each other by a head with a calibration.
pub(super) const CONTEXT: usize = 400;
/// Size of the pool that neighbourhoods are sought in by heads without a calibration, against the
/// candidates scored.
const POOL: usize = 2;
/// Nearest pictures that those seek neighbourhoods among: all of them are compared with each other.
const MOST_NEIGHBOURS: usize = 1_000;
/// Their neighbourhoods: the size, and how many are averaged.
const COMMON: (usize, usize) = (15, 5);

impl Ranker<'_> {
    /// How many candidates a ranking wants from the index, to score `count` of them: more
    /// where it looks at neighbourhoods.
    pub fn pool(ranking: &Ranking, mode: Mode, count: usize) -> usize {
        match ranking {
            Ranking::Fused(head) if head.calibration(mode).is_some() => count.max(CONTEXT),
            Ranking::Fused(head) if head.scorers(mode).list.uses(Signal::Neighbourhood) => {
                count.saturating_mul(POOL)
            }
            _ => count,
        }
    }

    /// Ranks a pool of candidates, nearest first, by their similarity to a picture, given in
    /// one or more views (upright first). Returns those that were scored, best first.
    pub fn rank(&self, views: &[Features<'_>], pool: &(impl Candidates + ?Sized)) -> Vec<Scored> {
        let Some(of_views) = self.ranking.descriptors(views) else {
            return self.rank_described(views, pool);
        };
        // Its descriptors are made of activations.
        let (numbers, pictures): (Vec<usize>, Vec<_>) = pool.read_all().into_iter().unzip();
        let of_pictures = self.ranking.descriptors(&pictures).unwrap_or_default();
        let (views, pictures) = (with(views, &of_views), with(&pictures, &of_pictures));
        let mut scored = self.rank_described(&views, pictures.as_slice());
        for entry in &mut scored {
            entry.candidate = numbers[entry.candidate];
        }
        scored
    }

    fn rank_described(
        &self,
        views: &[Features<'_>],
        pool: &(impl Candidates + ?Sized),
    ) -> Vec<Scored> {
        let Some(upright) = views.first() else {
            return Vec::new();
        };
        let first: Vec<usize> = (0..self.rescored.min(pool.len())).collect();
        let mut scored = match self.ranking {
            Ranking::Embedding => pool
                .read(&first)
                .iter()
                .map(|(candidate, picture)| {
                    let plain = self.plain(*candidate, upright, picture);
                    // Cosines of pooled ReLU6 outputs are never negative.
                    let score = plain.cosine.clamp(0.0, 1.0);
                    Scored { score, ..plain }
                })
                .collect(),
            Ranking::Mse18(head) => pool
                .read(&first)
                .par_iter()
                .map(|(candidate, picture)| {
                    let mses = upright.activations.mses(picture.activations);
                    Scored {
                        score: head.score(&mses),
                        mses,
                        ..self.plain(*candidate, upright, picture)
                    }
                })
                .collect(),
            Ranking::Fused(head) => match (
                head.calibration(self.mode),
                self.look_odds(&views[..1], pool),
            ) {
                // They come in their order.
                (Some(calibration), _) => return self.by_list(head, calibration, upright, pool),
                (None, Some(odds)) => self.by_looks(odds, upright, pool, &first),
                (None, None) => self.by_signals(head, views, pool, first),
            },
        };
        sort(&mut scored);
        scored
    }

    /// A candidate of which nothing but the embeddings' cosine is known.
    pub(super) fn plain(
        &self,
        candidate: usize,
        query: &Features<'_>,
        picture: &Features<'_>,
    ) -> Scored {
        let (query, picture) = query.activations.in_common(picture.activations);
        let of = |activations: Activations<'_>| Embedding::normalized(&activations.embedding());
        Scored::of_cosine(candidate, of(query).cosine(&of(picture)))
    }

    fn by_signals(
        &self,
        head: &Fused,
        views: &[Features<'_>],
        pool: &(impl Candidates + ?Sized),
        mut chosen: Vec<usize>,
    ) -> Vec<Scored> {
        let list = &head.scorers(self.mode).list;
        let measure = head.measure_for(self.mode, self.mean);
        let mut common = Vec::new();
        if list.uses(Signal::Neighbourhood) {
            common = neighbours(measure.mean, &views[0], pool, &mut chosen);
        }
        let prepared: Vec<Prepared<'_>> = views.iter().map(|view| measure.prepare(view)).collect();
        let neighbourhood = Signal::Neighbourhood.index(measure.layers());
        let mut scored: Vec<Scored> = pool
            .read(&chosen)
            .par_iter()
            .map(|&(candidate, ref picture)| {
                let view = nearest_view(views, picture);
                let measured = measure.measure(&prepared[view], picture);
                let mut entry = Scored::of_measured(candidate, measured, view);
                if let Some(common) = common.get(candidate) {
                    entry.values[neighbourhood] = *common;
                }
                entry
            })
            .collect();
        if list.uses(Signal::Local) {
            self.align(head, &measure, &prepared, pool, &mut scored);
        } else {
            let of = |descriptor| head.class_probabilities(self.mode, descriptor);
            let own = of(views[0].descriptor);
            for entry in &mut scored {
                let other = of(pool.known(entry.candidate).descriptor);
                let both = own.as_ref().zip(other.as_ref());
                entry.in_list = true;
                entry.labels = both.map_or(0.0, |(own, other)| own.odds(other));
                entry.score = sigmoid(list.log_odds(&entry.values) + entry.labels);
            }
        }
        scored
    }
}

/// Pictures with other descriptors.
pub(super) fn with<'a>(
    pictures: &[Features<'a>],
    descriptors: &'a [Descriptor],
) -> Vec<Features<'a>> {
    let pairs = pictures.iter().zip(descriptors);
    pairs
        .map(|(picture, descriptor)| Features {
            descriptor,
            ..*picture
        })
        .collect()
}

/// The view whose last layer is nearest to the candidate's.
fn nearest_view(views: &[Features<'_>], picture: &Features<'_>) -> usize {
    if views.len() == 1 {
        return 0;
    }
    let last = picture.activations.layer_count() - 1;
    let distance = |view: &Features<'_>| {
        let distance = view.activations.layer_distance(picture.activations, last);
        distance.normalised.unwrap_or(distance.mse)
    };
    let distances = views.iter().map(distance).enumerate();
    let nearest = distances.min_by(|a, b| a.1.total_cmp(&b.1));
    nearest.map_or(0, |(view, _)| view)
}

/// What the query's neighbourhood and each of the pool's have in common; chooses those for
/// scoring whose descriptors and neighbourhoods together are nearest.
fn neighbours(
    mean: &CollectionMean,
    query: &Features<'_>,
    pool: &(impl Candidates + ?Sized),
    chosen: &mut Vec<usize>,
) -> Vec<f32> {
    let of_pool = (0..pool.len()).map(|candidate| pool.known(candidate).descriptor);
    let centred: Vec<Descriptor> = std::iter::once(query.descriptor)
        .chain(of_pool)
        .map(|descriptor| descriptor.minus_mean(&mean.descriptor))
        .collect();
    let among = pool.len().min(MOST_NEIGHBOURS);
    let graph = NeighbourGraph::new(&centred[..=among]);
    let mut common = graph.common_neighbours(COMMON.0, COMMON.1);
    common.resize(pool.len(), 0.0);
    let near: Vec<f32> = common
        .iter()
        .zip(&centred[1..])
        .map(|(common, descriptor)| common + centred[0].cosine(descriptor))
        .collect();
    let count = chosen.len();
    *chosen = (0..pool.len()).collect();
    chosen.sort_by(|a, b| near[*b].total_cmp(&near[*a]).then(a.cmp(b)));
    chosen.truncate(count);
    common
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::sketch::sketched;
    use crate::activation::{Encoding, encode};
    use crate::network::Network;
    use crate::picture::PerceptualHash;

    /// What a ranking measures of candidates, by their numbers.
    fn measured(
        (ranking, mode): (&Ranking, Mode),
        query: Features<'_>,
        candidates: &[Features<'_>],
    ) -> Vec<Scored> {
        let ranker = Ranker {
            ranking,
            mode,
            mean: &CollectionMean::default(),
            pictures: candidates.len(),
            rescored: candidates.len(),
        };
        let mut all = ranker.rank(&[query], candidates);
        all.sort_by_key(|scored| scored.candidate);
        all
    }

    #[test]
    fn of_candidates_of_both_kinds_each_is_measured_as_among_its_own() {
        let network = Network::builtin().unwrap();
        let layout = network.layout_with_sketch(Encoding::Int8, Encoding::Compact);
        let sketch = layout.sketch().unwrap().block_len();
        let dimensions = network.manifest().embedding.dimensions;
        let wave = |n: usize, len: usize| -> Vec<f32> {
            let value = |i: usize| ((i % 977) as f32 * (0.3 + n as f32 * 0.05)).sin() + 1.0;
            (0..len).map(value).collect()
        };
        let full: Vec<Vec<u8>> = (0..5)
            .map(|n| {
                let layers = layout.layers().iter();
                let layers: Vec<Vec<f32>> = layers.map(|it| wave(n, it.values())).collect();
                let layers: Vec<&[f32]> = layers.iter().map(Vec::as_slice).collect();
                let embedding = Embedding::normalized(&wave(n, dimensions));
                let mut block = Vec::new();
                encode(&layout, &layers, embedding.values(), &mut block);
                block
            })
            .collect();
        let least: Vec<&[u8]> = full.iter().map(|it| &it[it.len() - sketch..]).collect();
        let descriptors: Vec<Descriptor> = (0..5)
            .map(|n| Descriptor::normalized(wave(n, network.descriptor_dimensions())))
            .collect();
        let features = |n: usize, is_full: bool| Features {
            activations: match is_full {
                true => Activations::new(&layout, &full[n]),
                false => Activations::new(&layout, least[n]),
            },
            descriptor: &descriptors[n],
            look: None,
            hash: PerceptualHash(u64::MAX << (8 * n)),
        };
        let list = |is_full: &dyn Fn(usize) -> bool| -> Vec<Features<'_>> {
            (1..5).map(|n| features(n, is_full(n))).collect()
        };
        let is_full = |candidate: usize| candidate.is_multiple_of(2);
        let mixed = list(&|n| is_full(n - 1));
        for name in ["embedding", "mse18", "fused"] {
            let ranking = Ranking::named(name, &network).unwrap();
            for mode in Mode::ALL {
                let of = |query, candidates: &[Features<'_>]| {
                    measured((&ranking, mode), query, candidates)
                };
                let all = of(features(0, true), &list(&|_| true));
                let none = of(features(0, false), &list(&|_| false));
                assert_eq!(all.len(), 4);
                for (query, of_query) in [(true, &all), (false, &none)] {
                    for scored in of(features(0, query), &mixed) {
                        let n = scored.candidate;
                        let alone = if is_full(n) { of_query } else { &none };
                        let about = format!("{name} {mode:?} {query} {n}");
                        assert_eq!(scored.mses, alone[n].mses, "{about}");
                        assert_eq!(scored.cosine, alone[n].cosine, "{about}");
                        let same = scored.values.iter().zip(&alone[n].values);
                        for (value, expected) in same {
                            assert_eq!(value.to_bits(), expected.to_bits(), "{about}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn every_head_ranks_what_a_codec_tells_however_little() {
        let network = Network::builtin().unwrap();
        let dimensions = network.manifest().embedding.dimensions;
        let layout = sketched(&network.layout(Encoding::Int8), dimensions);
        // Each picture is farther from the first than the one before.
        let blocks: Vec<Vec<u8>> = (0u8..4)
            .map(|n| {
                let values = |len: usize| vec![1.0 + f32::from(n) * 0.1; len];
                let shapes = layout.layers().iter();
                let layers: Vec<Vec<f32>> = shapes.map(|shape| values(shape.values())).collect();
                let layers: Vec<&[f32]> = layers.iter().map(Vec::as_slice).collect();
                let mut embedding = vec![1.0; dimensions];
                embedding[0] += f32::from(n) * 9.0;
                let mut block = Vec::new();
                let embedding = Embedding::normalized(&embedding);
                encode(&layout, &layers, embedding.values(), &mut block);
                block
            })
            .collect();
        let descriptors: Vec<Descriptor> = (0u8..4)
            .map(|n| {
                let mut values = vec![1.0; network.descriptor_dimensions()];
                values[0] += f32::from(n) * 9.0;
                Descriptor::normalized(values)
            })
            .collect();
        let pictures: Vec<Features<'_>> = blocks
            .iter()
            .zip(&descriptors)
            .map(|(block, descriptor)| Features {
                activations: Activations::new(&layout, block),
                descriptor,
                look: None,
                hash: PerceptualHash(0),
            })
            .collect();
        for name in ["embedding", "mse18", "fused"] {
            let ranking = Ranking::named(name, &network).unwrap();
            for mode in Mode::ALL {
                let ranker = Ranker {
                    ranking: &ranking,
                    mode,
                    mean: &CollectionMean::default(),
                    pictures: 4,
                    rescored: 4,
                };
                let ranked = ranker.rank(&pictures[..1], &pictures[..]);
                assert_eq!(ranked.len(), 4);
                assert!(ranked.iter().all(|entry| entry.score.is_finite()), "{name}");
                assert_eq!(ranked[0].candidate, 0, "{name} {mode:?} {ranked:?}");
            }
        }
    }
}
