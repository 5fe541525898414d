//! A worker: takes jobs, computes features, hands what came of it to the writer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use super::features::{FeatureError, extract, read_file};
use super::job::{Job, ListedFile, LocalFile, Terms, WebPicture};
use super::match_filter::MatchFilter;
use super::priority::step_back;
use super::saving::{Saving, Stop, ToSave};
use crate::activation::Layout;
use crate::network::Extractor;
use crate::picture::{Limits, PictureId};
use crate::store::{Body, NewPicture, PictureOutcome, Source, Store, StoreError, UrlOutcome};

/// What a worker hands to the writer.
pub(super) struct Finished {
    pub(super) outcome: Outcome,
    /// Why there are no features.
    pub(super) error: Option<FeatureError>,
    /// Told once the batch is durable.
    pub(super) stored: Option<async_channel::Sender<()>>,
}

/// What the writer does.
pub(super) enum Outcome {
    /// It commits what came of the bytes.
    Commit(PictureOutcome),
    /// It keeps the bytes without features.
    Keep(Body),
}

impl From<PictureOutcome> for Finished {
    fn from(outcome: PictureOutcome) -> Self {
        Self {
            outcome: Outcome::Commit(outcome),
            error: None,
            stored: None,
        }
    }
}

/// Makes a picture with its features of bytes.
pub(super) trait Featurize: Send {
    fn features(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
        layout: &Layout,
    ) -> Result<NewPicture, FeatureError>;
}

impl Featurize for Extractor {
    fn features(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
        layout: &Layout,
    ) -> Result<NewPicture, FeatureError> {
        extract(bytes, limits, self, layout)
    }
}

impl<F: Featurize> Featurize for &mut F {
    fn features(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
        layout: &Layout,
    ) -> Result<NewPicture, FeatureError> {
        F::features(self, bytes, limits, layout)
    }
}

/// One feature worker: one thread, one network session.
pub(super) struct Worker<J, F> {
    pub(super) maker: Maker<F>,
    pub(super) jobs: async_channel::Receiver<J>,
    pub(super) finished: async_channel::Sender<Result<Finished, Stop>>,
}

impl<J: Into<Job>, F: Featurize> Worker<J, F> {
    /// Works until the senders are gone or the writer has stopped.
    pub(super) fn run(mut self) {
        step_back();
        while let Ok(job) = self.jobs.recv_blocking() {
            let finished = self.maker.finish(job.into());
            if self.finished.send_blocking(finished).is_err() {
                break;
            }
        }
    }
}

/// Makes of a job what the writer can store.
pub(super) struct Maker<F> {
    pub(super) extractor: F,
    pub(super) store: Arc<Store>,
    pub(super) limits: Limits,
    pub(super) screen: Option<Arc<MatchFilter>>,
    pub(super) saving: Saving,
}

impl<F: Featurize> Maker<F> {
    fn finish(&mut self, job: Job) -> Result<Finished, Stop> {
        let (origin, bytes, terms) = match job {
            Job::File(file) => match self.read(file) {
                (origin, Ok(bytes)) => (origin, bytes, Terms::default()),
                (origin, Err(error)) => {
                    return Ok(self.without_features(origin, Vec::new(), error));
                }
            },
            Job::Listed(listed) => {
                let read = read_file(&listed.file.path, &self.limits);
                return Ok(self.finish_listed(*listed, read)?);
            }
            Job::Waiting(id) => match self.waiting_body(id) {
                Ok(bytes) => (Source::Waiting(id), bytes, Terms::default()),
                Err(error) => {
                    return Ok(self.without_features(Source::Waiting(id), Vec::new(), error));
                }
            },
            Job::Web(picture) => match *picture {
                WebPicture::Fetched {
                    lease,
                    bytes,
                    terms,
                } => (Source::Url(lease), bytes, terms),
                WebPicture::Inline {
                    page,
                    embed,
                    bytes,
                    terms,
                    stored,
                } => {
                    let origin = Source::Inline { page, embed };
                    let finished = self.extract_and_save(origin, bytes, &terms)?;
                    return Ok(Finished {
                        stored: Some(stored),
                        ..finished
                    });
                }
            },
        };
        self.extract_and_save(origin, bytes, &terms)
    }

    /// The bytes are saved once it is known that a picture is stored with them.
    fn extract_and_save(
        &mut self,
        origin: Source,
        bytes: Vec<u8>,
        terms: &Terms,
    ) -> Result<Finished, Stop> {
        let kept = self.saving.is_on().then(|| bytes.clone());
        let finished = self.extract(origin, bytes)?;
        let Some(bytes) = kept else {
            return Ok(finished);
        };
        let (source, id, seen) = match &finished.outcome {
            Outcome::Commit(PictureOutcome::Picture(source, picture)) => {
                let sides = (picture.width, picture.height);
                (source, picture.id, Some((sides, picture.perceptual_hash)))
            }
            Outcome::Commit(PictureOutcome::Known(source, id)) => {
                let record = self.store.picture(*id)?;
                let seen = record.map(|it| ((it.width, it.height), it.perceptual_hash));
                (source, *id, seen)
            }
            Outcome::Keep(body) => (&body.origin, body.id, None),
            Outcome::Commit(PictureOutcome::Unusable(..) | PictureOutcome::Postponed(_)) => {
                return Ok(finished);
            }
        };
        // The writer will turn it down.
        if let Source::Url(lease) = source
            && !self.store.may_replace(lease, id)?
        {
            return Ok(finished);
        }
        self.saving.save(
            &self.store,
            &ToSave {
                id,
                bytes: &bytes,
                source,
                terms,
                seen,
            },
        )?;
        Ok(finished)
    }

