//! The writer: commits batches of finished pictures and sends a receipt for each job.

use super::batching::gather;
use super::worker::Finished;
use crate::local_path::path_text;
use crate::picture::PictureId;
use crate::store::{PictureOutcome, Source, Store, StoreError, UrlOutcome};

/// Most pictures of one flush; also the queue before the writer (0.84 MB each in int8).
pub(super) const BATCH: usize = 32;

/// What became of one job, sent once it is durable.
#[derive(Debug)]
pub struct Receipt {
    /// The URL or path that was handed in.
    pub source: String,
    /// What came of it.
    pub outcome: ReceiptOutcome,
}

/// What came of a job.
#[derive(Debug)]
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
}

/// Collects batches, commits them and hands out receipts, until the workers are gone.
pub(super) fn run(
    store: &Store,
    finished: &async_channel::Receiver<Result<Finished, StoreError>>,
    receipts: &async_channel::Sender<Receipt>,
) -> Result<(), StoreError> {
    while let Ok(first) = finished.recv_blocking() {
        let mut batch = vec![first];
        gather(finished, |next| {
            batch.push(next);
            batch.len() == BATCH
        });
        let batch = batch.into_iter().collect::<Result<Vec<_>, _>>()?;
        let (outcomes, pending): (Vec<_>, Vec<_>) = batch.into_iter().map(split).unzip();
        let stored = store.commit(outcomes)?;
        for (pending, is_new) in pending.into_iter().zip(stored) {
            if let Some(stored) = &pending.stored {
                // Room for one word a picture; nobody may wait for it any more.
                let _ = stored.try_send(());
            }
            // When the command is stopping nobody counts receipts any more; the store has the
            // picture.
            let _ = receipts.send_blocking(pending.receipt(is_new));
        }
    }
    store.flush()
}

/// A receipt whose picture is not durable yet.
struct PendingReceipt {
    source: String,
    picture: Option<PictureId>,
    unchanged: bool,
    problem: Option<(bool, String, String)>,
    /// Told once the batch is durable.
    stored: Option<async_channel::Sender<()>>,
}

fn split(finished: Finished) -> (PictureOutcome, PendingReceipt) {
    let (origin, picture, outcome) = match &finished.outcome {
        PictureOutcome::Picture(origin, picture) => (origin, Some(picture.id), None),
        PictureOutcome::Known(origin, id) => (origin, Some(*id), None),
        PictureOutcome::Unusable(origin, outcome) => (origin, None, Some(outcome)),
    };
    let last = match origin {
        Source::Url(lease) => lease.last_visit().map(|visit| visit.content),
        _ => None,
    };
    let unchanged = last.is_some() && last == picture.map(|id| *id.as_bytes());
    let source = match origin {
        Source::File { path, .. } => path_text(path),
        Source::Url(lease) => lease.record().url.clone(),
        Source::Inline { page, .. } => format!("{page} (in the page itself)"),
        Source::Waiting(id) => format!("picture {id}"),
    };
    let message = finished
        .error
        .map(|error| error.to_string())
        .unwrap_or_default();
    let problem = outcome.map(|outcome| match outcome {
        UrlOutcome::Refused(reason) => (true, reason.clone(), message),
        UrlOutcome::Failed(reason) => (false, reason.clone(), message),
        UrlOutcome::Gone(reason) => (false, reason.clone(), message),
        UrlOutcome::OptedOut(reason) => (true, reason.clone(), message),
        UrlOutcome::Done | UrlOutcome::Unchanged | UrlOutcome::Left | UrlOutcome::Retry { .. } => {
            (false, String::new(), message)
        }
    });
    let pending = PendingReceipt {
        source,
        picture,
        unchanged,
        problem,
        stored: finished.stored,
    };
    (finished.outcome, pending)
}

impl PendingReceipt {
    fn receipt(self, is_new: bool) -> Receipt {
        let outcome = match (self.picture, self.problem) {
            (Some(id), _) if is_new => ReceiptOutcome::Stored(id),
            (Some(id), _) if self.unchanged => ReceiptOutcome::Unchanged(id),
            (Some(id), _) => ReceiptOutcome::Duplicate(id),
            (None, Some((true, reason, message))) => ReceiptOutcome::Refused(reason, message),
            (None, Some((false, reason, message))) => ReceiptOutcome::Failed(reason, message),
            (None, None) => ReceiptOutcome::Failed("unknown".to_owned(), String::new()),
        };
        Receipt {
            source: self.source,
            outcome,
        }
    }
}
