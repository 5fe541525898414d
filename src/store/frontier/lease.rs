//! What goes into the frontier and what comes out of it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::hint::{Alternate, Chosen, PictureHint, Promise};
use super::leases::LeasedPlace;
use super::order::Order;
use super::visit::{Validators, VisitRecord};
use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::store::PageTerms;
use crate::store::record::{Embed, PageRecord, Role, UrlRecord, UrlState};

/// A URL found on a page or given as a seed.
#[derive(Debug, Clone)]
pub struct Discovery {
    /// The URL.
    pub url: CanonicalUrl,
    /// What it is expected to be.
    pub role: Role,
    /// Links from the nearest seed.
    pub depth: u32,
    /// How the page shows it, if it is a picture on a page.
    pub embed: Option<Embed>,
    /// What the page says of it besides, if it is a picture.
    pub hint: PictureHint,
}

impl Discovery {
    /// Another URL of a picture, to be asked for in the place of one that gave none.
    pub(in crate::store) fn next_version(
        next: Alternate,
        others: Vec<Alternate>,
        depth: u32,
    ) -> Self {
        Self {
            url: next.url,
            role: Role::Picture,
            depth,
            embed: None,
            hint: PictureHint {
                promise: next.promise,
                others,
                ..PictureHint::default()
            },
        }
    }

    /// Each URL once: what several discoveries say of one picture's URL is joined.
    pub(in crate::store) fn joined(found: &[Self]) -> Vec<Self> {
        let mut at: HashMap<UrlId, usize> = HashMap::new();
        let mut joined: Vec<Self> = Vec::with_capacity(found.len());
        for discovery in found {
            match at.entry(discovery.url.id()) {
                Entry::Vacant(entry) => {
                    entry.insert(joined.len());
                    joined.push(discovery.clone());
                }
                Entry::Occupied(entry) => {
                    let known = &mut joined[*entry.get()];
                    if (known.role, discovery.role) == (Role::Picture, Role::Picture) {
                        known.hint.merge(&discovery.hint);
                    }
                }
            }
        }
        joined
    }

    /// Whether a crawl may begin here.
    pub(in crate::store) fn is_seed(&self) -> bool {
        self.depth == 0 && self.role == Role::Page
    }

    /// All URLs of the picture, best first.
    pub(in crate::store) fn versions(&self) -> Vec<Alternate> {
        let best = Alternate {
            url: self.url.clone(),
            promise: self.hint.promise,
        };
        let others = self.hint.others.iter().take(PictureHint::MOST_OTHERS);
        std::iter::once(best).chain(others.cloned()).collect()
    }

    /// The same picture under the URL that was chosen for it.
    pub(in crate::store) fn chosen(&self, chosen: Chosen) -> Self {
        let (version, others) = match chosen {
            Chosen::New(version, others) => (version, others),
            // The others are for when this one gives nothing.
            Chosen::Known(version) => {
                let others = self.hint.others.iter();
                let others = others.filter(|other| other.url != version.url);
                let others = others.cloned().collect();
                (version, others)
            }
            Chosen::None => return self.clone(),
        };
        Self {
            url: version.url,
            hint: PictureHint {
                promise: version.promise,
                others,
                of_further: self.hint.of_further.clone(),
            },
            ..self.clone()
        }
    }
}

/// A URL handed out for fetching. Until it is settled the URL stays in its host's queue, so
/// dropping the lease, or killing the process, changes nothing. When its time is over the URL
/// may be given to another; then this lease settles nothing.
#[derive(Debug)]
pub struct Lease {
    pub(in crate::store) id: UrlId,
    pub(in crate::store) place: LeasedPlace,
    pub(in crate::store) record: UrlRecord,
    pub(in crate::store) visit: Option<VisitRecord>,
    pub(in crate::store) validators: Validators,
    pub(in crate::store) promise: Promise,
}

impl Lease {
    /// The URL's identity.
    pub fn id(&self) -> UrlId {
        self.id
    }

    /// When it may be given to another, unless it is renewed.
    pub fn deadline(&self) -> Instant {
        self.place.deadline
    }

    /// The URL, its role and depth.
    pub fn record(&self) -> &UrlRecord {
        &self.record
    }

    /// The visit before this one, if what it gave is in the store.
    pub fn last_visit(&self) -> Option<&VisitRecord> {
        self.visit.as_ref()
    }

    /// How sure it is that the URL gives a picture, if it was queued as one.
    pub fn promise(&self) -> Promise {
        self.promise
    }

    /// Notes by what names (`ETag`, `Last-Modified`) the server calls the version it just sent.
    pub fn answered(&mut self, validators: Validators) {
        self.validators = validators;
    }
}

/// What became of a fetched URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UrlOutcome {
    /// It was used.
    Done,
    /// It has not changed since the last visit.
    Unchanged,
    /// It is no longer there, for this reason; what it gave leaves the store if it was gone
    /// some time before, as the run's [`RemovalRules`](crate::store::RemovalRules) say.
    Gone(String),
    /// It says that it is not to be used, in this way; what it gave leaves the store.
    OptedOut(String),
    /// It was given up.
    Failed(String),
    /// It may not be fetched or used.
    Refused(String),
    /// It gave a picture that nobody wants. Unlike those that gave none, no other version of the
    /// picture is asked for.
    Unwanted(String),
    /// It is to be tried again.
    Retry {
        /// Not before, in milliseconds since 1970.
        at_ms: u64,
        /// Why it gave nothing, by its short name.
        reason: String,
    },
    /// It was not asked for, or nothing could be made of the answer yet, for this reason; it is
    /// left to the next run.
    Left(String),
}

