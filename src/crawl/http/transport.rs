//! Sending requests: permits, deadlines, and writing them down.

use std::sync::Arc;
use std::time::SystemTime;

use reqwest::cookie::Jar;
use reqwest::header::RETRY_AFTER;
use tokio::time::{Duration, Instant, timeout};

use super::body::{Body, BodyRules, Longer, Overlong, read_body};
use super::client::{Clients, explain, is_odd_head};
use super::error::FetchError;
use super::fetch_options::FetchOptions;
use super::in_flight_request::{Head, InFlightRequest};
use super::odd_heads::OddHeads;
use super::request_fields::RequestFields;
use super::resolver::Resolver;
use super::response::Response;
use super::wait_policy::WaitPolicy;
use crate::canonical_url::{CanonicalUrl, HostId};
use crate::config::CrawlConfig;
use crate::crawl::archive::exchange::HttpVersion;
use crate::crawl::archive::recorders::Recorders;
use crate::crawl::header_text::header_text;
use crate::crawl::policy::refusal::Refusal;
use crate::crawl::politeness::origin_rules::OriginRules;
use crate::crawl::politeness::pacing::{Health, Pacer, Turn};
use crate::store::ledger::{Ledger, Purpose, RequestTerms, RobotsDecision};
use crate::store::{AsyncStore, now_ms};

/// The one way to the network. It knows nothing of rules but pacing and addresses.
pub(in crate::crawl) struct Transport {
    http: Clients,
    odd_heads: OddHeads,
    resolver: Resolver,
    pacer: Arc<Pacer>,
    ledger: Option<Arc<Ledger>>,
    recorders: Arc<Recorders>,
    request_fields: RequestFields,
    config: Arc<CrawlConfig>,
}

/// Permission to send one request now: robots.txt allows it, the turn of the host and of its
/// address has come, and the address is open. It cannot be copied, and sending uses it up.
pub struct Permit {
    url: CanonicalUrl,
    turn: Turn,
    robots: RobotsDecision,
    rules: Option<Arc<OriginRules>>,
}

/// Longest wait for a turn within a visit, which holds one of the crawl's places.
const LONGEST_TURN: Duration = Duration::from_secs(60);
/// Longest Retry-After that is honoured.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

impl Transport {
    /// A client with the crawl's deadlines, user agent and address rules.
    ///
    /// # Errors
    /// If TLS or the proxy cannot be set up.
    pub(super) fn new(
        config: &Arc<CrawlConfig>,
        recorders: Arc<Recorders>,
    ) -> Result<Self, FetchError> {
        let proxy = config.proxy.as_ref();
        let proxy = proxy.and_then(|url| url.expose().host_str().map(str::to_owned));
        let resolver = Resolver::new(config, proxy);
        let pacer = Pacer::new(config.host_concurrency, config.latency_factor);
        let jar = config.cookies.then(Arc::<Jar>::default);
        let patience = Duration::from_millis(config.connect_timeout_ms);
        let behind_proxy = config.proxy.is_some();
        Ok(Self {
            http: Clients::new(config, &resolver, jar.as_ref())?,
            odd_heads: OddHeads::new(&resolver, jar, patience, behind_proxy),
            resolver,
            pacer: Arc::new(pacer),
            ledger: None,
            recorders,
            request_fields: RequestFields::new(config),
            config: Arc::clone(config),
        })
    }

    /// From now on the host of `url` is one that the user has named.
    pub(super) fn name_host(&self, url: &CanonicalUrl) {
        self.request_fields.name_host(url);
    }

