//! Why a URL was not fetched, and whether another try may go better.

use tokio::time::Duration;

use super::address::PrivateAddress;

/// Why no permit was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// robots.txt disallows the URL.
    #[error("robots.txt disallows it")]
    Robots,
    /// robots.txt cannot be had, so everything is disallowed for now (RFC 9309, 2.3.1.4).
    #[error("its robots.txt cannot be reached")]
    RobotsUnreachable,
    /// The host asked to be left alone for this long.
    #[error("the host asks for {} s of patience", .0.as_secs())]
    Held(Duration),
    /// The address is a closed one.
    #[error(transparent)]
    Private(#[from] PrivateAddress),
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No permit.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The robots.txt of the URL's own host cannot be reached, so the host is closed for now.
    #[error(
        "its robots.txt cannot be reached, so all of the host is closed for now; the next crawl asks again"
    )]
    HostClosed,
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
    /// The name does not resolve or nobody answers.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The answer breaks the protocol or the connection broke.
    #[error("the transfer failed: {0}")]
    Transfer(String),
}

impl FetchError {
    /// A short, stable name for summaries and JSON.
    pub fn reason(&self) -> String {
        match self {
            Self::Refused(Refusal::Robots) => "robots".to_owned(),
            Self::HostClosed | Self::Refused(Refusal::RobotsUnreachable) => {
                "robots_unreachable".to_owned()
            }
            Self::Refused(Refusal::Held(_)) => "held".to_owned(),
            Self::Refused(Refusal::Private(_)) => "private_address".to_owned(),
            Self::Timeout(_) => "timeout".to_owned(),
            Self::TooLarge(_) => "too_large".to_owned(),
            Self::TooManyRedirects(_) => "too_many_redirects".to_owned(),
            Self::BadRedirect(_) => "bad_redirect".to_owned(),
            Self::OutOfScope => "out_of_scope".to_owned(),
            Self::Status(status) | Self::Busy(status, _) => format!("http_{status}"),
            Self::NotAPage(_) => "not_a_page".to_owned(),
            Self::Connect(_) => "connect".to_owned(),
            Self::Transfer(_) => "transfer".to_owned(),
        }
    }

    /// Whether it was not allowed, rather than not possible.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::HostClosed
                | Self::Refused(_)
                | Self::TooLarge(_)
                | Self::OutOfScope
                | Self::NotAPage(_)
        )
    }

    /// Whether another try may go better.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Refused(refusal) => {
                matches!(refusal, Refusal::RobotsUnreachable | Refusal::Held(_))
            }
            Self::Timeout(_) | Self::Busy(..) | Self::Connect(_) | Self::Transfer(_) => true,
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
