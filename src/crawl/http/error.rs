//! Why a URL was not fetched, and whether another try may go better.

use tokio::time::{Duration, Instant};

use super::resolver::ResolveError;
use crate::crawl::archive::fetch_log::FetchLogError;
use crate::crawl::policy::address::PrivateAddress;
use crate::store::StoreError;
use crate::store::ledger::Outcome;

/// Why no permit was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// robots.txt disallows the URL, by this rule.
    #[error("robots.txt disallows it{}", by_rule(.rule))]
    Robots {
        /// The line it stands in, and the rule.
        rule: Option<(u32, String)>,
    },
    /// The configuration says to leave the host alone.
    #[error("the configuration skips its host")]
    Skipped,
    /// robots.txt cannot be had, so everything is disallowed for now (RFC 9309, 2.3.1.4).
    #[error("its robots.txt cannot be reached ({0})")]
    RobotsUnreachable(String),
    /// robots.txt cannot be had, and not before the server gets another certificate.
    #[error("bad certificate: {0}")]
    Certificate(String),
    /// The turn of the host or of its address has not come.
    #[error("the host's turn has not come")]
    NotYet(Instant),
    /// The host was removed from the store, and is not to come back.
    #[error("its host was removed from the store")]
    Removed,
    /// The host asked to be left alone for this long.
    #[error("the host asks for {} s of patience", .0.as_secs())]
    Held(Duration),
    /// The address is a closed one.
    #[error(transparent)]
    Private(#[from] PrivateAddress),
    /// The name leads to no address.
    #[error("{host} does not resolve: {message}")]
    Unresolved {
        /// The name.
        host: String,
        /// What the system said.
        message: String,
    },
}

impl Refusal {
    /// Whether it says something of the host, not of robots.txt.
    pub(in crate::crawl) fn is_about_the_host(&self) -> bool {
        matches!(
            self,
            Self::NotYet(_) | Self::Held(_) | Self::Private(_) | Self::Unresolved { .. }
        )
    }

    /// A short, stable name for summaries and JSON.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Robots { .. } => "robots",
            Self::Skipped => "skipped_host",
            Self::Removed => "removed_host",
            Self::RobotsUnreachable(_) => "robots_unreachable",
            Self::NotYet(_) | Self::Held(_) => "held",
            Self::Private(_) => "private_address",
            Self::Unresolved { .. } => "dns",
            Self::Certificate(_) => "certificate",
        }
    }
}

fn by_rule(rule: &Option<(u32, String)>) -> String {
    match rule {
        Some((line, text)) => format!(" (line {line}: {text})"),
        None => String::new(),
    }
}

impl From<ResolveError> for Refusal {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::Private(address) => Self::Private(address),
            ResolveError::Unknown { host, message } => Self::Unresolved { host, message },
        }
    }
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No permit.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The rules of the URL's own origin cannot be had, so the origin is closed for now.
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
    /// Redirects went on and on.
    #[error("more than {0} redirects")]
    TooManyRedirects(u32),
    /// A redirect leads nowhere.
    #[error("a redirect to something that cannot be fetched: {0}")]
    BadRedirect(String),
    /// The redirect leaves the crawl's scope.
    #[error("out of the crawl's scope")]
    OutOfScope,
    /// The status says no.
    #[error("HTTP status {0}")]
    Status(u16),
    /// The host asks to be left alone for a while.
    #[error("HTTP status {0}, try again later")]
    Busy(u16, Option<Duration>),
    /// A link led to something that is neither a page nor a picture.
    #[error("neither a page nor a picture: {0}")]
    NotAPage(String),
    /// The page or picture says that it is not to be used, in this way.
    #[error("it says {0}")]
    OptedOut(&'static str),
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

impl FetchError {
    /// A short, stable name for summaries and JSON.
    pub fn reason(&self) -> String {
        match self {
            Self::OriginClosed(refusal) | Self::Refused(refusal) => refusal.reason().to_owned(),
            Self::Certificate(_) => "certificate".to_owned(),
            Self::Tls(_) => "tls".to_owned(),
            Self::Timeout(_) => "timeout".to_owned(),
            Self::TooLarge(_) => "too_large".to_owned(),
            Self::TooManyRedirects(_) => "too_many_redirects".to_owned(),
            Self::BadRedirect(_) => "bad_redirect".to_owned(),
            Self::OutOfScope => "out_of_scope".to_owned(),
            Self::Status(status) | Self::Busy(status, _) => format!("http_{status}"),
            Self::NotAPage(_) => "not_a_page".to_owned(),
            Self::OptedOut(reason) => (*reason).to_owned(),
            Self::Client(_) => "client".to_owned(),
            Self::Store(_) | Self::FetchLog(_) => "store".to_owned(),
            Self::Connect(_) => "connect".to_owned(),
            Self::Transfer(_) => "transfer".to_owned(),
        }
    }

    /// Whether it was not allowed, rather than not possible.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Refused(refusal) | Self::OriginClosed(refusal) => !matches!(
                refusal,
                Refusal::Unresolved { .. } | Refusal::Certificate(_)
            ),
            Self::TooLarge(_) | Self::OutOfScope | Self::NotAPage(_) | Self::OptedOut(_) => true,
            _ => false,
        }
    }

    /// How the ledger calls it.
    pub(in crate::crawl) fn outcome(&self) -> Outcome {
        match self {
            Self::Timeout(_) => Outcome::Timeout,
            Self::Refused(Refusal::Private(_)) => Outcome::PrivateAddress,
            Self::Refused(Refusal::Unresolved { .. }) => Outcome::Resolve,
            Self::Connect(_) | Self::Certificate(_) | Self::Tls(_) => Outcome::Connect,
            Self::TooLarge(_) => Outcome::TooLarge,
            Self::Transfer(_) => Outcome::Transfer,
            _ => Outcome::Abandoned,
        }
    }

    /// Whether another try may go better.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Refused(refusal) => matches!(
                refusal,
                Refusal::RobotsUnreachable(_) | Refusal::Held(_) | Refusal::Unresolved { .. }
            ),
            Self::Timeout(_) | Self::Busy(..) => true,
            Self::Connect(_) | Self::Tls(_) | Self::Transfer(_) => true,
            Self::Status(status) => (500..600).contains(status),
            _ => false,
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
