//! One URL's visit: what it answers, and what that may be used for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::Duration;

use super::document::Document;
use crate::canonical_url::CanonicalUrl;
use crate::config::CrawlConfig;
use crate::crawl::http::error::{FetchError, Refusal};
use crate::crawl::http::fetcher::{Asking, Fetcher, Patience};
use crate::crawl::http::response::Response;
use crate::crawl::policy::admission::Admission;
use crate::crawl::policy::scope::ScopeRules;
use crate::crawl::politeness::opt_out::OptOuts;
use crate::extract::{InlinePicture, PageRules};
use crate::store::ledger::Purpose;
use crate::store::{Lease, PageVisit, Role, Validators};

/// What a URL gave.
pub(in crate::crawl) enum Answer {
    /// A page or another document, and what stood in it.
    Document(Box<Reading>),
    /// The bytes of what should be a picture.
    Picture {
        bytes: Vec<u8>,
        validators: Validators,
    },
    /// The server says that it is what it was.
    Unchanged,
}

/// What was read from a document.
pub(in crate::crawl) struct Reading {
    pub(in crate::crawl) visit: PageVisit,
    /// Pictures that stand in the document itself.
    pub(in crate::crawl) inline: Vec<InlinePicture>,
    /// Length of the body in bytes.
    pub(in crate::crawl) bytes: u64,
    /// What was found and not taken, by reason.
    pub(in crate::crawl) declined: BTreeMap<&'static str, u64>,
}

/// All that visits share.
pub(in crate::crawl) struct Visitor {
    pub(in crate::crawl) fetcher: Fetcher,
    pub(in crate::crawl) scope: ScopeRules,
    pub(in crate::crawl) admission: Admission,
    pub(in crate::crawl) config: CrawlConfig,
    pub(in crate::crawl) page_rules: PageRules,
    pub(in crate::crawl) max_picture_bytes: u64,
    /// Pages that may be parsed at once.
    pub(in crate::crawl) parsing: Semaphore,
}

impl Visitor {
    /// Fetches a leased URL, following redirects.
    pub(in crate::crawl) async fn visit(
        self: &Arc<Self>,
        lease: &Lease,
        url: &CanonicalUrl,
    ) -> Result<Answer, FetchError> {
        let record = lease.record();
        let asking = Asking {
            known: lease.last_visit().map(|visit| visit.validators.clone()),
            attempt: record.attempts + 1,
        };
        let role = record.role;
        let purpose = match role {
            Role::Page => Purpose::Page,
            Role::Picture => Purpose::Picture,
            Role::Sheet => Purpose::Sheet,
            Role::Feed => Purpose::Feed,
            Role::Sitemap => Purpose::Sitemap,
        };
        let may_lead = |next: &CanonicalUrl| role != Role::Page || self.scope.contains(next);
        let answer = self
            .fetcher
            .follow(url, purpose, Patience::None, &asking, &may_lead);
        let (response, url) = answer.await?;
        match response.status() {
            200 => {}
            304 if asking.known.is_some() => return Ok(Answer::Unchanged),
            status @ (429 | 503) => {
                return Err(FetchError::Busy(status, response.retry_after()));
            }
            status => return Err(FetchError::Status(status)),
        }
        let content_type = response.header("content-type").unwrap_or_default();
        let (media_type, charset) = parse_content_type(content_type);
        if role == Role::Picture || media_type.starts_with("image/") {
            self.picture(response, &url).await
        } else {
            let document = document_role(role, &media_type)?;
            self.document(response, url, document, record.depth, charset)
                .await
        }
    }

    /// A page where a picture was promised is told by the decoder from its bytes.
    async fn picture(&self, response: Response, url: &CanonicalUrl) -> Result<Answer, FetchError> {
        let said = response.opt_outs(url);
        if let Some(reason) = said.forbids_pictures(&self.config.respect) {
            return Err(FetchError::OptedOut(reason.name()));
        }
        let validators = Validators {
            unavailable_after_s: seconds(said.unavailable_after()),
            ..response.validators()
        };
        let bytes = self.fetcher.body(response, self.max_picture_bytes).await?;
        Ok(Answer::Picture { bytes, validators })
    }

    async fn document(
        self: &Arc<Self>,
        response: Response,
        url: CanonicalUrl,
        role: Role,
        depth: u32,
        charset: Option<String>,
    ) -> Result<Answer, FetchError> {
        let said: OptOuts = response.opt_outs(&url);
        let validators = response.validators();
        let sitemaps = match (&response.rules, role) {
            (Some(rules), Role::Page) if self.config.sitemaps => rules.take_sitemaps(&url),
            _ => Vec::new(),
        };
        let body = self
            .fetcher
            .body(response, self.config.max_page_bytes)
            .await?;
        // A page takes many times its bytes while it is parsed, so few are at once.
        let _turn = self.parsing.acquire().await;
        let visitor = Arc::clone(self);
        let document = Document {
            url,
            role,
            depth,
            charset,
            body,
            said,
            validators,
            sitemaps,
        };
        spawn_blocking(move || document.read(&visitor))
            .await
            .map(|reading| Answer::Document(Box::new(reading)))
            .map_err(|error| FetchError::Transfer(error.to_string()))
    }

    /// How long to wait before try number `attempts + 1`: four times longer each time, and
    /// up to a half more by chance, so that what failed together is not tried together.
    pub(in crate::crawl) fn backoff(&self, error: &FetchError, attempts: u32) -> Duration {
        let shortest = self.config.delay().max(Duration::from_millis(100));
        let wait = shortest * 4u32.saturating_pow((attempts + 1).min(6));
        let wait = wait.mul_f64(1.0 + 0.5 * rand::random::<f64>());
        match error {
            FetchError::Busy(_, Some(asked)) | FetchError::Refused(Refusal::Held(asked)) => {
                wait.max(*asked)
            }
            _ => wait,
        }
    }
}

/// What a document is read as: by what it was queued as, or by what the server calls it.
fn document_role(role: Role, media_type: &str) -> Result<Role, FetchError> {
    match (role, media_type) {
        (Role::Page, "application/rss+xml" | "application/atom+xml") => Ok(Role::Feed),
        (Role::Page, "text/html" | "application/xhtml+xml" | "") => Ok(Role::Page),
        (Role::Page, _) => Err(FetchError::NotAPage(media_type.to_owned())),
        (role, _) => Ok(role),
    }
}

/// A time in seconds since 1970.
pub(in crate::crawl) fn seconds(time: Option<SystemTime>) -> Option<u64> {
    let since = time?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(since.as_secs())
}

/// The media type in lower case, and the charset if it is named.
fn parse_content_type(value: &str) -> (String, Option<String>) {
    let mut parts = value.split(';');
    let media_type = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    let charset = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| value.trim().trim_matches('"').to_owned())
    });
    (media_type, charset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types() {
        assert_eq!(
            parse_content_type("Text/HTML; charset=\"UTF-8\""),
            ("text/html".to_owned(), Some("UTF-8".to_owned()))
        );
        assert_eq!(
            parse_content_type("image/png"),
            ("image/png".to_owned(), None)
        );
        assert_eq!(parse_content_type(""), (String::new(), None));
    }
}
