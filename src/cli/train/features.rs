use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::activation::Layout;
use crate::cli::Outcome;
use crate::cli::progress::{Problems, Progress};
use crate::cli::session::Session;
use crate::edit::Edit;
use crate::head::Labelled;
use crate::head::training::{EditedExample, Example};
use crate::ingest::{FeatureError, extract, extract_all, extract_each, read_file};
use crate::network::Network;
use crate::picture::decode;
use crate::store::NewPicture;

/// Pictures with features and, perhaps, labels.
pub(in crate::cli) struct Pictures {
    pub(in crate::cli) pictures: Vec<NewPicture>,
    pub(in crate::cli) paths: Vec<PathBuf>,
    pub(in crate::cli) labels: Vec<usize>,
    pub(in crate::cli) classes: Vec<String>,
    failed: bool,
}

/// A copy of one of them.
pub(in crate::cli) struct Edited {
    pub(in crate::cli) original: usize,
    pub(in crate::cli) edit: Edit,
    pub(in crate::cli) picture: NewPicture,
}

impl Pictures {
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
        let shutdown = &session.shutdown;
        let features = extract_all(&all, &limits, &engine, network, layout, shutdown, &progress)?;
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

    /// The pictures to learn from.
    pub(in crate::cli) fn examples(&self) -> Vec<Example<'_>> {
        self.pictures.iter().map(example).collect()
    }

    /// Copies of the pictures `originals`, each edited by the edits that `choose` gives.
    pub(in crate::cli) fn edited(
        &self,
        session: &Session,
        network: &Network,
        layout: &Layout,
        copies: &[(usize, Edit)],
        seed: u64,
    ) -> anyhow::Result<Vec<Edited>> {
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
        let one = |i: usize, extractor: &mut crate::network::Extractor| {
            let (original, edit) = copies[i];
            let bytes = read_file(&self.paths[original], &limits)?;
            let decoded = decode(&bytes, &limits)?;
            let copy = edit
                .jpeg(&decoded.rgb, seed.wrapping_add(original as u64))
                .map_err(|error| FeatureError::Read(std::io::Error::other(error)))?;
            extract(&copy, &limits, extractor, layout)
        };
        let shutdown = &session.shutdown;
        let made = extract_each(copies.len(), &engine, network, shutdown, &progress, &one)?;
        let edited = copies
            .iter()
            .zip(made)
            .filter_map(|(&(original, edit), made)| {
                let picture = made
                    .inspect_err(|error| tracing::warn!(%edit, %error, "a copy is left out"))
                    .ok()?;
                Some(Edited {
                    original,
                    edit,
                    picture,
                })
            });
        Ok(edited.collect())
    }
}

impl Edited {
    /// The copy to learn from.
    pub(in crate::cli) fn example(&self) -> EditedExample<'_> {
        EditedExample {
            original: self.original,
            edit: self.edit,
            example: example(&self.picture),
        }
    }
}

fn example(picture: &NewPicture) -> Example<'_> {
    Example {
        subject: picture.subject(),
        embedding: &picture.embedding,
        id: picture.id,
    }
}
