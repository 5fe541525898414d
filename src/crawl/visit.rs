//! One URL's visit: permits, redirects, and what its answer is.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::Duration;

use super::error::{FetchError, Refusal};
use super::fetch::{Fetcher, Response};
use super::page::parse_page;
use super::scope::ScopeRules;
use crate::canonical_url::CanonicalUrl;
use crate::config::{Config, CrawlConfig};
use crate::store::{Discovery, Embed, PageRecord, PageVisit, Role, now_ms};

/// What a URL gave.
pub(super) enum Answer {
    /// A page and what stood on it.
    Page { visit: PageVisit, bytes: u64 },
    /// The bytes of what should be a picture.
    Picture(Vec<u8>),
}

/// All that visits share.
pub(super) struct Visitor {
    pub(super) fetcher: Arc<Fetcher>,
    pub(super) scope: ScopeRules,
    pub(super) config: CrawlConfig,
    pub(super) max_picture_bytes: u64,
    /// Pages that may be parsed at once.
    pub(super) parsing: Semaphore,
}

impl Visitor {
    /// Fetches a URL, following redirects; each hop needs its own permit.
    pub(super) async fn visit(
        &self,
        first: &CanonicalUrl,
        role: Role,
        depth: u32,
    ) -> Result<Answer, FetchError> {
        let mut url = first.clone();
        for hop in 0..=self.config.max_redirects {
            let permit = self
                .fetcher
                .permit(&url)
                .await
                .map_err(|refusal| match refusal {
                    Refusal::RobotsUnreachable if hop == 0 => FetchError::HostClosed,
                    refusal => refusal.into(),
                })?;
            let response = self.fetcher.send(permit).await?;
            match response.redirect(&url) {
                Ok(None) => return self.answer(response, &url, role, depth).await,
                Ok(Some(next)) => {
                    if role == Role::Page && !self.scope.contains(&next) {
                        return Err(FetchError::OutOfScope);
                    }
                    url = next;
                }
                Err(error) => return Err(FetchError::BadRedirect(error.to_string())),
            }
        }
        Err(FetchError::TooManyRedirects(self.config.max_redirects))
    }

    async fn answer(
        &self,
        response: Response,
        url: &CanonicalUrl,
        role: Role,
        depth: u32,
    ) -> Result<Answer, FetchError> {
        match response.status() {
            200 => {}
            status @ (429 | 503) => {
                let wait = self.fetcher.heed_retry_after(url, &response);
                return Err(FetchError::Busy(status, wait));
            }
            status => return Err(FetchError::Status(status)),
        }
        let content_type = response
            .header("content-type")
            .unwrap_or_default()
            .to_owned();
        let (media_type, charset) = parse_content_type(&content_type);
        let is_html = matches!(media_type.as_str(), "text/html" | "application/xhtml+xml")
            || (media_type.is_empty() && role == Role::Page);
        if role == Role::Picture || media_type.starts_with("image/") {
            // A page where a picture was promised is told by the decoder from its bytes.
            let bytes = self.fetcher.body(response, self.max_picture_bytes).await?;
            return Ok(Answer::Picture(bytes));
        }
        if !is_html {
            return Err(FetchError::NotAPage(media_type));
        }
        let body = self
            .fetcher
            .body(response, self.config.max_page_bytes)
            .await?;
        let bytes = body.len() as u64;
        let base = url.as_url().clone();
        // A page takes many times its bytes while it is parsed, so few are at once.
        let _turn = self.parsing.acquire().await;
        let page = spawn_blocking(move || parse_page(&body, charset.as_deref(), &base))
            .await
            .map_err(|error| FetchError::Transfer(error.to_string()))?;
        let links = page.links.into_iter().map(|url| Discovery {
            url,
            role: Role::Page,
            depth: depth + 1,
            embed: None,
        });
        let followed = links.filter(|link| self.scope.follows(&link.url, link.depth));
        let pictures = page.pictures.into_iter().map(|(url, alt)| Discovery {
            url,
            role: Role::Picture,
            depth,
            embed: Some(Embed { alt }),
        });
        let visit = PageVisit {
            id: url.id(),
            host: url.host_id(),
            found: pictures.chain(followed).collect(),
            page: PageRecord {
                url: url.to_string(),
                title: page.title,
                fetched_at: now_ms() / 1000,
            },
        };
        Ok(Answer::Page { visit, bytes })
    }

    /// How long to wait before try number `attempts + 1`: four times longer each time.
    pub(super) fn backoff(&self, error: &FetchError, attempts: u32) -> Duration {
        let shortest = self.config.delay().max(Duration::from_millis(100));
        let wait = shortest * 4u32.saturating_pow((attempts + 1).min(6));
        match error {
            FetchError::Busy(_, Some(asked)) | FetchError::Refused(Refusal::Held(asked)) => {
                wait.max(*asked)
            }
            _ => wait,
        }
    }
}

/// Fetches a single picture for a query, by the same rules as a crawl.
///
/// # Errors
/// If it may not or cannot be fetched, or is a page.
pub async fn fetch_picture(
    fetcher: &Fetcher,
    url: &CanonicalUrl,
    config: &Config,
) -> Result<Vec<u8>, FetchError> {
    let mut url = url.clone();
    for _ in 0..=config.crawl.max_redirects {
        let permit = fetcher.permit(&url).await?;
        let response = fetcher.send(permit).await?;
        match response.redirect(&url) {
            Ok(None) if response.status() == 200 => {
                return fetcher.body(response, config.picture.max_bytes).await;
            }
            Ok(None) => return Err(FetchError::Status(response.status())),
            Ok(Some(next)) => url = next,
            Err(error) => return Err(FetchError::BadRedirect(error.to_string())),
        }
    }
    Err(FetchError::TooManyRedirects(config.crawl.max_redirects))
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
