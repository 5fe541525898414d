//! Sending requests: permits, deadlines, and who is told.

use std::sync::Arc;
use std::time::SystemTime;

use reqwest::header::{HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, RETRY_AFTER};
use tokio::time::{Duration, Instant, timeout};

use super::body::{Overlong, read_body};
use super::client::{client, explain, headers};
use super::error::{FetchError, Refusal};
use super::resolver::Resolver;
use super::response::{Head, Response, Underway};
use crate::canonical_url::{CanonicalUrl, HostId};
use crate::config::CrawlConfig;
use crate::crawl::archive::exchange::{Cut, Exchange, HttpVersion};
use crate::crawl::archive::fetch_log::FetchLog;
use crate::crawl::archive::warc::WarcWriter;
use crate::crawl::politeness::origin_rules::{OriginRules, RulesCache};
use crate::crawl::politeness::pacing::{Health, Pacer, Turn};
use crate::store::ledger::{Asked, Ledger, Purpose, RobotsDecision};
use crate::store::{Store, Validators, now_ms};

/// The one way to the network.
pub struct Fetcher {
    http: reqwest::Client,
    resolver: Resolver,
    pacer: Arc<Pacer>,
    pub(in crate::crawl) rules: RulesCache,
    pub(in crate::crawl) store: Option<Arc<Store>>,
    ledger: Option<Arc<Ledger>>,
    recorders: Arc<Recorders>,
    pub(in crate::crawl) config: CrawlConfig,
}

/// Who is told of every request and its answer.
#[derive(Debug, Default)]
pub struct Recorders {
    /// The log of fetches.
    pub fetch_log: Option<FetchLog>,
    /// The archive of what was fetched.
    pub warc: Option<WarcWriter>,
}

/// Leave to send one request now: robots.txt allows it, the turn of the host and of its
/// address has come, the address is open. It cannot be copied, and it is used up by sending.
pub struct Permit {
    url: CanonicalUrl,
    turn: Turn,
    purpose: Purpose,
    robots: RobotsDecision,
    rules: Option<Arc<OriginRules>>,
}

/// What is asked for beyond the URL.
#[derive(Debug, Clone)]
pub(in crate::crawl) struct Asking {
    /// The version that is known already: the server may say that it is still the same.
    pub(in crate::crawl) known: Option<Validators>,
    /// The how-maniest try it is, from 1.
    pub(in crate::crawl) attempt: u32,
}

impl Asking {
    /// A first try, with nothing known.
    pub(in crate::crawl) const FIRST: Self = Self {
        known: None,
        attempt: 1,
    };
}

/// How long a permit may be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::crawl) enum Patience {
    /// Not at all: the scheduler has other hosts to ask meanwhile.
    None,
    /// For a turn.
    Turn,
}

/// Longest wait for a turn within a visit, which holds one of the crawl's places.
const LONGEST_TURN: Duration = Duration::from_secs(60);
/// Longest Retry-After that is honoured.
pub(in crate::crawl) const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

impl Fetcher {
    /// A client with the crawl's deadlines, user agent and address rules. With a store,
    /// requests are written down there, pacing goes on where the last process stopped, and
    /// hosts' rules are remembered.
    ///
    /// # Errors
    /// If TLS or the proxy cannot be set up, or the store's ledger cannot be read.
    pub fn new(
        config: &CrawlConfig,
        store: Option<Arc<Store>>,
        recorders: Arc<Recorders>,
    ) -> Result<Self, FetchError> {
        let proxy = config.proxy.as_ref();
        let proxy = proxy.and_then(|url| url.host_str().map(str::to_owned));
        let resolver = Resolver::new(config, proxy);
        let pacer = Pacer::new(config.host_concurrency, config.latency_factor);
        let mut ledger = None;
        if let Some(store) = &store {
            let open = store.open_ledger()?;
            let longest = MAX_RETRY_AFTER.max(Duration::from_secs(config.max_crawl_delay_s));
            pacer.restore(&open.last_requests(longest)?, config.delay(), now_ms());
            ledger = Some(Arc::new(open));
        }
        Ok(Self {
            http: client(config, &resolver)?,
            resolver,
            pacer: Arc::new(pacer),
            rules: RulesCache::default(),
            store,
            ledger,
            recorders,
            config: config.clone(),
        })
    }

    /// When a host's next turn may come; not before `now`.
    pub(in crate::crawl) fn next_turn(&self, host: HostId, now: Instant) -> Instant {
        self.pacer.next_turn(host, now)
    }

