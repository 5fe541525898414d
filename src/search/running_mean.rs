//! What the pictures of a collection have in common, kept up to date as it grows.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::activation::Activations;
use crate::head::CollectionMean;
use crate::index::derived_file;
use crate::network::{Descriptor, Embedding};
use crate::store::{Sequence, Store, StoreError};

/// The sums behind a [`CollectionMean`], over all pictures stored so far.
///
/// Up to [`CHUNK`] pictures are added in single precision, in the order of storing; full
/// chunks are added in double precision, so that the mean of a million is as good as that of
/// a thousand.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunningMean {
    embedding: Sums,
    descriptor: Sums,
    /// Pictures added.
    count: u64,
    /// The sequence number from which on pictures are not added yet.
    next: u64,
    /// Whether pictures were added since it was saved.
    #[serde(skip)]
    is_unsaved: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Sums {
    full: Vec<f64>,
    chunk: Vec<f32>,
}

/// Pictures that are added up in single precision.
const CHUNK: u64 = 2_048;
/// Of a larger collection the mean is not taken anew for so small a share of removals.
const MOST_REMOVED: f64 = 0.01;

impl RunningMean {
    /// Adds the pictures stored since and before `end` that `pictures` says are there.
    ///
    /// # Errors
    /// If the store fails. A picture whose activations are damaged is left out.
    pub(crate) fn catch_up(
        &mut self,
        store: &Store,
        pictures: &dyn Fn(Sequence) -> bool,
        end: Sequence,
    ) -> Result<(), StoreError> {
        for sequence in (self.next..end.0).map(Sequence) {
            if !pictures(sequence) {
                continue;
            }
            if let Some((embedding, descriptor)) = read(store, sequence)? {
                self.add(embedding.values(), descriptor.values());
            }
            // An error later on must not make this one count twice.
            self.next = sequence.0 + 1;
        }
        self.next = end.0;
        Ok(())
    }

    /// The sequence number from which on pictures are not added yet.
    pub(crate) fn next(&self) -> Sequence {
        Sequence(self.next)
    }

    fn add(&mut self, embedding: &[f32], descriptor: &[f32]) {
        self.embedding.add(embedding);
        self.descriptor.add(descriptor);
        self.count += 1;
        self.is_unsaved = true;
        if self.count.is_multiple_of(CHUNK) {
            self.embedding.fold();
            self.descriptor.fold();
        }
    }

    /// Whether so many pictures were removed, of those added, that the sums are of no use;
    /// `left` of the pictures stored before [`Self::next`] are still there.
    pub(crate) fn is_outdated(&self, left: u64) -> bool {
        let removed = self.count.saturating_sub(left);
        let share = removed as f64 / self.count.max(1) as f64;
        removed > 0 && (self.count < CHUNK || share > MOST_REMOVED)
    }

    /// The mean; of too few pictures it says nothing, and none is taken off.
    pub(crate) fn mean(&self) -> CollectionMean {
        if self.count < CollectionMean::FEWEST {
            return CollectionMean::default();
        }
        CollectionMean {
            embedding: self.embedding.mean(self.count),
            descriptor: self.descriptor.mean(self.count),
        }
    }
}

impl Sums {
    fn add(&mut self, values: &[f32]) {
        self.chunk.resize(values.len(), 0.0);
        let sums = self.chunk.iter_mut().zip(values);
        sums.for_each(|(sum, value)| *sum += value);
    }

    fn fold(&mut self) {
        self.full.resize(self.chunk.len(), 0.0);
        let sums = self.full.iter_mut().zip(&mut self.chunk);
        sums.for_each(|(full, part)| *full += f64::from(std::mem::take(part)));
    }

    fn mean(&self, count: u64) -> Vec<f32> {
        match self.full.is_empty() {
            true => self.chunk.iter().map(|sum| sum / count as f32).collect(),
            false => {
                let sums = self.full.iter().zip(&self.chunk);
                let mean = |(full, part): (&f64, &f32)| (full + f64::from(*part)) / count as f64;
                sums.map(|sum| mean(sum) as f32).collect()
            }
        }
    }
}

