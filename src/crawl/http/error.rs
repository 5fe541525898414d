//! Why a URL was not fetched.

use tokio::time::Duration;

use crate::crawl::archive::fetch_log::FetchLogError;
use crate::crawl::policy::opt_out::OptOut;
use crate::crawl::policy::reason::Reason;
use crate::crawl::policy::refusal::Refusal;
use crate::store::StoreError;
use crate::store::ledger::Outcome;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No permit.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The rules of the URL's own origin cannot be fetched, so the origin is closed for now.
    #[error(
        "{0}; so all of its origin (scheme, host and port) is closed for now, and the next crawl asks again"
    )]
    OriginClosed(Refusal),
    /// A deadline passed.
    #[error("no answer in time ({0})")]
    Timeout(&'static str),
    /// The body is over its cap.
    #[error("the body is larger than {0} bytes")]
    TooLarge(u64),
    /// There were too many redirects.
    #[error("more than {most} redirects{}", if *.with_cookies { WITH_COOKIES } else { "" })]
    TooManyRedirects {
        /// How many are followed.
        most: u32,
        /// They set cookies, which were not kept.
        with_cookies: bool,
    },
    /// A redirect leads out of the crawl's scope, to this URL.
    #[error(
        "it redirects to {0}, which is out of the crawl's scope: name that URL as the seed, or \
         follow further with --scope domain or any"
    )]
    LeftScope(String),
    /// A redirect leads nowhere.
    #[error("a redirect to something that cannot be fetched: {0}")]
    BadRedirect(String),
    /// The body is in a coding that cannot be undone.
    #[error("a body that cannot be decoded: Content-Encoding {0}")]
    Undecodable(String),
    /// The head of the answer is not one that the client reads; its origin is asked in another way
    /// from now on.
    #[error("the head of the answer breaks the protocol")]
    OddHead,
    /// The body comes in chunks that the client does not read; its origin is asked in another way
    /// from now on.
    #[error("the transfer failed: a body in odd chunks")]
    OddChunks,
    /// What should be text is none.
    #[error("{0}")]
    NoText(String),
    /// The status says no.
    #[error("HTTP status {0}")]
    Status(u16),
    /// There is no sitemap in the usual place, where nobody has named one.
    #[error("HTTP status {0}: there is no sitemap in the usual place")]
    NoSitemap(u16),
    /// The host asks to be left alone for a while.
    #[error("HTTP status {0}, try again later")]
    Busy(u16, Option<Duration>),
    /// A link led to something that is neither a page nor a picture.
    #[error("neither a page nor a picture: {0}")]
    NotAPage(String),
    /// The page or picture says that it is not to be used, in this way.
    #[error("it says {}", .0.name())]
    OptedOut(OptOut),
    /// The HTTP client cannot be set up.
    #[error("cannot set up the HTTP client: {0}")]
    Client(String),
    /// The store cannot be written, so nothing more is sent.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A log of fetches cannot be written.
    #[error(transparent)]
    FetchLog(#[from] FetchLogError),
    /// The name does not resolve or nobody answers.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The server's certificate is not to be trusted.
    #[error("bad certificate: {0}")]
    Certificate(String),
    /// TLS failed in another way.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// The answer breaks the protocol or the connection broke.
    #[error("the transfer failed: {0}")]
    Transfer(String),
}

/// What may end redirects that set cookies.
const WITH_COOKIES: &str =
    ", which set cookies: `cookies = true` under [crawl] keeps them, and the page may come";

/// How long a host is left to another worker before it is seen whether that still asks it.
const ANOTHERS: Duration = Duration::from_secs(30);

impl FetchError {
    /// The reason that it counts under.
    pub fn reason(&self) -> Reason {
        match self {
            Self::OriginClosed(refusal) | Self::Refused(refusal) => refusal.reason(),
            Self::Certificate(_) => Reason::Certificate,
            Self::Tls(_) => Reason::Tls,
            Self::Timeout(_) => Reason::Timeout,
            Self::TooLarge(_) => Reason::TooLarge,
            Self::TooManyRedirects { .. } => Reason::TooManyRedirects,
            Self::LeftScope(_) => Reason::OutOfScope,
            Self::BadRedirect(_) => Reason::BadRedirect,
            Self::Undecodable(_) => Reason::Undecodable,
            Self::Status(status) | Self::NoSitemap(status) | Self::Busy(status, _) => {
                Reason::Http(*status)
            }
            Self::NotAPage(_) => Reason::NotAPage,
            Self::OptedOut(opt_out) => Reason::OptOut(*opt_out),
            Self::Client(_) => Reason::Client,
            Self::Store(_) | Self::FetchLog(_) => Reason::Store,
            Self::Connect(_) => Reason::Connect,
            Self::Transfer(_) | Self::NoText(_) => Reason::Transfer,
            Self::OddHead | Self::OddChunks => Reason::Transfer,
        }
    }

    /// How long the host asks to be left alone, or is left to others.
    pub(in crate::crawl) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy(_, wait) => *wait,
            Self::Refused(Refusal::RetryAfter(wait)) => Some(*wait),
            Self::Refused(Refusal::AnotherWorkers) => Some(ANOTHERS),
            _ => None,
        }
    }

    /// Its outcome in the ledger.
    pub(in crate::crawl) fn outcome(&self) -> Outcome {
        match self {
            Self::Timeout(_) => Outcome::Timeout,
            Self::Refused(Refusal::Private(_)) => Outcome::PrivateAddress,
            Self::Refused(Refusal::Unresolved { .. }) => Outcome::Resolve,
            Self::Connect(_) | Self::Certificate(_) | Self::Tls(_) => Outcome::Connect,
            Self::TooLarge(_) => Outcome::TooLarge,
            Self::Transfer(_) | Self::Undecodable(_) => Outcome::Transfer,
            Self::OddHead | Self::OddChunks => Outcome::Transfer,
            _ => Outcome::Abandoned,
        }
    }
}

/// An error and its causes in one line, each said once.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        source = cause.source();
    }
    text
}
