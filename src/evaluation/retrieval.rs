//! `simdex eval retrieval`: every picture a query, the others of its folder are right.

use rayon::prelude::*;
use serde::Serialize;

use super::{Estimate, Trial, average_precision};
use crate::head::{CollectionMean, Features, Mode, Ranking};
use crate::network::Descriptor;
use crate::search::Ranker;
use crate::training::nearest_to;

/// One ranking's figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RetrievalRow {
    /// The ranking; `random`, `descriptor` (the first stage alone) and `embedding` order
    /// everything, the others re-rank the candidates and leave the rest as it was.
    pub head: String,
    /// Mean average precision over all queries.
    pub map: Estimate,
    /// Share of queries whose first result is right.
    pub first_hit: Estimate,
    /// Share of the right pictures among the first 10, of at most 10.
    pub recall_10: Estimate,
    /// Share of the right pictures among the first 100, of at most 100.
    pub recall_100: Estimate,
}

/// The evaluation; the JSON that `eval retrieval` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RetrievalEvaluation {
    /// The classes.
    pub classes: Vec<String>,
    /// Classes left out because the head was trained on them.
    pub left_out: Vec<String>,
    /// Pictures searched.
    pub pictures: usize,
    /// Pictures that were queries: all whose class has another picture.
    pub queries: usize,
    /// How many of the pictures each ranking was trained on: its figures flatter it.
    pub seen: Vec<(String, usize)>,
    /// Candidates that were re-scored.
    pub candidates: usize,
    /// Share of the right pictures among the first stage's candidates.
    pub candidate_recall: Estimate,
    /// The same, had the full embedding chosen them.
    pub embedding_candidate_recall: Estimate,
    /// One row a ranking.
    pub rows: Vec<RetrievalRow>,
}

/// Ranks everything for each picture whose class has another, by every ranking; each re-scores
/// the given number of candidates.
///
/// `None` after Ctrl-C.
pub fn evaluate_retrieval(
    trial: &Trial<'_>,
    candidates: usize,
    rankings: &[(&str, &Ranking)],
    labels: &[usize],
) -> Option<RetrievalEvaluation> {
    let (pictures, seed) = (trial.pictures, trial.seed);
    let candidates = candidates.min(pictures.len().saturating_sub(1));
    let searched = Searched::new(trial, candidates);
    // Where there is nothing to find, nothing can be right or wrong.
    let (asked, relevant): (Vec<usize>, Vec<usize>) = (0..pictures.len())
        .map(|query| (query, others_of(query, labels)))
        .filter(|(_, relevant)| *relevant > 0)
        .unzip();
    let queries: Vec<Vec<Vec<bool>>> = asked
        .par_iter()
        .map(|&query| searched.lists(query, rankings, labels))
        .collect::<Option<_>>()?;
    let figure = |list: usize, of: &dyn Fn(&[bool], usize) -> f64| {
        let values: Vec<f64> = queries
            .iter()
            .zip(&relevant)
            .map(|(lists, &relevant)| of(&lists[list], relevant))
            .collect();
        Estimate::bootstrap(&values, seed)
    };
    let recall = |count: usize| {
        move |answers: &[bool], relevant: usize| {
            let found = answers.iter().take(count).filter(|answer| **answer).count();
            found as f64 / relevant.min(count) as f64
        }
    };
    let share_of_all = |answers: &[bool], relevant: usize| {
        let found = answers.iter().take(candidates).filter(|a| **a).count();
        found as f64 / relevant as f64
    };
    let names = ["random", "embedding (all)", "descriptor (all)"].map(str::to_owned);
    let names = names
        .into_iter()
        .chain(rankings.iter().map(|(name, _)| (*name).to_owned()));
    let rows = names.enumerate().map(|(list, head)| RetrievalRow {
        head,
        map: figure(list, &average_precision),
        first_hit: figure(list, &recall(1)),
        recall_10: figure(list, &recall(10)),
        recall_100: figure(list, &recall(100)),
    });
    Some(RetrievalEvaluation {
        classes: Vec::new(),
        left_out: Vec::new(),
        pictures: pictures.len(),
        queries: queries.len(),
        seen: trial.seen(rankings),
        candidates,
        candidate_recall: figure(2, &share_of_all),
        embedding_candidate_recall: figure(1, &share_of_all),
        rows: rows.collect(),
    })
}

