//! Ways to tell crawlers to leave something out, each shown on a host of its own.

use super::feature::{Feature, Site};
use super::page::{Page, Shown};
use super::resource::Resource;
use crate::reply::Reply;

/// Why a picture that could be fetched should not be kept, or not be learned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OptOut {
    /// `X-Robots-Tag: noindex` on the picture.
    Noindex,
    /// `X-Robots-Tag: noimageindex` on the picture.
    Noimageindex,
    /// `X-Robots-Tag: noai` on the picture.
    Noai,
    /// `X-Robots-Tag: noimageai` on the picture.
    Noimageai,
    /// `X-Robots-Tag: none` on the picture.
    None,
    /// `X-Robots-Tag: simdex: noindex` on the picture.
    Agent,
    /// `X-Robots-Tag: unavailable_after` with a day in 2010, on the picture.
    Expired,
    /// `tdm-reservation: 1` on the picture (W3C TDM Reservation Protocol).
    Tdm,
    /// `Content-Usage: train-ai=n` on the picture (draft-ietf-aipref-attach).
    ContentUsage,
    /// `meta robots noindex` on the only page that shows it.
    MetaNoindex,
    /// `meta robots noimageindex` on the only page that shows it.
    MetaNoimageindex,
    /// `meta robots noai` on the only page that shows it.
    MetaNoai,
    /// `meta robots noimageai` on the only page that shows it.
    MetaNoimageai,
    /// `meta robots none` on the only page that shows it.
    MetaNone,
    /// `meta simdex noindex` on the only page that shows it.
    MetaAgent,
    /// `meta tdm-reservation 1` on the only page that shows it.
    MetaTdm,
    /// Every way to it leads through a link with `rel=nofollow`.
    Nofollow,
    /// Every way to it leads through a page with `meta robots nofollow`.
    MetaNofollow,
    /// Every way to it leads through a page with `X-Robots-Tag: nofollow`.
    HeaderNofollow,
    /// Its path is reserved by the host's `/.well-known/tdmrep.json`.
    TdmFile,
    /// Its path is under a `Content-Usage` line of robots.txt.
    ContentUsageRobots,
}

/// Where an opt-out stands.
enum Means {
    /// A header of the picture.
    Header(&'static str, &'static str),
    /// A `meta` element of the page that shows it.
    Meta(&'static str, &'static str),
    /// Something on the way to the page that shows it, or of the whole host.
    Elsewhere,
}

impl OptOut {
    fn entry(self) -> (&'static str, Means) {
        use Means::{Elsewhere, Header, Meta};
        const TAG: &str = "X-Robots-Tag";
        match self {
            Self::Noindex => ("noindex", Header(TAG, "noindex")),
            Self::Noimageindex => ("noimageindex", Header(TAG, "nosnippet, noimageindex")),
            Self::Noai => ("noai", Header(TAG, "noai")),
            Self::Noimageai => ("noimageai", Header(TAG, "NoImageAI")),
            Self::None => ("none", Header(TAG, "none")),
            Self::Agent => ("agent", Header(TAG, "simdex: noindex")),
            Self::Expired => (
                "expired",
                Header(TAG, "unavailable_after: 25 Jun 2010 15:00:00 GMT"),
            ),
            Self::Tdm => ("tdm", Header("tdm-reservation", "1")),
            Self::ContentUsage => ("content-usage", Header("Content-Usage", "train-ai=n")),
            Self::MetaNoindex => ("meta-noindex", Meta("robots", "noindex, follow")),
            Self::MetaNoimageindex => ("meta-noimageindex", Meta("robots", "noimageindex")),
            Self::MetaNoai => ("meta-noai", Meta("robots", "noai")),
            Self::MetaNoimageai => ("meta-noimageai", Meta("ROBOTS", "noimageai")),
            Self::MetaNone => ("meta-none", Meta("robots", "none")),
            Self::MetaAgent => ("meta-agent", Meta("simdex", "noindex")),
            Self::MetaTdm => ("meta-tdm", Meta("tdm-reservation", "1")),
            Self::Nofollow => ("nofollow", Elsewhere),
            Self::MetaNofollow => ("meta-nofollow", Elsewhere),
            Self::HeaderNofollow => ("header-nofollow", Elsewhere),
            Self::TdmFile => ("tdm-file", Elsewhere),
            Self::ContentUsageRobots => ("content-usage-robots", Elsewhere),
        }
    }

    /// Whether the links of a page that declares it are not to be followed.
    pub(super) fn stops_links(self) -> bool {
        matches!(
            self,
            Self::MetaNone | Self::MetaNofollow | Self::HeaderNofollow
        )
    }
}

