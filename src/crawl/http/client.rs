//! The HTTP client, and what its errors mean.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;

use reqwest::cookie::Jar;
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use tokio::time::Duration;
use tower::util::MapFutureLayer;

use super::error::{FetchError, with_causes};
use super::resolver::{ResolveError, Resolver};
use super::trust;
use crate::canonical_url::CanonicalUrl;
use crate::config::CrawlConfig;
use crate::crawl::policy::refusal::Refusal;

/// Header lines of an answer that are read, and their length together in HTTP/2 in bytes: what
/// curl takes.
pub(super) const HEADER_LINES: usize = 5_000;
const HEADER_BYTES: u32 = 300 << 10;
/// What a server may choose from, HTTP/2 first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

tokio::task_local! {
    /// Whether the task's request has made a connection of its own.
    static CONNECTED: Cell<bool>;
}

/// The clients with the crawl's deadlines, proxy and address rules.
pub(super) struct Clients {
    /// The one that keeps connections.
    pooled: reqwest::Client,
    /// One that connects for each request.
    fresh: reqwest::Client,
}

impl Clients {
    /// # Errors
    /// If TLS or the proxy cannot be set up.
    pub(super) fn new(
        config: &CrawlConfig,
        resolver: &Resolver,
        jar: Option<&Arc<Jar>>,
    ) -> Result<Self, FetchError> {
        let tls = trust::tls().map_err(|error| FetchError::Client(error.to_string()));
        let mut tls = tls?;
        tls.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        let kept = config.host_concurrency;
        Ok(Self {
            pooled: client(config, resolver, jar, tls.clone(), kept)?,
            fresh: client(config, resolver, jar, tls, 0)?,
        })
    }

    /// Sends a request and waits for the head of the answer. The server may close a kept
    /// connection while the request is on its way; then it was not read, and is sent again over
    /// a connection of its own.
    ///
    /// # Errors
    /// If no answer comes, or one that breaks the protocol.
    pub(super) async fn get(
        &self,
        url: &CanonicalUrl,
        headers: &HeaderMap,
    ) -> Result<reqwest::Response, reqwest::Error> {
        let request = |client: &reqwest::Client| {
            let request = client.get(url.as_url().clone());
            request.headers(headers.clone()).send()
        };
        let pooled = async {
            let answer = request(&self.pooled).await;
            (answer, CONNECTED.with(Cell::get))
        };
        let (answer, has_connected) = CONNECTED.scope(Cell::new(false), pooled).await;
        match answer {
            Err(error) if !has_connected && is_unanswered(&error) => {
                tracing::debug!(%url, "a kept connection was closed; over a new one");
                request(&self.fresh).await
            }
            answer => answer,
        }
    }
}

/// Notes in the task that it has connected. A connection that another request gets in the end is
/// finished by another task.
fn noting<T: Send + 'static>(
    connecting: Pin<Box<dyn Future<Output = T> + Send>>,
) -> Pin<Box<dyn Future<Output = T> + Send>> {
    Box::pin(async {
        let connected = connecting.await;
        let _ = CONNECTED.try_with(|has_connected| has_connected.set(true));
        connected
    })
}

/// Whether a connection ended before any answer came.
fn is_unanswered(error: &reqwest::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<hyper::Error>()
            && (error.is_incomplete_message() || error.is_canceled() || error.is_closed())
        {
            return true;
        }
        if let Some(error) = cause.downcast_ref::<std::io::Error>() {
            let kinds = [BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected];
            return kinds.contains(&error.kind());
        }
        source = cause.source();
    }
    false
}

/// Whether an answer came, but its head is not one that the client reads.
pub(super) fn is_odd_head(error: &reqwest::Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<hyper::Error>() {
            return error.is_parse() && !error.is_parse_too_large();
        }
        source = cause.source();
    }
    false
}

/// A client that keeps so many unused connections to a host.
fn client(
    config: &CrawlConfig,
    resolver: &Resolver,
    jar: Option<&Arc<Jar>>,
    tls: rustls::ClientConfig,
    kept: usize,
) -> Result<reqwest::Client, FetchError> {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(Policy::none())
        .connect_timeout(Duration::from_millis(config.connect_timeout_ms))
        .pool_max_idle_per_host(kept)
        .pool_idle_timeout(Duration::from_secs(30))
        .dns_resolver(Arc::new(resolver.clone()))
        // A proxy counts only if simdex's own configuration names it.
        .no_proxy()
        .referer(false)
        // The client's own retries would bypass the pacer.
        .retry(reqwest::retry::never())
        // As lenient as curl, as far as no line is lost by it: a space before the colon, a line
        // that goes on in the next, many lines. The rest is for `OddHeads`.
        .http1_allow_spaces_after_header_name_in_responses(true)
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .http1_max_headers(HEADER_LINES)
        .http2_max_header_list_size(HEADER_BYTES)
        .connector_layer(MapFutureLayer::new(noting));
    if let Some(jar) = jar {
        builder = builder.cookie_provider(Arc::clone(jar));
    }
    if let Some(proxy) = &config.proxy {
        // By these names the client lets the proxy resolve host names, as other proxies do.
        let url = proxy.expose().as_str();
        let url = match url.split_once("://") {
            Some(("socks4", rest)) => format!("socks4a://{rest}"),
            Some(("socks5", rest)) => format!("socks5h://{rest}"),
            _ => url.to_owned(),
        };
        // What the client says of it may hold the password.
        let used = reqwest::Proxy::all(url);
        let used =
            used.map_err(|_| FetchError::Client(format!("the proxy {proxy} cannot be used")))?;
        builder = builder.proxy(used);
    }
    builder
        .build()
        .map_err(|error| FetchError::Client(with_causes(&error)))
}

/// What went wrong.
pub(super) fn explain(error: &reqwest::Error) -> FetchError {
    if let Some(error) = explain_cause(error) {
        return error;
    }
    if error.is_timeout() {
        FetchError::Timeout("connect")
    } else if error.is_connect() {
        FetchError::Connect(with_causes(error))
    } else {
        FetchError::Transfer(with_causes(error))
    }
}

/// What went wrong with a name or with TLS, from the chain of causes.
pub(super) fn explain_cause(error: &(dyn std::error::Error + 'static)) -> Option<FetchError> {
    let mut source = Some(error);
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<ResolveError>() {
            return Some(Refusal::from(error.clone()).into());
        }
        match cause.downcast_ref::<rustls::Error>() {
            Some(rustls::Error::InvalidCertificate(why)) => {
                return Some(FetchError::Certificate(why.to_string()));
            }
            Some(error) => return Some(FetchError::Tls(error.to_string())),
            None => {}
        }
        // An I/O error keeps what it wraps out of the chain, and TLS wraps twice.
        let wrapped = cause.downcast_ref::<std::io::Error>();
        source = match wrapped.and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => cause.source(),
        };
    }
    None
}
