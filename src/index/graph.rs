//! Building an HNSW graph (Malkov and Yashunin 2016) over some pictures: hnsw_rs's work.

use hnsw_rs::prelude::{DistL2, Hnsw};

use crate::config::IndexConfig;
use crate::network::{Descriptor, Quantised};
use crate::store::Sequence;

/// A graph in memory, to which points are added until it is frozen.
///
/// The distance is L2, which orders unit vectors as their cosine does; hnsw_rs's inner
/// product panics on exact duplicates.
pub(super) struct Graph {
    hnsw: Hnsw<'static, f32, DistL2>,
    /// Every picture inserted, by hnsw_rs's data id.
    sequences: Vec<Sequence>,
}

/// The graph's shape.
#[derive(Debug, Clone, Copy)]
pub(super) struct GraphOptions {
    pub(super) links: usize,
    pub(super) ef_construction: usize,
    pub(super) ef_factor: usize,
}

impl GraphOptions {
    pub(super) fn new(config: &IndexConfig) -> Self {
        Self {
            links: config.links,
            ef_construction: config.ef_construction,
            ef_factor: config.ef_factor,
        }
    }
}

/// hnsw_rs takes at most this many layers.
pub(super) const LAYERS: usize = 16;

/// A graph as it is written down.
pub(super) struct Contents {
    /// The pictures, in the order of storing. Their places here are the points' numbers.
    pub(super) sequences: Vec<Sequence>,
    /// Their vectors.
    pub(super) vectors: Vec<Quantised>,
    /// Points that no search reaches.
    pub(super) strays: Vec<u32>,
    /// From the lowest up: points, each with its links.
    pub(super) layers: Vec<Vec<(u32, Vec<u32>)>>,
}

impl Graph {
    /// An empty one, made for so many points.
    pub(super) fn new(options: GraphOptions, points: usize) -> Self {
        Self {
            hnsw: Hnsw::new(
                options.links,
                points.max(1),
                LAYERS,
                options.ef_construction,
                DistL2,
            ),
            sequences: Vec::with_capacity(points),
        }
    }

    /// Adds points, on all cores. Their sequences are greater than those before, and ascend.
    pub(super) fn insert(&mut self, new: &[(Sequence, Descriptor)]) {
        let first = self.sequences.len();
        let points = new.iter().enumerate();
        let points: Vec<(&[f32], usize)> = points
            .map(|(i, (_, descriptor))| (descriptor.values(), first + i))
            .collect();
        let sequences = new.iter().map(|(sequence, _)| *sequence);
        self.sequences.extend(sequences);
        self.hnsw.parallel_insert_slice(&points);
    }

    /// What was built; `None` if hnsw_rs does not have a point that it was given.
    pub(super) fn contents(self) -> Option<Contents> {
        let points = self.hnsw.get_point_indexation();
        let mut levels = vec![0; self.sequences.len()];
        for level in 0..LAYERS {
            for point in points.get_layer_iterator(level) {
                *levels.get_mut(point.get_origin_id())? = level;
            }
        }
        let highest = levels.iter().copied().max().unwrap_or(0);
        let mut layers = vec![Vec::new(); highest + 1];
        let mut vectors = vec![None; levels.len()];
        for level in 0..=highest {
            for point in points.get_layer_iterator(level) {
                let number = point.get_origin_id();
                *vectors.get_mut(number)? = Some(Quantised::of(point.get_v()));
                let neighbours = point.get_neighborhood_id();
                let neighbours = neighbours.into_iter().take(level + 1);
                for (on, (layer, links)) in layers.iter_mut().zip(neighbours).enumerate() {
                    let is_there = |other: &usize| levels.get(*other).is_some_and(|own| *own >= on);
                    let links = links.iter().map(|link| link.d_id).filter(is_there);
                    let links: Vec<u32> = links.map(|other| other as u32).collect();
                    layer.push((number as u32, links));
                }
            }
        }
        for layer in &mut layers {
            layer.sort_unstable_by_key(|(point, _)| *point);
        }
        Some(Contents {
            sequences: self.sequences,
            vectors: vectors.into_iter().collect::<Option<_>>()?,
            strays: Vec::new(),
            layers,
        })
    }
}
