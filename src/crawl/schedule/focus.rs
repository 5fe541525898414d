//! A focused crawl: what is linked from pages with matches is fetched first (best-first search;
//! Cho, Garcia-Molina and Page 1998, Chakrabarti et al. 1999).

use std::collections::{HashMap, VecDeque};

use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::store::{Discovery, Role, UrlRecord};

/// Estimates where matches are, from those seen so far. Bounded: what was found longest ago
/// is forgotten first and then counts as its host and path do.
#[derive(Debug, Default)]
pub(super) struct Focus {
    all: Tally,
    hosts: HashMap<HostId, Tally>,
    paths: HashMap<UrlId, Tally>,
    pages: HashMap<UrlId, PageTally>,
    /// The page on which a URL was found first.
    found_on: HashMap<UrlId, UrlId>,
    order: VecDeque<UrlId>,
    /// Found and not yet asked for, by host.
    open: HashMap<HostId, Vec<UrlId>>,
    turns: u64,
}

/// Pictures seen and matches among them.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    matches: f32,
    pictures: f32,
}

#[derive(Debug, Clone, Copy)]
struct PageTally {
    tally: Tally,
    host: HostId,
    path: UrlId,
}

/// URLs remembered with the page that they were found on: 100 MB with all that hangs on them.
const REMEMBERED: usize = 500_000;
/// The weight of what is expected before any picture was seen, in pictures.
const PRIOR: f32 = 1.0;
/// The share of matches expected anywhere before any picture was seen.
const FIRST_GUESS: f32 = 0.1;
/// How many pages back an estimate looks.
const ANCESTORS: u32 = 3;
/// What a page is worth against a picture: it only leads to matches.
const PAGE_VALUE: f32 = 0.8;
/// Every this many turns, one goes to the URL that has waited longest, matches or not.
const EXPLORE_EVERY: u64 = 10;
/// URLs of a host that are looked at for the best.
pub(super) const LOOKED_AT: usize = 512;
/// Ready hosts that are looked at for the best.
pub(super) const HOSTS_LOOKED_AT: usize = 16;

impl Tally {
    fn add(&mut self, is_match: bool) {
        self.matches += f32::from(u8::from(is_match));
        self.pictures += 1.0;
    }

    /// The share of matches to expect, given what was expected before.
    fn expect(self, prior: f32) -> f32 {
        (self.matches + PRIOR * prior) / (self.pictures + PRIOR)
    }
}

impl Focus {
    /// Takes note of what was found on a page.
    pub(super) fn found(&mut self, page: &CanonicalUrl, found: &[Discovery]) {
        let id = page.id();
        self.pages.entry(id).or_insert(PageTally {
            tally: Tally::default(),
            host: page.host_id(),
            path: folder(page.as_str()),
        });
        for discovery in found {
            let url = discovery.url.id();
            if self.found_on.contains_key(&url) || self.pages.contains_key(&url) {
                continue;
            }
            self.found_on.insert(url, id);
            self.order.push_back(url);
            self.open
                .entry(discovery.url.host_id())
                .or_default()
                .push(url);
        }
        while self.order.len() > REMEMBERED {
            if let Some(oldest) = self.order.pop_front() {
                self.found_on.remove(&oldest);
                self.pages.remove(&oldest);
            }
        }
    }

    /// Takes note that a URL is being asked for.
    pub(super) fn asked(&mut self, host: HostId, url: UrlId) {
        if let Some(open) = self.open.get_mut(&host) {
            open.retain(|known| *known != url && self.found_on.contains_key(known));
            if open.is_empty() {
                self.open.remove(&host);
            }
        }
    }

    /// Takes note of whether a picture is a match.
    pub(super) fn scored(&mut self, picture: UrlId, is_match: bool) {
        self.all.add(is_match);
        let Some(page) = self.found_on.get(&picture).copied() else {
            return;
        };
        if let Some(page) = self.pages.get_mut(&page) {
            page.tally.add(is_match);
            self.hosts.entry(page.host).or_default().add(is_match);
            self.paths.entry(page.path).or_default().add(is_match);
        }
    }

    /// Whether this turn goes to the URL that has waited longest.
    pub(super) fn explores(&mut self) -> bool {
        self.turns += 1;
        self.turns.is_multiple_of(EXPLORE_EVERY)
    }

