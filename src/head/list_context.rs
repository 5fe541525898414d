//! A query's candidates as a list: their order, and what the whole list tells about each of them.

use super::list_rule::ListRule;
use super::neighbour_graph::{NeighbourGraph, mean};

/// Results that a list is judged by.
const SHOWN: usize = 10;
/// Neighbours whose mean cosine tells how densely pictures lie.
const DENSITY: usize = 5;
/// The most pictures of a neighbourhood that is compared.
const COMMON: usize = 25;
/// Neighbours that a picture is moved towards, round by round.
const ROUNDS: [usize; 2] = [5, 3];
/// A query's candidates and all that they tell of each other.
#[derive(Debug)]
pub struct ListContext {
    graph: NeighbourGraph,
    pictures: usize,
    rule: ListRule,
    common: Vec<f32>,
    expanded: Vec<f32>,
    density: Vec<f32>,
    /// By which candidates are ordered, higher first.
    order: Vec<f32>,
}

/// What is measured of a candidate and its query, beside the list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OfPair {
    /// Cosine of the embeddings.
    pub embedding: f32,
    /// What the pair alone tells, in log-odds.
    pub pair: f32,
    /// Mean cosine of the candidate with the nearest of the background.
    pub background: f32,
}

impl ListContext {
    /// Of a graph with the query first, of a store with so many `pictures` that can be found.
    pub fn new(graph: NeighbourGraph, pictures: usize, rule: ListRule) -> Self {
        let size = graph.neighbourhood(COMMON);
        let common = graph.common_neighbours(size, rule.averaged(size));
        let expanded = graph.expanded_cosines(&ROUNDS);
        let others = 1..graph.len();
        let few = DENSITY.min(graph.len().saturating_sub(2));
        let density: Vec<f32> = others.map(|i| graph.density(i, few)).collect();
        let weights = rule.weights(pictures);
        let order = (0..common.len()).map(|i| {
            let cosine = graph.cosines(0)[i + 1];
            cosine
                + weights.closeness * (cosine - density[i])
                + weights.expansion * (expanded[i] - cosine)
                + weights.common * common[i]
        });
        Self {
            order: order.collect(),
            pictures,
            rule,
            graph,
            common,
            expanded,
            density,
        }
    }

    /// Candidates, best first.
    pub fn ranked(&self) -> Vec<usize> {
        let mut all: Vec<usize> = (0..self.order.len()).collect();
        all.sort_by(|a, b| {
            let by_order = self.order[*b].total_cmp(&self.order[*a]);
            by_order.then(a.cmp(b))
        });
        all
    }

    /// What a candidate's and the query's neighbourhoods have in common, 0 to 1.
    pub fn common(&self, candidate: usize) -> f32 {
        self.common[candidate]
    }

    /// The features of each of the `measured` best candidates, in the order of [`Self::ranked`],
    /// whose best are `ranked`: as many as the rule reads. `query_background` is the mean cosine of
    /// the query with the nearest of the background.
    pub fn rows(
        &self,
        ranked: &[usize],
        measured: &[OfPair],
        query_background: f32,
    ) -> Vec<Vec<f32>> {
        let graph = &self.graph;
        let to_query = graph.cosines(0);
        let cosine = |candidate: usize| to_query[candidate + 1];
        let candidates = self.order.len();
        if candidates == 0 {
            return Vec::new();
        }
        let mut cosines = to_query[1..].to_vec();
        cosines.sort_by(|a, b| b.total_cmp(a));
        let mut orders = self.order.clone();
        orders.sort_by(|a, b| b.total_cmp(a));
        let at = |values: &[f32], place: usize| values[place.min(candidates - 1)];
        let shown = &ranked[..ranked.len().min(SHOWN)];
        let together: Vec<usize> = std::iter::once(0)
            .chain(shown.iter().map(|i| i + 1))
            .collect();
        let all: Vec<usize> = (0..graph.len()).collect();
        let distance = |cosine: f32| (1.0 - cosine).max(1e-3);

        let mean_cosine = mean(cosines.iter().copied());
        let variance = mean(cosines.iter().map(|c| (c - mean_cosine).powi(2)));
        let spread = variance.sqrt() + 0.02;
        let of_shown = |count: usize| mean(together.iter().map(|&i| graph.cosine_at(i, count)));
        let [first, third, tenth, twentieth, fortieth] = [1, 3, 10, 20, 40].map(of_shown);
        let list = [
            (self.pictures.max(1) as f32).ln(),
            mean(shown.iter().map(|&i| cosine(i))),
            at(&cosines, 9),
            mean_cosine,
            spread,
            query_background,
            mean(cosines.iter().take(DENSITY.min(candidates)).copied()),
            mean(shown.iter().map(|&i| self.order[i])),
            self.among(shown),
            self.common.iter().sum(),
            dimension(&cosines, &distance),
            self.mutual_share(&together),
            largest_gap(&cosines, &distance),
            at(&orders, 9) - at(&orders, 40),
            mean(orders.iter().take(5).copied()),
            first,
            third,
            tenth,
            twentieth,
            fortieth,
            self.mutual(&together, 3),
            self.mutual(&together, 10),
            self.mutual(&together, 20),
            cosines[0] - first,
            (third - tenth) / (1.02 - tenth),
            (tenth - twentieth) / (1.02 - twentieth),
            self.mutual(&all, 3),
            self.mutual(&all, 10),
            self.mutual(&all, 20),
        ];
        let mut rows = Vec::with_capacity(measured.len());
        for (rank, (&candidate, pair)) in ranked.iter().zip(measured).enumerate() {
            let cosine = cosine(candidate);
            let others = shown.iter().filter(|other| **other != candidate);
            let row = graph.cosines(candidate + 1);
            let nearer = row[1..].iter().filter(|other| **other > cosine).count();
            // It is none of the others.
            let nearer = nearer - usize::from(row[candidate + 1] > cosine);
            let of_candidate = [
                self.order[candidate],
                cosine,
                pair.embedding,
                pair.pair,
                self.common[candidate],
                self.expanded[candidate],
                ((rank + 1) as f32).ln(),
                cosines[0] - cosine,
                orders[0] - self.order[candidate],
                (cosine - mean_cosine) / spread,
                pair.background,
                cosine - pair.background.max(query_background),
                self.density[candidate],
                ((nearer + 1) as f32).ln(),
                mean(others.map(|&other| row[other + 1])),
                distance(cosine) / distance(at(&cosines, 19)),
                distance(cosine) / distance(at(&cosines, 99)),
                self.order[candidate] - at(&orders, 19),
                self.order[candidate] - at(&orders, 39),
                cosine - third,
            ];
            let row = of_candidate.into_iter().chain(list);
            rows.push(row.take(self.rule.features().len()).collect());
        }
        rows
    }

