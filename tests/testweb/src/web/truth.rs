//! What a crawler should find in a web, and what it must leave alone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::feature::Feature;
use super::opt_out::OptOut;
use super::page::{Ref, Shown};
use super::resource::Content;
use super::robots::{self, Access, RobotsKind};
use super::trap::Trap;
use super::{Host, WebPlan, access, host, resource};
use simdex::picture::PictureId;

/// Redirects that are followed from one URL.
const REDIRECTS: usize = 5;

/// Why a URL must not be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The host's robots.txt closes it.
    Robots,
    /// The host's robots.txt cannot be had, so all of it is closed.
    HostClosed,
}

/// What is so about a web at one epoch.
#[derive(Debug, Clone)]
pub struct Truth {
    /// Pictures that can be reached, may be fetched and are not opted out, by the URL that
    /// names them; where a redirect leads on, that is the one it starts from.
    pub pictures: BTreeMap<String, PictureId>,
    /// Pictures that a crawler may keep or leave: smaller versions of others, and what the
    /// standards let it take for open or closed, proper or broken.
    pub optional: BTreeMap<String, PictureId>,
    /// Pictures that stand on pages as `data:` URLs.
    pub inline: BTreeSet<PictureId>,
    /// Pictures that someone opted out, so that a policy may leave them.
    pub opted_out: BTreeMap<String, OptOut>,
    /// Pages that can be reached and may be fetched; those within traps or beyond nofollow are
    /// not counted.
    pub pages: BTreeSet<String>,
    /// Least seconds between two requests to a host, where its robots.txt asks for any.
    pub crawl_delays: BTreeMap<String, u64>,
    /// URLs that something names but robots.txt closes, or that redirect to where one does.
    pub closed: BTreeSet<String>,
    plan: WebPlan,
}

/// A URL on the way.
struct Step {
    url: String,
    /// Whether a picture there is a smaller version of another.
    small: bool,
    opt_out: Option<OptOut>,
}

impl Truth {
    /// Walks the web from its seeds. First goes what may be followed, so that something counts
    /// as opted out only if nothing else leads to it.
    pub(super) fn of(plan: &WebPlan, seeds: &[String], epoch: u64) -> Self {
        let mut truth = Self {
            pictures: BTreeMap::new(),
            optional: BTreeMap::new(),
            inline: BTreeSet::new(),
            opted_out: BTreeMap::new(),
            pages: BTreeSet::new(),
            crawl_delays: BTreeMap::new(),
            closed: BTreeSet::new(),
            plan: plan.clone(),
        };
        if plan.robots {
            let host = RobotsKind::Delay.host(plan);
            truth.crawl_delays.insert(host, robots::DELAY);
        }
        let mut steps: VecDeque<Step> = VecDeque::new();
        for url in seeds {
            steps.push_back(Step {
                url: url.clone(),
                small: false,
                opt_out: None,
            });
        }
        let mut seen = BTreeSet::new();
        let mut hosts = BTreeSet::new();
        while let Some(step) = steps.pop_front() {
            if !seen.insert(step.url.clone()) {
                continue;
            }
            let Some((name, _)) = split(&step.url) else {
                continue;
            };
            // A robots.txt names sitemaps, on the hosts that have any.
            if matches!(host(plan, name), Some(Host::Ordinary(_))) && hosts.insert(name.to_owned())
            {
                steps.push_front(Step {
                    url: format!("http://{name}/sitemap.xml"),
                    small: false,
                    opt_out: None,
                });
            }
            truth.step(&step, epoch, &mut steps);
        }
        truth
    }

