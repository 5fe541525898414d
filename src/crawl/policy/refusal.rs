//! Why a URL may not be asked for, or not yet.

use tokio::time::{Duration, Instant};

use super::address::PrivateAddress;
use super::admission::Rejection;
use super::reason::Reason;

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
    /// robots.txt cannot be fetched, so everything is disallowed for now (RFC 9309, 2.3.1.4).
    #[error("its robots.txt cannot be had ({0})")]
    RobotsUnreachable(String),
    /// robots.txt cannot be fetched until the server gets another certificate.
    #[error("bad certificate: {0}")]
    Certificate(String),
    /// The page's host is outside the crawl's scope.
    #[error("out of the crawl's scope")]
    OutOfScope,
    /// The rules of admission reject it.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// As many pages of the host were fetched as the configuration allows.
    #[error("its host has had all the pages that max_host_pages lets it")]
    PagesSpent,
    /// The turn of the host or of its address has not come.
    #[error("the host's turn has not come")]
    NotDue(Instant),
    /// The host was removed from the store, and is not to come back.
    #[error("its host was removed from the store")]
    Removed,
    /// The host asked to be left alone for this long.
    #[error("the host asks for {} s of patience", .0.as_secs())]
    RetryAfter(Duration),
    /// Another process that works on the same store asks the host at present.
    #[error("another worker asks its host now")]
    AnotherWorkers,
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
    /// Whether the host itself is the reason, not its robots.txt.
    pub(in crate::crawl) fn is_about_the_host(&self) -> bool {
        matches!(
            self,
            Self::NotDue(_)
                | Self::RetryAfter(_)
                | Self::AnotherWorkers
                | Self::Private(_)
                | Self::Unresolved { .. }
        )
    }

    /// The reason that it counts under.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Robots { .. } => Reason::Robots,
            Self::Skipped => Reason::SkippedHost,
            Self::Removed => Reason::RemovedHost,
            Self::RobotsUnreachable(_) => Reason::RobotsUnreachable,
            Self::NotDue(_) | Self::RetryAfter(_) | Self::AnotherWorkers => Reason::Held,
            Self::OutOfScope => Reason::OutOfScope,
            Self::Rejected(rejection) => Reason::Admission(*rejection),
            Self::PagesSpent => Reason::HostPages,
            Self::Private(_) => Reason::PrivateAddress,
            Self::Unresolved { .. } => Reason::Dns,
            Self::Certificate(_) => Reason::Certificate,
        }
    }
}

fn by_rule(rule: &Option<(u32, String)>) -> String {
    match rule {
        Some((line, text)) => format!(" (line {line}: {text})"),
        None => String::new(),
    }
}
