//! robots.txt files (RFC 9309) good and bad, each on a host of its own.

use super::feature::{Feature, Site};
use super::page::{Page, Shown};
use super::resource::Resource;
use crate::reply::{Body, Reply};

/// What a host answers for its robots.txt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RobotsKind {
    /// 404: everything is open.
    Absent,
    /// 410: everything is open.
    Gone,
    /// 401: everything is open.
    Unauthorized,
    /// 403: everything is open.
    Forbidden,
    /// 500: everything is closed.
    Broken,
    /// 503: everything is closed.
    Unavailable,
    /// 429: everything is closed.
    Busy,
    /// The connection is reset: everything is closed.
    Reset,
    /// Nothing comes: everything is closed.
    Hang,
    /// Five redirects across hosts to rules, which count for the host that was asked.
    Chain,
    /// Six redirects: a crawler may give up, and then take everything as open.
    LongChain,
    /// Rules with a Crawl-delay of two seconds.
    Delay,
    /// Rules within the first 500 KiB, and one more beyond, which need not be read.
    Long,
    /// Rules after a byte order mark, with line ends of all three kinds (RFC 9309, section
    /// 2.2).
    Marked,
    /// A page instead of rules: everything is open.
    Html,
    /// Rules for simdex in two groups, and a group for others that closes everything.
    Groups,
}

/// Rules that most hosts here have: what begins with `/closed/` is closed.
const RULES: &str = "User-agent: *\nDisallow: /closed/\nAllow: /closed/open/\n";
/// Where the hops of redirected files are, on the hosts that serve pictures for others.
pub(super) const HOPS: &str = "/robots-hop/";
/// Seconds between two requests that [`RobotsKind::Delay`] asks for.
pub(super) const DELAY: u64 = 2;
/// How much of a file must be read (RFC 9309, section 2.5), in bytes.
const CAP: usize = 500 << 10;

/// Whether a URL is open to a crawler, or may be taken for either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Open,
    Either,
    Closed,
    /// The whole host is, since its robots.txt cannot be had.
    HostClosed,
}

impl RobotsKind {
    /// Whether a path and query of this kind's host may be fetched.
    pub(super) fn access(self, target: &str) -> Access {
        let closed = matches(&[(false, "/closed/"), (true, "/closed/open/")], target);
        match self {
            Self::Absent | Self::Gone | Self::Unauthorized | Self::Forbidden | Self::Html => {
                Access::Open
            }
            Self::Broken | Self::Unavailable | Self::Busy | Self::Reset | Self::Hang => {
                Access::HostClosed
            }
            // Whoever gives up may also close the host, as a careful crawler would.
            Self::LongChain => Access::Either,
            Self::Long if target.starts_with("/beyond/") => Access::Either,
            Self::Chain | Self::Delay | Self::Long | Self::Marked | Self::Groups => {
                if closed {
                    Access::Closed
                } else {
                    Access::Open
                }
            }
        }
    }

    fn robots(self, site: &Site<'_>) -> Reply {
        let hop = |left: u8| {
            let to = format!("http://cdn.a1.test{HOPS}{left}");
            Reply::redirect(302, &to)
        };
        match self {
            Self::Absent => Reply::not_found(),
            Self::Gone => Reply::new(410),
            Self::Unauthorized => Reply::new(401).header("WWW-Authenticate", "Basic realm=\"x\""),
            Self::Forbidden => Reply::new(403),
            Self::Broken => Reply::new(500),
            Self::Unavailable => Reply::new(503),
            Self::Busy => Reply::new(429).header("Retry-After", "1"),
            Self::Reset => Reply::of(Body::Reset),
            Self::Hang => Reply::of(Body::HangBeforeHeaders),
            // The first redirect is this one.
            Self::Chain => hop(4),
            Self::LongChain => hop(5),
            Self::Delay => Reply::text(format!("{RULES}Crawl-delay: {DELAY}\n")),
            Self::Long => {
                let line = "# nothing of interest\n";
                let mut text = RULES.to_owned();
                text += &line.repeat((CAP - text.len()) / line.len());
                text += &line.repeat(4);
                text += "Disallow: /beyond/\n";
                Reply::text(text)
            }
            Self::Marked => {
                Reply::text("\u{feff}User-agent: *\r\nDisallow: /closed/\rAllow: /closed/open/\n")
            }
            Self::Html => Reply::html(format!("<!doctype html><title>{}</title>", site.host)),
            Self::Groups => Reply::text(
                "User-agent: *\nDisallow: /\n\nUser-agent: otherbot\nUser-agent: SimDex\n\
                 Disallow: /closed/\n\nUser-agent: simdex\nAllow: /closed/open/\n",
            ),
        }
    }
}