    /// Asks robots.txt, checks the address and waits for a turn.
    ///
    /// # Errors
    /// If the URL may not be fetched, or not yet.
    pub(in crate::crawl) async fn permit(
        &self,
        url: &CanonicalUrl,
        purpose: Purpose,
        patience: Patience,
    ) -> Result<Permit, Refusal> {
        let own = self.config.host_config(url.host());
        if own.is_some_and(|host| host.skip) {
            return Err(Refusal::Skipped);
        }
        // A store that cannot be read stops the crawl when the answer is to be stored.
        let removed = self
            .store
            .as_ref()
            .map(|store| store.is_removed(url.host_id()));
        if let Some(Ok(true)) = removed {
            return Err(Refusal::Removed);
        }
        let rules = self.rules(url, patience).await?;
        let robots = rules.decide(url)?;
        if self.config.respect.tdm && matches!(purpose, Purpose::Page | Purpose::Picture) {
            self.fetch_tdmrep(&rules, url, patience).await?;
        }
        let delay = self.delay(url, &rules);
        let permit = self.turn(url, purpose, delay, patience).await?;
        Ok(Permit {
            robots,
            rules: Some(rules),
            ..permit
        })
    }

    /// Least time between two requests to the host of `url`: the user's, or what its
    /// robots.txt asks for.
    pub(in crate::crawl) fn delay(&self, url: &CanonicalUrl, rules: &OriginRules) -> Duration {
        let longest = Duration::from_secs(self.config.max_crawl_delay_s);
        let asked = rules.crawl_delay().unwrap_or_default().min(longest);
        self.config.host_delay(url.host()).max(asked)
    }

    /// Checks the address and waits for a turn. Only for robots.txt is this enough.
    pub(in crate::crawl) async fn turn(
        &self,
        url: &CanonicalUrl,
        purpose: Purpose,
        delay: Duration,
        patience: Patience,
    ) -> Result<Permit, Refusal> {
        let address = self.resolver.pin(url).await?;
        let host = url.host_id();
        let turn = match patience {
            Patience::None => self
                .pacer
                .try_turn(host, address, delay)
                .map_err(Refusal::NotYet)?,
            Patience::Turn => {
                let deadline = Instant::now() + LONGEST_TURN.max(delay.mul_f64(1.5));
                let turn = self.pacer.turn(host, address, delay, deadline).await;
                turn.map_err(|when| Refusal::Held(when - Instant::now()))?
            }
        };
        Ok(Permit {
            url: url.clone(),
            turn,
            purpose,
            robots: RobotsDecision::NotNeeded,
            rules: None,
        })
    }

    /// Sends one request; follows no redirect.
    ///
    /// # Errors
    /// If there is no answer in time, the connection fails, or the request cannot be
    /// written down before.
    pub(in crate::crawl) async fn send(
        &self,
        permit: Permit,
        asking: &Asking,
    ) -> Result<Response, FetchError> {
        let request_headers = self.request_headers(&permit.url, asking);
        let ledger = self.ledger.as_ref().map(|ledger| {
            let asked = Asked {
                host: permit.url.host_id(),
                address: permit.turn.address(),
                purpose: permit.purpose,
                robots: permit.robots,
                delay_ms: u32::try_from(permit.turn.owed().as_millis()).unwrap_or(u32::MAX),
                serial: self.config.host_concurrency == 1,
            };
            ledger.started(permit.url.host(), asked)
        });
        let mut under_way = Underway {
            url: permit.url,
            purpose: permit.purpose,
            robots: permit.robots,
            attempt: asking.attempt,
            waited: permit.turn.waited(),
            time: SystemTime::now(),
            started: Instant::now(),
            retry_after: None,
            request_headers,
            head: None,
            cut: None,
            ledger: ledger.transpose()?,
            recorders: Arc::clone(&self.recorders),
            turn: permit.turn,
        };
        match self.answer(&under_way).await {
            Ok(inner) => {
                self.read_head(&mut under_way, &inner);
                Ok(Response {
                    inner,
                    under_way,
                    rules: permit.rules,
                })
            }
            Err(error) => {
                under_way.end(Err(&error));
                if matches!(
                    error,
                    FetchError::Connect(_) | FetchError::Timeout("connect")
                ) {
                    self.resolver.unanswered(under_way.url.host());
                }
                Err(error)
            }
        }
    }

