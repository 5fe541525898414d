//! Teaching heads from the user's own pictures.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::pictures::{Described, Edited, LabelledPictures, ensure_classes};
use super::watch::{JobEvent, Stage, Watch};
use crate::activation::Activations;
use crate::app::{Error, Extraction};
use crate::dataset::{Labelled, PairsFile, labelled_domains, labelled_files, pictures_below};
use crate::edit::Edit;
use crate::head::{Fused, Mode, Mse18};
use crate::ingest::extract;
use crate::network::{Extractor, Projection};
use crate::store::NewPicture;
use crate::training::mse18::{self, TrainError, TrainOptions, TrainingSet};
use crate::training::{
    EditedExample, Generic, GenericSet, train_generic, train_on_copies, train_on_labels,
    train_on_pairs,
};

/// Edits of each picture that a head learns from where there are no labels.
const EDITS: usize = 4;
/// Most pictures whose copies are learned from.
const MOST: usize = 500;
/// Most labelled pictures whose activations are kept, to learn how much labels count in lists: they
/// take .9 MB each.
pub(super) const MOST_WEIGHED: usize = 600;
/// At most every so many-th picture is edited for the shipped head to learn from, and no more than
/// this.
const EVERY: usize = 4;
const MOST_EDITED: usize = 420;

/// What simdex ships, learned anew.
#[derive(Debug)]
pub struct Shipped {
    /// The projection.
    pub projection: Projection,
    /// The head.
    pub head: Fused,
    /// Pictures that they were learned from.
    pub pictures: usize,
    /// Edited copies that they were learned from.
    pub copies: usize,
}

impl Extraction {
    /// Teaches the shipped head the classes of a folder with one folder of pictures each.
    /// `None` if the user asked to stop.
    ///
    /// # Errors
    /// If there are too few pictures, or the network cannot be run.
    pub fn train_on_labels(&self, dir: &Path, watch: Watch<'_>) -> Result<Option<Fused>, Error> {
        let (sample, rest) = labelled_files(dir)?.split(MOST_WEIGHED);
        let Some(sample) = LabelledPictures::<NewPicture>::load(self, sample, watch)? else {
            return Ok(None);
        };
        let rest = match rest.files.is_empty() {
            true => None,
            false => {
                let Some(rest) = LabelledPictures::<Described>::load(self, rest, watch)? else {
                    return Ok(None);
                };
                Some(rest)
            }
        };
        let examples = sample.examples(self.layout());
        let numbered: Vec<_> = examples.into_iter().enumerate().collect();
        let mut pictures: Vec<_> = sample
            .pictures
            .iter()
            .map(|p| (p.id, &p.descriptor))
            .collect();
        let mut labels = sample.labels.clone();
        if let Some(rest) = &rest {
            pictures.extend(rest.pictures.iter().map(|p| (p.id, &p.descriptor)));
            labels.extend(&rest.labels);
        }
        ensure_classes(&sample.classes, &labels, 2)?;
        let base = Fused::builtin(self.network())?;
        Ok(Some(train_on_labels(
            &base,
            &pictures,
            &labels,
            &sample.classes,
            &numbered,
        )))
    }

    /// Teaches the shipped head which pairs of a CSV file the user finds the same. `None` if
    /// the user asked to stop.
    ///
    /// # Errors
    /// If the file cannot be read, there are too few usable pairs, or the network cannot be
    /// run.
    pub fn train_on_pairs(&self, csv: &Path, watch: Watch<'_>) -> Result<Option<Fused>, Error> {
        let PairsFile { paths, pairs } = PairsFile::read(csv)?;
        let labelled = Labelled::unlabelled(paths.clone());
        let Some(set) = LabelledPictures::<NewPicture>::load(self, labelled, watch)? else {
            return Ok(None);
        };
        // Pictures that failed were left out, and their pairs go with them.
        let places: HashMap<&PathBuf, usize> = set.paths.iter().zip(0..).collect();
        let place = |i: usize| places.get(&paths[i]).copied();
        let answers: Vec<_> = pairs
            .into_iter()
            .filter_map(|(i, j, same)| Some((place(i)?, place(j)?, same)))
            .collect();
        let have = |kind: bool| answers.iter().any(|(_, _, same)| *same == kind);
        if !have(true) || !have(false) {
            return Err(Error::OneKindOfPairs {
                csv: csv.to_owned(),
                usable: answers.len(),
            });
        }
        let base = Fused::builtin(self.network())?;
        let examples = set.examples(self.layout());
        let mode = Mode::SameSubject;
        Ok(Some(train_on_pairs(&base, &examples, &answers, mode)))
    }

