//! A response on its way: what it says, and how its end is written down.

use std::sync::Arc;
use std::time::SystemTime;

use reqwest::header::{CONTENT_LENGTH, HeaderMap, LOCATION};
use tokio::time::{Duration, Instant};

use super::error::FetchError;
use super::fetcher::Recorders;
use crate::canonical_url::{CanonicalUrl, UrlError};
use crate::crawl::ROBOTS_AGENT;
use crate::crawl::archive::exchange::{Answer, Cut, Exchange, Failure, HttpVersion};
use crate::crawl::politeness::opt_out::OptOuts;
use crate::crawl::politeness::origin_rules::OriginRules;
use crate::crawl::politeness::pacing::{Health, Turn};
use crate::store::Validators;
use crate::store::ledger::{self, Ending, Outcome, Purpose, RobotsDecision};

/// A request under way. However it ends, the ledger gets to know, and the turn ends after
/// that.
pub(in crate::crawl) struct Underway {
    pub(in crate::crawl) url: CanonicalUrl,
    pub(in crate::crawl) purpose: Purpose,
    pub(in crate::crawl) robots: RobotsDecision,
    pub(in crate::crawl) attempt: u32,
    pub(in crate::crawl) waited: Duration,
    pub(in crate::crawl) time: SystemTime,
    pub(in crate::crawl) started: Instant,
    /// How long the host asks to be left alone after this request.
    pub(in crate::crawl) retry_after: Option<Duration>,
    pub(in crate::crawl) request_headers: HeaderMap,
    pub(in crate::crawl) head: Option<Head>,
    /// Why the body is not whole.
    pub(in crate::crawl) cut: Option<Cut>,
    pub(in crate::crawl) ledger: Option<ledger::Request>,
    pub(in crate::crawl) recorders: Arc<Recorders>,
    pub(in crate::crawl) turn: Turn,
}

/// Status, version and header fields of an answer.
pub(in crate::crawl) struct Head {
    pub(in crate::crawl) status: u16,
    pub(in crate::crawl) version: HttpVersion,
    pub(in crate::crawl) headers: HeaderMap,
}

impl Head {
    /// Whether a body follows, as far as is known.
    fn has_body(&self) -> bool {
        let length = self.headers.get(CONTENT_LENGTH);
        !matches!(self.status, 204 | 304) && length.is_none_or(|length| length != "0")
    }
}

/// A response whose body has not been read. The turn lasts until it is dropped.
pub(in crate::crawl) struct Response {
    pub(in crate::crawl) inner: reqwest::Response,
    pub(in crate::crawl) under_way: Underway,
    /// The rules of the origin that were asked before; `None` for rules themselves.
    pub(in crate::crawl) rules: Option<Arc<OriginRules>>,
}

impl Underway {
    /// Writes down how the request ended.
    pub(in crate::crawl) fn end(&mut self, result: Result<&[u8], &FetchError>) {
        let outcome = match result {
            Ok(_) => Outcome::Ok,
            Err(error) => error.outcome(),
        };
        if let Err(FetchError::Timeout(_)) = result {
            self.turn.learn(Health::Overloaded);
        }
        self.write_end(outcome, result.map_or(0, <[u8]>::len));
        if self.recorders.is_empty() {
            return;
        }
        let request_headers = fields(&self.request_headers);
        let head = self.head.as_ref();
        let headers = head.map(|head| fields(&head.headers)).unwrap_or_default();
        let message = result.err().map(ToString::to_string).unwrap_or_default();
        let reason = result.err().map(FetchError::reason).unwrap_or_default();
        let outcome = match (result, head) {
            (Ok(body), Some(head)) => Ok(Answer {
                status: head.status,
                headers: &headers,
                body,
                cut: self.cut,
            }),
            _ => Err(Failure {
                status: head.map(|head| head.status),
                reason: &reason,
                message: &message,
            }),
        };
        self.recorders.record(&Exchange {
            time: self.time,
            url: &self.url,
            address: self.turn.address(),
            purpose: self.purpose,
            robots: self.robots,
            version: head.map_or(HttpVersion::Http11, |head| head.version),
            request_headers: &request_headers,
            outcome,
            waited: self.waited,
            elapsed: self.started.elapsed(),
            attempt: self.attempt,
        });
    }

    fn write_end(&mut self, outcome: Outcome, bytes: usize) {
        let Some(request) = self.ledger.take() else {
            return;
        };
        let wait = self.retry_after.unwrap_or_default().as_millis();
        let ended = request.ended(Ending {
            address: self.turn.address(),
            status: self.head.as_ref().map_or(0, |head| head.status),
            outcome,
            bytes: bytes as u64,
            wait_ms: u32::try_from(wait).unwrap_or(u32::MAX),
            delay_ms: u32::try_from(self.turn.delay().as_millis()).unwrap_or(u32::MAX),
        });
        if let Err(error) = ended {
            // The next request's start fails, too, and stops the crawl.
            tracing::warn!(%error, "the end of a request is not written down");
        }
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        // A redirect, or a status that says no: there is nothing to read.
        if self.ledger.is_some()
            && let Some(head) = &self.head
        {
            self.cut = head.has_body().then_some(Cut::Unread);
            self.end(Ok(&[]));
        }
    }
}

fn fields(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
    let field = headers.iter();
    field
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect()
}

impl Response {
    pub(in crate::crawl) fn status(&self) -> u16 {
        self.inner.status().as_u16()
    }

    pub(in crate::crawl) fn header(&self, name: &str) -> Option<&str> {
        self.inner.headers().get(name)?.to_str().ok()
    }

    /// How long the host asks to be left alone (Retry-After).
    pub(in crate::crawl) fn retry_after(&self) -> Option<Duration> {
        self.under_way.retry_after
    }

    /// Where a redirect leads; `None` if the response is not one.
    pub(in crate::crawl) fn redirect(
        &self,
        url: &CanonicalUrl,
    ) -> Result<Option<CanonicalUrl>, UrlError> {
        if !matches!(self.status(), 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        self.header(LOCATION.as_str())
            .map(|location| CanonicalUrl::join(url.as_url(), location))
            .transpose()
    }

    /// What the server calls this version of the document.
    pub(in crate::crawl) fn validators(&self) -> Validators {
        // Longer ones would bloat the records, and no server means them.
        let text = |name: &str| {
            let value = self.header(name).filter(|value| value.len() <= 256);
            value.map(str::to_owned)
        };
        Validators {
            etag: text("etag"),
            last_modified: text("last-modified"),
            unavailable_after_s: None,
        }
    }

    /// What the answer's header and its origin's rules say against its use.
    pub(in crate::crawl) fn opt_outs(&self, url: &CanonicalUrl) -> OptOuts {
        let mut said = OptOuts::new(ROBOTS_AGENT, SystemTime::now());
        for (name, value) in self.inner.headers() {
            if let Ok(value) = value.to_str() {
                said.add_header(name.as_str(), value);
            }
        }
        if let Some(rules) = &self.rules {
            rules.add_opt_outs(url, &mut said);
        }
        said
    }
}
