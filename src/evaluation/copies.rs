//! `simdex eval copies`: edited copies, searched among the pictures they were made from. A
//! picture that is nearly the same as the original ([`are_twins`]) is neither right nor wrong.

use std::convert::Infallible;

use rayon::prelude::*;
use serde::Serialize;

use super::{Estimate, Trial, average_precision};
use crate::edit::Edit;
use crate::head::{CollectionMean, Features, Mode, Ranking, Thresholds};
use crate::network::Descriptor;
use crate::search::{Claim, Preview, Ranker, Scored, verify};
use crate::store::NewPicture;
use crate::training::{are_twins, nearest_to, thresholds};

/// An edited copy to search for.
#[derive(Debug)]
pub struct EditedQuery {
    /// The picture that it was made from, by number.
    pub original: usize,
    /// What was done.
    pub edit: Edit,
    /// The copy in each view, upright first.
    pub views: Vec<NewPicture>,
}

/// One edit's figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EditRow {
    /// The edit, or `all`.
    pub edit: String,
    /// Queries.
    pub queries: usize,
    /// Share of queries whose original was among the candidates, by ranking: `copy` asks
    /// for candidates by several views.
    pub candidate_recall: Vec<(String, f64)>,
    /// Share of queries whose original came first, by ranking.
    pub recall_1: Vec<(String, Estimate)>,
}

/// The evaluation; the JSON that `eval copies` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CopiesEvaluation {
    /// Untouched pictures searched.
    pub pictures: usize,
    /// How many of the pictures each ranking was trained on: its figures flatter it.
    pub seen: Vec<(String, usize)>,
    /// Candidates that were re-scored.
    pub candidates: usize,
    /// One row for each edit that has copies, then one for all.
    pub rows: Vec<EditRow>,
    /// Average precision of all results of all queries in one list, by ranking: whether one
    /// threshold serves all queries (micro-AP).
    pub micro_ap: Vec<(String, f64)>,
    /// What always answering at random would find.
    pub random_recall_1: f64,
    /// Scores of `copy` from which on results of this evaluation were right.
    pub thresholds: Thresholds,
    /// Precision and recall at the head's own threshold for 99 %, if it has one.
    pub at_shipped_99: Option<AtThreshold>,
}

/// The results at or above a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AtThreshold {
    /// The score.
    pub threshold: f32,
    /// Share of the results that were right.
    pub precision: f64,
    /// Share of the queries whose original is among them.
    pub recall: f64,
}

/// Scores with answers, best first.
type List = Vec<(f32, bool)>;

/// What one query gave by one ranking.
struct QueryFigures {
    /// Whether the original was among the candidates.
    candidate: bool,
    list: List,
}

/// A ranking that is measured: its name, and the mode that it is asked in.
type Measured<'a> = (&'a str, &'a Ranking, Mode);

/// Searches every copy among `pictures`, by each ranking in its mode; a ranking re-scores the
/// given number of candidates. The thresholds of the last ranking are measured. `None` after
/// Ctrl-C.
pub fn evaluate_copies(
    trial: &Trial<'_>,
    candidates: usize,
    rankings: &[(&str, &Ranking, Mode)],
    queries: &[EditedQuery],
) -> Option<CopiesEvaluation> {
    let candidates = candidates.min(trial.pictures.len());
    let searched = Searched::new(trial, candidates);
    let found: Vec<Vec<QueryFigures>> = queries
        .par_iter()
        .map(|query| searched.search_by_each(query, rankings))
        .collect::<Option<_>>()?;
    let names: Vec<&str> = rankings.iter().map(|(name, _, _)| *name).collect();
    let row = |name: &str, keep: &dyn Fn(Edit) -> bool| {
        let all = queries.iter().zip(&found);
        let kept = all.filter(|(query, _)| keep(query.edit));
        EditRow::of(
            name,
            &names,
            &kept.map(|(_, f)| f).collect::<Vec<_>>(),
            trial.seed,
        )
    };
    let mut rows: Vec<EditRow> = Edit::ALL
        .iter()
        .map(|&edit| row(edit.name(), &|other| other == edit))
        .filter(|row| row.queries > 0)
        .collect();
    rows.push(row("all", &|_| true));
    let micro_ap = names.iter().enumerate().map(|(ranking, name)| {
        let list = together(&found, ranking);
        let answers: Vec<bool> = list.iter().map(|(_, right)| *right).collect();
        (
            (*name).to_owned(),
            average_precision(&answers, queries.len()),
        )
    });
    let last = together(&found, rankings.len().saturating_sub(1));
    let shipped = rankings.last().and_then(shipped_threshold);
    let seen: Vec<_> = rankings.iter().map(|(name, r, _)| (*name, *r)).collect();
    Some(CopiesEvaluation {
        pictures: trial.pictures.len(),
        seen: trial.seen(&seen),
        candidates,
        rows,
        micro_ap: micro_ap.collect(),
        random_recall_1: 1.0 / trial.pictures.len().max(1) as f64,
        thresholds: thresholds(&last),
        at_shipped_99: shipped.map(|threshold| at_threshold(&last, threshold, queries.len())),
    })
}

