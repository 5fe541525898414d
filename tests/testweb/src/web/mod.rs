//! A synthetic web of many hosts on loopback, and the truth about it.
//!
//! A [`Web`] is worked out from a [`WebPlan`] as it is asked for: which hosts there are, what
//! their pages show, who misbehaves, who opts out. The same plan is the same web. Its [`Truth`]
//! knows what a crawler should find and what it must leave alone, and [`violations`] and
//! [`gaps`] tell from a server's log whether it did.

mod bomb;
mod disposition;
mod fault;
mod feature;
mod listing;
mod log_check;
mod opt_out;
mod ordinary;
mod page;
mod picture;
mod plan;
mod resource;
mod robots;
mod topic;
mod trap;
mod truth;

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub use bomb::UNPACKED;
pub use fault::Fault;
pub use log_check::{Gap, GapKey, Violation, gaps, violations};
pub use opt_out::OptOut;
pub use page::Shown;
pub use picture::PictureStyle;
pub use plan::WebPlan;
pub use robots::RobotsKind;
pub use topic::{TopicPlan, TopicWeb};
pub use trap::Trap;
pub use truth::{Reason, Truth};

use crate::reply::Reply;
use crate::server::{Handler, Request, Server, ServerOptions};
use feature::{Feature, Site};
use ordinary::Ordinary;
use page::{Page, Shown as ShownAs};
use resource::Resource;
use robots::Access;

/// The host that leads to all others.
const HUB: &str = "hub.a1.test";
/// What the hosts that serve pictures for others forbid.
const CLOSED_ELSEWHERE: &str = "/closed/";

/// A web of many hosts, which a [`Server`] serves.
#[derive(Debug)]
pub struct Web {
    plan: WebPlan,
    epoch: AtomicU64,
    /// URLs whose first answer was given, of which few hosts have any.
    begun: Mutex<HashSet<String>>,
}

/// What kind of host a name stands for.
#[derive(Debug, Clone, Copy)]
enum Host {
    Hub,
    Ordinary(u32),
    /// Serves pictures for the ordinary hosts of its address.
    Elsewhere,
    Robots(RobotsKind),
    Fault(Fault),
    Trap(Trap),
    Farm,
    OptOut(OptOut),
}

impl Web {
    /// The web that a plan describes, at epoch 0.
    pub fn new(plan: WebPlan) -> Self {
        Self {
            plan,
            epoch: AtomicU64::new(0),
            begun: Mutex::new(HashSet::new()),
        }
    }

    /// What the web was made from.
    pub fn plan(&self) -> &WebPlan {
        &self.plan
    }

    /// The URLs from which all of the web can be reached.
    pub fn seeds(&self) -> Vec<String> {
        vec![format!("http://{HUB}/")]
    }

    /// Serves the web on as many addresses as the plan has.
    ///
    /// # Errors
    ///
    /// As [`Server::background_with`].
    pub fn serve(self: &Arc<Self>, options: &ServerOptions) -> io::Result<Server> {
        self.plan.pictures.prepare();
        if self.plan.faults {
            bomb::prepare();
        }
        let options = ServerOptions {
            addresses: self.plan.addresses(),
            ..options.clone()
        };
        Server::background_with(Arc::clone(self) as Arc<dyn Handler>, &options)
    }

    /// The lines of a configuration's `[crawl]` that lead the web's names to a server.
    pub fn resolve_table(server: &Server) -> String {
        let entry = |(address, number): (&SocketAddr, usize)| {
            format!("\"*.a{number}.test\" = \"{address}\"")
        };
        let entries: Vec<_> = server.addresses().iter().zip(1..).map(entry).collect();
        format!("resolve = {{ {} }}\n", entries.join(", "))
    }

    /// How often the web has changed.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    /// Changes the web: some pages get a new picture, some pictures other bytes, some of both
    /// are gone, and some pictures are opted out. Gives the new epoch.
    pub fn advance(&self) -> u64 {
        self.epoch.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// What is so at this epoch. It is found by a walk over the whole web that draws each
    /// picture: about a second for 5,000 small ones.
    pub fn truth(&self) -> Truth {
        Truth::of(&self.plan, &self.seeds(), self.epoch())
    }
}

impl Handler for Web {
    fn reply(&self, request: &Request) -> Reply {
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return Reply::new(405).header("Allow", "GET, HEAD");
        }
        let host = request.host_name();
        let Some(mut resource) = resource(&self.plan, &host, &request.target, self.epoch()) else {
            return Reply::not_found();
        };
        if let Some(first) = resource.first.take() {
            let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
            if begun.insert(format!("{host}{}", request.target)) {
                return first;
            }
        }
        resource.reply(request)
    }
}

