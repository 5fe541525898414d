//! Indexing local files.

use std::path::PathBuf;
use std::time::Instant;

use super::{Collection, Error};
use crate::crawl::{Problem, Reason, Summary};
use crate::ingest::{FileReport, Ingest, Job, add_features, add_files};
use crate::local_path::path_text;
use crate::shutdown::Shutdown;

/// What happens while pictures are added.
#[derive(Debug)]
pub enum AddEvent<'a> {
    /// The figures have changed.
    Progress(&'a Summary),
    /// Something cannot be used.
    Problem(Problem),
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
    /// Indexes files and folders; returns when all is stored and indexed, or early and
    /// cleanly when the user asks to stop.
    ///
    /// # Errors
    /// If nothing at all could be used, the network cannot be run, or the store fails.
    pub fn add(
        &self,
        paths: &[PathBuf],
        shutdown: &Shutdown,
        observe: &mut dyn FnMut(AddEvent<'_>),
    ) -> Result<AddEnd, Error> {
        let ingest = self.ingest()?;
        let started = Instant::now();
        let mut summary = Summary::default();
        let mut some_failed = false;
        let mut report = |report| {
            let problem = match report {
                FileReport::Found { bytes } => {
                    summary.images_found += 1;
                    summary.bytes += bytes;
                    None
                }
                FileReport::Unchanged => {
                    summary.images_found += 1;
                    summary.duplicates += 1;
                    None
                }
                FileReport::Unreadable { path, message } => {
                    summary.fail(Reason::Unreadable);
                    Some(Problem {
                        source: path_text(&path),
                        message,
                    })
                }
                FileReport::Finished(receipt) => summary.count(receipt),
            };
            if let Some(problem) = problem {
                some_failed = true;
                observe(AddEvent::Problem(problem));
            }
            summary.elapsed_s = started.elapsed().as_secs_f64();
            observe(AddEvent::Progress(&summary));
        };
        add_files(paths, self.store(), ingest, shutdown, &mut report)?;
        let used = summary.images_indexed + summary.duplicates;
        if some_failed && used + summary.postponed == 0 && !shutdown.requested() {
            return Err(Error::NothingAdded);
        }
        self.tidy_up(shutdown)?;
        summary.elapsed_s = started.elapsed().as_secs_f64();
        Ok(AddEnd {
            summary,
            some_failed,
        })
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
        Ok(Ingest::start(self.store(), engine, network, limits, None)?)
    }
}
