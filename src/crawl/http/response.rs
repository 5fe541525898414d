//! A response whose body has not been read: what it says.

use std::sync::Arc;
use std::time::SystemTime;

use reqwest::header::{CONTENT_TYPE, LOCATION};
use tokio::time::Duration;

use super::in_flight_request::InFlightRequest;
use crate::canonical_url::{CanonicalUrl, UrlError};
use crate::crawl::ROBOTS_AGENT;
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

    pub(in crate::crawl) fn header(&self, name: &str) -> Option<&str> {
        self.inner.headers().get(name)?.to_str().ok()
    }

    /// The values of all `Content-Type` fields.
    pub(in crate::crawl) fn content_types(&self) -> impl Iterator<Item = &str> {
        let values = self.inner.headers().get_all(CONTENT_TYPE).iter();
        values.filter_map(|value| value.to_str().ok())
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
        if !matches!(self.status(), 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        self.header(LOCATION.as_str())
            .map(|location| CanonicalUrl::join(url.as_url(), location))
            .transpose()
    }

    /// What the server calls this version of the document.
    pub(in crate::crawl) fn validators(&self) -> Validators {
        // Longer ones would bloat the records, and no sensible server sends them.
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