/// What kind of host a name stands for, if the web has it.
fn host(plan: &WebPlan, name: &str) -> Option<Host> {
    if name == HUB {
        return Some(Host::Hub);
    }
    let (left, address) = name.strip_suffix(".test")?.rsplit_once(".a")?;
    let number: u8 = address.parse().ok()?;
    if number.to_string() != address || !(1..=plan.addresses()).contains(&number) {
        return None;
    }
    if let Some(number) = left
        .strip_prefix('h')
        .and_then(|number| number.parse().ok())
    {
        return (number < plan.hosts && plan.host_name(number) == name)
            .then_some(Host::Ordinary(number));
    }
    let Some((label, group)) = left.split_once('.') else {
        return (left == "cdn").then_some(Host::Elsewhere);
    };
    match group {
        RobotsKind::GROUP if plan.robots => RobotsKind::of_host(plan, name).map(Host::Robots),
        Fault::GROUP if plan.faults => Fault::of_host(plan, name).map(Host::Fault),
        Trap::GROUP if plan.traps => Trap::of_host(plan, name).map(Host::Trap),
        OptOut::GROUP if plan.opt_outs => OptOut::of_host(plan, name).map(Host::OptOut),
        "farm" if plan.traps => {
            let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            (label.len() == 8 && label.bytes().all(hex)).then_some(Host::Farm)
        }
        _ => None,
    }
}

/// What stands at a path and query of a host.
fn resource(plan: &WebPlan, name: &str, target: &str, epoch: u64) -> Option<Resource> {
    let site = Site {
        plan,
        host: name,
        epoch,
    };
    match host(plan, name)? {
        Host::Hub => hub(&site, target),
        Host::Ordinary(number) => Ordinary { site, number }.resource(target),
        Host::Elsewhere => elsewhere(&site, target),
        Host::Robots(kind) => kind.resource(&site, target),
        Host::Fault(kind) => kind.resource(&site, target),
        Host::Trap(kind) => kind.resource(&site, target),
        Host::Farm => Trap::farm(&site, target),
        Host::OptOut(kind) => kind.resource(&site, target),
    }
}

/// Whether a path and query of a host may be fetched.
fn access(plan: &WebPlan, name: &str, target: &str) -> Access {
    if target == "/robots.txt" {
        return Access::Open;
    }
    match host(plan, name) {
        Some(Host::Ordinary(_)) => ordinary::access(target),
        Some(Host::Elsewhere) if target.starts_with(CLOSED_ELSEWHERE) => Access::Closed,
        Some(Host::Robots(kind)) => kind.access(target),
        _ => Access::Open,
    }
}

fn hub(site: &Site<'_>, target: &str) -> Option<Resource> {
    fn hosts<F: Feature>(plan: &WebPlan, wanted: bool) -> impl Iterator<Item = String> + '_ {
        let kinds = F::ALL.iter().filter(move |_| wanted);
        kinds.map(|kind| format!("http://{}/", kind.host(plan)))
    }
    let plan = site.plan;
    match target {
        "/" => {
            let first = (plan.hosts > 0).then(|| ordinary::home(site, 0));
            let links = first
                .into_iter()
                .chain(hosts::<RobotsKind>(plan, plan.robots))
                .chain(hosts::<OptOut>(plan, plan.opt_outs))
                .chain(hosts::<Trap>(plan, plan.traps))
                .chain(hosts::<Fault>(plan, plan.faults));
            let page = links.fold(Page::new("Hub"), |page, url| page.show(ShownAs::Link, url));
            Some(Resource::page(page))
        }
        _ => None,
    }
}

/// A host that serves the pictures of the ordinary hosts of its address.
fn elsewhere(site: &Site<'_>, target: &str) -> Option<Resource> {
    if target == "/robots.txt" {
        let rules = format!("User-agent: *\nDisallow: {CLOSED_ELSEWHERE}\n");
        return Some(Resource::other(Reply::text(rules)));
    }
    if let Some(left) = target.strip_prefix(robots::HOPS) {
        return robots::hop(site, left);
    }
    let file = ["/i/", CLOSED_ELSEWHERE]
        .iter()
        .find_map(|folder| target.strip_prefix(folder))?;
    let (number, name) = file.split_once('-')?;
    let number: u32 = number
        .parse()
        .ok()
        .filter(|number| *number < site.plan.hosts)?;
    let host = site.plan.host_name(number);
    let owner = Ordinary {
        site: Site {
            host: &host,
            ..*site
        },
        number,
    };
    let (name, _) = name.rsplit_once('.')?;
    owner.slot(name)?;
    disposition::changing(site, target)
}

#[cfg(test)]
mod tests;
