//! Measuring heads on the user's own pictures.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::pictures::{Described, Edited, LabelledPictures};
use super::watch::{Stage, Watch};
use crate::app::{Error, Extraction};
use crate::dataset::{Labelled, labelled_files, pictures_below};
use crate::edit::Edit;
use crate::evaluation::{
    ClassifyEvaluation, ClassifyEvaluationError, ClassifyEvaluationOptions, CopiesEvaluation,
    EditedQuery, EvaluationError, PairsEvaluation, PairsOptions, RetrievalEvaluation, Trial,
    evaluate_classify, evaluate_copies, evaluate_pairs, evaluate_retrieval,
};
use crate::head::{Fused, Mode, Ranking};
use crate::ingest::extract_views;
use crate::network::Extractor;
use crate::picture::View;
use crate::store::NewPicture;
use crate::training::mse18::TrainError;

/// How ranked lists are measured.
#[derive(Debug, Clone)]
pub struct RetrievalOptions {
    /// A folder with one folder of pictures a class.
    pub dir: PathBuf,
    /// A head's name or file, to be measured besides the shipped ones.
    pub head: Option<String>,
    /// Candidates that are re-scored.
    pub candidates: usize,
    /// Most pictures of each class.
    pub per_class: usize,
    /// Whether classes are measured too whose names the heads were trained on.
    pub trained_classes: bool,
    /// Seed of the resampling.
    pub seed: u64,
}

/// How the finding of copies is measured.
#[derive(Debug, Clone)]
pub struct CopiesOptions {
    /// A folder of pictures.
    pub dir: PathBuf,
    /// The name or file of the head whose copy mode is measured.
    pub head: String,
    /// Pictures that are edited, spread over all; every one is searched.
    pub queries: usize,
    /// Candidates that are re-scored.
    pub candidates: usize,
    /// Seed of the edits.
    pub seed: u64,
}

impl Extraction {
    /// The report's protocol, on a folder with one folder of pictures a class: are two
    /// pictures of one class? `None` if the user asked to stop.
    ///
    /// # Errors
    /// If there are too few pictures, the network cannot be run, or training fails.
    pub fn evaluate_pairs(
        &self,
        dir: &Path,
        options: &PairsOptions,
        seed: u64,
        watch: Watch<'_>,
    ) -> Result<Option<PairsEvaluation>, Error> {
        let head = Fused::builtin(self.network())?;
        let labelled = labelled_files(dir)?;
        let Some(set) = LabelledPictures::<NewPicture>::load(self, labelled, watch)? else {
            return Ok(None);
        };
        let pictures = set.pictures.len();
        let stage = Stage::Pairs {
            pictures: pictures as u64,
        };
        let steps = watch.begin(stage, pictures + options.draws);
        let progress = || steps.step();
        let trial = self.trial(&set, seed, watch, &progress);
        match evaluate_pairs(&trial, &head, &set.labels, &set.classes, options) {
            Err(EvaluationError::Train(TrainError::Interrupted)) => Ok(None),
            evaluation => Ok(Some(evaluation?)),
        }
    }

