//! A request that was sent and has not ended.

use std::sync::Arc;
use std::time::SystemTime;

use reqwest::header::{CONTENT_LENGTH, HeaderMap};
use tokio::time::{Duration, Instant};

use super::error::FetchError;
use crate::canonical_url::CanonicalUrl;
use crate::config::REDACTED;
use crate::crawl::archive::exchange::{Cut, Exchange, Failure, HttpAnswer, HttpVersion};
use crate::crawl::archive::recorders::Recorders;
use crate::crawl::policy::reason::Reason;
use crate::crawl::politeness::pacing::{Health, Turn};
use crate::store::ledger::{self, Ending, Outcome, Purpose, RobotsDecision};

/// A request under way. However it ends, the ledger records it, and only then the turn ends.
pub(super) struct InFlightRequest {
    pub(super) url: CanonicalUrl,
    pub(super) purpose: Purpose,
    pub(super) robots: RobotsDecision,
    /// The attempt's number, from 1.
    pub(super) attempt: u32,
    pub(super) waited: Duration,
    pub(super) time: SystemTime,
    pub(super) started: Instant,
    /// How long the host asks to be left alone after this request.
    pub(super) retry_after: Option<Duration>,
    pub(super) request_headers: HeaderMap,
    pub(super) head: Option<Head>,
    /// Why the body is not whole.
    pub(super) cut: Option<Cut>,
    pub(super) ledger: Option<ledger::Request>,
    pub(super) recorders: Arc<Recorders>,
    pub(super) turn: Turn,
}

/// Status, version and header fields of an answer.
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) version: HttpVersion,
    pub(super) headers: HeaderMap,
}

impl Head {
    /// Whether a body follows, as far as is known.
    fn has_body(&self) -> bool {
        let length = self.headers.get(CONTENT_LENGTH);
        !matches!(self.status, 204 | 304) && length.is_none_or(|length| length != "0")
    }
}

impl InFlightRequest {
    /// Writes down how the request ended.
    pub(super) fn end(&mut self, result: Result<&[u8], &FetchError>) {
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
        let reason = result.err().map(|error| error.reason());
        let reason = reason.as_ref().map(Reason::name).unwrap_or_default();
        let outcome = match (result, head) {
            (Ok(body), Some(head)) => Ok(HttpAnswer {
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
            // The start of the next request fails too, and stops the crawl.
            tracing::warn!(%error, "the end of a request is not written down");
        }
    }
}

impl Drop for InFlightRequest {
    fn drop(&mut self) {
        // A redirect or an error status: there is nothing to read.
        if self.ledger.is_some()
            && let Some(head) = &self.head
        {
            self.cut = head.has_body().then_some(Cut::Unread);
            self.end(Ok(&[]));
        }
    }
}

/// Fields whose values are secrets whoever sends them; those of the configuration are marked as
/// sensitive.
const SECRETS: [&str; 5] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "set-cookie",
    "set-cookie2",
];

/// The fields as logs and archives get them.
fn fields(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
    let fields = headers.iter().map(|(name, value)| {
        let is_secret = value.is_sensitive() || SECRETS.contains(&name.as_str());
        let value = match is_secret {
            true => REDACTED.as_bytes(),
            false => value.as_bytes(),
        };
        (name.as_str(), value)
    });
    fields.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn logs_get_no_secrets() {
        let mut headers = HeaderMap::new();
        for name in ["x-key", "cookie", "set-cookie", "etag"] {
            let name = reqwest::header::HeaderName::from_static(name);
            headers.append(name, HeaderValue::from_static("value"));
        }
        if let Some(value) = headers.get_mut("x-key") {
            value.set_sensitive(true);
        }
        headers.append("set-cookie", HeaderValue::from_static("another"));
        let open: Vec<&str> = fields(&headers)
            .into_iter()
            .filter(|(_, value)| *value != REDACTED.as_bytes())
            .map(|(name, _)| name)
            .collect();
        assert_eq!((fields(&headers).len(), open), (5, vec!["etag"]));
    }
}
