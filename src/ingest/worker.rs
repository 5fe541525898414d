//! A worker: takes jobs, computes features, hands what came of it to the writer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::features::{FeatureError, extract, read_file};
use super::job::{Job, LocalFile, WebPicture};
use super::match_filter::MatchFilter;
use crate::network::Extractor;
use crate::picture::{Limits, PictureId};
use crate::store::{NewPicture, PictureOutcome, Source, Store, StoreError, UrlOutcome};

/// What a worker hands to the writer.
pub(super) struct Finished {
    pub(super) outcome: PictureOutcome,
    /// Why the bytes are unusable.
    pub(super) error: Option<FeatureError>,
    /// Told once the batch is durable.
    pub(super) stored: Option<async_channel::Sender<()>>,
}

/// One feature worker: one thread, one network session.
pub(super) struct Worker<J> {
    pub(super) extractor: Extractor,
    pub(super) store: Arc<Store>,
    pub(super) limits: Limits,
    pub(super) screen: Option<Arc<MatchFilter>>,
    pub(super) jobs: async_channel::Receiver<J>,
    pub(super) finished: async_channel::Sender<Result<Finished, StoreError>>,
}

impl<J: Into<Job>> Worker<J> {
    /// Works until the senders are gone or the writer has stopped.
    pub(super) fn run(mut self) {
        while let Ok(job) = self.jobs.recv_blocking() {
            let finished = self.finish(job.into());
            if self.finished.send_blocking(finished).is_err() {
                break;
            }
        }
    }

    fn finish(&mut self, job: Job) -> Result<Finished, StoreError> {
        let (origin, bytes) = match job {
            Job::File(LocalFile {
                path,
                bytes,
                modified_ns,
            }) => {
                let read = read_file(&path, &self.limits);
                let origin = Source::File {
                    path,
                    bytes,
                    modified_ns,
                };
                match read {
                    Ok(bytes) => (origin, bytes),
                    Err(error) => return Ok(unusable(origin, error)),
                }
            }
            Job::Waiting(id) => match self.store.waiting_body(id) {
                Ok(bytes) => (Source::Waiting(id), bytes),
                Err(error) => {
                    let error = FeatureError::Read(std::io::Error::other(error));
                    return Ok(unusable(Source::Waiting(id), error));
                }
            },
            Job::Web(picture) => match *picture {
                WebPicture::Fetched { lease, bytes } => (Source::Url(lease), bytes),
                WebPicture::Inline {
                    page,
                    embed,
                    bytes,
                    stored,
                } => {
                    let finished = self.extract(Source::Inline { page, embed }, &bytes)?;
                    return Ok(Finished {
                        stored: Some(stored),
                        ..finished
                    });
                }
            },
        };
        self.extract(origin, &bytes)
    }

    fn extract(&mut self, origin: Source, bytes: &[u8]) -> Result<Finished, StoreError> {
        let id = PictureId::of(bytes);
        tracing::trace!(%id, bytes = bytes.len(), "a picture to extract");
        if self.store.contains(id)? {
            return Ok(Finished {
                outcome: PictureOutcome::Known(origin, id),
                error: None,
                stored: None,
            });
        }
        let layout = self.store.layout();
        // A panic would lose the receipt that the crawl waits for. The extractor holds no state
        // between pictures but its input, which the next picture overwrites.
        let extracted = catch_unwind(AssertUnwindSafe(|| {
            extract(bytes, &self.limits, &mut self.extractor, layout)
        }));
        match extracted.unwrap_or(Err(FeatureError::Panicked)) {
            Ok(picture) => Ok(self.screened(origin, picture)),
            Err(error) => Ok(unusable(origin, error)),
        }
    }
}

impl<J> Worker<J> {
    fn screened(&self, origin: Source, picture: NewPicture) -> Finished {
        let picture = Box::new(picture);
        let Some(screen) = &self.screen else {
            return Finished {
                outcome: PictureOutcome::Picture(origin, picture),
                error: None,
                stored: None,
            };
        };
        // As of the extraction: a panic would lose the receipt.
        let Ok(score) = catch_unwind(AssertUnwindSafe(|| (screen.score)(&picture))) else {
            return unusable(origin, FeatureError::Panicked);
        };
        let is_match = score >= screen.min_score;
        if let Source::Url(lease) = &origin {
            // Whoever steers the crawl may have stopped.
            let _ = screen.matches.send_blocking((lease.id(), is_match));
        }
        if screen.keep_matches && !is_match {
            return unusable(origin, FeatureError::NoMatch(score));
        }
        Finished {
            outcome: PictureOutcome::Picture(origin, picture),
            error: None,
            stored: None,
        }
    }
}

/// Bytes that give no picture.
pub(super) fn unusable(origin: Source, error: FeatureError) -> Finished {
    let outcome = match &error {
        FeatureError::Picture(picture) if picture.is_limit() => {
            UrlOutcome::Refused(picture.reason().to_owned())
        }
        FeatureError::Picture(picture) => UrlOutcome::Failed(picture.reason().to_owned()),
        FeatureError::NoMatch(_) => UrlOutcome::Refused("no_match".to_owned()),
        FeatureError::RemovalsStopped => UrlOutcome::Failed("removals_stopped".to_owned()),
        FeatureError::Read(_) => UrlOutcome::Failed("unreadable".to_owned()),
        FeatureError::Network(_) | FeatureError::Panicked => {
            UrlOutcome::Failed("network".to_owned())
        }
    };
    Finished {
        outcome: PictureOutcome::Unusable(origin, outcome),
        error: Some(error),
        stored: None,
    }
}