/// One hop of a redirected robots.txt; `left` more follow.
pub(super) fn hop(site: &Site<'_>, left: &str) -> Option<Resource> {
    let left: u32 = left.parse().ok().filter(|left| *left < 10)?;
    Some(match left.checked_sub(1) {
        None => Resource::other(Reply::text(RULES)),
        Some(next) => {
            let address = site.plan.address_of(next);
            Resource::redirect(301, format!("http://cdn.a{address}.test{HOPS}{next}"))
        }
    })
}

/// Whether rules close a target: the longest pattern that matches decides, and of two as long
/// the one that allows (RFC 9309, section 2.2.2). `*` stands for anything, a `$` for the end.
pub(super) fn matches(rules: &[(bool, &str)], target: &str) -> bool {
    let matching = rules.iter().filter(|(_, pattern)| fits(pattern, target));
    matching
        .max_by_key(|(allow, pattern)| (pattern.len(), *allow))
        .is_some_and(|(allow, _)| !allow)
}

fn fits(pattern: &str, target: &str) -> bool {
    let (pattern, to_end) = match pattern.strip_suffix('$') {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| target.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<_> = parts.collect();
    for (i, part) in parts.iter().enumerate() {
        if to_end && i + 1 == parts.len() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    !to_end || rest.is_empty()
}

impl Feature for RobotsKind {
    const GROUP: &'static str = "robots";
    const ALL: &'static [Self] = &[
        Self::Absent,
        Self::Gone,
        Self::Unauthorized,
        Self::Forbidden,
        Self::Broken,
        Self::Unavailable,
        Self::Busy,
        Self::Reset,
        Self::Hang,
        Self::Chain,
        Self::LongChain,
        Self::Delay,
        Self::Long,
        Self::Marked,
        Self::Html,
        Self::Groups,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Gone => "gone",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::Broken => "broken",
            Self::Unavailable => "unavailable",
            Self::Busy => "busy",
            Self::Reset => "reset",
            Self::Hang => "hang",
            Self::Chain => "chain",
            Self::LongChain => "long-chain",
            Self::Delay => "delay",
            Self::Long => "long",
            Self::Marked => "marked",
            Self::Html => "html",
            Self::Groups => "groups",
        }
    }

    fn resource(self, site: &Site<'_>, target: &str) -> Option<Resource> {
        Some(match target {
            "/robots.txt" => Resource::other(self.robots(site)),
            "/" => Resource::page(
                Page::new(self.name())
                    .show(Shown::Image, site.url("/good.png"))
                    .show(Shown::Image, site.url("/closed/a.png"))
                    .show(Shown::Image, site.url("/closed/open/a.png"))
                    .show(Shown::Image, site.url("/beyond/a.png"))
                    .show(Shown::Link, site.url("/closed/page.html")),
            ),
            "/closed/page.html" => {
                Resource::page(Page::new("Closed").show(Shown::Image, site.url("/behind.png")))
            }
            "/good.png" | "/closed/a.png" | "/closed/open/a.png" | "/beyond/a.png"
            | "/behind.png" => site.picture(target),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_pattern_decides() {
        let rules = [
            (false, "/a/"),
            (true, "/a/b"),
            (false, "/*.gif$"),
            (false, "/x*y*z"),
            (false, "/q?"),
            (true, "/same"),
            (false, "/same"),
        ];
        for (target, closed) in [
            ("/a/c", true),
            ("/a/bc", false),
            ("/c.gif", true),
            ("/c.gif?1", false),
            ("/c.gif.gif", true),
            ("/x1y2z3", true),
            ("/xzy", false),
            ("/q?a", true),
            ("/qa", false),
            ("/same", false),
            ("/", false),
        ] {
            assert_eq!(matches(&rules, target), closed, "{target}");
        }
    }
}