    /// What comes of a file that the user has named, or a folder of it, and that was read.
    pub(super) fn finish_listed(
        &mut self,
        listed: ListedFile,
        read: Result<Vec<u8>, FeatureError>,
    ) -> Result<Finished, StoreError> {
        let admitted = match read {
            Ok(bytes) => self.admitted(&listed.file.path, &listed.root, bytes)?,
            Err(error) => Err(error),
        };
        let origin = origin(listed.file);
        match admitted {
            Ok(bytes) => self.extract(origin, bytes),
            Err(error) => Ok(self.without_features(origin, Vec::new(), error)),
        }
    }

    fn read(&self, file: LocalFile) -> (Source, Result<Vec<u8>, FeatureError>) {
        let read = read_file(&file.path, &self.limits);
        (origin(file), read)
    }

    /// The bytes of a file, unless the user has removed them and not named them again: the file
    /// itself, or what is below the folder that was removed.
    fn admitted(
        &self,
        path: &Path,
        root: &Path,
        bytes: Vec<u8>,
    ) -> Result<Result<Vec<u8>, FeatureError>, StoreError> {
        let id = PictureId::of(&bytes);
        let Some(named) = self.store.removed_file(id, path)? else {
            return Ok(Ok(bytes));
        };
        let named = named.as_path();
        let is_within = !named.as_os_str().is_empty() && root.starts_with(named);
        if root != path && !is_within {
            return Ok(Err(FeatureError::Removed));
        }
        self.store.take_back_file(id, path)?;
        Ok(Ok(bytes))
    }

    /// The bytes of a picture that waits: those that were fetched, or an error. No verdict is
    /// passed on others.
    fn waiting_body(&self, id: PictureId) -> Result<Vec<u8>, FeatureError> {
        let body = self.store.waiting_body(id).map_err(std::io::Error::other)?;
        if PictureId::of(&body) != id {
            let message = "the bytes that are kept are not those that were fetched";
            return Err(std::io::Error::other(message).into());
        }
        Ok(body)
    }

    fn extract(&mut self, origin: Source, bytes: Vec<u8>) -> Result<Finished, StoreError> {
        let id = PictureId::of(&bytes);
        tracing::trace!(%id, bytes = bytes.len(), "a picture to extract");
        if self.store.contains(id)? {
            return Ok(PictureOutcome::Known(origin, id).into());
        }
        let layout = self.store.layout();
        // A panic would lose the receipt that the crawl waits for. The extractor holds no state
        // between pictures but its input, which the next picture overwrites.
        let extracted = catch_unwind(AssertUnwindSafe(|| {
            self.extractor.features(&bytes, &self.limits, layout)
        }));
        Ok(match extracted.unwrap_or(Err(FeatureError::Panicked)) {
            Ok(picture) => self.screened(origin, bytes, picture),
            Err(error) => self.without_features(origin, bytes, error),
        })
    }
}

fn origin(file: LocalFile) -> Source {
    Source::File {
        path: file.path,
        bytes: file.bytes,
        modified_ns: file.modified_ns,
    }
}

impl<F> Maker<F> {
    fn screened(&self, origin: Source, bytes: Vec<u8>, picture: NewPicture) -> Finished {
        let picture = Box::new(picture);
        let Some(screen) = &self.screen else {
            return PictureOutcome::Picture(origin, picture).into();
        };
        // As of the extraction: a panic would lose the receipt.
        let Ok(score) = catch_unwind(AssertUnwindSafe(|| (screen.score)(&picture))) else {
            return self.without_features(origin, bytes, FeatureError::Panicked);
        };
        let is_match = score >= screen.min_score;
        if let Source::Url(lease) = &origin {
            // Whoever steers the crawl may have stopped.
            let _ = screen.matches.send_blocking((lease.id(), is_match));
        }
        if screen.keep_matches && !is_match {
            return self.without_features(origin, bytes, FeatureError::NoMatch(score));
        }
        PictureOutcome::Picture(origin, picture).into()
    }

    /// What becomes of bytes that have no features. A fault that passes costs nothing: it is
    /// tried again, by the next run or when the features of what waits are computed.
    fn without_features(&self, origin: Source, bytes: Vec<u8>, error: FeatureError) -> Finished {
        let passes = matches!(error, FeatureError::Network(_) | FeatureError::Panicked);
        let only_matches = self.screen.as_ref().is_some_and(|s| s.keep_matches);
        let outcome = match origin {
            Source::Waiting(_) if !error.is_verdict() => {
                Outcome::Commit(PictureOutcome::Postponed(origin))
            }
            // Its page is read only once, and its links are not to wait for it.
            Source::Inline { .. } if passes && !only_matches => Outcome::Keep(Body {
                origin,
                id: PictureId::of(&bytes),
                bytes,
            }),
            Source::File { .. } | Source::Url(_) if passes => {
                Outcome::Commit(PictureOutcome::Postponed(origin))
            }
            _ => {
                let reason = error.reason().to_owned();
                let of_url = match &error {
                    FeatureError::NoMatch(_) => UrlOutcome::Unwanted(reason),
                    FeatureError::Removed => UrlOutcome::Refused(reason),
                    FeatureError::Picture(picture) if picture.is_limit() => {
                        UrlOutcome::Refused(reason)
                    }
                    _ => UrlOutcome::Failed(reason),
                };
                Outcome::Commit(PictureOutcome::Unusable(origin, of_url))
            }
        };
        Finished {
            outcome,
            error: Some(error),
            stored: None,
        }
    }
}