/// How many other pictures are right.
fn others_of(query: usize, labels: &[usize]) -> usize {
    let own = labels[query];
    labels.iter().filter(|label| **label == own).count() - 1
}

/// The pictures, ready to be searched.
struct Searched<'a> {
    trial: &'a Trial<'a>,
    features: Vec<Features<'a>>,
    descriptors: Vec<Descriptor>,
    embeddings: Vec<Descriptor>,
    mean: CollectionMean,
    candidates: usize,
}

impl<'a> Searched<'a> {
    fn new(trial: &'a Trial<'a>, candidates: usize) -> Self {
        let pictures = trial.pictures.iter();
        let embeddings = pictures.clone().map(|p| p.embedding.values().to_vec());
        Self {
            trial,
            features: trial.features(),
            descriptors: pictures.map(|p| p.descriptor.clone()).collect(),
            embeddings: embeddings.map(Descriptor::normalized).collect(),
            mean: trial.mean(),
            candidates,
        }
    }

    /// Whether each picture of each ranked list is right: by chance, by the embedding, by the
    /// descriptor, then by each ranking. `None` after Ctrl-C.
    fn lists(
        &self,
        query: usize,
        rankings: &[(&str, &Ranking)],
        labels: &[usize],
    ) -> Option<Vec<Vec<bool>>> {
        if self.trial.shutdown.requested() {
            return None;
        }
        let answers = |order: &[usize]| -> Vec<bool> {
            order.iter().map(|&i| labels[i] == labels[query]).collect()
        };
        let others = |of: &[Descriptor]| -> Vec<usize> {
            let mut order = nearest_to(of, &of[query], of.len());
            order.retain(|i| *i != query);
            order
        };
        let first_stage = others(&self.descriptors);
        let mut lists = vec![
            answers(&shuffled(self.features.len(), query, self.trial.seed)),
            answers(&others(&self.embeddings)),
            answers(&first_stage),
        ];
        let ranked = rankings.iter();
        lists
            .extend(ranked.map(|(_, ranking)| answers(&self.rerank(query, ranking, &first_stage))));
        (self.trial.progress)();
        Some(lists)
    }

    /// The candidates of the first stage as a ranking orders them, then the rest as it was.
    fn rerank(&self, query: usize, ranking: &Ranking, first_stage: &[usize]) -> Vec<usize> {
        let size = Ranker::pool(ranking, Mode::SameSubject, self.candidates);
        let ranker = Ranker {
            ranking,
            mode: Mode::SameSubject,
            mean: &self.mean,
            pictures: self.features.len() - 1,
            rescored: self.candidates,
        };
        let pool = &first_stage[..size.min(first_stage.len())];
        let pool: Vec<Features<'_>> = pool.iter().map(|&i| self.features[i]).collect();
        let ranked = ranker.rank(&[self.features[query]], &pool[..]);
        let mut order: Vec<usize> = ranked.iter().map(|e| first_stage[e.candidate]).collect();
        let chosen: std::collections::HashSet<usize> = order.iter().copied().collect();
        order.extend(first_stage.iter().filter(|i| !chosen.contains(i)));
        order
    }
}

/// The trivial answer: everything else in random order.
fn shuffled(count: usize, query: usize, seed: u64) -> Vec<usize> {
    use rand::SeedableRng;
    use rand::seq::SliceRandom;
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(query as u64);
    let mut order: Vec<usize> = (0..count).filter(|i| *i != query).collect();
    order.shuffle(&mut rng);
    order
}
