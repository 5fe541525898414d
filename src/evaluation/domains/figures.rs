//! Figures of what was asked, by head and kind of store: per domain, and over domains.

use serde::Serialize;

use super::{Answered, AskedHead, AskedStores, Observations, StoreKind};
use crate::evaluation::{AtLeast, Calibration, Estimate, ScoreBin};

/// The evaluation; the JSON that `eval domains` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DomainsEvaluation {
    /// The domains.
    pub domains: Vec<DomainSize>,
    /// Classes that were not stored, so that queries of theirs have no answer.
    pub left_out: Vec<String>,
    /// Queries without an answer.
    pub answerless: usize,
    /// Queries that were not asked since their very bytes are stored.
    pub stored_queries: usize,
    /// Sizes that samples were asked for, and that the mixed store does not have.
    pub sizes_left_out: Vec<usize>,
    /// Results shown of each query.
    pub shown: usize,
    /// Candidates that were re-scored; lists are as long.
    pub candidates: usize,
    /// How many of the pictures each head was trained on: its figures flatter it.
    pub seen: Vec<(String, usize)>,
    /// The figures of each head; `embedding` first, to compare with.
    pub heads: Vec<HeadFigures>,
}

/// What a domain has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DomainSize {
    /// Its name.
    pub domain: String,
    /// Classes of which pictures are stored.
    pub classes: usize,
    /// Pictures stored.
    pub pictures: usize,
    /// Queries with an answer.
    pub queries: usize,
}

/// One head's figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeadFigures {
    /// Its name or file.
    pub head: String,
    /// The score from which on it says that nine results of ten are right, if it says so.
    pub precision_90: Option<f32>,
    /// And ninety-nine of a hundred.
    pub precision_99: Option<f32>,
    /// Its figures by kind of store.
    pub stores: Vec<StoreFigures>,
}

/// The figures of one kind of store. Over domains, each counts alike, however many queries it
/// has. Calibration is of the results shown of queries that have an answer in their store.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoreFigures {
    /// The kind.
    pub store: StoreKind,
    /// How many stores of it there were.
    pub stores: usize,
    /// Pictures in all of them together.
    pub pictures: usize,
    /// Queries with an answer in their store; of samples, one may be asked in several.
    pub queries: usize,
    /// Results shown of them.
    pub results: usize,
    /// Mean over domains of mean average precision.
    pub map: Option<Estimate>,
    /// Mean over domains of the share of queries whose first result is right.
    pub first_hit: Option<Estimate>,
    /// Calibration error of all results together, each domain counting alike.
    pub calibration_error: Option<Estimate>,
    /// The same, each result counting alike.
    pub calibration_error_by_result: Option<f64>,
    /// Mean over domains of each domain's own calibration error.
    pub calibration_error_of_domains: Option<Estimate>,
    /// The domain with the largest calibration error, and that.
    pub worst_domain: Option<(String, f64)>,
    /// Results at the head's own `p90` and above.
    pub at_90: Option<AtThresholdFigures>,
    /// Results at the head's own `p99` and above.
    pub at_99: Option<AtThresholdFigures>,
    /// Queries without an answer.
    pub answerless: Option<AnswerlessFigures>,
    /// The reliability diagram of all results, each domain counting alike.
    pub bins: Vec<ScoreBin>,
    /// A row for each domain with queries.
    pub domains: Vec<DomainRow>,
}

/// Results at a threshold and above, each domain counting alike.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AtThresholdFigures {
    /// The score.
    pub threshold: f32,
    /// Results that reach it.
    pub results: usize,
    /// Their share of the results shown.
    pub share: f64,
    /// Share of them that are right; `None` without any.
    pub right: Option<Estimate>,
}

/// Queries to which nothing in the store is an answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AnswerlessFigures {
    /// How often one was asked.
    pub queries: usize,
    /// Mean score of the best result.
    pub best: Estimate,
    /// Share of them with any result at `p90`, if the head has it.
    pub any_at_90: Option<Estimate>,
    /// Share of them with any result at `p99`.
    pub any_at_99: Option<Estimate>,
}

/// One domain's figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DomainRow {
    /// Its name.
    pub domain: String,
    /// Queries.
    pub queries: usize,
    /// Mean average precision.
    pub map: f64,
    /// Share of queries whose first result is right.
    pub first_hit: f64,
    /// Calibration error of the results shown; `None` without any.
    pub calibration_error: Option<f64>,
    /// Share of the results at `p90` and above.
    pub at_90: Option<f64>,
    /// Share of those that are right.
    pub right_at_90: Option<f64>,
}

impl Observations {
    /// The figures of each head and kind of store.
    pub fn figures(&self, seed: u64) -> Vec<HeadFigures> {
        let heads = self.heads.iter().enumerate();
        heads
            .map(|(number, head)| HeadFigures {
                head: head.name.clone(),
                precision_90: head.precision_90,
                precision_99: head.precision_99,
                stores: (0..self.kinds.len())
                    .map(|kind| self.store(number, head, kind, seed))
                    .collect(),
            })
            .collect()
    }

