//! The user's own pictures with their features: to learn from, or to be measured on.

use std::path::PathBuf;

use super::watch::{JobEvent, Stage, Watch};
use crate::activation::Layout;
use crate::app::{Error, Extraction};
use crate::crawl::Problem;
use crate::dataset::Labelled;
use crate::edit::Edit;
use crate::ingest::{FeatureError, extract, extract_each, read_file};
use crate::local_path::path_text;
use crate::network::{Descriptor, Embedding, Extractor};
use crate::picture::{PictureId, decode};
use crate::store::NewPicture;
use crate::training::{EditedExample, Example};

/// Pictures with features and, perhaps, labels. Where `P` is [`Described`], they take a
/// hundredth of the memory.
pub(super) struct LabelledPictures<P = NewPicture> {
    pub(super) pictures: Vec<P>,
    /// The file of each.
    pub(super) paths: Vec<PathBuf>,
    /// The class of each, an index into `classes`.
    pub(super) labels: Vec<usize>,
    pub(super) classes: Vec<String>,
}

/// A picture without its activations, which are 0.9 MB.
pub(super) struct Described {
    pub(super) id: PictureId,
    pub(super) embedding: Embedding,
    pub(super) descriptor: Descriptor,
}

impl From<NewPicture> for Described {
    fn from(picture: NewPicture) -> Self {
        Self {
            id: picture.id,
            embedding: picture.embedding,
            descriptor: picture.descriptor,
        }
    }
}

/// A copy of one of them, and what was computed of it.
pub(super) struct Edited<T = NewPicture> {
    /// The picture that it was made from, by number.
    pub(super) original: usize,
    pub(super) edit: Edit,
    pub(super) features: T,
}

impl<P: From<NewPicture> + Send> LabelledPictures<P> {
    /// Computes the features of labelled pictures. Those that cannot be used are told and
    /// left out. `None` if the user asked to stop.
    pub(super) fn load(
        extraction: &Extraction,
        labelled: Labelled,
        watch: Watch<'_>,
    ) -> Result<Option<Self>, Error> {
        let (engine, network) = (extraction.engine()?, extraction.network());
        let (limits, layout) = (extraction.limits(), extraction.layout());
        let Labelled {
            classes,
            files,
            ignored,
            loose,
        } = labelled;
        for (folder, pictures) in ignored {
            watch.tell(JobEvent::Ignored { folder, pictures });
        }
        if loose > 0 {
            watch.tell(JobEvent::Loose(loose));
        }
        let steps = watch.begin(Stage::Features, files.len());
        // What is not kept is dropped here, not when all pictures are done.
        let one = |i: usize, extractor: &mut Extractor| {
            let bytes = read_file(&files[i].0, limits)?;
            extract(&bytes, limits, extractor, layout).map(P::from)
        };
        let (shutdown, progress) = (watch.shutdown, || steps.step());
        let features = extract_each(files.len(), engine, network, shutdown, &progress, &one)?;
        let mut set = Self {
            pictures: Vec::new(),
            paths: Vec::new(),
            labels: Vec::new(),
            classes,
        };
        for (result, (path, label)) in features.into_iter().zip(files) {
            match result {
                Ok(picture) => {
                    set.pictures.push(picture);
                    set.paths.push(path);
                    set.labels.push(label);
                }
                Err(error) => watch.tell(JobEvent::Problem(Problem {
                    source: path_text(&path),
                    message: error.to_string(),
                })),
            }
        }
        Ok((!watch.interrupted()).then_some(set))
    }

    /// Drops classes, by name, with their pictures.
    pub(super) fn drop_classes(&mut self, names: &[String]) {
        let is_kept: Vec<bool> = self.classes.iter().map(|c| !names.contains(c)).collect();
        let place = |class: usize| is_kept[..class].iter().filter(|kept| **kept).count();
        let kept: Vec<bool> = self.labels.iter().map(|label| is_kept[*label]).collect();
        let mut each = kept.iter();
        self.pictures
            .retain(|_| *each.next().expect("one for each picture"));
        let mut each = kept.iter();
        self.paths
            .retain(|_| *each.next().expect("one for each picture"));
        self.labels = self
            .labels
            .iter()
            .filter(|label| is_kept[**label])
            .map(|&label| place(label))
            .collect();
        self.classes.retain(|class| !names.contains(class));
    }