    /// Ranked lists against folders: every picture is a query, the others of its class are
    /// right. `None` if the user asked to stop.
    ///
    /// # Errors
    /// If there is no such head, there are too few pictures, or the network cannot be run.
    pub fn evaluate_retrieval(
        &self,
        options: &RetrievalOptions,
        watch: Watch<'_>,
    ) -> Result<Option<RetrievalEvaluation>, Error> {
        let mut names = vec!["embedding"];
        names.extend(self.shipped_that_fit(&["mse18", "fused"]));
        names.extend(options.head.as_deref());
        let rankings = self.rankings(&names)?;
        let mut labelled = labelled_files(&options.dir)?;
        let mut left_out = match options.trained_classes {
            true => Vec::new(),
            false => leave_out(&mut labelled, &trained_classes(&rankings)),
        };
        if labelled.classes.len() < 2 {
            return Err(Error::TrainedClasses);
        }
        keep_first(&mut labelled, options.per_class);
        let Some(mut set) = LabelledPictures::<NewPicture>::load(self, labelled, watch)? else {
            return Ok(None);
        };
        if !options.trained_classes {
            let seen = seen_classes(&set, &rankings);
            set.drop_classes(&seen);
            left_out.extend(seen);
            if set.classes.len() < 2 {
                return Err(Error::TrainedClasses);
            }
        }
        set.ensure_classes(2)?;
        let queries: usize = set.counts().iter().filter(|count| **count > 1).sum();
        if queries == 0 {
            return Err(Error::NothingToFind);
        }
        let pairs: Vec<(&str, &Ranking)> = names.iter().copied().zip(&rankings).collect();
        let steps = watch.begin(Stage::Queries, queries);
        let progress = || steps.step();
        let trial = self.trial(&set, options.seed, watch, &progress);
        let evaluation = evaluate_retrieval(&trial, options.candidates, &pairs, &set.labels);
        Ok(evaluation.map(|evaluation| RetrievalEvaluation {
            classes: set.classes,
            left_out,
            ..evaluation
        }))
    }

    /// Edited copies, searched among the pictures below a folder that they were made from.
    /// `None` if the user asked to stop.
    ///
    /// # Errors
    /// If there is no such head, there are too few pictures, or the network cannot be run.
    pub fn evaluate_copies(
        &self,
        options: &CopiesOptions,
        watch: Watch<'_>,
    ) -> Result<Option<CopiesEvaluation>, Error> {
        let mut names = vec!["embedding"];
        names.extend(self.shipped_that_fit(&["mse18"]));
        let mut modes = vec![Mode::SameSubject; names.len()];
        names.push(options.head.as_str());
        modes.push(Mode::Copy);
        let rankings = self.rankings(&names)?;
        let files = pictures_below(&options.dir);
        if files.len() < 2 {
            return Err(Error::TooFewFiles(options.dir.clone()));
        }
        let labelled = Labelled::unlabelled(files);
        let Some(set) = LabelledPictures::<NewPicture>::load(self, labelled, watch)? else {
            return Ok(None);
        };
        if set.pictures.len() < 2 {
            return Err(Error::TooFewUsable(options.dir.clone()));
        }
        let Some(queries) = self.edited_queries(&set, options, watch)? else {
            return Ok(None);
        };
        if queries.is_empty() {
            return Err(Error::NoUsableCopy);
        }
        let measured = names.into_iter().zip(&rankings).zip(modes);
        let measured: Vec<_> = measured
            .map(|((name, ranking), mode)| (name, ranking, mode))
            .collect();
        let steps = watch.begin(Stage::Queries, queries.len());
        let progress = || steps.step();
        let trial = self.trial(&set, options.seed, watch, &progress);
        Ok(evaluate_copies(
            &trial,
            options.candidates,
            &measured,
            &queries,
        ))
    }

    /// The answers of [`PictureClassifier`](super::PictureClassifier) on a folder with one folder of
    /// pictures a class, against plain neighbours and a probe. `None` if the user asked to
    /// stop.
    ///
    /// # Errors
    /// If there are too few pictures or classes, or the network cannot be run.
    pub fn evaluate_classify(
        &self,
        dir: &Path,
        options: &ClassifyEvaluationOptions,
        watch: Watch<'_>,
    ) -> Result<Option<ClassifyEvaluation>, Error> {
        let labelled = labelled_files(dir)?;
        let Some(set) = LabelledPictures::<Described>::load(self, labelled, watch)? else {
            return Ok(None);
        };
        let embeddings: Vec<_> = set.pictures.iter().map(|p| &p.embedding).collect();
        let steps = watch.begin(Stage::Draws, options.draws);
        let evaluation = evaluate_classify(
            &embeddings,
            &set.labels,
            &set.classes,
            options,
            watch.shutdown,
            &mut || steps.step(),
        );
        match evaluation {
            Err(ClassifyEvaluationError::Interrupted) => Ok(None),
            evaluation => Ok(Some(evaluation?)),
        }
    }

