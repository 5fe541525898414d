//! How lists are put in order, and how that became what it is.

use super::list_feature::{LIST_FEATURES, ListFeature};

/// How lists are ordered and what is told of their candidates. A head keeps the rule that it was
/// taught with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListRule {
    /// That of heads of before, in whose files it is told by their features: neighbourhoods count
    /// as much in a store of 25 pictures as in one of 25,000.
    AnySize,
    /// Neighbourhoods count by how much they can know: nearly all in large stores, little in small
    /// ones, where nearness less density counts instead.
    BySize,
}

/// What is added to the cosine of a candidate and its query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct OrderWeights {
    /// Times the cosine less the density around the candidate: a picture that is near to many
    /// says little.
    pub(super) closeness: f32,
    /// Times what expansion adds to the cosine.
    pub(super) expansion: f32,
    /// Times the common neighbours.
    pub(super) common: f32,
}

/// Features that heads of before read: the first ones.
const BEFORE: usize = 46;
/// In a store of so many pictures neighbourhoods count half.
const HALF: f32 = 50.0;
/// Fewer pictures are not put in the order of their probabilities, which know less of small
/// stores than the order does.
const SORTED_FROM: usize = 300;
/// Share of a neighbourhood that is averaged.
const AVERAGED: f32 = 0.28;

impl ListRule {
    /// What it reads of lists.
    pub fn features(self) -> &'static [ListFeature] {
        match self {
            Self::AnySize => &LIST_FEATURES[..BEFORE],
            Self::BySize => &LIST_FEATURES,
        }
    }

    /// The rule that reads features of these names.
    pub(super) fn of_features(names: &[String]) -> Option<Self> {
        let rules = [Self::BySize, Self::AnySize];
        rules.into_iter().find(|rule| {
            let known = rule.features().iter().map(|feature| feature.name);
            names.iter().map(String::as_str).eq(known)
        })
    }

    /// Whether the first results of a store with so many pictures are put in the order of their
    /// probabilities.
    pub fn sorts(self, pictures: usize) -> bool {
        self == Self::AnySize || pictures >= SORTED_FROM
    }

    pub(super) fn weights(self, pictures: usize) -> OrderWeights {
        match self {
            Self::AnySize => OrderWeights {
                closeness: 0.5,
                expansion: 1.0,
                common: 0.6,
            },
            Self::BySize => {
                let share = pictures as f32 / (pictures as f32 + HALF);
                OrderWeights {
                    closeness: 1.5 - share,
                    expansion: share,
                    common: 0.7 * share,
                }
            }
        }
    }

    /// How many of the neighbourhoods nearest to a picture are averaged, of `size` pictures each.
    pub(super) fn averaged(self, size: usize) -> usize {
        match self {
            Self::AnySize => 7,
            Self::BySize => ((size as f32 * AVERAGED).round() as usize).max(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbourhoods_count_by_the_size_of_the_store() {
        let of = |pictures| ListRule::BySize.weights(pictures);
        let (small, half, large) = (of(5), of(50), of(100_000));
        assert!(small.expansion < 0.1 && small.closeness > 1.4);
        assert!((half.expansion - 0.5).abs() < 1e-6 && (half.common - 0.35).abs() < 1e-6);
        assert!(large.expansion > 0.99 && (large.closeness - 0.5).abs() < 0.01);
        let before = ListRule::AnySize;
        assert_eq!(before.weights(5), before.weights(100_000));
    }

    #[test]
    fn a_rule_is_known_by_its_features() {
        for rule in [ListRule::AnySize, ListRule::BySize] {
            let names = rule.features().iter().map(|f| f.name.to_owned());
            assert_eq!(
                ListRule::of_features(&names.collect::<Vec<_>>()),
                Some(rule)
            );
        }
        assert_eq!(ListRule::of_features(&["order".to_owned()]), None);
    }
}