    /// Writes requests down in the store's ledger from now on, and continues pacing where the
    /// last process stopped.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub(super) async fn open_ledger(&mut self, store: &AsyncStore) -> Result<(), FetchError> {
        let longest = MAX_RETRY_AFTER.max(Duration::from_secs(self.config.max_crawl_delay_s));
        let opened = store.call(move |store| {
            let ledger = store.open_ledger()?;
            let last = ledger.last_requests(longest)?;
            Ok((ledger, last))
        });
        let (ledger, last) = opened.await.map_err(FetchError::Store)?;
        self.pacer.restore(&last, self.config.delay(), now_ms());
        let pace = Arc::clone(&self.pacer);
        store.call(move |store| store.pace_by(pace)).await;
        self.ledger = Some(Arc::new(ledger));
        Ok(())
    }

    /// When a host's next turn may come; not before `now`.
    pub(super) fn next_turn(&self, host: HostId, now: Instant) -> Instant {
        self.pacer.next_turn(host, now)
    }

    /// Leaves a host alone until `until`.
    pub(super) fn hold(&self, host: HostId, until: Instant) {
        self.pacer.hold(host, until);
    }

    /// Checks the address and waits for a turn, when robots.txt has allowed the URL.
    ///
    /// # Errors
    /// If the address is a closed one, the name does not resolve, or the turn does not come.
    pub(super) async fn permit(
        &self,
        url: &CanonicalUrl,
        robots: RobotsDecision,
        rules: Arc<OriginRules>,
        delay: Duration,
        wait: WaitPolicy,
    ) -> Result<Permit, Refusal> {
        Ok(Permit {
            robots,
            rules: Some(rules),
            ..self.permit_rule_file(url, delay, wait).await?
        })
    }

    /// Checks the address and waits for a turn. Only for files of rules is this enough.
    ///
    /// # Errors
    /// As [`Self::permit`].
    pub(super) async fn permit_rule_file(
        &self,
        url: &CanonicalUrl,
        delay: Duration,
        wait: WaitPolicy,
    ) -> Result<Permit, Refusal> {
        let address = self.resolver.pin(url).await?;
        let host = url.host_id();
        let turn = match wait {
            WaitPolicy::Never => self
                .pacer
                .try_turn(host, address, delay)
                .map_err(Refusal::NotDue)?,
            WaitPolicy::ForTurn => {
                let deadline = Instant::now() + LONGEST_TURN.max(delay.mul_f64(1.5));
                let turn = self.pacer.turn(host, address, delay, deadline).await;
                turn.map_err(|when| Refusal::RetryAfter(when - Instant::now()))?
            }
        };
        Ok(Permit {
            url: url.clone(),
            turn,
            robots: RobotsDecision::NotNeeded,
            rules: None,
        })
    }

    /// Sends one request; follows no redirect.
    ///
    /// # Errors
    /// If there is no answer in time, the connection fails, or the request cannot be
    /// written down before. After [`FetchError::OddHead`] the same may be asked for again, with
    /// another permit.
    pub(super) async fn send(
        &self,
        permit: Permit,
        options: &FetchOptions,
    ) -> Result<Response, FetchError> {
        let request_headers = self.request_fields.of(&permit.url, options);
        let mut request = InFlightRequest {
            ledger: self.write_start(&permit, options.purpose)?,
            url: permit.url,
            purpose: options.purpose,
            robots: permit.robots,
            attempt: options.attempt,
            waited: permit.turn.waited(),
            time: SystemTime::now(),
            started: Instant::now(),
            retry_after: None,
            request_headers,
            head: None,
            cut: None,
            recorders: Arc::clone(&self.recorders),
            turn: permit.turn,
        };
        match self.answer(&request).await {
            Ok(inner) => {
                self.read_head(&mut request, &inner);
                Ok(Response {
                    inner,
                    request,
                    rules: permit.rules,
                })
            }
            Err(error) => {
                request.end(Err(&error));
                if matches!(
                    error,
                    FetchError::Connect(_) | FetchError::Timeout("connect")
                ) {
                    self.resolver.unanswered(request.url.host());
                }
                Err(error)
            }
        }
    }

    /// Writes down that a request is about to be sent. This blocks, but not for long: the
    /// start and the end of a request are one short write each to a file's end, without a
    /// flush, measured at 4 microseconds together; a thread for it would cost more.
    fn write_start(
        &self,
        permit: &Permit,
        purpose: Purpose,
    ) -> Result<Option<crate::store::ledger::Request>, FetchError> {
        let Some(ledger) = &self.ledger else {
            return Ok(None);
        };
        let terms = RequestTerms {
            host: permit.url.host_id(),
            address: permit.turn.address(),
            purpose,
            robots: permit.robots,
            delay_ms: u32::try_from(permit.turn.owed().as_millis()).unwrap_or(u32::MAX),
            serial: self.config.host_concurrency == 1,
        };
        Ok(Some(ledger.started(permit.url.host(), terms)?))
    }

    async fn answer(&self, request: &InFlightRequest) -> Result<reqwest::Response, FetchError> {
        let url = &request.url;
        tracing::info!(target: "simdex::request", %url, "request");
        let fields = &request.request_headers;
        let sent = async {
            if self.odd_heads.knows(url) {
                return self.odd_heads.get(url, fields).await;
            }
            match self.http.get(url, fields).await {
                Err(error) if is_odd_head(&error) && self.odd_heads.learn(url) => {
                    Err(FetchError::OddHead)
                }
                answer => answer.map_err(|error| explain(&error)),
            }
        };
        let wait = Duration::from_millis(self.config.first_byte_timeout_ms);
        match timeout(wait, sent).await {
            Ok(answer) => answer,
            Err(_) => Err(FetchError::Timeout("headers")),
        }
    }

    fn read_head(&self, request: &mut InFlightRequest, inner: &reqwest::Response) {
        let status = inner.status().as_u16();
        let url = &request.url;
        tracing::debug!(target: "simdex::request", %url, status, "response");
        if matches!(status, 429 | 503) {
            request.turn.learn(Health::Overloaded);
            let asked = inner.headers().get(RETRY_AFTER);
            let asked = asked.and_then(|value| retry_after(&header_text(value.as_bytes())));
            request.retry_after = asked.map(|wait| wait.min(MAX_RETRY_AFTER));
            if let Some(wait) = request.retry_after {
                self.pacer.hold(url.host_id(), Instant::now() + wait);
            }
        } else {
            request.turn.learn(Health::Well(request.started.elapsed()));
        }
        request.head = Some(Head {
            status,
            version: match inner.version() {
                reqwest::Version::HTTP_2 => HttpVersion::Http2,
                reqwest::Version::HTTP_10 => HttpVersion::Http10,
                _ => HttpVersion::Http11,
            },
            headers: inner.headers().clone(),
        });
    }

    /// Reads a body of at most `cap` bytes within the deadlines, or of more, if it is one of those
    /// that may be `longer`. One that is longer yet is an error or is cut, as `overlong` says.
    ///
    /// # Errors
    /// If it is too large or too slow, breaks off before anything came of it, or is in a coding
    /// that cannot be undone.
    pub(super) async fn read(
        &self,
        response: Response,
        cap: u64,
        longer: Option<Longer<'_>>,
        overlong: Overlong,
    ) -> Result<Body, FetchError> {
        let Response {
            inner, mut request, ..
        } = response;
        let rules = BodyRules {
            cap,
            longer,
            overlong,
            idle: Duration::from_millis(self.config.idle_timeout_ms),
            deadline: request.started + Duration::from_millis(self.config.total_timeout_ms),
            takes_broken: request.attempt >= self.config.max_attempts
                || request.purpose == Purpose::PolicyFile,
            takes_uncoded: matches!(request.purpose, Purpose::Picture | Purpose::Query),
        };
        let body = read_body(inner, rules).await;
        if matches!(body, Err(FetchError::OddChunks)) {
            // The next attempt is made in another way.
            self.odd_heads.learn(&request.url);
        }
        request.cut = body.as_ref().ok().and_then(|body| body.cut);
        request.end(body.as_ref().map(|body| body.bytes.as_slice()));
        body
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
