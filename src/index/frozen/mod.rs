//! A graph that takes no more points: in a file, searched where it lies.
//!
//! hnsw_rs builds graphs; what it has built is written down with a byte a number, a quarter of the
//! memory, and is there as soon as its file is mapped.

mod file;
mod walk;

use std::io;
use std::path::Path;

use rayon::prelude::*;

use super::graph::{Contents, Graph, GraphOptions};
use super::{Accept, Candidate, Vectors, best};
use crate::atomic_file::AtomicFile;
use crate::network::{Descriptor, Quantised};
use crate::store::Sequence;
use file::{GraphFile, written};
use walk::{cosine, nearest};

/// A graph in a file. Cosines are those of vectors of signed bytes: some thousandths beside those of
/// the descriptors.
///
/// hnsw_rs can leave points that no search reaches (its issues 32 and 37): all points are asked for
/// when the graph is made, and what does not find itself is scanned with every search.
pub(super) struct Frozen {
    /// The name of its file; empty if it is in memory only.
    name: String,
    graph: GraphFile,
    ef_factor: usize,
}

/// Points that an audit's search considers, and no other search fewer.
const AUDIT_EF: usize = 64;
/// Two cosines this near are a tie: identical and nearly identical pictures.
const TIE: f32 = 1e-5;

impl Frozen {
    /// Takes over what was built.
    ///
    /// # Errors
    /// If hnsw_rs has lost points, or 32 bits do not count them.
    pub(super) fn of(graph: Graph, options: GraphOptions) -> io::Result<Self> {
        let lost = || io::Error::other("hnsw_rs has lost a point");
        let mut contents = graph.contents().ok_or_else(lost)?;
        let frozen = Self::of_contents(&contents, options)?;
        let points = 0..contents.vectors.len() as u32;
        let is_lost = |point: &u32| !frozen.reaches(&contents.vectors[*point as usize]);
        contents.strays = points.into_par_iter().filter(is_lost).collect();
        if contents.strays.is_empty() {
            return Ok(frozen);
        }
        tracing::debug!(
            lost = contents.strays.len(),
            "points that the graph loses are kept beside it"
        );
        Self::of_contents(&contents, options)
    }

    fn of_contents(contents: &Contents, options: GraphOptions) -> io::Result<Self> {
        Ok(Self {
            name: String::new(),
            graph: GraphFile::of_bytes(written(contents)?)?,
            ef_factor: options.ef_factor,
        })
    }

    /// Maps a file that [`Self::save`] wrote; nothing of it is believed.
    ///
    /// # Errors
    /// If it is not one, is damaged, or of descriptors of other dimensions.
    pub(super) fn open(
        dir: &Path,
        name: &str,
        dimensions: usize,
        options: GraphOptions,
    ) -> io::Result<Self> {
        let graph = GraphFile::open(&dir.join(name))?;
        if graph.dimensions() != dimensions {
            let message = "its vectors have another length";
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(Self {
            name: name.to_owned(),
            graph,
            ef_factor: options.ef_factor,
        })
    }

    /// Writes it to a file that is not there yet, and gives it as it is there.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub(super) fn save(&self, dir: &Path, name: &str) -> io::Result<Self> {
        let path = dir.join(name);
        AtomicFile::new(&path).write(self.graph.bytes())?;
        Ok(Self {
            name: name.to_owned(),
            graph: GraphFile::open(&path)?,
            ef_factor: self.ef_factor,
        })
    }

    /// The name of its file; empty if it is in memory only.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Points.
    pub(super) fn len(&self) -> usize {
        self.graph.len()
    }

    /// How many points a search for the `count` nearest lists: no fewer than the audit's, since what that
    /// found must be found again.
    pub(super) fn listed(&self, count: usize) -> usize {
        let listed = count.saturating_mul(self.ef_factor).max(AUDIT_EF);
        listed.min(self.len())
    }

    /// What it has of a picture's descriptor.
    pub(super) fn descriptor(&self, sequence: Sequence) -> Option<Descriptor> {
        let (bytes, _) = self.graph.vector(self.graph.point(sequence)?);
        // Its numbers are signed bytes.
        let values = bytes.iter().map(|byte| f32::from(byte.cast_signed()));
        Some(Descriptor::normalized(values.collect()))
    }

    /// Whether a search for a vector gives one as near as itself.
    fn reaches(&self, vector: &Quantised) -> bool {
        let found = nearest(&self.graph, vector, AUDIT_EF, &|_| true);
        let best = found.into_iter().max();
        best.is_some_and(|best| best.cosine >= vector.cosine(vector) - TIE)
    }
}

impl Vectors for Frozen {
    fn nearest(&self, query: &Descriptor, count: usize, accept: Accept<'_>) -> Vec<Candidate> {
        let query = Quantised::of(query.values());
        let found = nearest(&self.graph, &query, self.listed(count), accept);
        let mut candidates: Vec<Candidate> = found
            .into_iter()
            .map(|found| Candidate {
                sequence: self.graph.sequence(found.point),
                cosine: found.cosine,
            })
            .collect();
        for stray in self.graph.strays() {
            let sequence = self.graph.sequence(stray);
            if accept(sequence) && candidates.iter().all(|c| c.sequence != sequence) {
                let cosine = cosine(&self.graph, &query, stray);
                candidates.push(Candidate { sequence, cosine });
            }
        }
        best(candidates, count)
    }

    fn finds(&self, sequence: Sequence, descriptor: &Descriptor) -> bool {
        let Some(point) = self.graph.point(sequence) else {
            return false;
        };
        self.graph.strays().any(|stray| stray == point)
            || self.reaches(&Quantised::of(descriptor.values()))
    }

    fn sequences(&self) -> Box<dyn DoubleEndedIterator<Item = Sequence> + '_> {
        Box::new(self.graph.sequences())
    }
}
