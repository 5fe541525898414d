//! The gaps between requests: the smallest exactly, the middle one nearly.

/// Gaps between requests, in milliseconds: exact while they are few, then counted in
/// classes that are a tenth wide, which holds the median to 5 %.
#[derive(Debug)]
pub(super) enum Gaps {
    Few(Vec<u32>),
    Many(Box<[u32; CLASSES]>),
}

/// The most gaps that are kept exactly.
const FEW: usize = 63;
/// A class ends at this many times its beginning.
const RATIO: f64 = 1.1;
/// 1.1^233 ms is more than 49 days, which is more than a `u32` holds; class 0 is 0 ms.
const CLASSES: usize = 235;

impl Gaps {
    pub(super) fn new() -> Self {
        Self::Few(Vec::new())
    }

    pub(super) fn add(&mut self, gap_ms: u32) {
        match self {
            Self::Few(gaps) if gaps.len() < FEW => gaps.push(gap_ms),
            Self::Few(gaps) => {
                let mut classes = Box::new([0; CLASSES]);
                for gap in gaps.iter().chain([&gap_ms]) {
                    classes[class(*gap)] += 1;
                }
                *self = Self::Many(classes);
            }
            Self::Many(classes) => {
                let count = &mut classes[class(gap_ms)];
                *count = count.saturating_add(1);
            }
        }
    }

    /// The middle one (the lower of two), in milliseconds.
    pub(super) fn median(&self) -> Option<u32> {
        match self {
            Self::Few(gaps) => {
                let mut gaps = gaps.clone();
                gaps.sort_unstable();
                gaps.get(gaps.len().saturating_sub(1) / 2).copied()
            }
            Self::Many(classes) => {
                let total: u64 = classes.iter().map(|&count| u64::from(count)).sum();
                let mut left = total.div_ceil(2);
                let middle = classes.iter().position(|&count| {
                    left = left.saturating_sub(count.into());
                    left == 0
                })?;
                Some(representative(middle))
            }
        }
    }
}

fn class(gap_ms: u32) -> usize {
    match gap_ms {
        0 => 0,
        // Positive, and cut to the classes that there are.
        gap => (1 + (f64::from(gap).ln() / RATIO.ln()) as usize).min(CLASSES - 1),
    }
}

/// The geometric middle of a class: at most a root of 1.1 away from either end.
fn representative(class: usize) -> u32 {
    match class {
        0 => 0,
        // Casts of floats are cut to what fits.
        class => RATIO.powf(class as f64 - 0.5).round() as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(all: impl IntoIterator<Item = u32>) -> Gaps {
        let mut gaps = Gaps::new();
        all.into_iter().for_each(|gap| gaps.add(gap));
        gaps
    }

    #[test]
    fn a_few_gaps_have_an_exact_median() {
        assert_eq!(gaps([]).median(), None);
        assert_eq!(gaps([7]).median(), Some(7));
        assert_eq!(gaps([9, 1, 5, 1_000_003, 4]).median(), Some(5));
    }

    #[test]
    fn many_gaps_have_a_median_within_a_twentieth() {
        for middle in [10, 999, 2_000, 5_431, 86_400_000, u32::MAX / 2] {
            let half = middle / 2;
            let spread = (0..1_001).map(|i| half + (u64::from(middle) * i / 1_000) as u32);
            let found = f64::from(gaps(spread).median().unwrap());
            let error = (found / f64::from(middle) - 1.0).abs();
            // Whole milliseconds count where gaps are tiny.
            assert!(
                error <= 0.05 || (found - f64::from(middle)).abs() <= 1.0,
                "{middle}: {found}"
            );
        }
        assert_eq!(gaps([0; 100]).median(), Some(0));
        assert!(gaps([u32::MAX; 100]).median().is_some());
    }
}