/// Headers that are no opt-out, though they look like one.
const DECOYS: [(&str, &str, &str); 3] = [
    ("/other-agent.png", "X-Robots-Tag", "otherbot: noindex"),
    (
        "/future.png",
        "X-Robots-Tag",
        "unavailable_after: 25 Jun 2090 15:00:00 GMT",
    ),
    ("/unreserved.png", "tdm-reservation", "0"),
];

impl Feature for OptOut {
    const GROUP: &'static str = "optout";
    const ALL: &'static [Self] = &[
        Self::Noindex,
        Self::Noimageindex,
        Self::Noai,
        Self::Noimageai,
        Self::None,
        Self::Agent,
        Self::Expired,
        Self::Tdm,
        Self::ContentUsage,
        Self::MetaNoindex,
        Self::MetaNoimageindex,
        Self::MetaNoai,
        Self::MetaNoimageai,
        Self::MetaNone,
        Self::MetaAgent,
        Self::MetaTdm,
        Self::Nofollow,
        Self::MetaNofollow,
        Self::HeaderNofollow,
        Self::TdmFile,
        Self::ContentUsageRobots,
    ];

    fn name(self) -> &'static str {
        self.entry().0
    }

    fn resource(self, site: &Site<'_>, target: &str) -> Option<Resource> {
        let means = self.entry().1;
        Some(match target {
            "/robots.txt" if self == Self::ContentUsageRobots => {
                Resource::other(Reply::text("User-agent: *\nContent-Usage: /ai/ train-ai=n\nAllow: /\n"))
            }
            "/robots.txt" => Resource::other(Reply::text("User-agent: *\nAllow: /\n")),
            "/.well-known/tdmrep.json" if self == Self::TdmFile => Resource::other(Reply::bytes(
                "application/json",
                br#"[{"location":"/reserved/*","tdm-reservation":1},{"location":"/","tdm-reservation":0}]"#
                    .as_slice(),
            )),
            "/" => Resource::page(self.home(site)),
            "/good.png" => site.picture(target),
            "/opted.png" => {
                let Means::Header(name, value) = means else {
                    return None;
                };
                site.picture(target).header(name, value).opted_out(self)
            }
            "/page.html" => self.second(site, &means)?,
            "/on-page.png" if !matches!(means, Means::Header(..)) => site.picture(target),
            "/beyond.html" => {
                Resource::page(Page::new("Beyond").show(Shown::Image, site.url("/beyond.png")))
            }
            "/beyond.png" => site.picture(target),
            "/reserved/a.png" if self == Self::TdmFile => site.picture(target).opted_out(self),
            "/ai/a.png" if self == Self::ContentUsageRobots => site.picture(target).opted_out(self),
            _ => {
                let (_, name, value) = DECOYS.iter().find(|decoy| decoy.0 == target)?;
                site.picture(target).header(name, *value)
            }
        })
    }
}

impl OptOut {
    /// The host's first page: pictures to take, and the way to the one to leave.
    fn home(self, site: &Site<'_>) -> Page {
        let mut page = Page::new(self.name()).show(Shown::Image, site.url("/good.png"));
        for (path, ..) in DECOYS {
            page = page.show(Shown::Image, site.url(path));
        }
        match self {
            Self::Nofollow => page.show(Shown::Nofollow, site.url("/page.html")),
            Self::TdmFile => page.show(Shown::Image, site.url("/reserved/a.png")),
            Self::ContentUsageRobots => page.show(Shown::Image, site.url("/ai/a.png")),
            _ if matches!(self.entry().1, Means::Header(..)) => {
                page.show(Shown::Image, site.url("/opted.png"))
            }
            _ => page.show(Shown::Link, site.url("/page.html")),
        }
    }

    /// The host's second page, which opts out or stands beyond a link that does.
    fn second(self, site: &Site<'_>, means: &Means) -> Option<Resource> {
        let page = Page::new("Second page");
        let beyond = || Page::new("Stop").show(Shown::Link, site.url("/beyond.html"));
        Some(match (self, means) {
            (_, Means::Meta(name, content)) => {
                let mut page = page.show(Shown::Image, site.url("/on-page.png"));
                page.meta.push((name, content));
                page.opt_out = Some(self);
                Resource::page(page)
            }
            (Self::Nofollow, _) => {
                Resource::page(page.show(Shown::Image, site.url("/on-page.png")))
            }
            (Self::MetaNofollow, _) => {
                let mut page = beyond();
                page.meta.push(("robots", "nofollow"));
                page.opt_out = Some(self);
                Resource::page(page)
            }
            (Self::HeaderNofollow, _) => {
                let mut page = beyond();
                page.opt_out = Some(self);
                Resource::page(page).header("X-Robots-Tag", "nofollow")
            }
            _ => return None,
        })
    }
}
