//! Origins whose heads the client refuses to read, and the way to ask them all the same.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use reqwest::cookie::{CookieStore, Jar};
use reqwest::header::{CONNECTION, COOKIE, HOST, HeaderMap, HeaderValue, SET_COOKIE};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Duration, timeout};
use tokio_rustls::TlsConnector;
use url::Position;

use super::clean_head::CleanHead;
use super::client::{HEADER_LINES, explain_cause};
use super::error::{FetchError, with_causes};
use super::resolver::Resolver;
use super::trust;
use crate::canonical_url::CanonicalUrl;

/// Asks over a connection of its own for each request, and cleans the head of the answer before it
/// is parsed: the client's parser could only leave out the lines that it does not like, and one of
/// them may say that a picture is not to be used.
pub(super) struct OddHeads {
    resolver: Resolver,
    /// Made for the first origin that wants it.
    tls: OnceLock<Result<TlsConnector, String>>,
    jar: Option<Arc<Jar>>,
    patience: Duration,
    /// Behind a proxy they stay what they are: failures.
    behind_proxy: bool,
    origins: Mutex<HashSet<String>>,
}

/// Origins that are remembered; beyond that they begin anew.
const REMEMBERED: usize = 10_000;

/// A connection, with TLS or without.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl OddHeads {
    /// No origin is known yet.
    pub(super) fn new(
        resolver: &Resolver,
        jar: Option<Arc<Jar>>,
        patience: Duration,
        behind_proxy: bool,
    ) -> Self {
        Self {
            resolver: resolver.clone(),
            tls: OnceLock::new(),
            jar,
            patience,
            behind_proxy,
            origins: Mutex::default(),
        }
    }

    /// Whether an origin is to be asked in this way.
    pub(super) fn knows(&self, url: &CanonicalUrl) -> bool {
        self.origins().contains(&url.origin())
    }

    /// Notes an origin; says whether it can be asked in this way.
    pub(super) fn learn(&self, url: &CanonicalUrl) -> bool {
        if !self.behind_proxy {
            let mut origins = self.origins();
            if origins.len() >= REMEMBERED {
                origins.clear();
            }
            origins.insert(url.origin());
        }
        !self.behind_proxy
    }

    /// Sends a request and waits for the head of the answer.
    ///
    /// # Errors
    /// If nobody answers, or what answers speaks another protocol.
    pub(super) async fn get(
        &self,
        url: &CanonicalUrl,
        headers: &HeaderMap,
    ) -> Result<reqwest::Response, FetchError> {
        let connecting = timeout(self.patience, self.connect(url)).await;
        let stream = connecting.map_err(|_| FetchError::Timeout("connect"))??;
        let broken = |error: hyper::Error| FetchError::Transfer(with_causes(&error));
        let (mut sender, connection) = http1::Builder::new()
            .max_headers(HEADER_LINES)
            .handshake(TokioIo::new(CleanHead::new(stream)))
            .await
            .map_err(broken)?;
        // It ends with the body, or when nobody wants that any more.
        tokio::spawn(connection);
        let answer = sender.send_request(self.request(url, headers)?).await;
        let answer = answer.map_err(broken)?;
        if let Some(jar) = &self.jar {
            let mut cookies = answer.headers().get_all(SET_COOKIE).iter();
            jar.set_cookies(&mut cookies, url.as_url());
        }
        Ok(answer.map(reqwest::Body::wrap).into())
    }

    fn request(
        &self,
        url: &CanonicalUrl,
        headers: &HeaderMap,
    ) -> Result<hyper::Request<String>, FetchError> {
        let parts = url.as_url();
        let target = &parts[Position::BeforePath..Position::AfterQuery];
        let host = &parts[Position::BeforeHost..Position::AfterPort];
        let request = hyper::Request::get(target).header(HOST, host);
        let request = request.header(CONNECTION, HeaderValue::from_static("close"));
        let mut request = request
            .body(String::new())
            .map_err(|error| FetchError::Transfer(error.to_string()))?;
        let cookies = self.jar.as_ref().and_then(|jar| jar.cookies(parts));
        let fields = request.headers_mut();
        fields.extend(cookies.map(|cookies| (COOKIE, cookies)));
        for (name, value) in headers {
            fields.insert(name, value.clone());
        }
        Ok(request)
    }

    /// Connects to the address that was checked and paced.
    async fn connect(&self, url: &CanonicalUrl) -> Result<Box<dyn Stream>, FetchError> {
        let address = self.resolver.address(url).await;
        let address: SocketAddr = address.map_err(|error| FetchError::Refused(error.into()))?;
        let stream = TcpStream::connect(address).await;
        let stream = stream.map_err(|error| FetchError::Connect(error.to_string()))?;
        if url.as_url().scheme() == "http" {
            return Ok(Box::new(stream));
        }
        let name = url.host().trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(name);
        let name = name.map_err(|error| FetchError::Tls(error.to_string()))?;
        let connector = || {
            let tls = trust::tls().map_err(|error| error.to_string());
            tls.map(|tls| TlsConnector::from(Arc::new(tls)))
        };
        let tls = self.tls.get_or_init(connector).as_ref();
        let tls = tls.map_err(|error| FetchError::Client(error.clone()))?;
        let stream = tls.connect(name, stream).await;
        let failed = |error: std::io::Error| {
            explain_cause(&error).unwrap_or_else(|| FetchError::Tls(error.to_string()))
        };
        Ok(Box::new(stream.map_err(failed)?))
    }

    fn origins(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
