//! One request and what came of it, as logs and archives write it down.

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::canonical_url::CanonicalUrl;
use crate::store::ledger::{Purpose, RobotsDecision, rfc3339};

/// One request and what came of it, for those who write it down. Each hop of a redirect is
/// an exchange of its own.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    /// When the request was sent.
    pub time: SystemTime,
    /// What was asked for.
    pub url: &'a CanonicalUrl,
    /// The address that was asked, if it came so far.
    pub address: Option<IpAddr>,
    /// What it was for.
    pub purpose: Purpose,
    /// Why robots.txt did not forbid it.
    pub robots: RobotsDecision,
    /// The version of HTTP that was spoken.
    pub version: HttpVersion,
    /// The request's header fields, in order.
    pub request_headers: &'a [(&'a str, &'a [u8])],
    /// What came of it.
    pub outcome: Result<HttpAnswer<'a>, Failure<'a>>,
    /// How long the request waited for the host's turn.
    pub waited: Duration,
    /// From the start of the request to the end of the body.
    pub elapsed: Duration,
    /// The attempt's number, from 1.
    pub attempt: u32,
}

/// A response.
#[derive(Debug, Clone, Copy)]
pub struct HttpAnswer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The header fields as they came, in order.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The body after content decoding.
    pub body: &'a [u8],
    /// Why the body is not whole, if it is not.
    pub cut: Option<Cut>,
}

/// Why a body is not whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// It is longer than what is read of its kind.
    Length,
    /// The connection or the coded bytes ended before it did.
    Disconnected,
    /// It was not read because it is not needed: that of a redirect or of an error status.
    Unread,
}

/// Why there is no response, or no whole one.
#[derive(Debug, Clone, Copy)]
pub struct Failure<'a> {
    /// The HTTP status, if the answer came so far.
    pub status: Option<u16>,
    /// A short, stable name, as `FetchError::reason` gives it.
    pub reason: &'a str,
    /// The same for people.
    pub message: &'a str,
}

/// A version of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpVersion {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2.
    Http2,
}

impl Exchange<'_> {
    /// When the request was sent, as RFC 3339 has it: in UTC, to the millisecond.
    pub(in crate::crawl) fn time(&self) -> String {
        let since = self.time.duration_since(UNIX_EPOCH).unwrap_or_default();
        rfc3339(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

impl<'a> HttpAnswer<'a> {
    /// The first header field of a name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }
}
