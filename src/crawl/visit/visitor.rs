//! One URL's visit: what it answers, and what that may be used for.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::document::{Document, seconds};
use super::document_contents::DocumentContents;
use super::document_rules::DocumentRules;
use super::header_elements::header_elements;
use super::media_type::{Kind, MediaType, is_picture};
use crate::blocking;
use crate::canonical_url::CanonicalUrl;
use crate::config::CrawlConfig;
use crate::crawl::archive::exchange::Cut;
use crate::crawl::http::body::{Body, Longer};
use crate::crawl::http::error::FetchError;
use crate::crawl::http::fetch_options::FetchOptions;
use crate::crawl::http::fetcher::Fetcher;
use crate::crawl::http::response::Response;
use crate::crawl::http::wait_policy::WaitPolicy;
use crate::crawl::policy::judge::Judge;
use crate::crawl::politeness::opt_out::OptOuts;
use crate::crawl::politeness::origin_rules::{OriginRules, is_usual_sitemap};
use crate::picture::PictureId;
use crate::saving::Saver;
use crate::store::ledger::Purpose;
use crate::store::{AsyncStore, Lease, Promise, Role, StoreError, UrlRecord, Validators};

/// What a URL gave.
pub(in crate::crawl) enum Fetched {
    /// A page or another document, and what was found in it.
    Document(Box<DocumentContents>),
    /// The bytes of what should be a picture.
    Picture {
        bytes: Vec<u8>,
        validators: Validators,
        /// The opt-outs that were said with it, which the settings may have set aside.
        opt_outs: Vec<String>,
        /// The body ended early.
        truncated: bool,
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
    /// Where the bytes of pictures are saved.
    pub(in crate::crawl) saver: Option<Arc<Saver>>,
    /// Pages that may be parsed at once.
    pub(in crate::crawl) parsing: Semaphore,
    /// Sitemaps, and other bodies that are longer than pages, that may be in memory at once.
    pub(in crate::crawl) sitemaps: Arc<Semaphore>,
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
            referer: self.referer(record, url).await,
            attempt: record.attempts + 1,
        };
        let rules = &self.rules;
        let judge = Judge::of_crawl(&self.config, &rules.scope, &rules.admission, role);
        let (response, url) = self.fetcher.follow(url, judge, &options).await?;
        match response.status() {
            _ if response.has_content() || response.begins_content() => {}
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
        let types = response.headers("content-type");
        let media_type = MediaType::of(types.iter().map(AsRef::as_ref));
        // Sitemaps and feeds are called by types of XML at random.
        let names_picture =
            media_type.essence.starts_with("image/") && media_type.essence != "image/svg+xml";
        match role {
            Role::Picture if promise == Promise::Linked => {
                self.linked(response, url, record.depth, media_type, &options)
                    .await
            }
            Role::Picture => self.picture(response, &url, &options).await,
            Role::Page if names_picture => self.picture(response, &url, &options).await,
            Role::Page => {
                self.page(response, url, record.depth, media_type, &options)
                    .await
            }
            Role::Sitemap => {
                let said = Said {
                    is_named: is_named(&response, &url),
                    ..Said::of(&response, &url)
                };
                // They may be far larger than pages, so few of them are in memory at once.
                let _turn = self.sitemaps.acquire().await;
                let cap = self.config.max_page_bytes.max(LARGEST_SITEMAP);
                let body = self.fetcher.beginning(response, cap).await?;
                self.document(url, role, record.depth, media_type.charset, said, body)
                    .await
            }
            role => {
                let said = Said::of(&response, &url);
                let body = self.fetcher.beginning(response, self.config.max_page_bytes);
                let body = body.await?;
                self.document(url, role, record.depth, media_type.charset, said, body)
                    .await
            }
        }
    }

    /// The version of the last visit, by which a server may say that nothing has changed. A picture
    /// that is to be saved and is not has to come whole.
    pub(super) async fn known(&self, lease: &Lease) -> Option<Validators> {
        let visit = lease.last_visit()?;
        let known = visit.validators.clone();
        let id = PictureId::from_bytes(visit.content);
        if self.saver.as_ref().is_none_or(|saver| saver.contains(id)) {
            return Some(known);
        }
        // A seed or a link may have given a picture, too.
        let is_picture = lease.record().role == Role::Picture || {
            let stored = self
                .store
                .call(move |store| Ok::<_, StoreError>(store.contains(id)? || store.waits(id)?));
            stored.await.unwrap_or(true)
        };
        Some(match is_picture {
            true => Validators::default(),
            false => known,
        })
    }