    fn store(&self, number: usize, head: &AskedHead, kind: usize, seed: u64) -> StoreFigures {
        let mut by_domain: Vec<Vec<&Answered>> = vec![Vec::new(); self.domains.len()];
        let answered = self.answered.iter();
        for query in answered.filter(|query| query.head == number && query.kind == kind) {
            by_domain[query.domain].push(query);
        }
        let named = self.domains.iter().zip(by_domain);
        let (names, groups): (Vec<&String>, Vec<Vec<Asked<'_>>>) = named
            .filter(|(_, queries)| !queries.is_empty())
            .map(|(name, queries)| (name, queries.into_iter().map(Asked::of).collect()))
            .unzip();
        let rows: Vec<DomainRow> = names
            .iter()
            .zip(&groups)
            .map(|(name, group)| DomainRow::of(name, &group.iter().collect::<Vec<_>>(), head))
            .collect();
        let over = |figure: &dyn Fn(&[Vec<&Asked<'_>>]) -> Option<f64>| {
            Estimate::over_groups(&groups, seed, figure)
        };
        let all: Vec<Vec<&Asked<'_>>> = groups.iter().map(|g| g.iter().collect()).collect();
        let mut by_result = Calibration::default();
        let each = all.iter().flatten();
        each.for_each(|query| by_result.add(&query.calibration, 1.0));
        let worst = rows
            .iter()
            .filter_map(|row| Some((row.domain.clone(), row.calibration_error?)))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        let AskedStores {
            kind: store,
            stores,
            pictures,
        } = self.kinds[kind];
        let at = |threshold: Option<f32>| {
            let threshold = threshold?;
            let reach = |query: &&Asked<'_>| {
                let shown = query.answered.shown.iter();
                shown.filter(|(score, _)| *score >= threshold).count()
            };
            Some(AtThresholdFigures {
                threshold,
                results: all.iter().flatten().map(reach).sum(),
                share: at_least(&all, threshold)?.share,
                right: over(&|groups| at_least(groups, threshold)?.right),
            })
        };
        StoreFigures {
            store,
            stores,
            pictures,
            queries: all.iter().map(Vec::len).sum(),
            results: all.iter().flatten().map(|q| q.answered.shown.len()).sum(),
            map: over(&|groups| macro_mean(groups, &|group| Some(map(group)))),
            first_hit: over(&|groups| macro_mean(groups, &|group| Some(first_hit(group)))),
            calibration_error: over(&|groups| together(groups).error()),
            calibration_error_by_result: by_result.error(),
            calibration_error_of_domains: over(&|groups| {
                macro_mean(groups, &|group| pooled(group).error())
            }),
            worst_domain: worst,
            at_90: at(head.precision_90),
            at_99: at(head.precision_99),
            answerless: self.answerless(number, head, kind, seed),
            bins: together(&all).bins(),
            domains: rows,
        }
    }

    fn answerless(
        &self,
        number: usize,
        head: &AskedHead,
        kind: usize,
        seed: u64,
    ) -> Option<AnswerlessFigures> {
        let asked = self.answerless.iter();
        let best: Vec<f32> = asked
            .filter(|query| query.head == number && query.kind == kind)
            .map(|query| query.best)
            .collect();
        let share = |threshold: f32| {
            let reach = best
                .iter()
                .map(|best| f64::from(u8::from(*best >= threshold)));
            Estimate::bootstrap(&reach.collect::<Vec<f64>>(), seed)
        };
        let scores: Vec<f64> = best.iter().map(|best| f64::from(*best)).collect();
        (!best.is_empty()).then(|| AnswerlessFigures {
            queries: best.len(),
            best: Estimate::bootstrap(&scores, seed),
            any_at_90: head.precision_90.map(share),
            any_at_99: head.precision_99.map(share),
        })
    }
}

/// A query with its results by bins, which are added up again and again.
struct Asked<'a> {
    answered: &'a Answered,
    calibration: Calibration,
}

impl<'a> Asked<'a> {
    fn of(answered: &'a Answered) -> Self {
        Self {
            calibration: Calibration::of(&answered.shown),
            answered,
        }
    }
}

