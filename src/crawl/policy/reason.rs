//! Why a URL was refused or failed: the published names, and what can be done about each.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::admission::{Rejection, Trap};
use super::opt_out::OptOut;

/// Why something was not allowed or did not work. Errors carry the words for people and map
/// to one of these; records and JSON carry its [`name`](Self::name).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// robots.txt disallows it.
    Robots,
    /// robots.txt cannot be fetched, so the origin is closed for now.
    RobotsUnreachable,
    /// The configuration skips the host.
    SkippedHost,
    /// The host was removed from the store.
    RemovedHost,
    /// The user has removed the picture.
    Removed,
    /// The host asked not to be asked for a while.
    Held,
    /// The address is private or reserved.
    PrivateAddress,
    /// As many pages of the host were fetched as the configuration allows.
    HostPages,
    /// It is outside the crawl's scope.
    OutOfScope,
    /// The rules of admission reject it.
    Admission(Rejection),
    /// The site says that it is not to be used.
    OptOut(OptOut),
    /// The host's name does not resolve.
    Dns,
    /// Nobody answers at the address.
    Connect,
    /// The certificate is not to be trusted.
    Certificate,
    /// TLS failed in another way.
    Tls,
    /// A deadline passed.
    Timeout,
    /// The transfer broke off, or the answer breaks the protocol.
    Transfer,
    /// The body is in a content coding that cannot be undone.
    Undecodable,
    /// The status says no.
    Http(u16),
    /// There were too many redirects.
    TooManyRedirects,
    /// A redirect leads to something that cannot be fetched.
    BadRedirect,
    /// It is neither a page nor a picture.
    NotAPage,
    /// It is over a limit in bytes.
    TooLarge,
    /// The HTTP client cannot be set up.
    Client,
    /// The store or a log cannot be written.
    Store,
    /// A sitemap that somebody names is none, or ends early.
    BrokenSitemap,
    /// The picture has more pixels than the limit.
    TooManyPixels,
    /// The picture is under the smallest side.
    TooSmall,
    /// Decoding the picture takes more memory than all may take.
    TooMuchMemory,
    /// A page came where a picture was promised.
    HtmlNotPicture,
    /// The picture has no bytes.
    EmptyPicture,
    /// The picture's format is not known.
    UnknownFormat,
    /// The picture's format, or its kind of it, is known and not read.
    UnreadFormat,
    /// The picture does not decode.
    BrokenPicture,
    /// The picture would take the place of another, and too many of its host's would go.
    RemovalsStopped,
    /// The picture does not match what is looked for.
    NoMatch,
    /// The picture's file cannot be read.
    Unreadable,
    /// The network gave no features of the picture.
    Network,
    /// A name that is none of these, from a record of another version.
    Other(String),
}

/// The reasons that carry nothing, by their names.
const PLAIN: [(&str, Reason); 35] = [
    ("robots", Reason::Robots),
    ("robots_unreachable", Reason::RobotsUnreachable),
    ("skipped_host", Reason::SkippedHost),
    ("removed_host", Reason::RemovedHost),
    ("removed", Reason::Removed),
    ("held", Reason::Held),
    ("private_address", Reason::PrivateAddress),
    ("host_pages", Reason::HostPages),
    ("out_of_scope", Reason::OutOfScope),
    ("dns", Reason::Dns),
    ("connect", Reason::Connect),
    ("certificate", Reason::Certificate),
    ("tls", Reason::Tls),
    ("timeout", Reason::Timeout),
    ("transfer", Reason::Transfer),
    ("undecodable", Reason::Undecodable),
    ("too_many_redirects", Reason::TooManyRedirects),
    ("bad_redirect", Reason::BadRedirect),
    ("not_a_page", Reason::NotAPage),
    ("too_large", Reason::TooLarge),
    ("client", Reason::Client),
    ("store", Reason::Store),
    ("broken_sitemap", Reason::BrokenSitemap),
    ("too_many_pixels", Reason::TooManyPixels),
    ("too_small", Reason::TooSmall),
    ("too_much_memory", Reason::TooMuchMemory),
    ("html_not_picture", Reason::HtmlNotPicture),
    ("empty", Reason::EmptyPicture),
    ("unknown_format", Reason::UnknownFormat),
    ("unread_format", Reason::UnreadFormat),
    ("broken_picture", Reason::BrokenPicture),
    ("removals_stopped", Reason::RemovalsStopped),
    ("no_match", Reason::NoMatch),
    ("unreadable", Reason::Unreadable),
    ("network", Reason::Network),
];

