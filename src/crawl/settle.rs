//! A lease's way: its URL is fetched, then settled here or handed on with its bytes.

use tokio::task::block_in_place;

use super::error::FetchError;
use super::visit::{Answer, Visitor};
use crate::canonical_url::CanonicalUrl;
use crate::ingest::Job;
use crate::store::{Lease, Queued, Role, Store, StoreError, UrlOutcome, now_ms};

/// What a visit gave.
pub(super) enum Fetched {
    Page {
        bytes: u64,
        queued: Queued,
    },
    /// The bytes are with the workers; a receipt follows.
    Picture {
        bytes: u64,
    },
}

/// Why a visit gave nothing.
pub(super) enum Trouble {
    Fetch {
        error: FetchError,
        retried: bool,
    },
    Store(StoreError),
    /// The writer has stopped; its error is the one to show.
    IngestStopped,
}

/// Fetches one leased URL and settles it, or hands its bytes and the lease to the workers.
pub(super) async fn fetch_and_settle(
    visitor: &Visitor,
    store: &Store,
    jobs: &async_channel::Sender<Job>,
    lease: Lease,
) -> Result<Fetched, Trouble> {
    let record = lease.record().clone();
    let answer = match CanonicalUrl::parse(&record.url) {
        // Queued by a crawl of another scope.
        Ok(url) if record.role == Role::Page && !visitor.scope.contains(&url) => {
            Err(FetchError::OutOfScope)
        }
        Ok(url) => visitor.visit(&url, record.role, record.depth).await,
        Err(error) => Err(FetchError::BadRedirect(error.to_string())),
    };
    match answer {
        Ok(Answer::Page { visit, bytes }) => {
            let queued =
                block_in_place(|| store.settle_page(lease, &visit)).map_err(Trouble::Store)?;
            Ok(Fetched::Page { bytes, queued })
        }
        Ok(Answer::Picture(body)) => {
            let bytes = body.len() as u64;
            let job = Job::Fetched { lease, bytes: body };
            jobs.send(job).await.map_err(|_| Trouble::IngestStopped)?;
            Ok(Fetched::Picture { bytes })
        }
        Err(error @ FetchError::HostClosed) => {
            block_in_place(|| store.release(lease)).map_err(Trouble::Store)?;
            Err(Trouble::Fetch {
                error,
                retried: true,
            })
        }
        Err(error) => {
            let retried = error.may_pass() && record.attempts + 1 < visitor.config.max_attempts;
            let outcome = if retried {
                let wait = visitor.backoff(&error, record.attempts).as_millis() as u64;
                UrlOutcome::Retry {
                    at_ms: now_ms() + wait,
                }
            } else if error.is_refusal() {
                UrlOutcome::Refused(error.reason())
            } else {
                UrlOutcome::Failed(error.reason())
            };
            block_in_place(|| store.settle(lease, outcome)).map_err(Trouble::Store)?;
            Err(Trouble::Fetch { error, retried })
        }
    }
}
