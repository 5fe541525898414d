//! How fast evidence weakens with the distance.

use super::evidence::Evidence;

/// How fast evidence weakens with the distance: support = .95 exp(-gamma d^4) with d = 1 -
/// similarity and a gamma for each class.
///
/// .95 is Denoeux's. The fourth power was measured: with the first the evidence of a far
/// picture hardly differs from that of a near one, since in many dimensions most distances
/// are alike.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Decay {
    gammas: Vec<f64>,
}

const MOST_SUPPORT: f64 = 0.95;

impl Decay {
    /// d^4 of a similarity.
    pub(super) fn distance(similarity: f32) -> f64 {
        f64::from(1.0 - similarity).max(0.0).powi(4)
    }

    /// The mass that a picture of `class` gives to it.
    pub(super) fn support(&self, class: usize, distance: f64) -> f64 {
        MOST_SUPPORT * (-self.gammas[class] * distance).exp()
    }

    fn combine(&self, neighbours: &[(usize, f64)]) -> Evidence {
        Evidence::combine(
            neighbours
                .iter()
                .map(|(class, distance)| (*class, self.support(*class, *distance))),
        )
    }
}

/// A labelled picture with its nearest others: classes and d^4.
pub(super) struct Case {
    pub(super) class: usize,
    /// The nearest among all.
    pub(super) told_by: Vec<(usize, f64)>,
    /// The nearest among other classes.
    pub(super) foreign_to: Vec<(usize, f64)>,
}

/// Factors tried on all gammas together, then on each alone, with ever smaller steps.
const SCALES: std::ops::RangeInclusive<i32> = -12..=12;
const STEPS: [f64; 3] = [2.0, 1.41, 1.19];

/// Finds the gammas with the least squared error of the masses: of a picture among all
/// others everything should be on its class, among other classes everything unknown.
pub(super) fn tune(classes: usize, cases: &[Case]) -> Decay {
    let start = Decay {
        gammas: (0..classes)
            .map(|class| 1.0 / typical(class, cases))
            .collect(),
    };
    let scaled = |factor: f64| Decay {
        gammas: start.gammas.iter().map(|gamma| gamma * factor).collect(),
    };
    let mut best = (f64::INFINITY, start.clone());
    for half_octaves in SCALES {
        let decay = scaled(2f64.powf(f64::from(half_octaves) / 2.0));
        let error = error(&decay, cases.iter());
        if error < best.0 {
            best = (error, decay);
        }
    }
    let mut decay = best.1;
    // A class's gamma only matters to the pictures that it is near to.
    let touched: Vec<Vec<&Case>> = (0..classes)
        .map(|class| cases.iter().filter(|case| case.is_near(class)).collect())
        .collect();
    for step in STEPS {
        for (class, cases) in touched.iter().enumerate() {
            for factor in [step, 1.0 / step] {
                descend(&mut decay, class, factor, cases);
            }
        }
    }
    decay
}

/// Multiplies one gamma as long as that helps, a bounded number of times.
fn descend(decay: &mut Decay, class: usize, factor: f64, cases: &[&Case]) {
    let mut least = error(decay, cases.iter().copied());
    for _ in 0..10 {
        let before = decay.gammas[class];
        decay.gammas[class] = before * factor;
        let error = error(decay, cases.iter().copied());
        if error >= least {
            decay.gammas[class] = before;
            return;
        }
        least = error;
    }
}

impl Case {
    fn is_near(&self, class: usize) -> bool {
        let mut near = self.told_by.iter().chain(&self.foreign_to);
        near.any(|(known, _)| *known == class)
    }
}

/// The mean d^4 within a class, of neighbours; a little above 0 if all are copies.
fn typical(class: usize, cases: &[Case]) -> f64 {
    let of_class = cases.iter().filter(|case| case.class == class);
    let distances = of_class
        .flat_map(|case| &case.told_by)
        .filter(|(near, _)| *near == class)
        .map(|(_, distance)| *distance);
    let (count, sum) = distances.fold((0.0, 0.0), |(count, sum), d| (count + 1.0, sum + d));
    match count > 0.0 {
        true => f64::max(sum / count, 1e-6),
        // No neighbour of its own class: as far as similarities of a half.
        false => Decay::distance(0.5),
    }
}

fn error<'a>(decay: &Decay, cases: impl Iterator<Item = &'a Case>) -> f64 {
    cases
        .map(|case| {
            let told = decay.combine(&case.told_by);
            let foreign = decay.combine(&case.foreign_to);
            // All squared masses, with (1 - m)^2 - m^2 = 1 - 2m for the one that should be 1.
            squares(&told) + 1.0 - 2.0 * told.belief(case.class) + squares(&foreign) + 1.0
                - 2.0 * foreign.unknown()
        })
        .sum()
}

fn squares(evidence: &Evidence) -> f64 {
    let beliefs = evidence.beliefs().iter();
    beliefs.map(|(_, belief)| belief * belief).sum::<f64>() + evidence.unknown().powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(class: usize, own: f64, other: f64) -> Case {
        Case {
            class,
            told_by: vec![(class, own), (1 - class, other)],
            foreign_to: vec![(1 - class, other)],
        }
    }

    #[test]
    fn tuning_lowers_the_error_and_tells_own_from_foreign() {
        let cases = [
            case(0, 0.01, 0.5),
            case(0, 0.02, 0.4),
            case(1, 0.1, 0.5),
            case(1, 0.12, 0.4),
        ];
        let decay = tune(2, &cases);
        for case in &cases {
            assert_eq!(decay.combine(&case.told_by).class(), Some(case.class));
            assert_eq!(decay.combine(&case.foreign_to).class(), None);
        }
        let start = Decay {
            gammas: vec![1.0 / 0.015, 1.0 / 0.11],
        };
        assert!(error(&decay, cases.iter()) <= error(&start, cases.iter()));
    }

    #[test]
    fn a_class_of_one_picture_has_a_decay() {
        let decay = tune(2, &[case(0, 0.01, 0.5)]);
        assert!(
            decay
                .gammas
                .iter()
                .all(|gamma| gamma.is_finite() && *gamma > 0.0)
        );
    }
}