impl Reason {
    /// The reason of a published name. A name that is not known is kept as it is.
    pub fn from_name(name: &str) -> Self {
        if let Some((_, reason)) = PLAIN.iter().find(|(known, _)| *known == name) {
            return reason.clone();
        }
        let status = name.strip_prefix("http_");
        let is_status =
            |digits: &&str| digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit());
        let status = status.filter(is_status);
        if let Some(status) = status.and_then(|digits| digits.parse().ok()) {
            return Self::Http(status);
        }
        let named = Self::all().into_iter().find(|reason| reason.name() == name);
        named.unwrap_or_else(|| Self::Other(name.to_owned()))
    }

    /// All reasons but those of other versions and of statuses.
    pub fn all() -> Vec<Self> {
        let plain = PLAIN.iter().map(|(_, reason)| reason.clone());
        let rejections = [Rejection::Excluded, Rejection::NotIncluded];
        let rejections = rejections.into_iter().chain(Trap::ALL.map(Rejection::Trap));
        plain
            .chain(rejections.map(Self::Admission))
            .chain(OptOut::ALL.map(Self::OptOut))
            .collect()
    }

    /// The short, stable name in summaries, records and JSON.
    pub fn name(&self) -> Cow<'static, str> {
        let name = match self {
            Self::Http(status) => return format!("http_{status}").into(),
            Self::Other(name) => return name.clone().into(),
            Self::Admission(rejection) => rejection.name(),
            Self::OptOut(opt_out) => opt_out.name(),
            plain => {
                let known = PLAIN.iter().find(|(_, reason)| reason == plain);
                known.map_or("", |(name, _)| *name)
            }
        };
        name.into()
    }

    /// Whether it was not allowed, rather than not possible.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Robots | Self::RobotsUnreachable | Self::SkippedHost | Self::RemovedHost => true,
            Self::Held | Self::PrivateAddress | Self::HostPages | Self::OutOfScope => true,
            Self::Admission(_) | Self::OptOut(_) | Self::NotAPage => true,
            Self::TooLarge | Self::TooManyPixels | Self::TooSmall | Self::TooMuchMemory => true,
            Self::NoMatch | Self::Removed => true,
            Self::Dns | Self::Connect | Self::Certificate | Self::Tls | Self::Timeout => false,
            Self::Transfer | Self::Undecodable | Self::Http(_) => false,
            Self::TooManyRedirects | Self::BadRedirect => false,
            Self::HtmlNotPicture | Self::EmptyPicture => false,
            Self::UnknownFormat | Self::UnreadFormat => false,
            Self::BrokenPicture | Self::RemovalsStopped | Self::Unreadable | Self::Network => false,
            Self::BrokenSitemap | Self::Client | Self::Store | Self::Other(_) => false,
        }
    }

    /// Whether another attempt may succeed.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::RobotsUnreachable | Self::Held | Self::Dns => true,
            Self::Timeout | Self::Connect | Self::Tls | Self::Transfer => true,
            Self::Http(status) => *status == 429 || (500..600).contains(status),
            _ => false,
        }
    }

    /// What to do about it, where something can be done.
    pub fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::Robots => "the sites' robots.txt asks crawlers to stay out; ask their webmasters",
            Self::RobotsUnreachable => {
                "closed until robots.txt can be had; `simdex crawl` asks again"
            }
            Self::Held => "the hosts ask for patience; `simdex crawl` goes on after that",
            Self::Dns => "check the names and the resolver; then crawl --retry-failed dns",
            Self::Connect | Self::Transfer | Self::Tls => {
                "if it was the line: crawl --retry-failed"
            }
            Self::Timeout => {
                "slow hosts: raise the deadlines of [crawl], then crawl --retry-failed timeout"
            }
            Self::Undecodable => {
                "the server names a coding that simdex does not undo, or that the bytes are not in; \
                 tell its webmaster"
            }
            Self::Certificate => "the site's own matter; `simdex crawl` asks again",
            Self::Http(404 | 410) => "dead links on the pages; nothing to do",
            Self::Http(401 | 403) => {
                "the site refuses; if you have leave, send its [crawl.headers]"
            }
            Self::Http(429 | 503) => {
                "too fast for the host: raise delay_ms for it, then --retry-failed"
            }
            Self::Http(500..600) => "the server's trouble; crawl --retry-failed later",
            Self::PrivateAddress => {
                "--allow-private-addresses fetches from your own network; link-local addresses \
                 and those of clouds' secrets take --allow-address each"
            }
            Self::TooSmall => "min_side of [picture] lets smaller pictures in",
            Self::TooLarge | Self::TooManyPixels => {
                "max_bytes, max_pixels and max_page_bytes set the limits"
            }
            Self::TooMuchMemory => "decode_budget_mb of [picture] sets the limit",
            Self::OutOfScope => "--scope domain or any follows further",
            Self::NotAPage => "links to files of other kinds; nothing to do",
            Self::OptOut(_) => "the site opts out; [crawl.respect] says what is heeded",
            Self::Admission(Rejection::Excluded | Rejection::NotIncluded) => {
                "by [crawl.admission] include and exclude"
            }
            Self::Admission(Rejection::Trap(_)) => {
                "looks endless; the limits are in [crawl.admission]"
            }
            Self::SkippedHost => "by skip under [crawl.host]",
            Self::Removed => "`simdex add FILE` takes in again what was removed",
            Self::RemovedHost => "simdex remove --take-back HOST lets them in again",
            Self::HtmlNotPicture => {
                "pages where pictures were promised; often a login or a block page"
            }
            Self::UnreadFormat => "pictures in formats that simdex does not read; nothing to do",
            Self::BrokenSitemap => "the site's own matter; what could be read of it counts",
            Self::RemovalsStopped => "the old pictures are kept; max_removed_share of [crawl]",
            Self::TooManyRedirects => {
                "the site's own matter; if it wants its cookies back: cookies = true of [crawl], then crawl --retry-failed too_many_redirects"
            }
            Self::BadRedirect => "the site's own matter; nothing to do",
            Self::BrokenPicture => {
                "truncated = \"keep\" of [picture] takes in those whose end is missing"
            }
            Self::EmptyPicture => "the servers sent nothing; crawl --retry-failed empty asks again",
            Self::HostPages | Self::Client | Self::Store | Self::UnknownFormat => return None,
            Self::NoMatch | Self::Unreadable | Self::Network => return None,
            Self::Http(_) | Self::Other(_) => return None,
        })
    }
}