impl DomainRow {
    fn of(name: &str, queries: &[&Asked<'_>], head: &AskedHead) -> Self {
        let at_90 = head.precision_90;
        let at_90 = at_90.and_then(|threshold| domain_at_least(queries, threshold));
        Self {
            domain: name.to_owned(),
            queries: queries.len(),
            map: map(queries),
            first_hit: first_hit(queries),
            calibration_error: pooled(queries).error(),
            at_90: at_90.map(|at| at.share),
            right_at_90: at_90.and_then(|at| at.right),
        }
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}

fn map(queries: &[&Asked<'_>]) -> f64 {
    mean(queries.iter().map(|query| query.answered.average_precision))
}

fn first_hit(queries: &[&Asked<'_>]) -> f64 {
    let hits = queries.iter().map(|query| query.answered.first_hit);
    mean(hits.map(|hit| f64::from(u8::from(hit))))
}

/// The results of one domain.
fn pooled(queries: &[&Asked<'_>]) -> Calibration {
    let mut all = Calibration::default();
    let each = queries.iter();
    each.for_each(|query| all.add(&query.calibration, 1.0));
    all
}

/// The results of all domains, each domain counting alike.
fn together(domains: &[Vec<&Asked<'_>>]) -> Calibration {
    let mut all = Calibration::default();
    for domain in domains {
        let own = pooled(domain);
        if own.weight() > 0.0 {
            all.add(&own, 1.0 / own.weight());
        }
    }
    all
}

fn domain_at_least(queries: &[&Asked<'_>], threshold: f32) -> Option<AtLeast> {
    let shown = queries.iter().flat_map(|query| &query.answered.shown);
    AtLeast::of(threshold, &shown.copied().collect::<Vec<_>>())
}

fn at_least(domains: &[Vec<&Asked<'_>>], threshold: f32) -> Option<AtLeast> {
    let each = domains.iter();
    let each: Vec<AtLeast> = each
        .filter_map(|queries| domain_at_least(queries, threshold))
        .collect();
    AtLeast::together(&each)
}

/// The mean over domains that have the figure.
fn macro_mean(
    domains: &[Vec<&Asked<'_>>],
    figure: &dyn Fn(&[&Asked<'_>]) -> Option<f64>,
) -> Option<f64> {
    let each: Vec<f64> = domains.iter().filter_map(|domain| figure(domain)).collect();
    (!each.is_empty()).then(|| mean(each.into_iter()))
}

#[cfg(test)]
mod tests {
    use super::super::Answerless;
    use super::*;

    /// Two domains: `a` has three queries whose ten results are sure and right, `b` one whose
    /// results are as sure and wrong.
    fn observations() -> Observations {
        let answered = |domain, right| Answered {
            head: 0,
            kind: 0,
            domain,
            average_precision: f64::from(u8::from(right)),
            first_hit: right,
            shown: vec![(1.0, right); 10],
        };
        Observations {
            heads: vec![AskedHead {
                name: "sure".to_owned(),
                precision_90: Some(0.9),
                precision_99: None,
            }],
            kinds: vec![AskedStores {
                kind: StoreKind::Mixed,
                stores: 1,
                pictures: 40,
            }],
            domains: ["a", "b", "c"].map(str::to_owned).to_vec(),
            answered: [(0, true), (0, true), (0, true), (1, false)]
                .map(|(domain, right)| answered(domain, right))
                .to_vec(),
            answerless: [0.95, 0.2]
                .map(|best| Answerless {
                    head: 0,
                    kind: 0,
                    best,
                })
                .to_vec(),
        }
    }

    #[test]
    fn domains_count_alike() {
        let heads = observations().figures(1);
        let figures = &heads[0].stores[0];
        let mean = |estimate: &Option<Estimate>| estimate.unwrap().mean;
        assert_eq!((figures.queries, figures.results), (4, 40));
        assert_eq!(mean(&figures.map), 0.5);
        assert_eq!(mean(&figures.first_hit), 0.5);
        assert!((mean(&figures.calibration_error) - 0.5).abs() < 1e-12);
        assert!((figures.calibration_error_by_result.unwrap() - 0.25).abs() < 1e-12);
        assert_eq!(mean(&figures.calibration_error_of_domains), 0.5);
        assert_eq!(figures.worst_domain, Some(("b".to_owned(), 1.0)));
        let at_90 = figures.at_90.unwrap();
        assert_eq!((at_90.results, at_90.share), (40, 1.0));
        assert_eq!(at_90.right.unwrap().mean, 0.5);
        assert_eq!(figures.at_99, None);
        let answerless = figures.answerless.unwrap();
        assert_eq!(answerless.any_at_90.unwrap().mean, 0.5);
        // c has no query, and no row.
        let rows: Vec<&str> = figures.domains.iter().map(|r| r.domain.as_str()).collect();
        assert_eq!(rows, ["a", "b"]);
        assert_eq!(figures.domains[1].right_at_90, Some(0.0));
    }

    #[test]
    fn without_queries_there_are_no_figures() {
        let nothing = Observations {
            answered: Vec::new(),
            answerless: Vec::new(),
            ..observations()
        };
        let figures = &nothing.figures(1)[0].stores[0];
        assert_eq!((figures.queries, figures.map), (0, None));
        assert_eq!(figures.answerless, None);
        assert_eq!(serde_json::to_value(figures).unwrap()["store"], "mixed");
    }
}
