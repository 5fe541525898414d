//! A response whose body has not been read: what it says.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use reqwest::header::{CONTENT_LENGTH, LOCATION, TRANSFER_ENCODING};
use tokio::time::Duration;

use super::in_flight_request::InFlightRequest;
use crate::canonical_url::{CanonicalUrl, UrlError};
use crate::crawl::ROBOTS_AGENT;
use crate::crawl::header_text::header_text;
use crate::crawl::politeness::opt_out::OptOuts;
use crate::crawl::politeness::origin_rules::OriginRules;
use crate::store::Validators;

/// A response whose body has not been read. The turn lasts until it is dropped.
pub(in crate::crawl) struct Response {
    pub(super) inner: reqwest::Response,
    pub(super) request: InFlightRequest,
    /// The rules of the origin that were asked before; `None` for rules themselves.
    pub(in crate::crawl) rules: Option<Arc<OriginRules>>,
}

impl Response {
    pub(in crate::crawl) fn status(&self) -> u16 {
        self.inner.status().as_u16()
    }

    /// Whether it brings what was asked for, in whatever way: any 2xx but those without a content
    /// or with a part of it.
    pub(in crate::crawl) fn has_content(&self) -> bool {
        matches!(self.status(), 200..=203 | 207..=299)
    }

    /// Whether it brings a part of what was asked for that begins at its beginning, though nobody
    /// asked for a part: what follows may still be all of it.
    pub(in crate::crawl) fn begins_content(&self) -> bool {
        let range = self.header("content-range");
        let is_from_start = |range: &str| {
            let from = range.trim().trim_start_matches("bytes").trim_start();
            from.starts_with("0-")
        };
        self.status() == 206 && range.is_none_or(|range| is_from_start(&range))
    }

    /// The first value of a header field.
    pub(in crate::crawl) fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let value = self.inner.headers().get(name)?;
        Some(header_text(value.as_bytes()))
    }

    /// All values of a header field.
    pub(in crate::crawl) fn headers(&self, name: &str) -> Vec<Cow<'_, str>> {
        let values = self.inner.headers().get_all(name).iter();
        values.map(|value| header_text(value.as_bytes())).collect()
    }

    /// Whether the answer tells the end of its body in another way than by closing the connection.
    pub(in crate::crawl) fn is_framed(&self) -> bool {
        let headers = self.inner.headers();
        headers.contains_key(CONTENT_LENGTH)
            || headers.contains_key(TRANSFER_ENCODING)
            || self.inner.version() == reqwest::Version::HTTP_2
    }

    /// How long the host asks to be left alone (Retry-After).
    pub(in crate::crawl) fn retry_after(&self) -> Option<Duration> {
        self.request.retry_after
    }

    /// Where a redirect leads; `None` if the response is not one.
    pub(in crate::crawl) fn redirect(
        &self,
        url: &CanonicalUrl,
    ) -> Result<Option<CanonicalUrl>, UrlError> {
        if !matches!(self.status(), 300..=303 | 307 | 308) {
            return Ok(None);
        }
        self.header(LOCATION.as_str())
            .map(|location| CanonicalUrl::join(url.as_url(), &location))
            .transpose()
    }

    /// What the server calls this version of the document.
    pub(in crate::crawl) fn validators(&self) -> Validators {
        // Longer ones would bloat the records, and no sensible server sends them. They are sent
        // back byte by byte, so they must be text as they are.
        let text = |name: &str| {
            let value = self.inner.headers().get(name)?.as_bytes();
            let value = str::from_utf8(value).ok()?;
            (value.len() <= 256).then(|| value.to_owned())
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
            said.add_header(name.as_str(), &header_text(value.as_bytes()));
        }
        if let Some(rules) = &self.rules {
            rules.add_opt_outs(url, &mut said);
        }
        said
    }
}
