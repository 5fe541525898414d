//! A web of pages about different things, for crawls that look for one of them.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::page::{Page, Shown};
use super::resource::Resource;
use crate::reply::Reply;
use crate::server::{Handler, Request, Server, ServerOptions};
use simdex::demo::drawing::{self, Motif};
use simdex::demo::random::SplitMix64;
use simdex::edit;

/// The host with the page that leads to all topics.
const HUB: &str = "hub.a1.test";
/// The size of the pictures, in pixels.
const SIZE: (u32, u32) = (128, 96);
/// Their JPEG quality.
const QUALITY: u8 = 86;
/// Links of each page that make a tree of its topic, so that all of it can be reached.
const TREE: u32 = 2;

/// How large a topic web is. Counts beyond what is said are taken as the nearest within.
#[derive(Debug, Clone, PartialEq)]
pub struct TopicPlan {
    /// Settles everything that is left open here.
    pub seed: u64,
    /// Topics, each a motif of its own: 1 to 16.
    pub topics: u8,
    /// Pages of each topic, 1 to 10,000.
    pub pages_per_topic: u32,
    /// Pictures of each page, which all show its topic: at most 100.
    pub pictures_per_page: u32,
    /// Links of each page, 3 to 100.
    pub links_per_page: u32,
    /// The part of those links that stays within the topic, 0 to 1. It comes out higher if two
    /// links of each page are more than that, since these make sure that all can be reached.
    pub inside: f32,
    /// Hosts, over which the pages of all topics are spread alike: 1 to 200.
    pub hosts: u8,
    /// Addresses that the hosts share: 1 to 254.
    pub addresses: u8,
}

impl Default for TopicPlan {
    fn default() -> Self {
        Self {
            seed: 0,
            topics: 12,
            pages_per_topic: 40,
            pictures_per_page: 4,
            links_per_page: 8,
            inside: 0.85,
            hosts: 10,
            addresses: 2,
        }
    }
}

/// The pictures drawn so far as JPEG files, by their page and their place there.
type Drawn = HashMap<(u32, u32), Arc<[u8]>>;

/// Pages that each show one motif and link mostly to others of it. Neither a page's host nor
/// its path tells its topic; the way to all topics begins at a neutral hub.
#[derive(Debug)]
pub struct TopicWeb {
    plan: TopicPlan,
    /// By the number of a page in its URL: which page it is, counted topic by topic.
    page_of: Vec<u32>,
    /// The same the other way.
    number_of: Vec<u32>,
    drawn: Mutex<Drawn>,
}

impl TopicWeb {
    /// The web that a plan describes.
    pub fn new(plan: TopicPlan) -> Self {
        let plan = TopicPlan {
            topics: plan.topics.clamp(1, Motif::ALL.len() as u8),
            pages_per_topic: plan.pages_per_topic.clamp(1, 10_000),
            pictures_per_page: plan.pictures_per_page.min(100),
            links_per_page: plan.links_per_page.clamp(TREE + 1, 100),
            inside: plan.inside.clamp(0.0, 1.0),
            hosts: plan.hosts.clamp(1, 200),
            addresses: plan.addresses.clamp(1, 254),
            ..plan
        };
        let count = u32::from(plan.topics) * plan.pages_per_topic;
        let mut page_of: Vec<u32> = (0..count).collect();
        let mut random = SplitMix64::new(plan.seed);
        // Fisher and Yates' shuffle.
        for last in (1..page_of.len()).rev() {
            page_of.swap(last, random.count(0, last));
        }
        let mut number_of = vec![0; page_of.len()];
        for (number, page) in (0..).zip(&page_of) {
            number_of[*page as usize] = number;
        }
        Self {
            plan,
            page_of,
            number_of,
            drawn: Mutex::default(),
        }
    }

    /// The URLs from which all of the web can be reached.
    pub fn seeds(&self) -> Vec<String> {
        vec![format!("http://{HUB}/")]
    }

    /// Serves the web on as many addresses as the plan has.
    /// [`Web::resolve_table`](super::Web::resolve_table) tells how to reach it.
    ///
    /// # Errors
    ///
    /// As [`Server::background_with`].
    pub fn serve(self: &Arc<Self>, options: &ServerOptions) -> io::Result<Server> {
        let options = ServerOptions {
            addresses: self.plan.addresses,
            ..options.clone()
        };
        Server::background_with(Arc::clone(self) as Arc<dyn Handler>, &options)
    }