impl UrlOutcome {
    /// Whether the URL has come to an end.
    pub(in crate::store) fn is_end(&self) -> bool {
        !matches!(self, Self::Retry { .. } | Self::Left(_))
    }

    /// What a URL is whose picture shows to be none later.
    pub(in crate::store) fn of_no_picture(&self) -> Option<UrlState> {
        match self {
            Self::Failed(reason) => Some(UrlState::Failed(reason.clone())),
            Self::Refused(reason) => Some(UrlState::Refused(reason.clone())),
            _ => None,
        }
    }

    /// Whether another version of the picture is to be asked for. What forbids the use of one
    /// forbids that of all; and one that gave a picture before still stands for it, unless it is
    /// gone. One that is left to the next run is not waited for.
    pub(in crate::store) fn asks_for_next(&self, lease: &Lease) -> bool {
        lease.record.role == Role::Picture
            && match self {
                Self::Gone(_) => true,
                Self::Failed(_) | Self::Refused(_) | Self::Left(_) => lease.visit.is_none(),
                Self::Done | Self::Unchanged | Self::OptedOut(_) | Self::Unwanted(_) => false,
                Self::Retry { .. } => false,
            }
    }
}

/// A page that was fetched and read.
#[derive(Debug, Clone)]
pub struct PageVisit {
    /// The URL it was served under, after redirects.
    pub url: CanonicalUrl,
    /// The page; `None` if nothing is to be kept of it but its links.
    pub page: Option<PageRecord>,
    /// BLAKE3 of its body.
    pub content: [u8; 32],
    /// What the server calls this version of it.
    pub validators: Validators,
    /// What was found on it.
    pub found: Vec<Discovery>,
    /// That its pictures are not to be used, if it says so.
    pub opted_out: Option<OptedOut>,
    /// The reasons that depend on settings for which something on it was not taken.
    pub declined: BTreeSet<String>,
    /// The reason for which the URL counts as failed, if it does: what could be read of it is
    /// stored all the same.
    pub failed: Option<String>,
    /// What it says of the use of its pictures.
    pub terms: PageTerms,
}

/// A page's word that its pictures are not to be used.
#[derive(Debug, Clone)]
pub struct OptedOut {
    /// How it says so.
    pub reason: &'static str,
    /// The pictures that it shows, which are those that it speaks of: the page of an outage says
    /// nothing about the pictures that stood in its place before.
    pub shown: HashSet<UrlId>,
}

impl PageVisit {
    /// What becomes of the URL that was asked for.
    pub(in crate::store) fn outcome(&self) -> UrlOutcome {
        let failed = self.failed.clone();
        failed.map_or(UrlOutcome::Done, UrlOutcome::Failed)
    }

    /// The pictures that the page is known to show after this visit, on which there are `found`. A page that shows nothing may be one of an outage: what it showed stays known, so
    /// that a later word of it is understood.
    pub(in crate::store) fn shown(&self, before: &[UrlId], found: &[Discovery]) -> Vec<UrlId> {
        let found = found.iter().filter(|found| found.embed.is_some());
        let now: Vec<UrlId> = found.map(|found| found.url.id()).collect();
        match &self.opted_out {
            Some(opted_out) => {
                let unsaid = before.iter().filter(|id| !opted_out.shown.contains(id));
                unsaid.copied().collect()
            }
            None if now.is_empty() => before.to_vec(),
            None => now,
        }
    }
}

/// A URL that waits to be tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retrying {
    /// What is known of it.
    pub record: UrlRecord,
    /// Why it gave nothing, by its short name; empty where an older version has not written it.
    pub reason: String,
    /// Not before, in milliseconds since 1970; `None`: in the next run.
    pub at_ms: Option<u64>,
}

impl Retrying {
    pub(in crate::store) fn new(record: UrlRecord, reason: String, at_ms: u64) -> Self {
        Self {
            record,
            reason,
            at_ms: (at_ms < Order::NEXT_RUN).then_some(at_ms),
        }
    }
}

/// What was new among the discoveries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Queued {
    /// The hosts that got work.
    pub hosts: Vec<HostId>,
    /// Picture URLs queued.
    pub pictures: u64,
    /// Page URLs queued.
    pub pages: u64,
    /// Of the pictures: those that are guesses.
    pub guesses: u64,
    /// URLs not taken, because their hosts were removed.
    pub removed: u64,
}

/// How many URLs are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FrontierCounts {
    /// Waiting in a queue.
    pub pending: u64,
    /// Handed out by this process.
    pub leased: u64,
    /// Waiting for another try.
    pub retry: u64,
    /// Used.
    pub done: u64,
    /// Not allowed.
    pub refused: u64,
    /// Given up.
    pub failed: u64,
}