    /// Mean cosine of some candidates with each other.
    fn among(&self, shown: &[usize]) -> f32 {
        let pairs = shown.iter().enumerate();
        let pairs = pairs.flat_map(|(n, a)| shown[n + 1..].iter().map(move |b| (*a, *b)));
        mean(pairs.map(|(a, b)| self.graph.cosines(a + 1)[b + 1]))
    }

    /// Share of the pairs that are among each other's ten nearest.
    fn mutual_share(&self, together: &[usize]) -> f32 {
        let near = |a: usize, b: usize| self.graph.is_near(a, b, 10);
        let pairs = together.iter().enumerate();
        let pairs = pairs.flat_map(|(n, a)| together[n + 1..].iter().map(move |b| (*a, *b)));
        mean(pairs.map(|(a, b)| f32::from(u8::from(near(a, b) && near(b, a)))))
    }

    /// Mean share of the `k` nearest that have the picture among their own `k` nearest.
    fn mutual(&self, together: &[usize], k: usize) -> f32 {
        let near = |a: usize, b: usize| self.graph.is_near(a, b, k);
        let share = |i: usize| {
            let others = self.graph.nearest(i, k).iter();
            mean(others.map(|&other| f32::from(u8::from(near(other, i)))))
        };
        mean(together.iter().map(|&i| share(i)))
    }
}

/// How fast distances grow from the first to the twentieth: the inverse of the local intrinsic
/// dimension (Levina and Bickel 2004).
fn dimension(cosines: &[f32], distance: &dyn Fn(f32) -> f32) -> f32 {
    let last = 19.min(cosines.len() - 1);
    if last <= 2 {
        return 0.0;
    }
    let end = distance(cosines[last]);
    -mean(cosines[..last].iter().map(|c| (distance(*c) / end).ln()))
}

/// The place of the largest gap between neighbouring distances among the first sixty.
fn largest_gap(cosines: &[f32], distance: &dyn Fn(f32) -> f32) -> f32 {
    let pairs = cosines.windows(2).take(59);
    let gaps = pairs.map(|pair| distance(pair[1]) - distance(pair[0]));
    let mut largest = (f32::MIN, 0usize);
    for (place, gap) in gaps.enumerate() {
        if gap > largest.0 {
            largest = (gap, place + 1);
        }
    }
    ((largest.1 + 1) as f32).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::list_features::LIST_FEATURES;
    use crate::network::Descriptor;

    fn context(candidates: usize) -> ListContext {
        let at = |i: usize| {
            let angle = 0.01 * (i * i) as f32;
            Descriptor::normalized(vec![angle.cos(), angle.sin(), 0.3])
        };
        let all: Vec<Descriptor> = (0..=candidates).map(at).collect();
        ListContext::new(NeighbourGraph::new(&all), candidates, ListRule::BySize)
    }

    #[test]
    fn every_candidate_has_every_feature_in_lists_of_any_length() {
        for candidates in [0, 1, 2, 3, 5, 12, 150] {
            let context = context(candidates);
            let ranked = context.ranked();
            assert_eq!(ranked.len(), candidates);
            let pair = OfPair {
                embedding: 0.5,
                pair: 0.0,
                background: 0.2,
            };
            let rows = context.rows(&ranked, &vec![pair; candidates], 0.2);
            assert_eq!(rows.len(), candidates);
            for row in &rows {
                assert_eq!(row.len(), LIST_FEATURES.len());
                assert!(row.iter().all(|value| value.is_finite()), "{row:?}");
            }
        }
    }

    #[test]
    fn nearer_candidates_come_first() {
        let context = context(60);
        let ranked = context.ranked();
        assert!(ranked[0] < 6, "{ranked:?}");
        assert!(ranked.iter().position(|i| *i == 59) > ranked.iter().position(|i| *i == 3));
    }
}