    /// Teaches the shipped head from edited copies of the pictures below a folder. `None` if
    /// the user asked to stop.
    ///
    /// # Errors
    /// If there are too few pictures, or the network cannot be run.
    pub fn train_on_copies(
        &self,
        dir: &Path,
        seed: u64,
        watch: Watch<'_>,
    ) -> Result<Option<Fused>, Error> {
        let mut paths = pictures_below(dir);
        if paths.len() < 2 {
            return Err(Error::TooFewFiles(dir.to_owned()));
        }
        let step = paths.len().div_ceil(MOST);
        paths = paths.into_iter().step_by(step).collect();
        let labelled = Labelled::unlabelled(paths);
        let Some(set) = LabelledPictures::<NewPicture>::load(self, labelled, watch)? else {
            return Ok(None);
        };
        let edits =
            |i: usize| (0..EDITS).map(move |n| Edit::ALL[(i * EDITS + n) % Edit::ALL.len()]);
        let copies = (0..set.pictures.len()).flat_map(|i| edits(i).map(move |edit| (i, edit)));
        let copies: Vec<_> = copies.collect();
        let Some(edited) = self.edited(&set, &copies, seed, watch)? else {
            return Ok(None);
        };
        let steps = watch.begin(Stage::Learning, edited.len());
        let layout = self.layout();
        let examples = edited.iter().map(|copy| copy.example(layout));
        let head = train_on_copies(
            &Fused::builtin(self.network())?,
            &set.examples(layout),
            &examples.collect::<Vec<_>>(),
            &|_| steps.step(),
        );
        // Each copy gives one pair that is the same.
        if edited.is_empty() || head.training().pairs <= edited.len() {
            return Err(Error::OnlyCopies {
                dir: dir.to_owned(),
                usable: set.pictures.len(),
            });
        }
        Ok(Some(head))
    }

    /// Trains the report's head on a folder with one folder of pictures a class. `None` if
    /// the user asked to stop.
    ///
    /// # Errors
    /// If there are too few pictures, the network cannot be run, or training fails.
    pub fn train_mse18(
        &self,
        dir: &Path,
        options: &TrainOptions,
        watch: Watch<'_>,
    ) -> Result<Option<Mse18>, Error> {
        let labelled = labelled_files(dir)?;
        let Some(set) = LabelledPictures::<NewPicture>::load(self, labelled, watch)? else {
            return Ok(None);
        };
        set.ensure_classes(2)?;
        let pictures = set.pictures.iter();
        let pictures = pictures.map(|p| Activations::new(self.layout(), &p.block));
        let pictures: Vec<_> = pictures.collect();
        let training_set = TrainingSet {
            pictures: &pictures,
            labels: &set.labels,
            classes: &set.classes,
        };
        let total = options.epochs;
        let mut progress = |number, epoch: &_| {
            watch.tell(JobEvent::Epoch {
                number,
                total,
                epoch,
            });
        };
        let id = self.network().id();
        match mse18::train(id, &training_set, options, watch.shutdown, &mut progress) {
            Err(TrainError::Interrupted) => Ok(None),
            head => Ok(Some(head?)),
        }
    }

    /// Learns what simdex ships from folders of domains, each with one folder of pictures a class.
    /// `None` if the user asked to stop.
    ///
    /// # Errors
    /// If there are too few pictures, or the network cannot be run or described by pooling.
    pub fn train_shipped(
        &self,
        dirs: &[PathBuf],
        seed: u64,
        watch: Watch<'_>,
    ) -> Result<Option<Shipped>, Error> {
        let network = self.read_network_again()?;
        let (labelled, domain_of) = labelled_domains(dirs)?;
        let Some(set) = LabelledPictures::<NewPicture>::load(self, labelled, watch)? else {
            return Ok(None);
        };
        let copies: Vec<_> = (0..set.pictures.len())
            .step_by(set.pictures.len().div_ceil(MOST_EDITED).max(EVERY))
            .flat_map(|i| Edit::ALL.map(|edit| (i, edit)))
            .collect();
        let Some(edited) = self.edited(&set, &copies, seed, watch)? else {
            return Ok(None);
        };
        let layout = self.layout();
        let examples: Vec<EditedExample<'_>> = edited.iter().map(|e| e.example(layout)).collect();
        let domains: Vec<usize> = set.labels.iter().map(|&label| domain_of[label]).collect();
        let Generic { projection, head } = train_generic(
            network,
            &GenericSet {
                pictures: &set.examples(layout),
                labels: &set.labels,
                domains: &domains,
                classes: &set.classes,
                edited: &examples,
                seed,
            },
            &|begun| watch.tell(JobEvent::Begun(begun)),
        )?;
        Ok(Some(Shipped {
            projection,
            head,
            pictures: set.pictures.len(),
            copies: edited.len(),
        }))
    }

    /// Upright features of edited copies.
    fn edited(
        &self,
        set: &LabelledPictures,
        copies: &[(usize, Edit)],
        seed: u64,
        watch: Watch<'_>,
    ) -> Result<Option<Vec<Edited>>, Error> {
        let (limits, layout) = (self.limits(), self.layout());
        let features =
            |copy: &[u8], extractor: &mut Extractor| extract(copy, limits, extractor, layout);
        set.edited(self, copies, seed, &features, watch)
    }
}
