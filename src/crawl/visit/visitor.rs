//! One URL's visit: what it answers, and what that may be used for.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::document::{Document, seconds};
use super::document_contents::DocumentContents;
use super::document_rules::DocumentRules;
use super::header_elements::header_elements;
use crate::canonical_url::CanonicalUrl;
use crate::config::CrawlConfig;
use crate::crawl::http::error::FetchError;
use crate::crawl::http::fetch_options::FetchOptions;
use crate::crawl::http::fetcher::Fetcher;
use crate::crawl::http::response::Response;
use crate::crawl::http::wait_policy::WaitPolicy;
use crate::crawl::policy::judge::Judge;
use crate::store::ledger::Purpose;
use crate::store::{AsyncStore, Role, UrlRecord, Validators};

/// What a URL gave.
pub(in crate::crawl) enum Fetched {
    /// A page or another document, and what was found in it.
    Document(Box<DocumentContents>),
    /// The bytes of what should be a picture.
    Picture {
        bytes: Vec<u8>,
        validators: Validators,
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
    /// Pages that may be parsed at once.
    pub(in crate::crawl) parsing: Semaphore,
}

impl Visitor {
    /// Fetches a leased URL, following redirects; `known` is the version of the last visit.
    pub(super) async fn visit(
        &self,
        record: &UrlRecord,
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
            _ if response.has_content() => {}
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
            status => return Err(FetchError::Status(status)),
        }
        let content_type = response.header("content-type").unwrap_or_default();
        let (media_type, charset) = parse_content_type(&content_type);
        if role == Role::Picture || media_type.starts_with("image/") {
            self.picture(response, &url, &options).await
        } else {
            let document = document_role(role, &media_type)?;
            self.document(response, url, document, record.depth, charset)
                .await
        }
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
        let said = response.opt_outs(url);
        let forbidden = said.forbids_pictures(&self.config.respect);
        if let (Some(reason), None) = (forbidden, &options.known) {
            return Err(FetchError::OptedOut(reason));
        }
        let validators = response.validators();
        let body = self.fetcher.body(response, self.max_picture_bytes).await?;
        let (bytes, truncated) = (body.bytes, body.cut.is_some());
        // The rest may come another time; if it never does, the decoder judges what came.
        if truncated && options.attempt < self.config.max_attempts && !has_its_end(&bytes) {
            return Err(FetchError::Transfer(
                "the picture ends before its end".to_owned(),
            ));
        }
        let validators = Validators {
            unavailable_after_s: seconds(said.unavailable_after()),
            ..whole_version(validators, truncated)
        };
        // What is said beside a page of an outage is not said of the picture.
        if let Some(reason) = forbidden
            && image::guess_format(&bytes).is_ok()
        {
            return Err(FetchError::OptedOut(reason));
        }
        Ok(Fetched::Picture {
            bytes,
            validators,
            truncated,
        })
    }

    async fn document(
        &self,
        response: Response,
        url: CanonicalUrl,
        role: Role,
        depth: u32,
        charset: Option<String>,
    ) -> Result<Fetched, FetchError> {
        let said = response.opt_outs(&url);
        let validators = response.validators();
        let header_elements = header_elements(&response);
        let sitemaps = match (&response.rules, role) {
            (Some(rules), Role::Page) if self.config.sitemaps => rules.take_sitemaps(&url),
            _ => Vec::new(),
        };
        let body = self
            .fetcher
            .body(response, self.config.max_page_bytes)
            .await?;
        // A page takes many times its bytes while it is parsed, so few are parsed at once.
        let _turn = self.parsing.acquire().await;
        let rules = Arc::clone(&self.rules);
        let truncated = body.cut.is_some();
        let document = Document {
            url,
            role,
            depth,
            charset,
            body: body.bytes,
            truncated,
            header_elements,
            said,
            validators: whole_version(validators, truncated),
            sitemaps,
        };
        spawn_blocking(move || document.read(&rules))
            .await
            .map(|reading| Fetched::Document(Box::new(reading)))
            .map_err(|error| FetchError::Transfer(error.to_string()))
    }
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

/// What a document is read as: by what it was queued as, or by what the server calls it.
fn document_role(role: Role, media_type: &str) -> Result<Role, FetchError> {
    match (role, media_type) {
        (Role::Page, "application/rss+xml" | "application/atom+xml") => Ok(Role::Feed),
        (Role::Page, "text/html" | "application/xhtml+xml" | "") => Ok(Role::Page),
        (Role::Page, _) => Err(FetchError::NotAPage(media_type.to_owned())),
        (role, _) => Ok(role),
    }
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