/// The untouched pictures, ready to be searched.
struct Searched<'a> {
    trial: &'a Trial<'a>,
    features: Vec<Features<'a>>,
    descriptors: Vec<Descriptor>,
    mean: CollectionMean,
    candidates: usize,
}

impl<'a> Searched<'a> {
    fn new(trial: &'a Trial<'a>, candidates: usize) -> Self {
        Self {
            trial,
            features: trial.features(),
            descriptors: trial
                .pictures
                .iter()
                .map(|p| p.descriptor.clone())
                .collect(),
            mean: trial.mean(),
            candidates,
        }
    }

    /// What a query gives by each ranking; `None` after Ctrl-C.
    fn search_by_each(
        &self,
        query: &EditedQuery,
        rankings: &[Measured<'_>],
    ) -> Option<Vec<QueryFigures>> {
        if self.trial.shutdown.requested() {
            return None;
        }
        let found = rankings.iter().map(|ranking| self.search(query, ranking));
        let found = found.collect();
        (self.trial.progress)();
        Some(found)
    }

    fn search(&self, query: &EditedQuery, (_, ranking, mode): &Measured<'_>) -> QueryFigures {
        let pictures = self.trial.pictures;
        let views = match mode {
            Mode::Copy => query.views.as_slice(),
            _ => &query.views[..1],
        };
        let views: Vec<Features<'_>> = views
            .iter()
            .map(|view| view.features(self.trial.layout))
            .collect();
        let order = pool(&self.descriptors, &views, self.candidates);
        let pool: Vec<Features<'_>> = order.iter().map(|&i| self.features[i]).collect();
        let ranker = Ranker {
            ranking,
            mode: *mode,
            mean: &self.mean,
            pictures: self.features.len(),
            rescored: pool.len(),
        };
        let mut ranked = ranker.rank(&views, &pool[..]);
        if let Some(claim) = Claim::of(ranking, *mode) {
            let preview = |entry: &Scored| {
                let picture = &pictures[order[entry.candidate]];
                Ok::<_, Infallible>(Some(picture.into()))
            };
            let Ok(()) = verify(claim, &Preview::from(&query.views[0]), &mut ranked, preview);
        }
        let original = &pictures[query.original].embedding;
        let answer = |candidate: usize| order[candidate] == query.original;
        let is_twin = |candidate: usize| {
            !answer(candidate) && are_twins(original, &pictures[order[candidate]].embedding)
        };
        let list = ranked
            .iter()
            .filter(|e| !is_twin(e.candidate))
            .map(|e| (e.score, answer(e.candidate)));
        QueryFigures {
            candidate: order.contains(&query.original),
            list: list.collect(),
        }
    }
}

impl EditRow {
    /// The figures of some queries, each with what every ranking gave.
    fn of(name: &str, rankings: &[&str], queries: &[&Vec<QueryFigures>], seed: u64) -> Self {
        let recall_1 = rankings.iter().enumerate().map(|(ranking, name)| {
            let first = queries.iter().map(|found| found[ranking].list.first());
            let right = first.map(|first| f64::from(u8::from(first.is_some_and(|f| f.1))));
            let right: Vec<f64> = right.collect();
            ((*name).to_owned(), Estimate::bootstrap(&right, seed))
        });
        let candidate_recall = rankings.iter().enumerate().map(|(ranking, name)| {
            let had = queries
                .iter()
                .filter(|found| found[ranking].candidate)
                .count();
            ((*name).to_owned(), had as f64 / queries.len().max(1) as f64)
        });
        Self {
            edit: name.to_owned(),
            queries: queries.len(),
            candidate_recall: candidate_recall.collect(),
            recall_1: recall_1.collect(),
        }
    }
}

/// All results of one ranking in one list, best first.
fn together(found: &[Vec<QueryFigures>], ranking: usize) -> List {
    let all = found.iter();
    let mut all: List = all
        .flat_map(|found| found[ranking].list.iter().copied())
        .collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    all
}

/// The score at which a head claims that 99 % of the results are right.
fn shipped_threshold((_, ranking, mode): &Measured<'_>) -> Option<f32> {
    match ranking {
        Ranking::Fused(head) => head.scorers(*mode).thresholds.precision_99,
        _ => None,
    }
}

fn at_threshold(list: &List, threshold: f32, queries: usize) -> AtThreshold {
    let through: Vec<bool> = list
        .iter()
        .filter(|(score, _)| *score >= threshold)
        .map(|(_, right)| *right)
        .collect();
    let right = through.iter().filter(|right| **right).count() as f64;
    AtThreshold {
        threshold,
        precision: right / through.len().max(1) as f64,
        recall: right / queries.max(1) as f64,
    }
}

/// The candidates of all views, nearest first.
fn pool(descriptors: &[Descriptor], views: &[Features<'_>], count: usize) -> Vec<usize> {
    let mut all: Vec<(f32, usize)> = Vec::new();
    for view in views {
        for i in nearest_to(descriptors, view.descriptor, count) {
            all.push((descriptors[i].cosine(view.descriptor), i));
        }
    }
    all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut seen = std::collections::HashSet::new();
    let fresh = all.into_iter().filter(|(_, i)| seen.insert(*i));
    fresh.map(|(_, i)| i).take(count).collect()
}
