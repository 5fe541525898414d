//! What a run of the crawler may remove: what is gone for good, and never much of a host.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::canonical_url::HostId;
use crate::picture::PictureId;
use crate::store::{LocationId, StoreError};

/// When a run of the crawler may take out of the store what a site no longer shows. An opt-out
/// and the user need no such leave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RemovalRules {
    /// How long after a URL was first found to be gone (404, 410) it may go, in seconds; 0: at
    /// once.
    pub gone_after_s: u64,
    /// The most that one run takes of a host's pictures, as a share of them; one may always go,
    /// unless this is 0. 1: all may go.
    pub most_share: f64,
    /// How long what runs of one process remove counts together: a worker's runs follow one another
    /// every few minutes. 0: each run counts by itself.
    pub counted_for: Duration,
}

impl Default for RemovalRules {
    fn default() -> Self {
        Self {
            gone_after_s: 24 * 3600,
            most_share: 0.1,
            counted_for: Duration::ZERO,
        }
    }
}

/// What follows from one more answer that a URL is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Absence {
    /// It is the first: it is written down, and nothing goes.
    First,
    /// It is too soon after the first.
    TooSoon,
    /// It is gone for good.
    ForGood,
}

/// What the present run has removed. Only the process knows: a run ends with it.
#[derive(Debug, Default)]
pub(in crate::store) struct Losses(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    rules: RemovalRules,
    /// When counting began.
    begun: Option<Instant>,
    /// Pictures of hosts when the first was to go; counted only then.
    pictures: HashMap<HostId, u64>,
    hosts: BTreeMap<HostId, Loss>,
    /// Locations that may go because their pictures have others.
    let_go: HashSet<(PictureId, LocationId)>,
}

/// What one host has lost in this run.
#[derive(Debug, Default)]
struct Loss {
    lost: u64,
    /// Pictures that would have gone, too.
    kept: u64,
}

impl Losses {
    /// Begins a run.
    pub(in crate::store) fn begin(&self, rules: RemovalRules) {
        let mut table = self.lock();
        let goes_on = |begun: Instant| begun.elapsed() < rules.counted_for;
        match table.begun.is_some_and(goes_on) {
            true => table.rules = rules,
            false => {
                *table = Table {
                    rules,
                    begun: Some(Instant::now()),
                    ..Table::default()
                }
            }
        }
    }

    /// What follows when a URL is found to be gone that was first found so at `first_s`.
    pub(in crate::store) fn absence(&self, first_s: Option<u64>, now_s: u64) -> Absence {
        let after_s = self.lock().rules.gone_after_s;
        // A first time in the future is that of a clock that was ahead.
        match first_s.and_then(|first_s| now_s.checked_sub(first_s)) {
            _ if after_s == 0 => Absence::ForGood,
            Some(since_s) if since_s >= after_s => Absence::ForGood,
            Some(_) => Absence::TooSoon,
            None => Absence::First,
        }
    }

    /// Whether a picture of a host may lose a location, of which `others` are those that it has
    /// besides. `count` counts the pictures of this host, and of others if that is no more work.
    pub(in crate::store) fn may_go(
        &self,
        host: HostId,
        (picture, at): (PictureId, LocationId),
        others: impl IntoIterator<Item = Result<LocationId, StoreError>>,
        count: impl FnOnce() -> Result<HashMap<HostId, u64>, StoreError>,
    ) -> Result<bool, StoreError> {
        let mut table = self.lock();
        if table.rules.most_share >= 1.0 {
            return Ok(true);
        }
        for other in others {
            if !table.let_go.contains(&(picture, other?)) {
                table.let_go.insert((picture, at));
                return Ok(true);
            }
        }
        if !table.pictures.contains_key(&host) {
            for (host, pictures) in count()? {
                table.pictures.entry(host).or_insert(pictures);
            }
        }
        let pictures = *table.pictures.entry(host).or_default();
        let most = most(pictures, table.rules.most_share);
        let loss = table.hosts.entry(host).or_default();
        let may_go = loss.lost < most;
        if may_go {
            loss.lost += 1;
        } else {
            if loss.kept == 0 {
                let (lost, of) = (loss.lost, pictures);
                tracing::warn!(lost, of, "no more of this host's pictures are removed");
            }
            loss.kept += 1;
        }
        Ok(may_go)
    }

    /// The hosts of which no more is removed in this run, and how many pictures were kept
    /// that would have gone.
    pub(in crate::store) fn stopped(&self) -> BTreeMap<HostId, u64> {
        let table = self.lock();
        let stopped = table.hosts.iter().filter(|(_, loss)| loss.kept > 0);
        stopped.map(|(host, loss)| (*host, loss.kept)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many of so many pictures may go.
fn most(pictures: u64, share: f64) -> u64 {
    // Counts of pictures are far below 2^53.
    let most = (pictures as f64 * share).floor() as u64;
    most.max(u64::from(share > 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 3600;

    #[test]
    fn a_url_is_gone_for_good_when_it_was_gone_a_day_ago() {
        let losses = Losses::default();
        for (first_s, expected) in [
            (None, Absence::First),
            (Some(10 * DAY), Absence::TooSoon),
            (Some(9 * DAY + 1), Absence::TooSoon),
            (Some(9 * DAY), Absence::ForGood),
            // Written by a clock that was ahead.
            (Some(900 * DAY), Absence::First),
        ] {
            assert_eq!(losses.absence(first_s, 10 * DAY), expected, "{first_s:?}");
        }
        losses.begin(RemovalRules {
            gone_after_s: 0,
            ..RemovalRules::default()
        });
        assert_eq!(losses.absence(None, 0), Absence::ForGood);
    }

    #[test]
    fn a_tenth_of_a_host_may_go_and_always_one() {
        for (pictures, share, expected) in [
            (0, 0.1, 1),
            (1, 0.1, 1),
            (19, 0.1, 1),
            (20, 0.1, 2),
            (1_000, 0.1, 100),
            (1_000, 0.0, 0),
        ] {
            assert_eq!(most(pictures, share), expected, "{share} of {pictures}");
        }
    }

    fn may_go(losses: &Losses, picture: u8, at: u8, others: &[u8]) -> bool {
        let location = |n: u8| LocationId([n; 16]);
        let host = HostId([1; 8]);
        let leaves = (PictureId::of(&[picture]), location(at));
        let others = others.iter().map(|n| Ok(location(*n)));
        let count = || Ok(HashMap::from([(host, 20)]));
        losses.may_go(host, leaves, others, count).unwrap()
    }

    #[test]
    fn a_picture_with_two_locations_is_lost_with_the_second() {
        let losses = Losses::default();
        let of_a_worker = RemovalRules {
            counted_for: Duration::from_secs(DAY),
            ..RemovalRules::default()
        };
        losses.begin(of_a_worker);
        // Both are still there when they are asked about: one commit removes both.
        assert!(may_go(&losses, 1, 1, &[2]));
        assert!(may_go(&losses, 1, 2, &[1]));
        assert!(may_go(&losses, 2, 3, &[]));
        assert_eq!(losses.stopped(), BTreeMap::new());
        assert!(!may_go(&losses, 3, 4, &[]), "two of twenty have gone");
        assert!(may_go(&losses, 4, 5, &[6]), "it is seen elsewhere");
        assert_eq!(losses.stopped(), BTreeMap::from([(HostId([1; 8]), 1)]));
        losses.begin(of_a_worker);
        assert!(!may_go(&losses, 3, 4, &[]), "the same day");
        losses.begin(RemovalRules::default());
        assert!(may_go(&losses, 3, 4, &[]), "another run");
    }
}
