//! The HNSW graph with its guards.

use std::collections::HashSet;
use std::sync::Arc;

use hnsw_rs::prelude::{DistL2, Hnsw};
use rayon::prelude::*;

use super::{Candidate, IndexError, Progress, Vectors, best};
use crate::config::IndexConfig;
use crate::network::Descriptor;
use crate::store::{Sequence, Store};

/// An HNSW graph (Malkov and Yashunin 2016) over unit vectors, with its guards.
///
/// The distance is L2, which orders unit vectors as their cosine does; hnsw_rs's inner
/// product panics on exact duplicates. hnsw_rs can leave points that no search reaches:
/// every insert is audited, and what does not find itself is kept in `strays`, which every
/// search scans.
///
/// A clone shares the graph, to which points are only ever added: a clone made before does
/// not know their numbers and leaves them out. Only one of the clones may insert.
#[derive(Clone)]
pub(super) struct Graph {
    pub(super) hnsw: Arc<Hnsw<'static, f32, DistL2>>,
    /// Every picture inserted, by hnsw_rs's data id.
    pub(super) sequences: Vec<Sequence>,
    /// Points that the graph loses, with their vectors.
    pub(super) strays: Vec<(Sequence, Descriptor)>,
    pub(super) options: GraphOptions,
}

/// The graph's shape.
#[derive(Debug, Clone, Copy)]
pub struct GraphOptions {
    pub(super) links: usize,
    pub(super) ef_construction: usize,
    pub(super) ef_factor: usize,
    pub(super) expected: usize,
}

impl GraphOptions {
    pub(super) fn new(config: &IndexConfig, expected: usize) -> Self {
        Self {
            links: config.links,
            ef_construction: config.ef_construction,
            ef_factor: config.ef_factor,
            expected,
        }
    }
}

/// hnsw_rs takes at most this many layers, and dumps only graphs with exactly as many.
pub(super) const LAYERS: usize = 16;
/// Points inserted between two steps of the progress bar.
const CHUNK: usize = 1_000;
/// Candidates that an audit's search considers, and no other search fewer.
const AUDIT_EF: usize = 64;
/// Two distances this near are a tie: identical and nearly identical pictures.
const TIE: f32 = 1e-4;

impl Graph {
    pub(super) fn new(options: GraphOptions) -> Self {
        // hnsw_rs allocates for the expected number of points and grows beyond it.
        let hnsw = Hnsw::new(
            options.links,
            options.expected.max(1_000),
            LAYERS,
            options.ef_construction,
            DistL2,
        );
        Self {
            hnsw: Arc::new(hnsw),
            sequences: Vec::new(),
            strays: Vec::new(),
            options,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.sequences.len()
    }

    /// Inserts and audits what was stored since. Returns how many were inserted.
    pub(super) fn catch_up(
        &mut self,
        store: &Store,
        live: &HashSet<Sequence>,
        progress: Progress<'_>,
    ) -> Result<usize, IndexError> {
        let next = self
            .sequences
            .last()
            .map_or(Sequence(0), |last| Sequence(last.0 + 1));
        let missing = live.iter().filter(|sequence| **sequence >= next).count();
        let mut chunk = Vec::with_capacity(CHUNK);
        let mut inserted = 0;
        for entry in store.descriptors(next) {
            let (sequence, descriptor) = entry?;
            if !live.contains(&sequence) {
                continue;
            }
            chunk.push((sequence, descriptor));
            if chunk.len() == CHUNK {
                inserted += chunk.len();
                self.insert(&chunk);
                chunk.clear();
                progress(inserted, missing);
            }
        }
        inserted += chunk.len();
        self.insert(&chunk);
        progress(inserted, missing);
        Ok(inserted)
    }

    /// Whether a picture was inserted.
    fn contains(&self, sequence: Sequence) -> bool {
        self.sequences.binary_search(&sequence).is_ok()
    }

    fn keep_lost(&mut self, chunk: &[(Sequence, Descriptor)]) {
        let lost: Vec<_> = chunk
            .par_iter()
            .filter(|(sequence, descriptor)| !self.finds(*sequence, descriptor))
            .cloned()
            .collect();
        if !lost.is_empty() {
            tracing::debug!(
                lost = lost.len(),
                "points that the graph loses are kept beside it"
            );
            self.strays.extend(lost);
        }
    }

    /// Asks for every live picture that was inserted and keeps beside the graph what it loses.
    pub(super) fn audit(
        &mut self,
        store: &Store,
        live: &HashSet<Sequence>,
    ) -> Result<(), IndexError> {
        let mut descriptors = store.descriptors(Sequence(0)).peekable();
        while descriptors.peek().is_some() {
            let chunk = descriptors
                .by_ref()
                .take(CHUNK)
                .filter(|entry| {
                    let entry = entry.as_ref();
                    entry.map_or(true, |(s, _)| live.contains(s) && self.contains(*s))
                })
                .collect::<Result<Vec<_>, _>>()?;
            self.keep_lost(&chunk);
        }
        Ok(())
    }
}

impl Vectors for Graph {
    fn insert(&mut self, new: &[(Sequence, Descriptor)]) {
        let first = self.sequences.len();
        let points: Vec<(&[f32], usize)> = new
            .iter()
            .enumerate()
            .map(|(i, (_, descriptor))| (descriptor.values(), first + i))
            .collect();
        self.sequences
            .extend(new.iter().map(|(sequence, _)| *sequence));
        self.hnsw.parallel_insert_slice(&points);
        self.keep_lost(new);
    }

