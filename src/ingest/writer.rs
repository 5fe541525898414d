//! The writer: commits batches of finished pictures and sends a receipt for each job.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::batching::gather;
use super::features::FeatureError;
use super::saving::{Saving, Stop};
use super::worker::{Finished, Outcome};
use crate::local_path::path_text;
use crate::picture::PictureId;
use crate::store::{Body, PictureOutcome, Source, Store, StoreError, UrlOutcome};

/// Most pictures of one flush; also the queue before the writer (0.9 MB each in int8).
pub(super) const BATCH: usize = 32;

/// What became of one job, sent once it is durable.
#[derive(Debug, Serialize, Deserialize)]
pub struct Receipt {
    /// The URL or path that was handed in.
    pub source: String,
    /// What came of it.
    pub outcome: ReceiptOutcome,
}

/// What came of a job.
#[derive(Debug, Serialize, Deserialize)]
pub enum ReceiptOutcome {
    /// A new picture was stored.
    Stored(PictureId),
    /// A new picture was kept without features.
    Kept(PictureId),
    /// Its bytes were stored before; the place was added.
    Duplicate(PictureId),
    /// Its URL gave the same picture at the last visit.
    Unchanged(PictureId),
    /// A limit refused it: short reason and message.
    Refused(String, String),
    /// It is no picture: short reason and message.
    Failed(String, String),
    /// Nothing came of it yet, and it is tried again: short reason and message.
    Postponed(String, String),
}

impl Receipt {
    /// Of a file that could not be read.
    pub fn of_unread(path: &Path, error: &FeatureError) -> Self {
        let (reason, message) = (error.reason().to_owned(), error.to_string());
        let is_limit = matches!(error, FeatureError::Picture(error) if error.is_limit());
        Self {
            source: path_text(path),
            outcome: match is_limit {
                true => ReceiptOutcome::Refused(reason, message),
                false => ReceiptOutcome::Failed(reason, message),
            },
        }
    }
}

impl ReceiptOutcome {
    /// Whether no picture came of it.
    pub fn gave_none(&self) -> bool {
        matches!(self, Self::Refused(..) | Self::Failed(..))
    }
}

/// Collects batches, commits them and hands out receipts, until the workers are gone.
pub(super) fn run(
    store: &Store,
    saving: &Saving,
    finished: &async_channel::Receiver<Result<Finished, Stop>>,
    receipts: &async_channel::Sender<Receipt>,
) -> Result<(), StoreError> {
    match run_until(store, saving, finished, receipts) {
        Err(Stop::Store(error)) => Err(error),
        // The saver gives its reason itself.
        Err(Stop::Saving) | Ok(()) => store.flush(),
    }
}

fn run_until(
    store: &Store,
    saving: &Saving,
    finished: &async_channel::Receiver<Result<Finished, Stop>>,
    receipts: &async_channel::Sender<Receipt>,
) -> Result<(), Stop> {
    while let Ok(first) = finished.recv_blocking() {
        let mut batch = vec![first];
        gather(finished, |next| {
            batch.push(next);
            batch.len() == BATCH
        });
        let batch: Vec<Finished> = batch.into_iter().collect::<Result<_, _>>()?;
        saving.settle()?;
        for pending in commit(store, batch)? {
            if let Some(stored) = &pending.stored {
                // Room for one word a picture; nobody may wait for it any more.
                let _ = stored.try_send(());
            }
            // When the command is stopping nobody counts receipts any more; the store has the
            // picture.
            let _ = receipts.send_blocking(pending.receipt());
        }
        make_room(store);
    }
    Ok(())
}

/// A picture that may not take the place of the one that its URL gave before is not stored.
fn admitted(store: &Store, finished: Finished) -> Result<Finished, StoreError> {
    let (lease, id) = match &finished.outcome {
        Outcome::Commit(PictureOutcome::Picture(Source::Url(lease), picture)) => {
            (lease, picture.id)
        }
        Outcome::Commit(PictureOutcome::Known(Source::Url(lease), id)) => (lease, *id),
        _ => return Ok(finished),
    };
    if store.may_replace(lease, id)? {
        return Ok(finished);
    }
    let error = FeatureError::RemovalsStopped;
    let outcome = match finished.outcome {
        Outcome::Commit(PictureOutcome::Picture(origin, _) | PictureOutcome::Known(origin, _)) => {
            let failed = UrlOutcome::Failed(error.reason().to_owned());
            Outcome::Commit(PictureOutcome::Unusable(origin, failed))
        }
        outcome => outcome,
    };
    Ok(Finished {
        outcome,
        error: Some(error),
        ..finished
    })
}

