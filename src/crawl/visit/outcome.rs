//! From a lease to the visit's outcome: its URL is fetched, then settled here or handed on
//! with its bytes.

use std::collections::BTreeMap;

use super::document_contents::DocumentContents;
use super::renewal::while_leased;
use super::retry::retry_wait;
use super::visitor::{Fetched, Visitor};
use crate::canonical_url::CanonicalUrl;
use crate::crawl::http::error::FetchError;
use crate::crawl::policy::reason::Reason;
use crate::crawl::policy::refusal::Refusal;
use crate::extract::LeftOut;
use crate::ingest::{Terms, WebPicture};
use crate::store::{Embed, Lease, PageVisit, Queued, StoreError, UrlOutcome, now_ms};

/// What a visit gave.
pub(in crate::crawl) enum VisitOutcome {
    Document {
        bytes: u64,
        /// Where a seed sends its readers, if that is out of the scope.
        left_scope: Option<Box<CanonicalUrl>>,
        /// Its body ended early.
        truncated: bool,
        queued: Queued,
        /// What was found and not taken, by reason.
        declined: BTreeMap<Reason, u64>,
        /// What limits have left out.
        left_out: LeftOut,
        /// What is wrong with it.
        fault: Option<String>,
        /// What was found in it.
        visit: Box<PageVisit>,
        /// Pictures in the document that are with the workers; receipts have come.
        inline: u64,
    },
    /// The bytes are with the workers; a receipt follows.
    Picture {
        bytes: u64,
        /// Its body ended early.
        truncated: bool,
    },
    /// It has not changed.
    Unchanged,
}

/// Why a visit gave nothing.
pub(in crate::crawl) enum VisitError {
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
    visitor: &Visitor,
    jobs: &async_channel::Sender<WebPicture>,
    lease: Lease,
) -> Result<VisitOutcome, VisitError> {
    let record = lease.record().clone();
    let known = visitor.known(&lease).await;
    let promise = lease.promise();
    let visit = async {
        match CanonicalUrl::parse(&record.url) {
            Ok(url) => visitor.visit(&record, promise, known, &url).await,
            Err(error) => Err(FetchError::BadRedirect(error.to_string())),
        }
    };
    let visited = while_leased(&visitor.store, lease, visit).await;
    let (mut lease, answer) = visited.map_err(VisitError::Store)?;
    match answer {
        Ok(Fetched::Document(contents)) => settle_document(visitor, jobs, lease, *contents).await,
        Ok(Fetched::Picture {
            bytes,
            validators,
            opt_outs,
            truncated,
        }) => {
            let length = bytes.len() as u64;
            lease.answered(validators);
            let terms = Terms {
                opt_outs,
                ..Terms::default()
            };
            let picture = WebPicture::Fetched {
                lease,
                bytes,
                terms,
            };
            jobs.send(picture)
                .await
                .map_err(|_| VisitError::IngestStopped)?;
            Ok(VisitOutcome::Picture {
                bytes: length,
                truncated,
            })
        }
        Ok(Fetched::Unchanged) => {
            settle(visitor, lease, UrlOutcome::Unchanged).await?;
            Ok(VisitOutcome::Unchanged)
        }
        Err(error @ (FetchError::OriginClosed(_) | FetchError::Refused(Refusal::NotDue(_)))) => {
            // The lease is dropped: the URL keeps its place in the queue.
            Err(VisitError::Fetch {
                error,
                retried: true,
            })
        }
        // Nothing was sent: the lease is the next run's.
        Err(FetchError::Store(error)) => Err(VisitError::Store(error)),
        Err(error) => {
            let reason = error.reason();
            // Another worker may have the host for as long as it takes.
            let is_anothers = matches!(error, FetchError::Refused(Refusal::AnotherWorkers));
            let is_last = !is_anothers && record.attempts + 1 >= visitor.config.max_attempts;
            let retried = reason.may_pass() && !is_last;
            let outcome = if retried {
                // That is no fault of the host, which is not left alone for longer each time.
                let attempts = if is_anothers { 0 } else { record.attempts };
                let wait = retry_wait(visitor.config.delay(), attempts, error.retry_after());
                UrlOutcome::Retry {
                    at_ms: now_ms() + wait.as_millis() as u64,
                    reason: reason.name().into_owned(),
                }
            } else {
                match &error {
                    // Most sites have no sitemap in the usual place, so it is no failure.
                    FetchError::NoSitemap(_) => UrlOutcome::Done,
                    _ => last_outcome(&reason),
                }
            };
            settle(visitor, lease, outcome).await?;
            Err(VisitError::Fetch { error, retried })
        }
    }
}

async fn settle(visitor: &Visitor, lease: Lease, outcome: UrlOutcome) -> Result<(), VisitError> {
    let settle = visitor
        .store
        .call(move |store| store.settle(lease, outcome));
    settle.await.map_err(VisitError::Store)
}

/// What becomes of a URL that is not tried again.
fn last_outcome(reason: &Reason) -> UrlOutcome {
    let name = || reason.name().into_owned();
    match reason {
        Reason::Http(404 | 410) => UrlOutcome::Gone(name()),
        Reason::OptOut(opt_out) if opt_out.is_said() => UrlOutcome::OptedOut(name()),
        _ if reason.is_refusal() => UrlOutcome::Refused(name()),
        _ => UrlOutcome::Failed(name()),
    }
}

/// The pictures in a document are stored before the document counts as read, so that none
/// is lost whenever the process ends.
async fn settle_document(
    visitor: &Visitor,
    jobs: &async_channel::Sender<WebPicture>,
    lease: Lease,
    contents: DocumentContents,
) -> Result<VisitOutcome, VisitError> {
    let inline = contents.inline.len();
    let (stored, all_stored) = async_channel::bounded::<()>(inline.max(1));
    let hand_in = async {
        let of_page = &contents.visit.terms;
        for found in contents.inline {
            let own = Some(found.license).filter(|license| !license.is_empty());
            let picture = WebPicture::Inline {
                page: contents.visit.url.clone(),
                embed: Embed {
                    alt: found.alt,
                    title: found.title,
                    caption: found.caption,
                },
                bytes: found.bytes,
                terms: Terms {
                    license: own.unwrap_or_else(|| of_page.license.clone()),
                    opt_outs: of_page.opt_outs.clone(),
                },
                stored: stored.clone(),
            };
            jobs.send(picture)
                .await
                .map_err(|_| VisitError::IngestStopped)?;
        }
        drop(stored);
        // One word for each that is durable; the channel closes with the last of the jobs.
        let mut durable = 0;
        while all_stored.recv().await.is_ok() {
            durable += 1;
        }
        match durable == inline {
            true => Ok(()),
            false => Err(VisitError::IngestStopped),
        }
    };
    let handed_in = while_leased(&visitor.store, lease, hand_in).await;
    let (lease, handed_in) = handed_in.map_err(VisitError::Store)?;
    handed_in?;
    let inline = inline as u64;
    let visit = contents.visit;
    let settle = visitor.store.call(move |store| {
        let queued = store.settle_page(lease, &visit)?;
        Ok((queued, Box::new(visit)))
    });
    let (queued, visit) = settle.await.map_err(VisitError::Store)?;
    Ok(VisitOutcome::Document {
        bytes: contents.bytes,
        left_scope: contents.left_scope.map(Box::new),
        truncated: contents.truncated,
        queued,
        declined: contents.declined,
        left_out: contents.left_out,
        fault: contents.fault,
        visit,
        inline,
    })
}
