//! Keeps fetched pictures without their features (`crawl --fetch-only`).

use super::batching::gather;
use super::features::FeatureError;
use super::job::{Terms, WebPicture};
use super::saving::{Saving, Stop, ToSave};
use super::writer::{Receipt, ReceiptOutcome};
use crate::picture::{Limits, PictureError, PictureId, check_header};
use crate::store::{Body, PictureOutcome, Source, Store, StoreError, UrlOutcome};

/// Most pictures and bytes of one flush.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 64 << 20;

/// Keeps fetched pictures without features: one thread, no network. Bytes whose header is not
/// a picture's are reported at once.
pub(super) fn run(
    store: &Store,
    saving: &Saving,
    limits: &Limits,
    jobs: &async_channel::Receiver<WebPicture>,
    receipts: &async_channel::Sender<Receipt>,
) -> Result<(), StoreError> {
    match run_until(store, saving, limits, jobs, receipts) {
        Err(Stop::Store(error)) => Err(error),
        // The saver gives its reason itself.
        Err(Stop::Saving) | Ok(()) => store.flush(),
    }
}

fn run_until(
    store: &Store,
    saving: &Saving,
    limits: &Limits,
    jobs: &async_channel::Receiver<WebPicture>,
    receipts: &async_channel::Sender<Receipt>,
) -> Result<(), Stop> {
    while let Ok(first) = jobs.recv_blocking() {
        let mut batch = Batch::default();
        batch.take(first, limits);
        gather(jobs, |job| {
            batch.take(job, limits);
            batch.is_full()
        });
        for receipt in batch.commit(store, saving)? {
            // When the command is stopping nobody counts receipts any more; the store has the
            // picture.
            let _ = receipts.send_blocking(receipt);
        }
    }
    Ok(())
}

#[derive(Default)]
struct Batch {
    bodies: Vec<Body>,
    /// Of each body.
    sources: Vec<String>,
    terms: Vec<Terms>,
    unusable: Vec<(PictureOutcome, Receipt)>,
    bytes: usize,
    /// Told once the batch is durable.
    stored: Vec<async_channel::Sender<()>>,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.bodies.len() + self.unusable.len() >= BATCH || self.bytes >= BATCH_BYTES
    }

    fn take(&mut self, picture: WebPicture, limits: &Limits) {
        let (origin, source, bytes, terms) = match picture {
            WebPicture::Fetched {
                lease,
                bytes,
                terms,
            } => {
                let source = lease.record().url.clone();
                (Source::Url(lease), source, bytes, terms)
            }
            WebPicture::Inline {
                page,
                embed,
                bytes,
                terms,
                stored,
            } => {
                self.stored.push(stored);
                let source = page.to_string();
                (Source::Inline { page, embed }, source, bytes, terms)
            }
        };
        match check_header(&bytes, limits) {
            Ok(()) => {
                self.bytes += bytes.len();
                let id = PictureId::of(&bytes);
                self.bodies.push(Body { origin, id, bytes });
                self.sources.push(source);
                self.terms.push(terms);
            }
            Err(error) => self.unusable.push(unusable(origin, source, &error)),
        }
    }

    /// Those that may not take the place of what their URLs gave before are not kept.
    fn admit(&mut self, store: &Store) -> Result<(), StoreError> {
        let error = FeatureError::RemovalsStopped;
        let bodies = std::mem::take(&mut self.bodies);
        let sources = std::mem::take(&mut self.sources);
        let terms = std::mem::take(&mut self.terms);
        for ((body, source), terms) in bodies.into_iter().zip(sources).zip(terms) {
            let may_stay = match &body.origin {
                Source::Url(lease) => store.may_replace(lease, body.id)?,
                _ => true,
            };
            if may_stay {
                self.bodies.push(body);
                self.sources.push(source);
                self.terms.push(terms);
                continue;
            }
            let (reason, message) = (error.reason().to_owned(), error.to_string());
            let failed = UrlOutcome::Failed(reason.clone());
            let outcome = ReceiptOutcome::Failed(reason, message);
            self.unusable.push((
                PictureOutcome::Unusable(body.origin, failed),
                Receipt { source, outcome },
            ));
        }
        Ok(())
    }

    fn save(&self, store: &Store, saving: &Saving) -> Result<(), Stop> {
        for (body, terms) in self.bodies.iter().zip(&self.terms) {
            saving.save(
                store,
                &ToSave {
                    id: body.id,
                    bytes: &body.bytes,
                    source: &body.origin,
                    terms,
                    seen: None,
                },
            )?;
        }
        saving.settle()
    }

    fn commit(mut self, store: &Store, saving: &Saving) -> Result<Vec<Receipt>, Stop> {
        self.admit(store)?;
        self.save(store, saving)?;
        let (outcomes, mut receipts): (Vec<_>, Vec<_>) = self.unusable.into_iter().unzip();
        if !outcomes.is_empty() {
            store.commit(outcomes)?;
        }
        let ids: Vec<PictureId> = self.bodies.iter().map(|body| body.id).collect();
        let kept = store.keep_bodies(self.bodies)?;
        for ((source, id), is_new) in self.sources.into_iter().zip(ids).zip(kept) {
            let outcome = match is_new {
                true => ReceiptOutcome::Kept(id),
                false => ReceiptOutcome::Duplicate(id),
            };
            receipts.push(Receipt { source, outcome });
        }
        for stored in self.stored {
            // Room for one word a picture; nobody may wait for it any more.
            let _ = stored.try_send(());
        }
        Ok(receipts)
    }
}

fn unusable(origin: Source, source: String, error: &PictureError) -> (PictureOutcome, Receipt) {
    let (reason, message) = (error.reason().to_owned(), error.to_string());
    let (of_url, outcome) = if error.is_limit() {
        (
            UrlOutcome::Refused(reason.clone()),
            ReceiptOutcome::Refused(reason, message),
        )
    } else {
        (
            UrlOutcome::Failed(reason.clone()),
            ReceiptOutcome::Failed(reason, message),
        )
    };
    let of_picture = PictureOutcome::Unusable(origin, of_url);
    (of_picture, Receipt { source, outcome })
}
