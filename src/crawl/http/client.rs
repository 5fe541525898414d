//! The HTTP client, and what its errors mean.

use std::sync::Arc;

use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CACHE_CONTROL, DNT, FROM, HeaderMap, HeaderName,
    HeaderValue, REFERER, USER_AGENT,
};
use reqwest::redirect::Policy;
use tokio::time::Duration;

use super::error::{FetchError, with_causes};
use super::resolver::{ResolveError, Resolver};
use crate::config::CrawlConfig;
use crate::crawl::policy::refusal::Refusal;
use crate::crawl::user_agent;
use crate::picture::ACCEPT_PICTURES;
use crate::store::ledger::Purpose;

/// A client with the crawl's deadlines, proxy and address rules.
pub(super) fn client(
    config: &CrawlConfig,
    resolver: &Resolver,
) -> Result<reqwest::Client, FetchError> {
    // Another part of the program may have chosen the provider already; either works.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .redirect(Policy::none())
        .connect_timeout(Duration::from_millis(config.connect_timeout_ms))
        .pool_max_idle_per_host(config.host_concurrency)
        .pool_idle_timeout(Duration::from_secs(30))
        .dns_resolver(Arc::new(resolver.clone()))
        .cookie_store(config.cookies)
        // A proxy counts only if simdex's own configuration names it.
        .no_proxy()
        .referer(false)
        // The client's own retries would bypass the pacer.
        .retry(reqwest::retry::never());
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

/// The header fields of every request to `host`, which the configuration was checked to
/// hold in a sendable form. What may be a secret is marked as sensitive, and no log has it.
pub(super) fn headers(config: &CrawlConfig, host: &str, purpose: Purpose) -> HeaderMap {
    let own = config.host_config(host).map(|host| host.headers.iter());
    let agent = user_agent(config.contact.as_deref());
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static(accepted(purpose)));
    for (name, value) in config.headers.iter().chain(own.into_iter().flatten()) {
        let value = HeaderValue::from_str(value.expose());
        if let (Ok(name), Ok(mut value)) = (HeaderName::try_from(name), value) {
            value.set_sensitive(!is_open(&name));
            headers.insert(name, value);
        }
    }
    // The user agent cannot be changed by configuration.
    if let Ok(agent) = HeaderValue::try_from(agent) {
        headers.insert(USER_AGENT, agent);
    }
    headers
}

/// What is asked for, so that a server which can choose sends what can be read.
fn accepted(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Picture | Purpose::Query => ACCEPT_PICTURES,
        // A link may lead to a picture.
        Purpose::Page => "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.5",
        Purpose::Sheet => "text/css,*/*;q=0.1",
        Purpose::Feed => {
            "application/rss+xml,application/atom+xml,application/xml;q=0.9,text/xml;q=0.9,*/*;q=0.5"
        }
        Purpose::Sitemap => "application/xml,text/xml,text/plain;q=0.9,*/*;q=0.5",
        _ => "text/plain,*/*;q=0.5",
    }
}

/// Whether the value of a header field of the configuration may be read by anybody. All others
/// may be secrets.
fn is_open(name: &HeaderName) -> bool {
    matches!(
        *name,
        ACCEPT | ACCEPT_ENCODING | ACCEPT_LANGUAGE | CACHE_CONTROL | DNT | FROM | REFERER
    )
}

/// What went wrong, from the chain of causes.
pub(super) fn explain(error: &reqwest::Error) -> FetchError {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<ResolveError>() {
            return Refusal::from(error.clone()).into();
        }
        match cause.downcast_ref::<rustls::Error>() {
            Some(rustls::Error::InvalidCertificate(why)) => {
                return FetchError::Certificate(why.to_string());
            }
            Some(error) => return FetchError::Tls(error.to_string()),
            None => {}
        }
        // An I/O error keeps what it wraps out of the chain, and TLS wraps twice.
        let wrapped = cause.downcast_ref::<std::io::Error>();
        source = match wrapped.and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => cause.source(),
        };
    }
    if error.is_timeout() {
        FetchError::Timeout("connect")
    } else if error.is_connect() {
        FetchError::Connect(with_causes(error))
    } else {
        FetchError::Transfer(with_causes(error))
    }
}
