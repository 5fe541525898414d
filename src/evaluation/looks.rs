//! `simdex eval looks`: do edits that keep a look find their picture, and before those that break
//! it? And does a ranking agree with people?

use rayon::prelude::*;
use serde::Serialize;

use super::{Estimate, Trial};
use crate::edit::Edit;
use crate::head::{CollectionMean, Features, Mode, Ranking};
use crate::search::Ranker;
use crate::store::NewPicture;
use crate::training::{Triplet, agreement, ceiling, nearest_to};

/// A picture with edits of it.
#[derive(Debug)]
pub struct LookSource {
    /// The picture, by number.
    pub original: usize,
    /// Edits that keep its look: what is searched for it.
    pub kept: Vec<(Edit, NewPicture)>,
    /// Edits that break it: they are stored, too.
    pub broken: Vec<(Edit, NewPicture)>,
}

/// Pictures that people have judged.
#[derive(Debug)]
pub struct JudgedPictures {
    /// The pictures.
    pub pictures: Vec<NewPicture>,
    /// What people said of them.
    pub triplets: Vec<Triplet>,
}

/// One ranking's figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LookRow {
    /// The ranking: a mode of the fused head, or another head.
    pub ranking: String,
    /// Share of the edits that keep a look whose picture is among the first ten.
    pub first_10: Estimate,
    /// The same, among the candidates.
    pub among_candidates: Estimate,
    /// Share of the edits that break the look that come after the picture itself.
    pub kept_first: Estimate,
    /// Share of people's votes that the ranking agrees with.
    pub people: Option<Estimate>,
}

/// One edit's figures by ranking.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LookEditRow {
    /// The edit.
    pub edit: String,
    /// Whether it keeps the look. If so, the shares are `first_10`, else `kept_first`.
    pub keeps: bool,
    /// The share by each ranking.
    pub shares: Vec<(String, f64)>,
}

/// The evaluation; the JSON that `eval looks` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LooksEvaluation {
    /// Pictures stored, without edits.
    pub pictures: usize,
    /// Pictures of them that were edited.
    pub sources: usize,
    /// Edits that are searched for.
    pub queries: usize,
    /// Edits that are stored.
    pub broken: usize,
    /// Candidates that were re-scored.
    pub candidates: usize,
    /// How many of the pictures each ranking was trained on, as far as it knows.
    pub seen: Vec<(String, usize)>,
    /// A row a ranking.
    pub rows: Vec<LookRow>,
    /// A row an edit.
    pub edits: Vec<LookEditRow>,
    /// Pictures that people have judged.
    pub judged: usize,
    /// Their judgements.
    pub triplets: usize,
    /// The share of votes that agrees with each majority: no ranking can have more.
    pub ceiling: Option<f64>,
}

/// A ranking that is measured: its name, and the mode that it is asked in.
type Measured<'a> = (&'a str, &'a Ranking, Mode);

/// What one query gave by one ranking.
struct Answer {
    first_10: bool,
    candidate: bool,
    /// For each broken edit of its picture: 1 if it comes later, half if neither comes.
    kept_first: Vec<(Edit, f64)>,
}

