//! A lease's way: its URL is fetched, then settled here or handed on with its bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::block_in_place;

use super::visitor::{Answer, Reading, Visitor};
use crate::canonical_url::CanonicalUrl;
use crate::crawl::http::error::{FetchError, Refusal};
use crate::ingest::Job;
use crate::store::{Embed, Lease, PageVisit, Queued, Role, Store, StoreError, UrlOutcome, now_ms};

/// What a visit gave.
pub(in crate::crawl) enum Fetched {
    Document {
        bytes: u64,
        queued: Queued,
        /// What was found and not taken, by reason.
        declined: BTreeMap<&'static str, u64>,
        /// What stood in it.
        visit: Box<PageVisit>,
        /// Pictures in the document that are with the workers; receipts have come.
        inline: u64,
    },
    /// The bytes are with the workers; a receipt follows.
    Picture { bytes: u64 },
    /// It is what it was.
    Unchanged,
}

/// Why a visit gave nothing.
pub(in crate::crawl) enum Trouble {
    Fetch {
        error: FetchError,
        retried: bool,
    },
    Store(StoreError),
    /// The writer has stopped; its error is the one to show.
    IngestStopped,
}

/// Fetches one leased URL and settles it, or hands its bytes and the lease to the workers.
pub(in crate::crawl) async fn fetch_and_settle(
    visitor: &Arc<Visitor>,
    store: &Store,
    jobs: &async_channel::Sender<Job>,
    mut lease: Lease,
) -> Result<Fetched, Trouble> {
    let record = lease.record().clone();
    let answer = match CanonicalUrl::parse(&record.url) {
        // Queued by a crawl of another scope.
        Ok(url) if record.role == Role::Page && !visitor.scope.contains(&url) => {
            Err(FetchError::OutOfScope)
        }
        Ok(url) => visitor.visit(&lease, &url).await,
        Err(error) => Err(FetchError::BadRedirect(error.to_string())),
    };
    match answer {
        Ok(Answer::Document(reading)) => settle_document(store, jobs, lease, *reading).await,
        Ok(Answer::Picture { bytes, validators }) => {
            let length = bytes.len() as u64;
            lease.answered(validators);
            let job = Job::Fetched { lease, bytes };
            jobs.send(job).await.map_err(|_| Trouble::IngestStopped)?;
            Ok(Fetched::Picture { bytes: length })
        }
        Ok(Answer::Unchanged) => {
            let settle = || store.settle(lease, UrlOutcome::Unchanged);
            block_in_place(settle).map_err(Trouble::Store)?;
            Ok(Fetched::Unchanged)
        }
        Err(error @ (FetchError::OriginClosed(_) | FetchError::Refused(Refusal::NotYet(_)))) => {
            // The lease is dropped: the URL keeps its place in the queue.
            Err(Trouble::Fetch {
                error,
                retried: true,
            })
        }
        // Nothing was sent: the lease is the next run's.
        Err(FetchError::Store(error)) => Err(Trouble::Store(error)),
        Err(error) => {
            let retried = error.may_pass() && record.attempts + 1 < visitor.config.max_attempts;
            let outcome = if retried {
                let wait = visitor.backoff(&error, record.attempts).as_millis() as u64;
                UrlOutcome::Retry {
                    at_ms: now_ms() + wait,
                }
            } else {
                last_outcome(record.role, &error)
            };
            block_in_place(|| store.settle(lease, outcome)).map_err(Trouble::Store)?;
            Err(Trouble::Fetch { error, retried })
        }
    }
}

/// What becomes of a URL that is not tried again.
fn last_outcome(role: Role, error: &FetchError) -> UrlOutcome {
    match error {
        // Most sites have no sitemap in the usual place; it was looked for, and that is all.
        FetchError::Status(400..500) if role == Role::Sitemap => UrlOutcome::Done,
        FetchError::Status(404 | 410) => UrlOutcome::Gone(error.reason()),
        FetchError::OptedOut(_) => UrlOutcome::OptedOut(error.reason()),
        _ if error.is_refusal() => UrlOutcome::Refused(error.reason()),
        _ => UrlOutcome::Failed(error.reason()),
    }
}

/// The pictures in a document are stored before the document counts as read, so that none
/// is lost whenever the process ends.
async fn settle_document(
    store: &Store,
    jobs: &async_channel::Sender<Job>,
    lease: Lease,
    reading: Reading,
) -> Result<Fetched, Trouble> {
    let inline = reading.inline.len() as u64;
    let (stored, all_stored) = async_channel::bounded::<()>(1);
    for picture in reading.inline {
        let job = Job::Inline {
            page: reading.visit.url.clone(),
            embed: Embed {
                alt: picture.alt,
                title: picture.title,
                caption: picture.caption,
            },
            bytes: picture.bytes,
            stored: stored.clone(),
        };
        jobs.send(job).await.map_err(|_| Trouble::IngestStopped)?;
    }
    drop(stored);
    // Nothing is ever sent: the channel closes with the last of the jobs.
    let _ = all_stored.recv().await;
    let settle = || store.settle_page(lease, &reading.visit);
    let queued = block_in_place(settle).map_err(Trouble::Store)?;
    Ok(Fetched::Document {
        bytes: reading.bytes,
        queued,
        declined: reading.declined,
        visit: Box::new(reading.visit),
        inline,
    })
}
