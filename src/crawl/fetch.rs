//! Sending requests: permits, deadlines, and the errors that tell what may pass.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use reqwest::header::{ACCEPT, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;
use tokio::time::{Duration, Instant, timeout};
use url::Host;

use super::address::{CheckedResolver, PrivateAddress, is_public};
use super::body::read_body;
use super::error::{FetchError, Refusal, with_causes};
use super::pacing::{Pacer, Turn};
use super::robots::{RobotsCache, Rules};
use super::user_agent;
use crate::canonical_url::{CanonicalUrl, UrlError};
use crate::config::CrawlConfig;

/// The one way to the network.
pub struct Fetcher {
    http: reqwest::Client,
    pacer: Arc<Pacer>,
    robots: RobotsCache,
    config: CrawlConfig,
}

/// Leave to send one request now: robots.txt allows it, the host's turn has come, the
/// address is open. It cannot be copied, and it is used up by sending.
pub struct Permit {
    url: CanonicalUrl,
    turn: Turn,
}

/// A response whose body has not been read. The host's turn lasts until it is dropped.
pub(super) struct Response {
    inner: reqwest::Response,
    turn: Turn,
    started: Instant,
}

/// Largest robots.txt read; RFC 9309 asks for 500 KiB at least.
const ROBOTS_BYTES: u64 = 512 << 10;
/// Redirects followed from a robots.txt (RFC 9309, section 2.3.1.2).
const ROBOTS_REDIRECTS: usize = 5;
/// Longest wait for a turn within a visit, which holds one of the crawl's places.
const LONGEST_TURN: Duration = Duration::from_secs(60);
/// Longest Retry-After that is honoured.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