    /// Those of the shipped heads that are of this network and projection.
    fn shipped_that_fit<'a>(&self, names: &[&'a str]) -> Vec<&'a str> {
        let fits = |name: &&&str| Ranking::named(name, self.network()).is_ok();
        names.iter().filter(fits).copied().collect()
    }

    /// Heads by their names.
    pub(super) fn rankings(&self, names: &[&str]) -> Result<Vec<Ranking>, Error> {
        let names = names.iter();
        let rankings = names.map(|name| Ranking::named(name, self.network()));
        Ok(rankings.collect::<Result<_, _>>()?)
    }

    /// What every evaluation takes.
    fn trial<'a>(
        &'a self,
        set: &'a LabelledPictures,
        seed: u64,
        watch: Watch<'a>,
        progress: &'a (dyn Fn() + Sync),
    ) -> Trial<'a> {
        Trial {
            layout: self.layout(),
            pictures: &set.pictures,
            seed,
            shutdown: watch.shutdown,
            progress,
        }
    }

    /// Copies by every edit of some of the pictures, in every view.
    fn edited_queries(
        &self,
        set: &LabelledPictures,
        options: &CopiesOptions,
        watch: Watch<'_>,
    ) -> Result<Option<Vec<EditedQuery>>, Error> {
        let (pictures, queries) = (set.pictures.len(), options.queries.max(1));
        let wanted: Vec<(usize, Edit)> = (0..pictures)
            .step_by((pictures / queries).max(1))
            .take(queries)
            .flat_map(|i| Edit::ALL.map(|edit| (i, edit)))
            .collect();
        let (limits, layout) = (self.limits(), self.layout());
        let features = |copy: &[u8], extractor: &mut Extractor| {
            extract_views(copy, limits, extractor, layout, &View::ALL)
        };
        let edited = set.edited(self, &wanted, options.seed, &features, watch)?;
        let query = |copy: Edited<_>| EditedQuery {
            original: copy.original,
            edit: copy.edit,
            views: copy.features,
        };
        Ok(edited.map(|edited| edited.into_iter().map(query).collect()))
    }
}

/// The classes that heads were trained on which do not know their pictures.
fn trained_classes(rankings: &[Ranking]) -> Vec<String> {
    let classes = rankings.iter().flat_map(|ranking| match ranking {
        Ranking::Mse18(head) => head.training().classes.as_slice(),
        Ranking::Embedding | Ranking::Fused(_) => &[],
    });
    classes.cloned().collect()
}

/// The classes of which a head has seen pictures. (Of other pictures of a class of the same name
/// nothing is known: a house may be an icon.)
fn seen_classes(set: &LabelledPictures, rankings: &[Ranking]) -> Vec<String> {
    let saw = |picture: &NewPicture| rankings.iter().any(|ranking| ranking.saw(picture.id));
    let pictures = set.pictures.iter().zip(&set.labels);
    let seen = pictures.filter(|(picture, _)| saw(picture));
    let seen: BTreeSet<usize> = seen.map(|(_, label)| *label).collect();
    seen.into_iter()
        .map(|label| set.classes[label].clone())
        .collect()
}

/// Drops classes by name; says which.
fn leave_out(labelled: &mut Labelled, trained: &[String]) -> Vec<String> {
    let mut places = Vec::new();
    let (mut kept, mut dropped) = (Vec::new(), Vec::new());
    for class in labelled.classes.drain(..) {
        let known = trained.contains(&class);
        places.push((!known).then_some(kept.len()));
        if known {
            dropped.push(class);
        } else {
            kept.push(class);
        }
    }
    labelled.classes = kept;
    labelled.files = std::mem::take(&mut labelled.files)
        .into_iter()
        .filter_map(|(path, class)| Some((path, places[class]?)))
        .collect();
    dropped
}

fn keep_first(labelled: &mut Labelled, most: usize) {
    let mut counts = vec![0; labelled.classes.len()];
    labelled.files.retain(|(_, class)| {
        counts[*class] += 1;
        counts[*class] <= most
    });
}