/// Searches each kept edit among the pictures and all broken edits, by each ranking in its mode, and
/// holds the rankings against people. `None` after Ctrl-C.
pub fn evaluate_looks(
    trial: &Trial<'_>,
    candidates: usize,
    rankings: &[(&str, &Ranking, Mode)],
    sources: &[LookSource],
    judged: Option<&JudgedPictures>,
) -> Option<LooksEvaluation> {
    let searched = Searched::new(trial, candidates, sources);
    let queries: Vec<(usize, &Edit, &NewPicture)> = sources
        .iter()
        .enumerate()
        .flat_map(|(i, source)| source.kept.iter().map(move |(edit, copy)| (i, edit, copy)))
        .collect();
    let answers: Vec<Vec<Answer>> = queries
        .par_iter()
        .map(|(source, _, copy)| {
            if trial.shutdown.requested() {
                return None;
            }
            let all = rankings.iter().map(|r| searched.answer(*source, copy, r));
            let all = all.collect();
            (trial.progress)();
            Some(all)
        })
        .collect::<Option<_>>()?;
    let of_sources = |ranking: usize, figure: &dyn Fn(&Answer) -> f64| {
        // Edits of one picture are no independent queries.
        let means = (0..sources.len()).map(|source| {
            let own = queries
                .iter()
                .zip(&answers)
                .filter(|((s, ..), _)| *s == source);
            mean(own.map(|(_, answers)| figure(&answers[ranking])))
        });
        Estimate::bootstrap(&means.flatten().collect::<Vec<_>>(), trial.seed)
    };
    let share = |is: bool| f64::from(u8::from(is));
    let kept_first = |answer: &Answer| {
        let all = answer.kept_first.iter().map(|(_, share)| *share);
        mean(all).unwrap_or(0.5)
    };
    let mut rows = Vec::with_capacity(rankings.len());
    for (i, ranking) in rankings.iter().enumerate() {
        rows.push(LookRow {
            ranking: ranking.0.to_owned(),
            first_10: of_sources(i, &|answer| share(answer.first_10)),
            among_candidates: of_sources(i, &|answer| share(answer.candidate)),
            kept_first: of_sources(i, &kept_first),
            people: judged.map(|judged| people(trial, judged, ranking)),
        });
    }
    let by_edit = |edit: Edit, keeps: bool| {
        let of_ranking = |(i, (name, ..)): (usize, &Measured<'_>)| {
            let all = queries.iter().zip(&answers);
            let figures = all.flat_map(|((_, own, _), answers)| {
                let answer = &answers[i];
                match keeps {
                    true if **own == edit => vec![share(answer.first_10)],
                    true => Vec::new(),
                    false => {
                        let broken = answer.kept_first.iter();
                        let of_edit = broken.filter(|(other, _)| *other == edit);
                        of_edit.map(|(_, share)| *share).collect()
                    }
                }
            });
            Some(((*name).to_owned(), mean(figures)?))
        };
        let shares: Vec<(String, f64)> =
            rankings.iter().enumerate().filter_map(of_ranking).collect();
        LookEditRow {
            edit: edit.name().to_owned(),
            keeps,
            shares,
        }
    };
    let kept = Edit::KEEP_LOOK.map(|edit| by_edit(edit, true));
    let broken = Edit::BREAK_LOOK.map(|edit| by_edit(edit, false));
    let edits = kept.into_iter().chain(broken);
    let named: Vec<_> = rankings.iter().map(|(name, r, _)| (*name, *r)).collect();
    Some(LooksEvaluation {
        pictures: trial.pictures.len(),
        sources: sources.len(),
        queries: queries.len(),
        broken: searched.features.len() - trial.pictures.len(),
        candidates,
        seen: trial.seen(&named),
        rows,
        edits: edits.filter(|row| !row.shares.is_empty()).collect(),
        judged: judged.map_or(0, |judged| judged.pictures.len()),
        triplets: judged.map_or(0, |judged| judged.triplets.len()),
        ceiling: judged.map(|judged| ceiling(&judged.triplets)),
    })
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    let sum: f64 = values.iter().sum();
    (!values.is_empty()).then(|| sum / values.len() as f64)
}

/// Everything stored: the pictures, then the broken edits.
struct Searched<'a> {
    trial: &'a Trial<'a>,
    features: Vec<Features<'a>>,
    mean: CollectionMean,
    candidates: usize,
    /// The picture of each source, and its broken edits, by number.
    sources: Vec<(usize, Vec<(Edit, usize)>)>,
}

impl<'a> Searched<'a> {
    fn new(trial: &'a Trial<'a>, candidates: usize, sources: &'a [LookSource]) -> Self {
        let mut features = trial.features();
        let mut numbered = Vec::with_capacity(sources.len());
        for source in sources {
            let mut own = Vec::with_capacity(source.broken.len());
            for (edit, copy) in &source.broken {
                own.push((*edit, features.len()));
                features.push(copy.features(trial.layout));
            }
            numbered.push((source.original, own));
        }
        Self {
            trial,
            features,
            mean: trial.mean(),
            candidates,
            sources: numbered,
        }
    }