impl Fetcher {
    /// A client with the crawl's deadlines, user agent and address rules.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new(config: &CrawlConfig) -> Result<Self, FetchError> {
        // Another part of the program may have chosen the provider already; either serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut headers = HeaderMap::new();
        headers.insert(
            ACCEPT,
            HeaderValue::from_static("text/html,image/*,*/*;q=0.5"),
        );
        let http = reqwest::Client::builder()
            .user_agent(user_agent(config.contact.as_deref()))
            .default_headers(headers)
            .redirect(Policy::none())
            .connect_timeout(Duration::from_millis(config.connect_timeout_ms))
            .pool_max_idle_per_host(config.host_concurrency)
            .pool_idle_timeout(Duration::from_secs(30))
            .dns_resolver(Arc::new(CheckedResolver {
                allow_private: config.allow_private_addresses,
            }))
            // A proxy would resolve names itself, past the address check.
            .no_proxy()
            .referer(false)
            // Its own retries would go past the pacer.
            .retry(reqwest::retry::never())
            .build()
            .map_err(|error| FetchError::Connect(with_causes(&error)))?;
        Ok(Self {
            http,
            pacer: Arc::new(Pacer::new(config.host_concurrency)),
            robots: RobotsCache::default(),
            config: config.clone(),
        })
    }

    /// The pacer, for whoever schedules.
    pub(super) fn pacer(&self) -> &Pacer {
        &self.pacer
    }

    /// Asks robots.txt, waits for the host's turn and checks a literal address.
    ///
    /// # Errors
    /// If the URL may not be fetched.
    pub async fn permit(&self, url: &CanonicalUrl) -> Result<Permit, Refusal> {
        self.check_literal(url)?;
        let rules = self.rules(url).await;
        match &*rules {
            Rules::Unreachable => return Err(Refusal::RobotsUnreachable),
            Rules::Private(address) => return Err(address.clone().into()),
            Rules::Known(_) if !rules.allow(url) => return Err(Refusal::Robots),
            Rules::Known(_) => {}
        }
        let longest = Duration::from_secs(self.config.max_crawl_delay_s);
        let asked = rules.crawl_delay().unwrap_or_default().min(longest);
        let delay = self.config.delay().max(asked);
        let patience = self
            .pacer
            .next_turn(url.host_id())
            .saturating_duration_since(Instant::now());
        if patience > delay.max(LONGEST_TURN) {
            return Err(Refusal::Held(patience));
        }
        let turn = self.pacer.turn(url.host_id(), delay).await;
        Ok(Permit {
            url: url.clone(),
            turn,
        })
    }

    /// Sends one request; follows no redirect.
    ///
    /// # Errors
    /// If there is no answer in time or the connection fails.
    pub(super) async fn send(&self, permit: Permit) -> Result<Response, FetchError> {
        let Permit { url, turn } = permit;
        let started = Instant::now();
        tracing::info!(target: "simdex::request", %url, "request");
        let request = self.http.get(url.as_url().clone()).send();
        let wait = Duration::from_millis(self.config.first_byte_timeout_ms);
        let inner = timeout(wait, request)
            .await
            .map_err(|_| FetchError::Timeout("headers"))?
            .map_err(|error| self.explain(&error))?;
        tracing::debug!(target: "simdex::request", %url, status = inner.status().as_u16(), "response");
        Ok(Response {
            inner,
            turn,
            started,
        })
    }

    /// Reads a body of at most `cap` bytes within the deadlines.
    ///
    /// # Errors
    /// If it is too large, too slow or breaks off.
    pub(super) async fn body(&self, response: Response, cap: u64) -> Result<Vec<u8>, FetchError> {
        let Response {
            inner,
            turn,
            started,
        } = response;
        let deadline = started + Duration::from_millis(self.config.total_timeout_ms);
        let idle = Duration::from_millis(self.config.idle_timeout_ms);
        let body = read_body(inner, cap, idle, deadline).await;
        drop(turn);
        body
    }

    /// Lets a host be for as long as it asks with Retry-After, and says for how long.
    pub(super) fn heed_retry_after(
        &self,
        url: &CanonicalUrl,
        response: &Response,
    ) -> Option<Duration> {
        let wait = retry_after(response.header(RETRY_AFTER.as_str())?)?.min(MAX_RETRY_AFTER);
        self.pacer.hold(url.host_id(), Instant::now() + wait);
        Some(wait)
    }

    async fn rules(&self, url: &CanonicalUrl) -> Arc<Rules> {
        let origin = url.origin();
        let entry = self.robots.entry(&origin);
        let fetch = || async {
            let (rules, bytes) = self.fetch_rules(&origin).await;
            self.robots.account(&origin, bytes);
            if let Some(asked) = rules.crawl_delay() {
                let longest = Duration::from_secs(self.config.max_crawl_delay_s);
                // The first page comes this long after robots.txt, too.
                self.pacer
                    .hold(url.host_id(), Instant::now() + asked.min(longest));
            }
            Arc::new(rules)
        };
        Arc::clone(entry.rules.get_or_init(fetch).await)
    }

    /// The result belongs to the origin asked for, wherever redirects lead.
    async fn fetch_rules(&self, origin: &str) -> (Rules, usize) {
        let Ok(mut url) = CanonicalUrl::parse(&format!("{origin}/robots.txt")) else {
            return (Rules::Unreachable, 0);
        };
        for _ in 0..=ROBOTS_REDIRECTS {
            let response = match self.request_robots(&url).await {
                Ok(response) => response,
                Err(FetchError::Refused(Refusal::Private(address))) => {
                    return (Rules::Private(address), 0);
                }
                Err(error) => {
                    tracing::info!(%url, %error, "robots.txt cannot be reached");
                    return (Rules::Unreachable, 0);
                }
            };
            match response.status() {
                200..300 => {
                    return match self.robots_body(response).await {
                        Ok(body) => (Rules::parse(&body), body.len()),
                        Err(_) => (Rules::Unreachable, 0),
                    };
                }
                300..400 => match response.redirect(&url) {
                    Ok(Some(next)) => url = next,
                    // Not a redirect to anywhere: as good as absent.
                    _ => return (Rules::absent(), 0),
                },
                429 => {
                    self.heed_retry_after(&url, &response);
                    return (Rules::Unreachable, 0);
                }
                400..500 => return (Rules::absent(), 0),
                _ => return (Rules::Unreachable, 0),
            }
        }
        (Rules::absent(), 0)
    }

    /// robots.txt itself needs no robots decision, but a turn and an open address.
    async fn request_robots(&self, url: &CanonicalUrl) -> Result<Response, FetchError> {
        self.check_literal(url).map_err(Refusal::from)?;
        let turn = self.pacer.turn(url.host_id(), self.config.delay()).await;
        let url = url.clone();
        self.send(Permit { url, turn }).await
    }

    /// What is behind the cap is ignored, as RFC 9309 allows, not an error.
    async fn robots_body(&self, response: Response) -> Result<Vec<u8>, FetchError> {
        let idle = Duration::from_millis(self.config.idle_timeout_ms);
        let total = Duration::from_millis(self.config.total_timeout_ms);
        let deadline = response.started + total;
        super::body::read_prefix(response.inner, ROBOTS_BYTES, idle, deadline).await
    }

    fn check_literal(&self, url: &CanonicalUrl) -> Result<(), PrivateAddress> {
        let literal = match url.as_url().host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            _ => return Ok(()),
        };
        if self.config.allow_private_addresses || is_public(literal) {
            Ok(())
        } else {
            Err(PrivateAddress {
                host: url.host().to_owned(),
            })
        }
    }

    fn explain(&self, error: &reqwest::Error) -> FetchError {
        let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(cause) = source {
            if let Some(private) = cause.downcast_ref::<PrivateAddress>() {
                return Refusal::Private(private.clone()).into();
            }
            source = cause.source();
        }
        if error.is_timeout() {
            FetchError::Timeout("connect")
        } else if error.is_connect() {
            FetchError::Connect(with_causes(error))
        } else {
            FetchError::Transfer(with_causes(error))
        }
    }
}

impl Response {
    pub(super) fn status(&self) -> u16 {
        self.inner.status().as_u16()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.inner.headers().get(name)?.to_str().ok()
    }

    /// Where a redirect leads; `None` if the response is not one.
    pub(super) fn redirect(&self, url: &CanonicalUrl) -> Result<Option<CanonicalUrl>, UrlError> {
        if !matches!(self.status(), 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        self.header(LOCATION.as_str())
            .map(|location| CanonicalUrl::join(url.as_url(), location))
            .transpose()
    }
}

/// Retry-After in seconds or as a date (RFC 9110, section 10.2.3).
fn retry_after(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_in_both_forms() {
        assert_eq!(retry_after("120"), Some(Duration::from_secs(120)));
        assert_eq!(
            retry_after("Fri, 31 Dec 1999 23:59:59 GMT"),
            Some(Duration::ZERO)
        );
        assert_eq!(retry_after("soon"), None);
    }
}
