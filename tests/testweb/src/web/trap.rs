//! Hosts without end.

use super::feature::{Feature, Site};
use super::page::{Page, Shown};
use super::resource::Resource;
use crate::reply::Reply;

/// A way to lead crawlers on for ever. Each has a host whose first page shows `/good.png` and
/// leads into it; the pages within show `/banner.png`, the same everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trap {
    /// A calendar with links to the month before and after, at `/calendar/2024/05`.
    Calendar,
    /// Every link carries a session id of its own: `/list?sid=8d3f…`.
    Session,
    /// Paths that repeat: `/loop/a/b/a/b/`.
    Path,
    /// Filters that combine without end: `/shop?color=3&color=1&size=2`.
    Query,
    /// Hosts that lead to more hosts: `e58b1f20.farm.a1.test`.
    Farm,
}

impl Trap {
    /// What the URLs within begin with, from the path on. The farm's hosts are within from
    /// their names on.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Calendar => "/calendar/",
            Self::Session => "/list?",
            Self::Path => "/loop/",
            Self::Query => "/shop?",
            Self::Farm => "/",
        }
    }

    /// The hosts that a page within, or the first page, leads on to.
    fn links(self, site: &Site<'_>, target: &str) -> Vec<String> {
        let on = |link: String| site.url(&link);
        match self {
            Self::Calendar => {
                let mut parts = target.trim_start_matches("/calendar/").split('/');
                let mut number = |or: i64| parts.next().and_then(|n| n.parse().ok()).unwrap_or(or);
                let (year, month): (i64, i64) = (number(2024), number(5));
                let months = year
                    .saturating_mul(12)
                    .saturating_add(month.saturating_sub(1));
                [months.saturating_add(1), months.saturating_sub(1)]
                    .map(|m| format!("/calendar/{}/{:02}", m.div_euclid(12), m.rem_euclid(12) + 1))
                    .map(on)
                    .to_vec()
            }
            Self::Session => (0..3)
                .map(|i| format!("/list?sid={:016x}", site.hash(&format!("{target} {i}"))))
                .map(on)
                .collect(),
            Self::Path => {
                let path = if target == "/" { "/loop/" } else { target };
                ["a/", "b/"]
                    .map(|step| format!("{path}{step}"))
                    .map(on)
                    .to_vec()
            }
            Self::Query => {
                let query = target
                    .split_once('?')
                    .map_or(String::new(), |(_, q)| format!("{q}&"));
                ["color", "size"]
                    .into_iter()
                    .flat_map(|key| (1..=3).map(move |value| (key, value)))
                    .map(|(key, value)| on(format!("/shop?{query}{key}={value}")))
                    .collect()
            }
            Self::Farm => (0..4)
                .map(|i| {
                    let number = site.hash(&format!("farm {i}"));
                    let address = site.plan.address_of(number as u32);
                    format!("http://{:08x}.farm.a{address}.test/", (number >> 32) as u32)
                })
                .collect(),
        }
    }

    fn page(self, site: &Site<'_>, target: &str, picture: &str) -> Resource {
        let mut page =
            Page::new(format!("{} {target}", self.name())).show(Shown::Image, site.url(picture));
        for link in self.links(site, target) {
            page = page.show(Shown::Link, link);
        }
        Resource::page(page)
    }

    /// What stands on a host of the farm.
    pub(super) fn farm(site: &Site<'_>, target: &str) -> Option<Resource> {
        match target {
            "/" => Some(Self::Farm.page(site, target, "/banner.png")),
            "/banner.png" => Some(site.picture(target)),
            _ => None,
        }
    }
}

impl Feature for Trap {
    const GROUP: &'static str = "trap";
    const ALL: &'static [Self] = &[
        Self::Calendar,
        Self::Session,
        Self::Path,
        Self::Query,
        Self::Farm,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Calendar => "calendar",
            Self::Session => "session",
            Self::Path => "path",
            Self::Query => "query",
            Self::Farm => "farm",
        }
    }

    fn resource(self, site: &Site<'_>, target: &str) -> Option<Resource> {
        match target {
            "/robots.txt" => Some(Resource::other(Reply::not_found())),
            "/good.png" => Some(site.picture(target)),
            "/banner.png" => Some(site.picture(target).optional()),
            "/" => Some(self.page(site, target, "/good.png")),
            _ if target.starts_with(self.path()) && self != Self::Farm => {
                Some(self.page(site, target, "/banner.png"))
            }
            _ => None,
        }
    }
}
