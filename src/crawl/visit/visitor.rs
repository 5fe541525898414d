//! One URL's visit: what it answers, and what that may be used for.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::document::{Document, seconds};
use super::document_contents::DocumentContents;
use super::document_rules::DocumentRules;
use super::media_type::{Kind, MediaType, is_picture};
use crate::canonical_url::CanonicalUrl;
use crate::config::CrawlConfig;
use crate::crawl::http::error::FetchError;
use crate::crawl::http::fetch_options::FetchOptions;
use crate::crawl::http::fetcher::Fetcher;
use crate::crawl::http::response::Response;
use crate::crawl::http::wait_policy::WaitPolicy;
use crate::crawl::policy::judge::Judge;
use crate::crawl::politeness::opt_out::OptOuts;
use crate::crawl::politeness::origin_rules::{OriginRules, is_usual_sitemap};
use crate::store::ledger::Purpose;
use crate::store::{AsyncStore, Promise, Role, UrlRecord, Validators};

/// What a URL gave.
pub(in crate::crawl) enum Fetched {
    /// A page or another document, and what was found in it.
    Document(Box<DocumentContents>),
    /// The bytes of what should be a picture.
    Picture {
        bytes: Vec<u8>,
        validators: Validators,
    },
    /// The server says that it has not changed.
    Unchanged,
}

/// All that visits share.
pub(in crate::crawl) struct Visitor {
    pub(in crate::crawl) fetcher: Fetcher,
    pub(in crate::crawl) store: AsyncStore,
    pub(in crate::crawl) config: Arc<CrawlConfig>,
    pub(in crate::crawl) rules: Arc<DocumentRules>,
    pub(in crate::crawl) max_picture_bytes: u64,
    /// Pages that may be parsed at once.
    pub(in crate::crawl) parsing: Semaphore,
    /// Sitemaps that may be in memory at once.
    pub(in crate::crawl) sitemaps: Semaphore,
}

/// Largest sitemap by the protocol, in bytes.
const LARGEST_SITEMAP: u64 = 50 << 20;

impl Visitor {
    /// Fetches a leased URL, following redirects; `known` is the version of the last visit.
    pub(super) async fn visit(
        &self,
        record: &UrlRecord,
        promise: Promise,
        known: Option<Validators>,
        url: &CanonicalUrl,
    ) -> Result<Fetched, FetchError> {
        let role = record.role;
        let options = FetchOptions {
            purpose: match role {
                Role::Page => Purpose::Page,
                Role::Picture => Purpose::Picture,
                Role::Sheet => Purpose::Sheet,
                Role::Feed => Purpose::Feed,
                Role::Sitemap => Purpose::Sitemap,
            },
            wait: WaitPolicy::Never,
            known,
            attempt: record.attempts + 1,
        };
        let rules = &self.rules;
        let judge = Judge::of_crawl(&self.config, &rules.scope, &rules.admission, role);
        let (response, url) = self.fetcher.follow(url, judge, &options).await?;
        match response.status() {
            200 => {}
            304 if options.known.is_some() => {
                // The same picture, and a word that was not said before.
                let said = response.opt_outs(&url);
                return match said.forbids_pictures(&self.config.respect) {
                    Some(reason) if role == Role::Picture => Err(FetchError::OptedOut(reason)),
                    _ => Ok(Fetched::Unchanged),
                };
            }
            status @ (429 | 503) => {
                return Err(FetchError::Busy(status, response.retry_after()));
            }
            status @ 400..500 if role == Role::Sitemap && !is_named(&response, &url) => {
                return Err(FetchError::NoSitemap(status));
            }
            status => return Err(FetchError::Status(status)),
        }
        let known = options.known.is_some();
        let media_type = MediaType::of(response.content_types());
        let names_picture = media_type.essence.starts_with("image/");
        match role {
            Role::Picture if promise == Promise::Linked => {
                self.linked(response, url, record.depth, media_type, known)
                    .await
            }
            Role::Picture => self.picture(response, &url, known).await,
            Role::Page if names_picture => self.picture(response, &url, known).await,
            Role::Page => self.page(response, url, record.depth, media_type).await,
            Role::Sitemap => {
                let said = Said {
                    is_named: is_named(&response, &url),
                    ..Said::of(&response, &url)
                };
                // They may be far larger than pages, so few of them are in memory at once.
                let _turn = self.sitemaps.acquire().await;
                let cap = self.config.max_page_bytes.max(LARGEST_SITEMAP);
                let body = self.fetcher.body(response, cap).await?;
                self.document(url, role, record.depth, media_type.charset, said, body)
                    .await
            }
            role => {
                let said = Said::of(&response, &url);
                let body = self.fetcher.body(response, self.config.max_page_bytes);
                let body = body.await?;
                self.document(url, role, record.depth, media_type.charset, said, body)
                    .await
            }
        }
    }