    /// Takes what stands at a URL, or where it redirects to.
    fn step(&mut self, step: &Step, epoch: u64, steps: &mut VecDeque<Step>) {
        let mut url = step.url.clone();
        for _ in 0..=REDIRECTS {
            let Some((name, target)) = split(&url) else {
                return;
            };
            let access = access(&self.plan, name, target);
            if matches!(access, Access::Closed | Access::HostClosed) {
                self.closed.insert(step.url.clone());
                return;
            }
            let Some(resource) = resource(&self.plan, name, target, epoch) else {
                return;
            };
            let trapped = self.trap(&url).is_some();
            let optional = resource.optional || step.small || trapped || access == Access::Either;
            match resource.content {
                Content::Redirect(_, to) => {
                    url = to;
                    continue;
                }
                Content::Picture(picture) => {
                    let id = PictureId::of(&picture.bytes());
                    match resource.opt_out.or(step.opt_out) {
                        Some(opt_out) => {
                            self.opted_out.insert(step.url.clone(), opt_out);
                        }
                        None if optional => {
                            self.optional.insert(step.url.clone(), id);
                        }
                        None => {
                            self.pictures.insert(step.url.clone(), id);
                        }
                    }
                }
                Content::Page(page) if resource.optional => spread(&page.refs, step.opt_out, steps),
                // Pages within a trap are left at the first, whose pictures are those of all.
                Content::Page(page) if trapped => {
                    let pictures = page.refs.into_iter().filter(|it| it.shown == Shown::Image);
                    spread(&pictures.collect::<Vec<_>>(), None, steps);
                }
                Content::Page(page) => {
                    // What a redirect leads to counts once, under its own URL.
                    if access == Access::Open && step.opt_out.is_none() {
                        self.pages.insert(url.clone());
                    }
                    if let Some(picture) = page.inline {
                        self.inline.insert(PictureId::of(&picture.bytes()));
                    }
                    let opt_out = step.opt_out.or(page.opt_out);
                    spread(&page.refs, opt_out, steps);
                }
                Content::List(list) => spread(&list.refs, step.opt_out, steps),
                Content::Other(_) => {}
            }
            return;
        }
    }

    /// Why a URL must not be asked for; nothing if it may be. URLs beyond the web may.
    pub fn forbidden(&self, url: &str) -> Option<Reason> {
        let (name, target) = split(url)?;
        match access(&self.plan, name, target) {
            Access::Open | Access::Either => None,
            Access::Closed => Some(Reason::Robots),
            Access::HostClosed => Some(Reason::HostClosed),
        }
    }

    /// The trap that a URL is in, if it is in one.
    pub fn trap(&self, url: &str) -> Option<Trap> {
        let (name, target) = split(url)?;
        match host(&self.plan, name)? {
            Host::Farm => Some(Trap::Farm),
            Host::Trap(Trap::Farm) => None,
            Host::Trap(trap) => target.starts_with(trap.path()).then_some(trap),
            _ => None,
        }
    }

    /// The ids of all pictures that should be found, with those that stand on pages.
    pub fn picture_ids(&self) -> BTreeSet<PictureId> {
        self.pictures
            .values()
            .chain(&self.inline)
            .copied()
            .collect()
    }
}

/// Queues what a page or a list names: openly named things first, the rest at the end.
fn spread(refs: &[Ref], opt_out: Option<OptOut>, steps: &mut VecDeque<Step>) {
    let queue = |steps: &mut VecDeque<Step>, step: Step| {
        if step.opt_out.is_some() {
            steps.push_back(step);
        } else {
            steps.push_front(step);
        }
    };
    for Ref { url, shown, small } in refs {
        let follows = matches!(shown, Shown::Link | Shown::Nofollow);
        let opt_out = match opt_out {
            _ if *shown == Shown::Nofollow => Some(OptOut::Nofollow),
            // A page's word on its pictures does not follow its links, nor the other way.
            Some(word) if follows && !word.stops_links() && word != OptOut::Nofollow => None,
            word => word,
        };
        let step = |url: &String, small| Step {
            url: url.clone(),
            small,
            opt_out,
        };
        queue(steps, step(url, false));
        if let Some(small) = small {
            queue(steps, step(small, true));
        }
    }
}

/// The host and the target of a URL as this web has them.
fn split(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("http://")?;
    let slash = rest.find('/')?;
    let (name, target) = rest.split_at(slash);
    Some((name.split_once(':').map_or(name, |(name, _)| name), target))
}
