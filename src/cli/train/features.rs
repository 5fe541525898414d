use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::activation::Layout;
use crate::cli::Outcome;
use crate::cli::progress::{Problems, Progress};
use crate::cli::session::Session;
use crate::dataset::Labelled;
use crate::edit::Edit;
use crate::ingest::{FeatureError, extract, extract_each, read_file};
use crate::network::{Descriptor, Embedding, Extractor, Network};
use crate::picture::{PictureId, decode};
use crate::store::NewPicture;
use crate::training::{EditedExample, Example};

/// Pictures with features and, perhaps, labels. Where `P` is [`Described`], they take a
/// hundredth of the memory.
pub(in crate::cli) struct Pictures<P = NewPicture> {
    pub(in crate::cli) pictures: Vec<P>,
    pub(in crate::cli) paths: Vec<PathBuf>,
    pub(in crate::cli) labels: Vec<usize>,
    pub(in crate::cli) classes: Vec<String>,
    failed: bool,
}

/// A picture without its activations, which are 0.84 MB.
pub(in crate::cli) struct Described {
    pub(in crate::cli) id: PictureId,
    pub(in crate::cli) embedding: Embedding,
    pub(in crate::cli) descriptor: Descriptor,
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
pub(in crate::cli) struct Edited<T = NewPicture> {
    pub(in crate::cli) original: usize,
    pub(in crate::cli) edit: Edit,
    pub(in crate::cli) features: T,
}

impl<P: From<NewPicture> + Send> Pictures<P> {
    /// Features of labelled pictures; those that fail are listed and left out. Fewer come
    /// back after Ctrl-C.
    pub(in crate::cli) fn load(
        session: &Session,
        network: &Network,
        layout: &Layout,
        labelled: &Labelled,
    ) -> anyhow::Result<Self> {
        let engine = session.engine()?;
        let files = &labelled.files;
        let all: Vec<PathBuf> = files.iter().map(|(path, _)| path.clone()).collect();
        let bar = Progress::new("features", all.len() as u64);
        let done = AtomicU64::new(0);
        let limits = session.config.picture.limits();
        let progress = || {
            let done = 1 + done.fetch_add(1, Ordering::Relaxed);
            bar.set(done, || {
                format!("features of {done}/{} pictures", all.len())
            });
        };
        // What is not kept is dropped here, not when all pictures are done.
        let one = |i: usize, extractor: &mut Extractor| {
            let bytes = read_file(&all[i], &limits)?;
            extract(&bytes, &limits, extractor, layout).map(P::from)
        };
        let shutdown = &session.shutdown;
        let features = extract_each(all.len(), &engine, network, shutdown, &progress, &one)?;
        drop(bar);
        let mut problems = Problems::new();
        let mut set = Self {
            pictures: Vec::new(),
            paths: Vec::new(),
            labels: Vec::new(),
            classes: labelled.classes.clone(),
            failed: false,
        };
        for (result, (path, label)) in features.into_iter().zip(files) {
            match result {
                Ok(picture) => {
                    set.pictures.push(picture);
                    set.paths.push(path.clone());
                    set.labels.push(*label);
                }
                Err(error) => {
                    set.failed = true;
                    problems.add(&path.display().to_string(), &error.to_string());
                }
            }
        }
        problems.finish();
        Ok(set)
    }

    /// How a command that used them ends.
    pub(in crate::cli) fn outcome(&self) -> Outcome {
        if self.failed {
            Outcome::SomeFailed
        } else {
            Outcome::Done
        }
    }

    /// Usable pictures of each class.
    pub(in crate::cli) fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        for &label in &self.labels {
            counts[label] += 1;
        }
        counts
    }

    /// Fails unless there are usable pictures of so many classes.
    pub(in crate::cli) fn ensure_classes(&self, needed: usize) -> anyhow::Result<()> {
        let usable = self.counts().iter().filter(|count| **count > 0).count();
        anyhow::ensure!(
            usable >= needed,
            "of {} classes {usable} have a usable picture; {needed} must. Give each folder pictures that can be read",
            self.classes.len()
        );
        Ok(())
    }
}

impl Pictures {
    /// The pictures to learn from.
    pub(in crate::cli) fn examples<'a>(&'a self, layout: &'a Layout) -> Vec<Example<'a>> {
        let pictures = self.pictures.iter();
        pictures.map(|picture| example(picture, layout)).collect()
    }

    /// Copies of the pictures, by number and edit, with what `features` makes of a copy's
    /// bytes. A copy that cannot be used is left out, with a warning: a crop of a small
    /// picture may fall below a limit.
    pub(in crate::cli) fn edited<T, F>(
        &self,
        session: &Session,
        network: &Network,
        copies: &[(usize, Edit)],
        seed: u64,
        features: &F,
    ) -> anyhow::Result<Vec<Edited<T>>>
    where
        T: Send,
        F: Fn(&[u8], &mut Extractor) -> Result<T, FeatureError> + Sync,
    {
        let engine = session.engine()?;
        let limits = session.config.picture.limits();
        let bar = Progress::new("copies", copies.len() as u64);
        let done = AtomicU64::new(0);
        let progress = || {
            let done = 1 + done.fetch_add(1, Ordering::Relaxed);
            bar.set(done, || {
                format!("features of {done}/{} copies", copies.len())
            });
        };
        let one = |i: usize, extractor: &mut Extractor| {
            let (original, edit) = copies[i];
            let bytes = read_file(&self.paths[original], &limits)?;
            let decoded = decode(&bytes, &limits)?;
            let copy = edit
                .jpeg(&decoded.rgb, seed.wrapping_add(original as u64))
                .map_err(|error| FeatureError::Read(std::io::Error::other(error)))?;
            features(&copy, extractor)
        };
        let shutdown = &session.shutdown;
        let made = extract_each(copies.len(), &engine, network, shutdown, &progress, &one)?;
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
        Ok(edited.collect())
    }
}

impl Edited {
    /// The copy to learn from.
    pub(in crate::cli) fn example<'a>(&'a self, layout: &'a Layout) -> EditedExample<'a> {
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