    /// Usable pictures of each class.
    pub(super) fn counts(&self) -> Vec<usize> {
        counts(&self.labels, self.classes.len())
    }

    /// Fails unless there are usable pictures of so many classes.
    pub(super) fn ensure_classes(&self, needed: usize) -> Result<(), Error> {
        ensure_classes(&self.classes, &self.labels, needed)
    }
}

fn counts(labels: &[usize], classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    labels.iter().for_each(|&label| counts[label] += 1);
    counts
}

/// Fails unless there are pictures of so many of the classes.
pub(super) fn ensure_classes(
    classes: &[String],
    labels: &[usize],
    needed: usize,
) -> Result<(), Error> {
    let counts = counts(labels, classes.len());
    let usable = counts.iter().filter(|count| **count > 0).count();
    if usable < needed {
        return Err(Error::TooFewClasses {
            classes: classes.len(),
            usable,
            needed,
        });
    }
    Ok(())
}

impl LabelledPictures {
    /// The pictures to learn from.
    pub(super) fn examples<'a>(&'a self, layout: &'a Layout) -> Vec<Example<'a>> {
        let pictures = self.pictures.iter();
        pictures.map(|picture| example(picture, layout)).collect()
    }

    /// Copies of the pictures, by number and edit, with what `features` makes of a copy's
    /// bytes. A copy that cannot be used is left out, with a warning: a crop of a small
    /// picture may fall below a limit. `None` if the user asked to stop.
    pub(super) fn edited<T, F>(
        &self,
        extraction: &Extraction,
        copies: &[(usize, Edit)],
        seed: u64,
        features: &F,
        watch: Watch<'_>,
    ) -> Result<Option<Vec<Edited<T>>>, Error>
    where
        T: Send,
        F: Fn(&[u8], &mut Extractor) -> Result<T, FeatureError> + Sync,
    {
        let (engine, network) = (extraction.engine()?, extraction.network());
        let limits = extraction.limits();
        let steps = watch.begin(Stage::Copies, copies.len());
        let one = |i: usize, extractor: &mut Extractor| {
            let (original, edit) = copies[i];
            let bytes = read_file(&self.paths[original], limits)?;
            let decoded = decode(&bytes, limits)?;
            let copy = edit.jpeg(&decoded.rgb, seed.wrapping_add(original as u64));
            drop(decoded);
            let copy = copy.map_err(|error| FeatureError::Read(std::io::Error::other(error)))?;
            features(&copy, extractor)
        };
        let (shutdown, progress) = (watch.shutdown, || steps.step());
        let made = extract_each(copies.len(), engine, network, shutdown, &progress, &one)?;
        let edited = copies
            .iter()
            .zip(made)
            .filter_map(|(&(original, edit), made)| {
                let path = self.paths[original].display();
                let features = made
                    .inspect_err(|error| tracing::warn!(%path, %edit, %error, "a copy is left out"))
                    .ok()?;
                Some(Edited {
                    original,
                    edit,
                    features,
                })
            });
        let edited = edited.collect();
        Ok((!watch.interrupted()).then_some(edited))
    }
}

impl Edited {
    /// The copy to learn from.
    pub(super) fn example<'a>(&'a self, layout: &'a Layout) -> EditedExample<'a> {
        EditedExample {
            original: self.original,
            edit: self.edit,
            example: example(&self.features, layout),
        }
    }
}

fn example<'a>(picture: &'a NewPicture, layout: &'a Layout) -> Example<'a> {
    Example {
        features: picture.features(layout),
        embedding: &picture.embedding,
        id: picture.id,
    }
}