/// The file of a larger collection, beside the index.
#[derive(Serialize, Deserialize)]
struct MeanFile {
    version: u32,
    store: String,
    descriptor: String,
    mean: RunningMean,
}

const VERSION: u32 = 1;

/// `None` if the store is in memory.
fn path(store: &Store) -> Option<PathBuf> {
    Some(store.index_dir()?.join("mean"))
}

impl RunningMean {
    /// What was saved, or nothing: then all is added up anew.
    pub(crate) fn load(store: &Store) -> Self {
        let damaged = "the collection's mean is damaged; taking it anew";
        path(store)
            .and_then(|path| derived_file::load(&path, damaged))
            .filter(|file: &MeanFile| {
                file.version == VERSION
                    && file.store == store.mark()
                    && file.descriptor == store.descriptor_id()
            })
            .map(|file| file.mean)
            .unwrap_or_default()
    }

    /// Saves the sums of a collection that is large enough for that to pay.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub(crate) fn save(&mut self, store: &Store) -> io::Result<()> {
        let is_worth_it = self.is_unsaved && self.count >= CHUNK;
        let Some(path) = path(store).filter(|_| is_worth_it) else {
            return Ok(());
        };
        let file = MeanFile {
            version: VERSION,
            store: store.mark().to_owned(),
            descriptor: store.descriptor_id().to_owned(),
            mean: self.clone(),
        };
        derived_file::save(&path, &file)?;
        self.is_unsaved = false;
        Ok(())
    }
}

/// A stored picture's part in the sums; `None` if it was removed meanwhile or is damaged.
fn read(store: &Store, sequence: Sequence) -> Result<Option<(Embedding, Descriptor)>, StoreError> {
    let Some(id) = store.picture_at(sequence)? else {
        return Ok(None);
    };
    let block = store.block(id);
    match block.and_then(|block| Ok((block, store.descriptor(sequence)?))) {
        Ok((block, descriptor)) => {
            let activations = Activations::new(store.layout(), &block);
            Ok(Some((
                Embedding::normalized(&activations.embedding()),
                descriptor,
            )))
        }
        Err(error) => {
            tracing::warn!(picture = %id, %error, "a stored picture cannot be read");
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Descriptor;

    fn values(seed: u64, length: usize) -> Vec<f32> {
        let wave = |i: usize| ((seed as f32 + 1.0) * (i as f32 + 0.3)).sin();
        (0..length).map(wave).collect()
    }

    fn added(count: u64) -> RunningMean {
        let mut mean = RunningMean::default();
        for n in 0..count {
            mean.add(&values(n, 8), &values(n + 7, 4));
        }
        mean
    }

    #[test]
    fn below_a_chunk_the_mean_is_that_of_all_to_the_bit() {
        let pictures: Vec<(Embedding, Descriptor)> = (0..CHUNK - 1)
            .map(|n| {
                let embedding = Embedding::normalized(&values(n, 8));
                (embedding, Descriptor::normalized(values(n + 7, 4)))
            })
            .collect();
        let mut running = RunningMean::default();
        for (embedding, descriptor) in &pictures {
            running.add(embedding.values(), descriptor.values());
        }
        let all = CollectionMean::of(pictures.iter().map(|(e, d)| (e, d)));
        assert_eq!(running.mean(), all);
    }

    #[test]
    fn the_mean_of_many_is_exact_to_single_precision() {
        let count = 20_000;
        let mean = added(count).mean();
        for (i, value) in mean.embedding.iter().enumerate() {
            let sum: f64 = (0..count).map(|n| f64::from(values(n, 8)[i])).sum();
            assert!((f64::from(*value) - sum / count as f64).abs() < 1e-6);
        }
    }

    #[test]
    fn of_few_pictures_there_is_no_mean() {
        assert_eq!(added(19).mean(), CollectionMean::default());
        assert_ne!(added(20).mean(), CollectionMean::default());
    }

    #[test]
    fn a_small_collection_is_added_up_anew_after_a_removal_and_a_large_one_after_many() {
        assert!(!added(100).is_outdated(100));
        assert!(added(100).is_outdated(99));
        assert!(!added(5_000).is_outdated(4_999));
        assert!(added(5_000).is_outdated(4_900));
    }
}