    fn finds(&self, sequence: Sequence, descriptor: &Descriptor) -> bool {
        let is_stray = self.strays.iter().any(|(stray, _)| *stray == sequence);
        is_stray
            || self
                .hnsw
                .search(descriptor.values(), 1, AUDIT_EF)
                .first()
                .is_some_and(|found| {
                    found.distance <= TIE || self.sequences.get(found.d_id) == Some(&sequence)
                })
    }

    fn nearest(
        &self,
        query: &Descriptor,
        count: usize,
        accept: &dyn Fn(Sequence) -> bool,
    ) -> Vec<Candidate> {
        // Those that came after this clone was made stand in the way of those it knows.
        let all = self.hnsw.get_nb_point();
        let mut ask = count.min(self.len()).max(1);
        loop {
            // No fewer than the audit considers: what it found must be found again. And no more than
            // there are: hnsw_rs makes room for as many before it looks.
            let ef = ask.saturating_mul(self.options.ef_factor).max(AUDIT_EF);
            let ef = ef.min(all.max(ask));
            let found = self.hnsw.search(query.values(), ask, ef);
            let exhausted = found.len() < ask || ask >= all;
            let mut candidates: Vec<Candidate> = found
                .into_iter()
                .filter_map(|found| {
                    let sequence = *self.sequences.get(found.d_id)?;
                    // |a - b|^2 = 2 - 2 cos for unit vectors.
                    let cosine = (1.0 - found.distance * found.distance / 2.0).clamp(-1.0, 1.0);
                    accept(sequence).then_some(Candidate { sequence, cosine })
                })
                .collect();
            // Asking for four times as many costs about as much as all the rounds before.
            if candidates.len() >= count || exhausted {
                let strays = self.strays.iter().filter(|(sequence, _)| accept(*sequence));
                for (sequence, descriptor) in strays {
                    let known = candidates.iter().any(|c| c.sequence == *sequence);
                    if !known {
                        candidates.push(Candidate {
                            sequence: *sequence,
                            cosine: query.cosine(descriptor),
                        });
                    }
                }
                return best(candidates, count);
            }
            ask = ask.saturating_mul(4).min(all);
        }
    }

    fn sequences(&self) -> &[Sequence] {
        &self.sequences
    }
}