    /// The page that shows what is asked for, if its host is to know; pages are asked for without.
    async fn referer(&self, record: &UrlRecord, url: &CanonicalUrl) -> Option<CanonicalUrl> {
        if record.role == Role::Page || !self.config.sends_referer(url.host()) {
            return None;
        }
        let id = url.id();
        let page = self.store.call(move |store| store.page_showing(id)).await;
        CanonicalUrl::parse(&page.ok()??).ok()
    }

    /// If a page comes where a picture was promised, the decoder recognises it by its bytes.
    /// If a version is known, its URL gave a picture before, which what is said now may take out
    /// of the store.
    async fn picture(
        &self,
        response: Response,
        url: &CanonicalUrl,
        options: &FetchOptions,
    ) -> Result<Fetched, FetchError> {
        let said = Said::of(&response, url);
        let forbidden = said.opt_outs.forbids_pictures(&self.config.respect);
        if let (Some(reason), None) = (forbidden, &options.known) {
            return Err(FetchError::OptedOut(reason));
        }
        let body = self.fetcher.body(response, self.max_picture_bytes).await?;
        self.fetched_picture(said, body, options)
    }

    /// The bytes of what should be a picture, unless it says that it is not to be used. What is
    /// said beside a page of an outage is not said of the picture.
    fn fetched_picture(
        &self,
        said: Said,
        body: Body,
        options: &FetchOptions,
    ) -> Result<Fetched, FetchError> {
        let (bytes, truncated) = (body.bytes, body.cut.is_some());
        // The rest may come another time; if it never does, the decoder judges what came.
        if truncated && options.attempt < self.config.max_attempts && !has_its_end(&bytes) {
            return Err(FetchError::Transfer(
                "the picture ends before its end".to_owned(),
            ));
        }
        let forbidden = said.opt_outs.forbids_pictures(&self.config.respect);
        if let Some(reason) = forbidden
            && is_picture(&bytes)
        {
            return Err(FetchError::OptedOut(reason));
        }
        Ok(Fetched::Picture {
            bytes,
            validators: Validators {
                unavailable_after_s: seconds(said.opt_outs.unavailable_after()),
                ..whole_version(said.validators, truncated)
            },
            opt_outs: said.opt_outs.of_pictures(),
            truncated,
        })
    }

    /// What a link leads to that looks like a picture's. A page that comes is read as one, if it
    /// would have been followed as one.
    async fn linked(
        &self,
        response: Response,
        url: CanonicalUrl,
        depth: u32,
        media_type: MediaType,
        options: &FetchOptions,
    ) -> Result<Fetched, FetchError> {
        let said = Said::of(&response, &url);
        let (names_page, page_depth) = (media_type.names_page(), depth + 1);
        let forbidden = said.opt_outs.forbids_pictures(&self.config.respect);
        if let (Some(reason), None, false) = (forbidden, &options.known, names_page) {
            return Err(FetchError::OptedOut(reason));
        }
        let (pages, pictures) = (self.config.max_page_bytes, self.max_picture_bytes);
        let body = match names_page {
            true => self.fetcher.beginning(response, pages).await?,
            false => self.fetcher.body(response, pictures).await?,
        };
        let is_followed = self.rules.scope.follows(&url, page_depth)
            && self.rules.admission.check(&url, Role::Page).is_ok();
        if is_followed && media_type.is_page(&body.bytes) {
            return self
                .document(url, Role::Page, page_depth, media_type.charset, said, body)
                .await;
        }
        self.fetched_picture(said, body, options)
    }

