//! Dempster's rule.

/// What pieces of evidence say together: mass on single classes, and on none in particular.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Mass of each class that something speaks for, the most first.
    beliefs: Vec<(usize, f64)>,
    unknown: f64,
}

/// Beyond this weight all other masses are zero in an f64, and sums of many such weights are
/// still finite.
const MOST_WEIGHT: f64 = 300.0;

impl Evidence {
    /// Combines pieces of evidence by Dempster's rule. Each gives `support` (0 to below 1)
    /// to one class and the rest to all classes together.
    ///
    /// With w the sum of -ln(1 - support) over the pieces for one class (Shafer's weight of
    /// evidence), the combined masses are as e^w - 1 for each class to 1 for the unknown.
    pub fn combine(pieces: impl IntoIterator<Item = (usize, f64)>) -> Self {
        let mut weights: Vec<(usize, f64)> = Vec::new();
        for (class, support) in pieces {
            let weight = -(-support).ln_1p();
            match weights.iter_mut().find(|(known, _)| *known == class) {
                Some((_, sum)) => *sum += weight,
                None => weights.push((class, weight)),
            }
        }
        let odds = |weight: f64| weight.min(MOST_WEIGHT).exp_m1();
        let total = 1.0 + weights.iter().map(|(_, weight)| odds(*weight)).sum::<f64>();
        let mut beliefs: Vec<(usize, f64)> = weights
            .into_iter()
            .map(|(class, weight)| (class, odds(weight) / total))
            .collect();
        beliefs.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        Self {
            beliefs,
            unknown: 1.0 / total,
        }
    }

    /// Each class that something speaks for with its belief, the most first. All others
    /// have a belief of 0.
    pub fn beliefs(&self) -> &[(usize, f64)] {
        &self.beliefs
    }

    /// The mass that is left to all classes together, known or not.
    pub fn unknown(&self) -> f64 {
        self.unknown
    }

    /// The mass that speaks for a class: the least that is justified.
    pub fn belief(&self, class: usize) -> f64 {
        let found = self.beliefs.iter().find(|(known, _)| *known == class);
        found.map_or(0.0, |(_, belief)| *belief)
    }

    /// The mass that does not speak against a class: the most that is possible.
    pub fn plausibility(&self, class: usize) -> f64 {
        self.belief(class) + self.unknown
    }

    /// The class most believed in; `None` if more is left unknown than speaks for it.
    pub fn class(&self) -> Option<usize> {
        self.likeliest()
            .filter(|class| self.belief(*class) >= self.unknown)
    }

    /// The class most believed in, however little that is.
    pub fn likeliest(&self) -> Option<usize> {
        self.beliefs.first().map(|(class, _)| *class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn one_piece_stays_as_it_is() {
        let evidence = Evidence::combine([(3, 0.6)]);
        assert!(near(evidence.belief(3), 0.6) && near(evidence.unknown(), 0.4));
        assert!(near(evidence.plausibility(3), 1.0) && near(evidence.plausibility(0), 0.4));
    }

    #[test]
    fn agreeing_pieces_add_up() {
        // 1 - (1 - .6)(1 - .5) = .8
        let evidence = Evidence::combine([(0, 0.6), (0, 0.5)]);
        assert!(near(evidence.belief(0), 0.8) && near(evidence.unknown(), 0.2));
    }

    #[test]
    fn contradicting_pieces_share_what_is_not_in_conflict() {
        // By hand: m(a) = .6 * .5 = .3, m(b) = .5 * .4 = .2, m(all) = .4 * .5 = .2; the
        // conflict .6 * .5 = .3 is divided away: .3/.7, .2/.7, .2/.7.
        let evidence = Evidence::combine([(0, 0.6), (1, 0.5)]);
        assert!(near(evidence.belief(0), 3.0 / 7.0));
        assert!(near(evidence.belief(1), 2.0 / 7.0));
        assert!(near(evidence.unknown(), 2.0 / 7.0));
        assert!(near(evidence.plausibility(1), 4.0 / 7.0));
        assert_eq!(evidence.class(), Some(0));
    }

    #[test]
    fn three_classes_by_hand() {
        // a: two pieces of .5 make .75; b: .6; c: .2.
        // m(a) = .75 * .4 * .8 = .24, m(b) = .6 * .25 * .8 = .12, m(c) = .2 * .25 * .4 = .02,
        // m(all) = .25 * .4 * .8 = .08; together .46.
        let evidence = Evidence::combine([(0, 0.5), (1, 0.6), (2, 0.2), (0, 0.5)]);
        for (class, mass) in [(0, 0.24), (1, 0.12), (2, 0.02)] {
            assert!(near(evidence.belief(class), mass / 0.46), "{class}");
        }
        assert!(near(evidence.unknown(), 0.08 / 0.46));
    }

    #[test]
    fn unknown_wins_where_more_is_left_than_speaks_for_a_class() {
        assert_eq!(Evidence::combine([(0, 0.4)]).class(), None);
        assert_eq!(Evidence::combine([(0, 0.4)]).likeliest(), Some(0));
        assert_eq!(Evidence::combine([(0, 0.5)]).class(), Some(0));
        let nothing = Evidence::combine([]);
        assert_eq!((nothing.class(), nothing.unknown()), (None, 1.0));
    }

    #[test]
    fn masses_of_many_strong_pieces_stay_finite() {
        let many = (0..2_000).map(|i| (i % 3, 0.95));
        let evidence = Evidence::combine(many);
        let sum: f64 = evidence.beliefs().iter().map(|(_, belief)| belief).sum();
        assert!((sum + evidence.unknown() - 1.0).abs() < 1e-9);
    }
}