    /// If a page comes where a picture was promised, the decoder recognises it by its bytes.
    /// `known`: its URL gave a picture before, which what is said now may take out of the store.
    async fn picture(
        &self,
        response: Response,
        url: &CanonicalUrl,
        known: bool,
    ) -> Result<Fetched, FetchError> {
        let said = Said::of(&response, url);
        let forbidden = said.opt_outs.forbids_pictures(&self.config.respect);
        if let (Some(reason), false) = (forbidden, known) {
            return Err(FetchError::OptedOut(reason));
        }
        let bytes = self.fetcher.body(response, self.max_picture_bytes).await?;
        self.fetched_picture(said, bytes)
    }

    /// The bytes of what should be a picture, unless it says that it is not to be used. What is
    /// said beside a page of an outage is not said of the picture.
    fn fetched_picture(&self, said: Said, bytes: Vec<u8>) -> Result<Fetched, FetchError> {
        let forbidden = said.opt_outs.forbids_pictures(&self.config.respect);
        if let Some(reason) = forbidden
            && is_picture(&bytes)
        {
            return Err(FetchError::OptedOut(reason));
        }
        let validators = Validators {
            unavailable_after_s: seconds(said.opt_outs.unavailable_after()),
            ..said.validators
        };
        Ok(Fetched::Picture { bytes, validators })
    }

    /// What a link leads to that looks like a picture's. A page that comes is read as one, if it
    /// would have been followed as one.
    async fn linked(
        &self,
        response: Response,
        url: CanonicalUrl,
        depth: u32,
        media_type: MediaType,
        known: bool,
    ) -> Result<Fetched, FetchError> {
        let said = Said::of(&response, &url);
        let (names_page, page_depth) = (media_type.names_page(), depth + 1);
        let forbidden = said.opt_outs.forbids_pictures(&self.config.respect);
        if let (Some(reason), false, false) = (forbidden, known, names_page) {
            return Err(FetchError::OptedOut(reason));
        }
        let cap = match names_page {
            true => self.config.max_page_bytes,
            false => self.max_picture_bytes,
        };
        let body = self.fetcher.body(response, cap).await?;
        let is_followed = self.rules.scope.follows(&url, page_depth)
            && self.rules.admission.check(&url, Role::Page).is_ok();
        if is_followed && media_type.is_page(&body) {
            return self
                .document(url, Role::Page, page_depth, media_type.charset, said, body)
                .await;
        }
        self.fetched_picture(said, body)
    }

    /// What a link or a seed leads to: a page, or what shows to be something else.
    async fn page(
        &self,
        response: Response,
        url: CanonicalUrl,
        depth: u32,
        media_type: MediaType,
    ) -> Result<Fetched, FetchError> {
        if media_type.names_other() {
            return Err(FetchError::NotAPage(media_type.essence));
        }
        let said = Said::of(&response, &url);
        let cap = match media_type.says_nothing() {
            true => self.config.max_page_bytes.max(self.max_picture_bytes),
            false => self.config.max_page_bytes,
        };
        let body = self.fetcher.body(response, cap).await?;
        let role = match media_type.of_page(&body) {
            Kind::Picture => return self.fetched_picture(said, body),
            Kind::Html => Role::Page,
            Kind::Feed => Role::Feed,
            Kind::Sitemap => Role::Sitemap,
            Kind::Other => return Err(FetchError::NotAPage(media_type.essence)),
        };
        self.document(url, role, depth, media_type.charset, said, body)
            .await
    }

    async fn document(
        &self,
        url: CanonicalUrl,
        role: Role,
        depth: u32,
        charset: Option<String>,
        said: Said,
        body: Vec<u8>,
    ) -> Result<Fetched, FetchError> {
        let sitemaps = match (&said.rules, role) {
            (Some(rules), Role::Page) if self.config.sitemaps => rules.take_sitemaps(&url),
            _ => Vec::new(),
        };
        // A page takes many times its bytes while it is parsed, so few are parsed at once.
        let _turn = self.parsing.acquire().await;
        let rules = Arc::clone(&self.rules);
        let document = Document {
            url,
            role,
            depth,
            charset,
            body,
            said: said.opt_outs,
            validators: said.validators,
            sitemaps,
            is_named: said.is_named,
        };
        spawn_blocking(move || document.read(&rules))
            .await
            .map(|reading| Fetched::Document(Box::new(reading)))
            .map_err(|error| FetchError::Transfer(error.to_string()))
    }
}

/// What an answer says of its body, before that is read.
struct Said {
    opt_outs: OptOuts,
    validators: Validators,
    rules: Option<Arc<OriginRules>>,
    /// Whether somebody names the document.
    is_named: bool,
}

impl Said {
    fn of(response: &Response, url: &CanonicalUrl) -> Self {
        Self {
            opt_outs: response.opt_outs(url),
            validators: response.validators(),
            rules: response.rules.clone(),
            is_named: true,
        }
    }
}

/// Whether somebody names a sitemap: it does not lie in the usual place, or robots.txt names it.
fn is_named(response: &Response, url: &CanonicalUrl) -> bool {
    let rules = response.rules.as_ref();
    !is_usual_sitemap(url) || rules.is_some_and(|rules| rules.names_sitemap(url))
}
