//! What is counted of trees as they change: kept in the tree `counters` by the same transactions that
//! change them, so that it is exact after any kill. A store of before, which has no counts, is counted
//! once.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sled::{IVec, Tree};

use super::changes::Changes;
use super::key::FrontierKey;
use super::record::{UNREADABLE, decode, encode};
use crate::store::counts::{Counts, count};
use crate::store::lease::FrontierCounts;
use crate::store::{StoreError, UrlRecord};

/// Key of the numbers.
const NUMBERS: [u8; 1] = [6];
/// What keys of reasons begin with, before the reason's short name.
const REASON: u8 = 7;

/// The trees that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// URLs, by their state and by where they wait.
    Frontier,
    /// Pages.
    Pages,
    /// Hosts.
    Hosts,
}

/// The counts, and the trees that they are of.
pub struct Counters {
    frontier: Tree,
    pages: Tree,
    hosts: Tree,
    kept_in: Tree,
    /// Held while a counted tree is changed.
    counts: Mutex<Counts>,
}

impl Counters {
    pub fn open(db: &sled::Db) -> Result<Self, StoreError> {
        let counters = Self {
            frontier: db.open_tree("frontier")?,
            pages: db.open_tree("pages")?,
            hosts: db.open_tree("hosts")?,
            kept_in: db.open_tree("counters")?,
            counts: Mutex::default(),
        };
        match counters.read()? {
            Some(counts) => *counters.lock() = counts,
            None => drop(counters.recount()?),
        }
        Ok(counters)
    }

    /// The tree of a kind.
    pub fn tree(&self, kind: Kind) -> &Tree {
        match kind {
            Kind::Frontier => &self.frontier,
            Kind::Pages => &self.pages,
            Kind::Hosts => &self.hosts,
        }
    }

    /// Where the counts are kept.
    pub fn kept_in(&self) -> &Tree {
        &self.kept_in
    }

    /// The counts. Whoever holds them may change counted trees.
    pub fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> Result<Option<Counts>, StoreError> {
        let Some(numbers) = self.kept_in.get(NUMBERS)? else {
            return Ok(None);
        };
        let (frontier, pages, hosts): (FrontierCounts, u64, u64) = decode("counters", &numbers)?;
        let mut counts = Counts {
            frontier,
            pages,
            hosts,
            ..Counts::default()
        };
        for entry in self.kept_in.scan_prefix([REASON]) {
            let (key, value) = entry?;
            let reason = String::from_utf8_lossy(&key[1..]).into_owned();
            counts.reasons.insert(reason, decode("counters", &value)?);
        }
        Ok(Some(counts))
    }

    /// Counts all anew, and keeps that.
    pub fn recount(&self) -> Result<Counts, StoreError> {
        let mut counts = self.lock();
        let mut counted = Counts::default();
        for entry in &self.frontier {
            let (key, value) = entry?;
            add(&mut counted, Kind::Frontier, &key, &value, true)?;
        }
        counted.pages = self.pages.len() as u64;
        counted.hosts = self.hosts.len() as u64;
        let mut changes = sled::Batch::default();
        for key in self.kept_in.scan_prefix([REASON]).keys() {
            changes.remove(key?);
        }
        for (key, value) in difference(&Counts::default(), &counted) {
            match value {
                Some(value) => changes.insert(key, value),
                None => changes.remove(key),
            }
        }
        // Also where nothing is counted.
        changes.insert(&NUMBERS, numbers(&counted));
        self.kept_in.apply_batch(changes)?;
        counts.clone_from(&counted);
        Ok(counted)
    }

    /// What the counts come to with changes of a tree.
    pub fn after(
        &self,
        counts: &mut Counts,
        kind: Kind,
        changes: &Changes,
    ) -> Result<(), StoreError> {
        let tree = self.tree(kind);
        for (key, after) in changes.iter() {
            if let Some(before) = tree.get(key)? {
                add(counts, kind, key, &before, false)?;
            }
            if let Some(after) = after {
                add(counts, kind, key, after, true)?;
            }
        }
        Ok(())
    }
}

/// What is written down where counts change: keys and their values.
pub fn difference(before: &Counts, after: &Counts) -> Vec<(IVec, Option<IVec>)> {
    let key = |reason: &str| IVec::from([&[REASON][..], reason.as_bytes()].concat());
    let mut changed = Vec::new();
    if numbers(before) != numbers(after) {
        changed.push((IVec::from(&NUMBERS), Some(numbers(after).into())));
    }
    for (reason, count) in &after.reasons {
        if before.reasons.get(reason) != Some(count) {
            changed.push((key(reason), Some(encode(count).into())));
        }
    }
    let gone = before.reasons.keys();
    let gone = gone.filter(|reason| !after.reasons.contains_key(*reason));
    changed.extend(gone.map(|reason| (key(reason), None)));
    changed
}

fn numbers(counts: &Counts) -> Vec<u8> {
    encode(&(counts.frontier, counts.pages, counts.hosts))
}

/// Counts an entry of a tree in, or out.
fn add(
    counts: &mut Counts,
    kind: Kind,
    key: &[u8],
    value: &[u8],
    is_in: bool,
) -> Result<(), StoreError> {
    match kind {
        Kind::Pages => count(&mut counts.pages, is_in),
        Kind::Hosts => count(&mut counts.hosts, is_in),
        Kind::Frontier => match FrontierKey::decode(key).ok_or(UNREADABLE)? {
            FrontierKey::Queued { .. } => count(&mut counts.frontier.pending, is_in),
            FrontierKey::Leased(_) => count(&mut counts.frontier.leased, is_in),
            FrontierKey::Retry { .. } => count(&mut counts.frontier.retry, is_in),
            FrontierKey::Url(_) => {
                let record: UrlRecord = decode("frontier", value)?;
                counts.count_url(&record.state, is_in);
            }
        },
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_counted_once() {
        let db = sled::Config::new().temporary(true).open().unwrap();
        let pages = db.open_tree("pages").unwrap();
        pages.insert(b"a", b"").unwrap();
        pages.insert(b"b", b"").unwrap();
        db.open_tree("frontier")
            .unwrap()
            .insert([FrontierKey::RETRY; 25], b"timeout")
            .unwrap();
        let kept = db.open_tree("counters").unwrap();
        kept.insert([REASON, b'x'], encode(&7_u64)).unwrap();
        let counts = |db| Counters::open(db).unwrap().lock().clone();
        let first = counts(&db);
        assert_eq!((first.pages, first.frontier.retry, first.hosts), (2, 1, 0));
        assert_eq!(first.reasons.len(), 0);
        // From then on it is believed.
        pages.insert(b"c", b"").unwrap();
        assert_eq!(counts(&db), first);
        let counters = Counters::open(&db).unwrap();
        assert_eq!(counters.recount().unwrap().pages, 3);
        assert_eq!(counts(&db).pages, 3);
    }
}