    /// The topics.
    pub fn topics(&self) -> &'static [Motif] {
        &Motif::ALL[..usize::from(self.plan.topics)]
    }

    /// The topic of the page or picture at a URL; nothing for the hub and for what does not
    /// exist.
    pub fn topic_of(&self, url: &str) -> Option<Motif> {
        let (host, path) = url.strip_prefix("http://")?.split_once('/')?;
        let (page, _) = self.named(host, path)?;
        self.topic(page)
    }

    /// The URLs of all pictures of a topic; none if the web has no such topic.
    pub fn pictures(&self, topic: Motif) -> Vec<String> {
        let numbers = (0..).zip(&self.page_of);
        let own = numbers.filter(|(_, page)| self.topic(**page) == Some(topic));
        let slots = 0..self.plan.pictures_per_page;
        own.flat_map(|(number, _)| {
            let url = move |slot| self.url(number, &format!("/{number}-{slot}.jpg"));
            slots.clone().map(url)
        })
        .collect()
    }

    /// The URLs of all pages of a topic; none if the web has no such topic.
    pub fn pages(&self, topic: Motif) -> Vec<String> {
        let numbers = (0..).zip(&self.page_of);
        let own = numbers.filter(|(_, page)| self.topic(**page) == Some(topic));
        own.map(|(_, page)| self.page_url(*page)).collect()
    }

    fn topic(&self, page: u32) -> Option<Motif> {
        let topic = page / self.plan.pages_per_topic;
        self.topics().get(topic as usize).copied()
    }

    /// The host of a page and its pictures by the page's number.
    fn host(&self, number: u32) -> String {
        let host = number % u32::from(self.plan.hosts);
        let address = host % u32::from(self.plan.addresses) + 1;
        format!("site{host}.a{address}.test")
    }

    fn url(&self, number: u32, path: &str) -> String {
        format!("http://{}{path}", self.host(number))
    }

    fn page_url(&self, page: u32) -> String {
        let number = self.number_of[page as usize];
        self.url(number, &format!("/{number}.html"))
    }

    /// The page that a host and a path without its slash name, and the place of a picture.
    fn named(&self, host: &str, path: &str) -> Option<(u32, Option<u32>)> {
        let (number, slot) = match path.strip_suffix(".html") {
            Some(number) => (number, None),
            None => {
                let (number, slot) = path.strip_suffix(".jpg")?.split_once('-')?;
                let slot = slot
                    .parse()
                    .ok()
                    .filter(|slot| *slot < self.plan.pictures_per_page)?;
                (number, Some(slot))
            }
        };
        let number: u32 = number.parse().ok()?;
        let page = *self.page_of.get(number as usize)?;
        (self.host(number) == host).then_some((page, slot))
    }

    /// A page: its pictures and its links, most of them to pages of its topic.
    fn page(&self, page: u32) -> Option<Page> {
        let caption = self.topic(page)?.caption();
        let number = self.number_of[page as usize];
        let mut shown = Page::new(caption);
        for slot in 0..self.plan.pictures_per_page {
            shown = shown.show(
                Shown::Image,
                self.url(number, &format!("/{number}-{slot}.jpg")),
            );
        }
        for link in self.links(page) {
            shown = shown.show(Shown::Link, self.page_url(link));
        }
        Some(shown)
    }

    /// The pages that one links to.
    fn links(&self, page: u32) -> Vec<u32> {
        let plan = &self.plan;
        let per_topic = plan.pages_per_topic;
        let (first, own) = (page - page % per_topic, page % per_topic);
        let mut random = SplitMix64::new(plan.seed ^ (u64::from(page) + 1).rotate_left(40));
        let total = self.page_of.len() as u32;
        let free = plan.links_per_page - TREE;
        // The tree's links are all inside, so fewer of the others are.
        let inside = (plan.inside * plan.links_per_page as f32 - TREE as f32) / free as f32;
        let mut any = |count: u32| random.bits() as u32 % count.max(1);
        let mut links: Vec<u32> = (1..=TREE)
            .map(|child| own * TREE + child)
            .map(|child| {
                if child < per_topic {
                    child
                } else {
                    any(per_topic)
                }
            })
            .map(|inside| first + inside)
            .collect();
        for _ in 0..free {
            let within = any(1 << 20) as f32 / (1 << 20) as f32;
            links.push(if within < inside || total == per_topic {
                first + any(per_topic)
            } else {
                // One of another topic: counted from the end of this one, around.
                (first + per_topic + any(total - per_topic)) % total
            });
        }
        links
    }

    fn picture(&self, page: u32, slot: u32) -> Option<Arc<[u8]>> {
        let motif = self.topic(page)?;
        let place = (page, slot);
        let drawn = || self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(jpeg) = drawn().get(&place) {
            return Some(Arc::clone(jpeg));
        }
        let variation = SplitMix64::new(self.plan.seed).bits();
        let variation = variation ^ (u64::from(page) << 8 | u64::from(slot));
        let picture = drawing::draw(motif, variation, SIZE.0, SIZE.1);
        let jpeg: Arc<[u8]> = edit::jpeg(&picture, QUALITY).ok()?.into();
        drawn().insert(place, Arc::clone(&jpeg));
        Some(jpeg)
    }

    fn hub(&self) -> Page {
        let firsts =
            (0..u32::from(self.plan.topics)).map(|topic| topic * self.plan.pages_per_topic);
        firsts.fold(Page::new("Hub"), |page, first| {
            page.show(Shown::Link, self.page_url(first))
        })
    }
}

impl Handler for TopicWeb {
    fn reply(&self, request: &Request) -> Reply {
        let host = request.host_name();
        let path = request.target.strip_prefix('/').unwrap_or_default();
        if path == "robots.txt" {
            return Reply::text("User-agent: *\nAllow: /\n");
        }
        if host == HUB && path.is_empty() {
            return Resource::page(self.hub()).reply(request);
        }
        let reply = match self.named(&host, path) {
            Some((page, None)) => self
                .page(page)
                .map(|page| Resource::page(page).reply(request)),
            Some((page, Some(slot))) => self
                .picture(page, slot)
                .map(|jpeg| Reply::bytes("image/jpeg", jpeg)),
            None => None,
        };
        reply.unwrap_or_else(Reply::not_found)
    }
}

#[cfg(test)]
mod tests;