    fn answer(
        &self,
        source: usize,
        copy: &NewPicture,
        (_, ranking, mode): &Measured<'_>,
    ) -> Answer {
        let query = copy.features(self.trial.layout);
        let count = self.candidates.min(self.features.len());
        let ranker = Ranker {
            ranking,
            mode: *mode,
            mean: &self.mean,
            pictures: self.features.len(),
            rescored: count,
        };
        let wanted = Ranker::pool(ranking, *mode, count);
        let order = self.proposed(&query, wanted, ranking, *mode);
        let pool: Vec<Features<'_>> = order.iter().map(|&i| self.features[i]).collect();
        let ranked = ranker.rank(&[query], &pool[..]);
        let place = |number: usize| ranked.iter().position(|e| order[e.candidate] == number);
        let (original, broken) = &self.sources[source];
        let own = place(*original);
        let kept_first = broken.iter().map(|(edit, number)| {
            let share = match (own, place(*number)) {
                (Some(own), Some(other)) => f64::from(u8::from(own < other)),
                (Some(_), None) => 1.0,
                (None, Some(_)) => 0.0,
                (None, None) => 0.5,
            };
            (*edit, share)
        });
        Answer {
            first_10: own.is_some_and(|place| place < 10),
            candidate: order.iter().take(count).any(|i| i == original),
            kept_first: kept_first.collect(),
        }
    }

    /// The candidates of a query, as a search has them, nearest first.
    fn proposed(
        &self,
        query: &Features<'_>,
        count: usize,
        ranking: &Ranking,
        mode: Mode,
    ) -> Vec<usize> {
        let all = self.features.iter();
        let cosines: Option<Vec<f32>> = match ranking {
            Ranking::Fused(_) if mode == Mode::LookAlike => all
                .map(|picture| Some(picture.look?.cosine(query.look?)))
                .collect(),
            _ => None,
        };
        let cosines = cosines.unwrap_or_else(|| {
            let all = self.features.iter();
            all.map(|picture| picture.descriptor.cosine(query.descriptor))
                .collect()
        });
        let mut order: Vec<usize> = (0..cosines.len()).collect();
        order.sort_by(|a, b| cosines[*b].total_cmp(&cosines[*a]).then(a.cmp(b)));
        order.truncate(count);
        order
    }
}

/// The share of votes that a ranking agrees with. Each judged picture is a query among the others.
fn people(
    trial: &Trial<'_>,
    judged: &JudgedPictures,
    (_, ranking, mode): &Measured<'_>,
) -> Estimate {
    let pictures = judged.pictures.iter();
    let features: Vec<Features<'_>> = pictures.map(|p| p.features(trial.layout)).collect();
    let pictures = judged.pictures.iter();
    let mean = CollectionMean::of(pictures.map(|p| (&p.embedding, &p.descriptor)));
    let ranker = Ranker {
        ranking,
        mode: *mode,
        mean: &mean,
        pictures: features.len(),
        rescored: features.len(),
    };
    let descriptors: Vec<_> = judged
        .pictures
        .iter()
        .map(|p| p.descriptor.clone())
        .collect();
    let agreed = (0..features.len()).into_par_iter().filter_map(|reference| {
        let asked = judged.triplets.iter().filter(|t| t.reference == reference);
        let asked: Vec<Triplet> = asked.copied().collect();
        if asked.is_empty() {
            return None;
        }
        let mut order = nearest_to(&descriptors, &descriptors[reference], features.len());
        order.retain(|i| *i != reference);
        let pool: Vec<Features<'_>> = order.iter().map(|&i| features[i]).collect();
        let ranked = ranker.rank(&features[reference..=reference], &pool[..]);
        let mut places = vec![f32::MIN; features.len()];
        for (place, entry) in ranked.iter().enumerate() {
            places[order[entry.candidate]] = -(place as f32);
        }
        Some(agreement(&asked, &|_, i| places[i]))
    });
    Estimate::bootstrap(&agreed.collect::<Vec<_>>(), trial.seed)
}
