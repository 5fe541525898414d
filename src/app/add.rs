//! Indexing local files.

use std::path::PathBuf;
use std::time::Instant;

use super::{Collection, Error};
use crate::crawl::{Problem, Reason, Summary};
use crate::ingest::{
    AddOptions, FileReport, FileStore, Ingest, Intake, Job, Kept, ListedFile, Receipt,
    ReceiptOutcome, SkippedFiles, add_features, add_files_with, take_in,
};
use crate::local_path::path_text;
use crate::shutdown::Shutdown;

/// What happens while pictures are added.
#[derive(Debug)]
#[non_exhaustive]
pub enum AddEvent<'a> {
    /// The figures have changed.
    Progress(&'a Summary),
    /// Something cannot be used.
    Problem(Problem),
    /// Pictures of formats that are not read.
    Skipped(SkippedFiles),
    /// There is no picture in these folders that were named; so many hidden and excluded files and
    /// folders were not looked at.
    NoPictures {
        /// The folders.
        folders: Vec<PathBuf>,
        /// How many.
        left_out: u64,
    },
    /// Files that are not there were kept.
    Kept(Kept),
}

/// What was added.
#[derive(Debug)]
pub struct AddEnd {
    /// The figures.
    pub summary: Summary,
    /// Whether something could not be used.
    pub some_failed: bool,
}

impl Collection {
    /// Indexes files and folders by the default options.
    ///
    /// # Errors
    /// As [`Self::add_with`].
    pub fn add(
        &self,
        paths: &[PathBuf],
        shutdown: &Shutdown,
        observe: &mut dyn FnMut(AddEvent<'_>),
    ) -> Result<AddEnd, Error> {
        self.add_with(paths, &AddOptions::default(), shutdown, observe)
    }

    /// Indexes files and folders, and drops what is gone below them; returns when all is stored
    /// and indexed, or early and cleanly when the user asks to stop.
    ///
    /// # Errors
    /// If nothing at all could be used, the network cannot be run, or the store fails.
    pub fn add_with(
        &self,
        paths: &[PathBuf],
        options: &AddOptions,
        shutdown: &Shutdown,
        observe: &mut dyn FnMut(AddEvent<'_>),
    ) -> Result<AddEnd, Error> {
        let ingest = self.ingest()?;
        let store = &**self.store();
        let mut end =
            add_files::<_, Error>(paths, options, store, ingest.into(), shutdown, observe)?;
        let started = Instant::now();
        self.tidy_up(shutdown)?;
        end.summary.elapsed_s += started.elapsed().as_secs_f64();
        Ok(end)
    }

    /// Stores one file whose bytes are given, and returns once it would survive a power failure.
    ///
    /// # Errors
    /// If the network cannot be run, or the store fails.
    pub fn take_in(&self, file: ListedFile, bytes: Vec<u8>) -> Result<Receipt, Error> {
        let extraction = self.extraction();
        let limits = *extraction.limits();
        let mut extractor = extraction.extractor()?;
        Ok(take_in(self.store(), limits, &mut extractor, file, bytes)?)
    }

    /// Computes the features of the pictures that were kept without; returns when all are
    /// stored and indexed, or early and cleanly when the user asks to stop.
    ///
    /// # Errors
    /// If the network cannot be run, or the store fails.
    pub fn add_features(
        &self,
        shutdown: &Shutdown,
        observe: &mut dyn FnMut(AddEvent<'_>),
    ) -> Result<AddEnd, Error> {
        let ingest = self.ingest()?;
        let started = Instant::now();
        let mut summary = Summary {
            images_found: self.store().waiting_count(),
            ..Summary::default()
        };
        let mut some_failed = false;
        add_features(self.store(), ingest, shutdown, &mut |receipt| {
            if let Some(problem) = summary.count(receipt) {
                some_failed = true;
                observe(AddEvent::Problem(problem));
            }
            // They were fetched before.
            summary.images_fetched = 0;
            summary.elapsed_s = started.elapsed().as_secs_f64();
            observe(AddEvent::Progress(&summary));
        })?;
        self.tidy_up(shutdown)?;
        Ok(AddEnd {
            summary,
            some_failed,
        })
    }

    fn ingest<J: Into<Job> + Send + 'static>(&self) -> Result<Ingest<J>, Error> {
        let extraction = self.extraction();
        let (engine, network) = (extraction.engine()?, extraction.network());
        let limits = *extraction.limits();
        Ok(Ingest::start(
            self.store(),
            engine,
            network,
            limits,
            None,
            None,
        )?)
    }
}

/// Indexes files and folders into a store that this process has open, or another one, and drops what
/// is gone below them; returns when all is stored, or early and cleanly when the user asks to stop.
///
/// # Errors
/// If nothing at all could be used, or the store does not answer.
pub fn add_files<S: FileStore, E: From<S::Error> + From<Error>>(
    paths: &[PathBuf],
    options: &AddOptions,
    store: &S,
    intake: Intake<S::Error>,
    shutdown: &Shutdown,
    observe: &mut dyn FnMut(AddEvent<'_>),
) -> Result<AddEnd, E> {
    let started = Instant::now();
    let mut summary = Summary::default();
    let mut some_failed = false;
    let mut is_known = false;
    let mut report = |report| {
        let mut problem = None;
        match report {
            FileReport::Listed {
                files,
                unread,
                left_out,
                without,
            } => {
                summary.images_found = files;
                summary.skipped = unread.0.clone();
                if !unread.is_empty() {
                    observe(AddEvent::Skipped(unread));
                }
                if !without.is_empty() && !shutdown.requested() {
                    // Nothing came of what was named.
                    some_failed = true;
                    observe(AddEvent::NoPictures {
                        folders: without,
                        left_out,
                    });
                }
            }
            FileReport::Found { bytes } => summary.bytes += bytes,
            FileReport::Unchanged => summary.duplicates += 1,
            FileReport::Unreadable { path, message } => {
                summary.fail(Reason::Unreadable);
                problem = Some(Problem {
                    source: path_text(&path),
                    message,
                });
            }
            FileReport::Finished(receipt) => {
                let is_removed = matches!(
                    &receipt.outcome,
                    ReceiptOutcome::Refused(reason, _) if Reason::from_name(reason) == Reason::Removed
                );
                // That was the user's word, and is no news.
                problem = summary.count(receipt).filter(|_| !is_removed);
            }
            FileReport::Gone(gone) => {
                summary.files_dropped = gone.dropped.files;
                summary.images_dropped = gone.dropped.pictures;
                for kept in gone.kept {
                    some_failed = true;
                    is_known = true;
                    observe(AddEvent::Kept(kept));
                }
            }
        }
        if let Some(problem) = problem {
            some_failed = true;
            observe(AddEvent::Problem(problem));
        }
        summary.elapsed_s = started.elapsed().as_secs_f64();
        observe(AddEvent::Progress(&summary));
    };
    add_files_with(paths, options, store, intake, shutdown, &mut report)?;
    let used = summary.images_indexed + summary.duplicates;
    let failed = summary.problems() > 0 && !summary.refused.contains_key(&Reason::Removed);
    if failed && used + summary.postponed == 0 && !is_known && !shutdown.requested() {
        return Err(Error::NothingAdded.into());
    }
    summary.elapsed_s = started.elapsed().as_secs_f64();
    Ok(AddEnd {
        summary,
        some_failed,
    })
}
