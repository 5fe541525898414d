//! Hosts that show one thing each, such as a fault or an opt-out.

use super::WebPlan;
use super::picture::Picture;
use super::resource::{Content, Resource};

/// A kind of host, of which there is one each.
pub(super) trait Feature: Copy + PartialEq + 'static {
    /// The name between the kind's own and the address's: `drop.bad.a1.test`.
    const GROUP: &'static str;
    /// Every kind, in the order that settles their addresses.
    const ALL: &'static [Self];

    /// The kind's name, a label of its host's.
    fn name(self) -> &'static str;

    /// What stands at a path and query of its host.
    fn resource(self, site: &Site<'_>, target: &str) -> Option<Resource>;

    /// The kind's host.
    fn host(self, plan: &WebPlan) -> String {
        let index = Self::ALL.iter().position(|kind| *kind == self);
        let address = plan.address_of(index.unwrap_or_default() as u32);
        format!("{}.{}.a{address}.test", self.name(), Self::GROUP)
    }

    /// The kind whose host has this name.
    fn of_host(plan: &WebPlan, host: &str) -> Option<Self> {
        let (name, _) = host.split_once('.')?;
        let kind = Self::ALL.iter().find(|kind| kind.name() == name)?;
        (kind.host(plan) == host).then_some(*kind)
    }
}

/// A host at an epoch.
pub(super) struct Site<'a> {
    pub(super) plan: &'a WebPlan,
    pub(super) host: &'a str,
    pub(super) epoch: u64,
}

impl Site<'_> {
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    /// Some 64 bits that a path of this host settles.
    pub(super) fn hash(&self, path: &str) -> u64 {
        self.plan.hash(&format!("{}{path}", self.host))
    }

    /// The picture at a path that never changes.
    pub(super) fn picture(&self, path: &str) -> Resource {
        Resource::new(Content::Picture(self.picture_file(path, 0)))
    }

    /// A version of the picture at a path.
    pub(super) fn picture_file(&self, path: &str, version: u64) -> Picture {
        Picture {
            seed: self.hash(&format!("{path} {version}")),
            png: path.ends_with(".png"),
            style: self.plan.pictures,
        }
    }
}
