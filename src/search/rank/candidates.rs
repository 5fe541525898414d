//! What is ranked.

use rayon::prelude::*;

use crate::activation::Activations;
use crate::head::Features;
use crate::network::{Descriptor, LookDescriptor};
use crate::picture::PerceptualHash;

/// Pictures that are ranked, by number. A ranking asks for the features of those only that it scores.
pub trait Candidates: Sync {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is known of one before its activations are read.
    fn known(&self, candidate: usize) -> Known<'_>;

    /// One with its activations; `None` if they cannot be read. Such a one is not scored.
    fn features(&self, candidate: usize) -> Option<Features<'_>>;

    /// All that can be read, with their numbers.
    fn read_all(&self) -> Vec<(usize, Features<'_>)> {
        let all: Vec<usize> = (0..self.len()).collect();
        self.read(&all)
    }

    /// Those of some that can be read, with their numbers.
    fn read(&self, candidates: &[usize]) -> Vec<(usize, Features<'_>)> {
        let candidates = candidates.par_iter();
        candidates
            .filter_map(|&candidate| Some((candidate, self.features(candidate)?)))
            .collect()
    }
}

/// A picture without its activations.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Its descriptor.
    pub descriptor: &'a Descriptor,
    /// How it looks, if that is known.
    pub look: Option<&'a LookDescriptor>,
    /// Its perceptual hash.
    pub hash: PerceptualHash,
}

impl<'a> Known<'a> {
    /// Together with its activations.
    pub fn with(self, activations: Activations<'a>) -> Features<'a> {
        Features {
            activations,
            descriptor: self.descriptor,
            look: self.look,
            hash: self.hash,
        }
    }
}

impl Candidates for [Features<'_>] {
    fn len(&self) -> usize {
        <[_]>::len(self)
    }

    fn known(&self, candidate: usize) -> Known<'_> {
        let picture = &self[candidate];
        Known {
            descriptor: picture.descriptor,
            look: picture.look,
            hash: picture.hash,
        }
    }

    fn features(&self, candidate: usize) -> Option<Features<'_>> {
        Some(self[candidate])
    }
}