/// Makes one picture durable.
pub(super) fn commit_one(store: &Store, finished: Finished) -> Result<Receipt, StoreError> {
    let mut pending = commit(store, vec![finished])?;
    make_room(store);
    Ok(pending.swap_remove(0).receipt())
}

/// Has some of the oldest pictures that are kept in full become sketches, where that is due. The pictures
/// are stored, whatever comes of it.
fn make_room(store: &Store) {
    if let Err(error) = store.make_room_for_newest() {
        tracing::warn!(%error, "more pictures than wanted are kept in full for now");
    }
}

/// Makes a batch durable. There is a receipt for each of it, in its order.
fn commit(store: &Store, batch: Vec<Finished>) -> Result<Vec<PendingReceipt>, StoreError> {
    let mut pending = Vec::with_capacity(batch.len());
    let (mut outcomes, mut bodies) = (Vec::with_capacity(batch.len()), Vec::new());
    for finished in batch {
        let (outcome, receipt) = split(admitted(store, finished)?);
        match outcome {
            Outcome::Commit(outcome) => outcomes.push(outcome),
            Outcome::Keep(body) => bodies.push(body),
        }
        pending.push(receipt);
    }
    if !bodies.is_empty() {
        store.keep_bodies(bodies)?;
    }
    let mut stored = store.commit(outcomes)?.into_iter();
    for receipt in pending.iter_mut().filter(|receipt| !receipt.kept) {
        receipt.is_new = stored.next().unwrap_or(false);
    }
    Ok(pending)
}

/// A receipt whose picture is not durable yet.
struct PendingReceipt {
    source: String,
    picture: Option<PictureId>,
    unchanged: bool,
    /// Whether the bytes are kept without features.
    kept: bool,
    /// Whether it is a new picture.
    is_new: bool,
    /// What came of bytes that are no picture in the store.
    problem: Option<ReceiptOutcome>,
    /// Told once the batch is durable.
    stored: Option<async_channel::Sender<()>>,
}

fn split(finished: Finished) -> (Outcome, PendingReceipt) {
    let Finished {
        outcome,
        error,
        stored,
    } = finished;
    let reason = error.as_ref().map_or("", FeatureError::reason).to_owned();
    let message = error.map(|error| error.to_string()).unwrap_or_default();
    let (origin, picture, problem) = match &outcome {
        Outcome::Commit(PictureOutcome::Picture(origin, picture)) => {
            (origin, Some(picture.id), None)
        }
        Outcome::Commit(PictureOutcome::Known(origin, id)) => (origin, Some(*id), None),
        Outcome::Commit(PictureOutcome::Unusable(origin, of_url)) => {
            let problem = match of_url {
                UrlOutcome::Refused(_) | UrlOutcome::Unwanted(_) => {
                    ReceiptOutcome::Refused(reason, message)
                }
                _ => ReceiptOutcome::Failed(reason, message),
            };
            (origin, None, Some(problem))
        }
        Outcome::Commit(PictureOutcome::Postponed(origin)) | Outcome::Keep(Body { origin, .. }) => {
            let problem = ReceiptOutcome::Postponed(reason, message);
            (origin, None, Some(problem))
        }
    };
    let last = match origin {
        Source::Url(lease) => lease.last_visit().map(|visit| visit.content),
        _ => None,
    };
    let unchanged = last.is_some() && last == picture.map(|id| *id.as_bytes());
    let pending = PendingReceipt {
        source: name(origin),
        picture,
        unchanged,
        kept: matches!(outcome, Outcome::Keep(_)),
        is_new: false,
        problem,
        stored,
    };
    (outcome, pending)
}

/// Where bytes came from, for people.
fn name(origin: &Source) -> String {
    match origin {
        Source::File { path, .. } => path_text(path),
        Source::Url(lease) => lease.record().url.clone(),
        Source::Inline { page, .. } => format!("{page} (in the page itself)"),
        Source::Waiting(id) => format!("picture {id}"),
    }
}

impl PendingReceipt {
    fn receipt(self) -> Receipt {
        let outcome = match (self.picture, self.problem) {
            (Some(id), _) if self.is_new => ReceiptOutcome::Stored(id),
            (Some(id), _) if self.unchanged => ReceiptOutcome::Unchanged(id),
            (Some(id), _) => ReceiptOutcome::Duplicate(id),
            (None, Some(problem)) => problem,
            (None, None) => ReceiptOutcome::Failed("unknown".to_owned(), String::new()),
        };
        Receipt {
            source: self.source,
            outcome,
        }
    }
}