    /// What a link or a seed leads to: a page, or what shows to be something else.
    async fn page(
        &self,
        response: Response,
        url: CanonicalUrl,
        depth: u32,
        media_type: MediaType,
        options: &FetchOptions,
    ) -> Result<Fetched, FetchError> {
        if media_type.names_other() {
            return Err(FetchError::NotAPage(media_type.essence));
        }
        let said = Said::of(&response, &url);
        let (pages, pictures) = (self.config.max_page_bytes, self.max_picture_bytes);
        let longer = Longer {
            cap: &|beginning| match media_type.of_page(beginning) {
                Kind::Sitemap => Some(LARGEST_SITEMAP),
                Kind::Picture => Some(pictures),
                Kind::Html | Kind::Feed | Kind::Other => None,
            },
            turns: &self.sitemaps,
        };
        let body = self.fetcher.longer_beginning(response, pages, longer);
        let body = body.await?;
        let role = match media_type.of_page(&body.bytes) {
            // Of a picture all is needed.
            Kind::Picture if body.cut == Some(Cut::Length) => {
                return Err(FetchError::TooLarge(pages.max(pictures)));
            }
            Kind::Picture => return self.fetched_picture(said, body, options),
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
        body: Body,
    ) -> Result<Fetched, FetchError> {
        let sitemaps = match (&said.rules, role) {
            (Some(rules), Role::Page) if self.config.sitemaps => rules.take_sitemaps(&url),
            _ => Vec::new(),
        };
        let _long = body.turn;
        // A page takes many times its bytes while it is parsed, so few are parsed at once.
        let _turn = self.parsing.acquire().await;
        let rules = Arc::clone(&self.rules);
        let truncated = body.cut == Some(Cut::Disconnected);
        let overlong = body.cut == Some(Cut::Length);
        let document = Document {
            url,
            role,
            depth,
            charset,
            body: body.bytes,
            truncated,
            overlong,
            header_elements: said.header_elements,
            said: said.opt_outs,
            validators: whole_version(said.validators, truncated),
            sitemaps,
            is_named: said.is_named,
        };
        blocking::run(move || document.read(&rules))
            .await
            .map(|reading| Fetched::Document(Box::new(reading)))
            .map_err(|error| FetchError::Transfer(error.to_string()))
    }
}

/// What an answer says of its body, before that is read.
struct Said {
    opt_outs: OptOuts,
    /// What elements could say, in HTML.
    header_elements: String,
    validators: Validators,
    rules: Option<Arc<OriginRules>>,
    /// Whether somebody names the document.
    is_named: bool,
}

impl Said {
    fn of(response: &Response, url: &CanonicalUrl) -> Self {
        Self {
            opt_outs: response.opt_outs(url),
            header_elements: header_elements(response),
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

/// The name of a version of which there is only the beginning counts for nothing: the next visit
/// is to get the rest.
fn whole_version(version: Validators, truncated: bool) -> Validators {
    match truncated {
        true => Validators::default(),
        false => version,
    }
}

/// Whether a picture ends as those of its format do, whatever its length was said to be.
fn has_its_end(bytes: &[u8]) -> bool {
    match image::guess_format(bytes) {
        Ok(image::ImageFormat::Jpeg) => bytes.ends_with(b"\xFF\xD9"),
        Ok(image::ImageFormat::Png) => bytes.ends_with(b"IEND\xAE\x42\x60\x82"),
        Ok(image::ImageFormat::Gif) => bytes.ends_with(b";"),
        Ok(image::ImageFormat::WebP) => {
            let length = bytes.get(4..).and_then(<[u8]>::first_chunk::<4>);
            length.is_some_and(|length| u32::from_le_bytes(*length) as usize + 8 <= bytes.len())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_pictures() {
        let mut webp = b"RIFF\x06\0\0\0WEBPVP".to_vec();
        for (bytes, expected) in [
            (&b"\xFF\xD8\xFF\xE0 \xFF\xD9"[..], true),
            (b"\xFF\xD8\xFF\xE0 \xFF", false),
            (b"\x89PNG\r\n\x1a\n IEND\xAE\x42\x60\x82", true),
            (b"\x89PNG\r\n\x1a\n IEN", false),
            (b"GIF89a ;", true),
            (b"GIF89a ", false),
            (&webp.clone(), true),
            (b"<!doctype html>", false),
            (b"", false),
        ] {
            assert_eq!(has_its_end(bytes), expected, "{bytes:?}");
        }
        webp.pop();
        assert!(!has_its_end(&webp));
    }
}