    async fn answer(&self, under_way: &Underway) -> Result<reqwest::Response, FetchError> {
        let url = &under_way.url;
        tracing::info!(target: "simdex::request", %url, "request");
        let request = self.http.get(url.as_url().clone());
        let request = request.headers(under_way.request_headers.clone()).send();
        let wait = Duration::from_millis(self.config.first_byte_timeout_ms);
        match timeout(wait, request).await {
            Ok(answer) => answer.map_err(|error| explain(&error)),
            Err(_) => Err(FetchError::Timeout("headers")),
        }
    }

    fn read_head(&self, under_way: &mut Underway, inner: &reqwest::Response) {
        let status = inner.status().as_u16();
        let url = &under_way.url;
        tracing::debug!(target: "simdex::request", %url, status, "response");
        if matches!(status, 429 | 503) {
            under_way.turn.learn(Health::Overloaded);
            let asked = inner.headers().get(RETRY_AFTER);
            let asked = asked.and_then(|value| retry_after(value.to_str().ok()?));
            under_way.retry_after = asked.map(|wait| wait.min(MAX_RETRY_AFTER));
            if let Some(wait) = under_way.retry_after {
                self.pacer.hold(url.host_id(), Instant::now() + wait);
            }
        } else {
            under_way
                .turn
                .learn(Health::Well(under_way.started.elapsed()));
        }
        under_way.head = Some(Head {
            status,
            version: match inner.version() {
                reqwest::Version::HTTP_2 => HttpVersion::Http2,
                reqwest::Version::HTTP_10 => HttpVersion::Http10,
                _ => HttpVersion::Http11,
            },
            headers: inner.headers().clone(),
        });
    }

    fn request_headers(&self, url: &CanonicalUrl, asking: &Asking) -> HeaderMap {
        let mut fields = headers(&self.config, url.host());
        let known = asking.known.as_ref();
        let etag = known.and_then(|known| known.etag.as_deref());
        let modified = known.and_then(|known| known.last_modified.as_deref());
        for (name, value) in [(IF_NONE_MATCH, etag), (IF_MODIFIED_SINCE, modified)] {
            if let Some(Ok(value)) = value.map(HeaderValue::from_str) {
                fields.insert(name, value);
            }
        }
        fields
    }

    /// Reads a body of at most `cap` bytes within the deadlines.
    ///
    /// # Errors
    /// If it is too large, too slow or breaks off.
    pub(in crate::crawl) async fn body(
        &self,
        response: Response,
        cap: u64,
    ) -> Result<Vec<u8>, FetchError> {
        self.read(response, cap, Overlong::Refused).await
    }

    /// Reads the first `cap` bytes of a body.
    ///
    /// # Errors
    /// If it is too slow or breaks off before.
    pub(in crate::crawl) async fn prefix(
        &self,
        response: Response,
        cap: u64,
    ) -> Result<Vec<u8>, FetchError> {
        self.read(response, cap, Overlong::Cut).await
    }

    async fn read(
        &self,
        response: Response,
        cap: u64,
        overlong: Overlong,
    ) -> Result<Vec<u8>, FetchError> {
        let Response {
            inner,
            mut under_way,
            ..
        } = response;
        let deadline = under_way.started + Duration::from_millis(self.config.total_timeout_ms);
        let idle = Duration::from_millis(self.config.idle_timeout_ms);
        let body = read_body(inner, cap, overlong, idle, deadline).await;
        if overlong == Overlong::Cut && body.as_ref().is_ok_and(|b| b.len() as u64 == cap) {
            under_way.cut = Some(Cut::Length);
        }
        under_way.end(body.as_deref());
        body
    }
}

impl Recorders {
    pub(in crate::crawl) fn is_empty(&self) -> bool {
        self.fetch_log.is_none() && self.warc.is_none()
    }

    /// Writes what is left, and says what could not be written.
    pub fn close(self) -> Vec<String> {
        let log = self.fetch_log.and_then(|log| log.close().err());
        let log = log.map(|error| format!("not every fetch is logged: {error}"));
        let warc = self.warc.and_then(|warc| warc.close().err());
        let warc = warc.map(|error| format!("not every fetch is archived: {error}"));
        log.into_iter().chain(warc).collect()
    }

    /// A log that cannot be written is said once, and the crawl goes on.
    pub(in crate::crawl) fn record(&self, exchange: &Exchange<'_>) {
        if let Some(Err(error)) = self.fetch_log.as_ref().map(|log| log.record(exchange)) {
            tracing::error!(%error, "a fetch is not logged");
        }
        if let Some(Err(error)) = self.warc.as_ref().map(|warc| warc.record(exchange)) {
            tracing::error!(%error, "a fetch is not archived");
        }
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
