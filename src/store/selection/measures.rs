//! How large pictures are and when they were stored.

use std::sync::Arc;

use crate::store::{PictureRecord, Sequence};

/// What of a picture filters compare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measure {
    /// Width in pixels, upright. No picture has none.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// When it was first stored, in seconds since 1970.
    pub first_seen_s: u64,
}

impl From<&PictureRecord> for Measure {
    fn from(record: &PictureRecord) -> Self {
        Self {
            width: record.width,
            height: record.height,
            first_seen_s: record.first_seen,
        }
    }
}

/// The measures of a store's pictures, by their numbers, in chunks that clones share: 16 bytes a picture.
#[derive(Debug, Clone, Default)]
pub struct Measures {
    /// All of the same length. Where there is no picture, the width is none.
    chunks: Vec<Arc<[Measure; CHUNK]>>,
}

const CHUNK: usize = 4096;
const NONE: Measure = Measure {
    width: 0,
    height: 0,
    first_seen_s: 0,
};

impl Measures {
    /// A picture's measure; `None` if there is no such picture.
    pub fn get(&self, sequence: Sequence) -> Option<Measure> {
        let at = usize::try_from(sequence.0).ok()?;
        let measure = self.chunks.get(at / CHUNK)?[at % CHUNK];
        (measure.width > 0).then_some(measure)
    }

    /// Sets a picture's measure; `None`: it has left.
    pub(in crate::store) fn set(&mut self, sequence: Sequence, measure: Option<Measure>) {
        // There is no memory for so many.
        let Ok(at) = usize::try_from(sequence.0) else {
            return;
        };
        while measure.is_some() && self.chunks.len() <= at / CHUNK {
            self.chunks.push(Arc::new([NONE; CHUNK]));
        }
        if let Some(chunk) = self.chunks.get_mut(at / CHUNK) {
            Arc::make_mut(chunk)[at % CHUNK] = measure.unwrap_or(NONE);
        }
    }

    /// All pictures with their measures, in the order of storing.
    pub fn iter(&self) -> impl Iterator<Item = (Sequence, Measure)> + '_ {
        let all = self.chunks.iter().flat_map(|chunk| chunk.iter());
        let pictures = (0..).map(Sequence).zip(all.copied());
        pictures.filter(|(_, measure)| measure.width > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_come_and_go_and_what_was_given_out_stays() {
        let measure = |n: u32| Measure {
            width: n + 1,
            height: n,
            first_seen_s: u64::from(n) << 40,
        };
        let mut measures = Measures::default();
        assert_eq!(measures.get(Sequence(0)), None);
        measures.set(Sequence(9), None);
        for n in [3, 10_000, 4095, 4096] {
            measures.set(Sequence(u64::from(n)), Some(measure(n)));
        }
        let before = measures.clone();
        measures.set(Sequence(4096), None);
        assert_eq!(measures.get(Sequence(4096)), None);
        assert_eq!(before.get(Sequence(4096)), Some(measure(4096)));
        assert_eq!(before.get(Sequence(u64::MAX)), None);
        let all: Vec<_> = measures.iter().collect();
        let expected = [3, 4095, 10_000].map(|n| (Sequence(u64::from(n)), measure(n)));
        assert_eq!(all, expected);
    }
}