    /// How much asking for a URL promises.
    pub(super) fn promise(&self, id: UrlId, record: &UrlRecord) -> f32 {
        let expected = match self.found_on.get(&id) {
            Some(page) => self.page(*page, ANCESTORS),
            None => self.surroundings(record.host, folder(&record.url)),
        };
        match record.role {
            Role::Picture => expected,
            Role::Page | Role::Sheet | Role::Feed | Role::Sitemap => expected * PAGE_VALUE,
        }
    }

    /// How much the best open URL of a host promises.
    pub(super) fn host_promise(&self, host: HostId) -> f32 {
        let open = self.open.get(&host).map(Vec::as_slice).unwrap_or_default();
        let of = |url: &UrlId| {
            self.found_on
                .get(url)
                .map(|page| self.page(*page, ANCESTORS))
        };
        let newest = open.iter().rev().take(LOOKED_AT).filter_map(of);
        newest.fold(0.0, f32::max)
    }

    fn page(&self, page: UrlId, ancestors: u32) -> f32 {
        let Some(known) = self.pages.get(&page) else {
            return self.all.expect(FIRST_GUESS);
        };
        let around = self.surroundings(known.host, known.path);
        let above = self.found_on.get(&page).filter(|_| ancestors > 0);
        let prior = match above {
            // The page that led here says more than the URL's host and folder.
            Some(above) => 0.75 * self.page(*above, ancestors - 1) + 0.25 * around,
            None => around,
        };
        known.tally.expect(prior)
    }

    fn surroundings(&self, host: HostId, path: UrlId) -> f32 {
        let anywhere = self.all.expect(FIRST_GUESS);
        let on_host = self.hosts.get(&host).copied().unwrap_or_default();
        let in_path = self.paths.get(&path).copied().unwrap_or_default();
        in_path.expect(on_host.expect(anywhere))
    }
}

/// The folder of a URL.
fn folder(url: &str) -> UrlId {
    let path = url.split('?').next().unwrap_or(url);
    let end = path.rfind('/').map_or(path.len(), |at| at + 1);
    UrlId::of(&path[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{PictureHint, UrlState};

    fn url(text: &str) -> CanonicalUrl {
        CanonicalUrl::parse(text).unwrap()
    }

    fn discovery(text: &str, role: Role) -> Discovery {
        Discovery {
            url: url(text),
            role,
            depth: 1,
            embed: None,
            hint: PictureHint::default(),
        }
    }

    fn promise(focus: &Focus, text: &str, role: Role) -> f32 {
        let record = UrlRecord {
            url: text.to_owned(),
            host: url(text).host_id(),
            role,
            depth: 1,
            attempts: 0,
            state: UrlState::Open,
        };
        focus.promise(url(text).id(), &record)
    }

    #[test]
    fn what_stands_beside_matches_promises_more() {
        let mut focus = Focus::default();
        for (page, is_match) in [("http://h/cats", true), ("http://h/cars", false)] {
            let name = page.rsplit('/').next().unwrap();
            let found: Vec<Discovery> = (0..4)
                .map(|i| discovery(&format!("http://h/i/{name}{i}.jpg"), Role::Picture))
                .chain([discovery(&format!("http://h/more-{name}"), Role::Page)])
                .collect();
            focus.found(&url(page), &found);
            focus.scored(found[0].url.id(), is_match);
            focus.scored(found[1].url.id(), is_match);
        }
        let cats = promise(&focus, "http://h/i/cats2.jpg", Role::Picture);
        let cars = promise(&focus, "http://h/i/cars2.jpg", Role::Picture);
        assert!(cats > 3.0 * cars, "{cats} {cars}");
        let more = promise(&focus, "http://h/more-cats", Role::Page);
        assert!(more > promise(&focus, "http://h/more-cars", Role::Page));
        // Two steps away the good page still counts.
        focus.found(
            &url("http://h/more-cats"),
            &[discovery("http://h/i/next.jpg", Role::Picture)],
        );
        let next = promise(&focus, "http://h/i/next.jpg", Role::Picture);
        assert!(next > cars && next < cats + 0.1, "{next}");
    }

    #[test]
    fn hosts_are_ranked_by_their_best_open_url() {
        let mut focus = Focus::default();
        let good = discovery("http://a/1.jpg", Role::Picture);
        let open = discovery("http://b/2.jpg", Role::Picture);
        focus.found(&url("http://h/"), &[good.clone(), open.clone()]);
        focus.scored(good.url.id(), true);
        assert!(focus.host_promise(open.url.host_id()) > 0.5);
        focus.asked(open.url.host_id(), open.url.id());
        assert_eq!(focus.host_promise(open.url.host_id()), 0.0);
    }
}