/// By name, so that lists in JSON keep their order.
impl Ord for Reason {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name().cmp(&other.name())
    }
}

impl PartialOrd for Reason {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        Ok(Self::from_name(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_reasons() {
        for name in [
            "robots",
            "html_not_picture",
            "http_404",
            "http_503",
            "noimageai",
            "content_usage",
            "excluded",
            "not_included",
            "trap_repeats",
        ] {
            let reason = Reason::from_name(name);
            assert!(!matches!(reason, Reason::Other(_)), "{name}");
            assert_eq!(reason.name(), name);
        }
        for (name, reason) in PLAIN {
            assert_eq!(Reason::from_name(name), reason);
            assert_eq!(reason.name(), name);
        }
    }

    #[test]
    fn unknown_names_are_kept() {
        for name in ["http_", "http_4040", "http_+12", "of_tomorrow", ""] {
            let reason = Reason::from_name(name);
            assert_eq!(reason.name(), name);
            assert!(reason.advice().is_none(), "{name}");
        }
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        for name in ["http_429", "http_500", "timeout", "dns", "held"] {
            assert!(Reason::from_name(name).may_pass(), "{name}");
        }
        for name in ["http_404", "certificate", "robots", "noai", "too_large"] {
            assert!(!Reason::from_name(name).may_pass(), "{name}");
        }
    }
}
