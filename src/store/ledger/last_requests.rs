//! When hosts and addresses were asked last, read from the end of the ledger.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::net::IpAddr;

use super::StoreError;
use super::files::{BLOCK, LogFile};
use super::record::LedgerEntry;
use crate::canonical_url::HostId;

/// When hosts and addresses were asked last: what a pacer must know to continue.
#[derive(Debug, Default)]
pub struct LastRequests {
    /// By host.
    pub hosts: HashMap<HostId, LastRequest>,
    /// By address, as far as addresses are known.
    pub addresses: HashMap<IpAddr, LastRequest>,
}

/// When one host or address was asked last. Times are in milliseconds since 1970; only
/// `next_ms` may lie in the future.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LastRequest {
    /// The latest start.
    pub started_ms: u64,
    /// The latest end. A request that was under way when its process was killed counts as ended
    /// when the ledger was next opened, since nothing better is known.
    pub ended_ms: u64,
    /// Before this time it asked not to be asked again; its delay comes on top of
    /// `ended_ms`, not of this. An address asks for nothing: its hosts do.
    pub next_ms: u64,
    /// The longest delay that was in force, in milliseconds.
    pub delay_ms: u32,
}

/// The present, and how far from it a time or a delay may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) now_ms: u64,
    pub(super) within_ms: u64,
}

impl LastRequests {
    /// Reads from the end of the last of the files back to the beginning of the window.
    /// Entries are in the order of time but for sessions whose clocks differ, so reading
    /// stops at the first block of 1,024 records that are all older.
    pub(super) fn read(files: &[LogFile], window: Window) -> Result<Self, StoreError> {
        let since_ms = window.now_ms.saturating_sub(window.within_ms);
        let mut reading = LastRequestsReader {
            last: Self::default(),
            ended: HashSet::new(),
            over_ms: window.now_ms,
            later_ms: window.now_ms,
            window,
        };
        for file in files.iter().rev() {
            let mut to = file.records;
            while to > 1 {
                let from = to.saturating_sub(BLOCK).max(1);
                let mut old = 0;
                let mut dated = 0;
                for record in file.read_records(from, to)?.iter().rev() {
                    let Some(entry) = LedgerEntry::decode(record) else {
                        continue;
                    };
                    let Some(time_ms) = entry.time_ms() else {
                        continue;
                    };
                    let time_ms = reading.time_ms(time_ms);
                    dated += 1;
                    match time_ms >= since_ms {
                        true => reading.entry(&entry, time_ms),
                        false => old += 1,
                    }
                }
                // A damaged block says nothing about the ones before it.
                if dated > 0 && old == dated {
                    return Ok(reading.last);
                }
                to = from;
            }
        }
        Ok(reading.last)
    }
}

/// Entries are taken from the newest to the oldest.
struct LastRequestsReader {
    last: LastRequests,
    /// Requests whose end was read and whose start is still to come.
    ended: HashSet<u64>,
    /// By when a request without an end has ended.
    over_ms: u64,
    /// When the entry after the present one was written.
    later_ms: u64,
    window: Window,
}

impl LastRequestsReader {
    /// When the next entry was written that says this time. One from a clock that was ahead
    /// counts as written just before the one behind it: were it as of now, its host would have
    /// to be waited for in each run anew, until the time comes that the clock showed.
    fn time_ms(&mut self, said_ms: u64) -> u64 {
        if said_ms <= self.window.now_ms {
            self.later_ms = said_ms;
        }
        self.later_ms
    }

    fn entry(&mut self, entry: &LedgerEntry, time_ms: u64) {
        let within_ms = self.window.within_ms;
        match entry {
            LedgerEntry::Opened { .. } => self.over_ms = time_ms,
            LedgerEntry::Ended(end) => {
                self.ended.insert(end.number);
                let ending = &end.ending;
                let next_ms = match ending.wait_ms {
                    0 => 0,
                    wait_ms => time_ms.saturating_add(within_ms.min(wait_ms.into())),
                };
                self.note(
                    end.host,
                    ending.address,
                    ending.delay_ms,
                    |last, is_host| {
                        last.ended_ms = last.ended_ms.max(time_ms);
                        if is_host {
                            last.next_ms = last.next_ms.max(next_ms);
                        }
                    },
                );
            }
            LedgerEntry::Started(start) => {
                let killed = !self.ended.remove(&start.number);
                let over_ms = self.over_ms;
                let terms = &start.terms;
                self.note(terms.host, terms.address, terms.delay_ms, |last, _| {
                    last.started_ms = last.started_ms.max(time_ms);
                    if killed {
                        last.ended_ms = last.ended_ms.max(over_ms);
                    }
                });
            }
            LedgerEntry::Name(_) => {}
        }
    }

    fn note(
        &mut self,
        host: HostId,
        address: Option<IpAddr>,
        delay_ms: u32,
        change: impl Fn(&mut LastRequest, bool),
    ) {
        let within_ms = u32::try_from(self.window.within_ms).unwrap_or(u32::MAX);
        let delay_ms = delay_ms.min(within_ms);
        change_at(&mut self.last.hosts, host, delay_ms, |last| {
            change(last, true)
        });
        if let Some(address) = address {
            let addresses = &mut self.last.addresses;
            change_at(addresses, address, delay_ms, |last| change(last, false));
        }
    }
}

fn change_at<K: Eq + Hash>(
    map: &mut HashMap<K, LastRequest>,
    key: K,
    delay_ms: u32,
    change: impl Fn(&mut LastRequest),
) {
    let last = map.entry(key).or_default();
    last.delay_ms = last.delay_ms.max(delay_ms);
    change(last);
}
