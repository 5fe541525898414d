//! Reads a whole ledger and counts how the crawler behaved.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::path::Path;

use super::StoreError;
use super::files::{BLOCK, all_files};
use super::record::{End, LedgerEntry, NamePart, Start};
use super::report::{Report, Row};
use super::track::{Moment, Track};
use crate::canonical_url::HostId;

/// The most requests that may be under way at once. Only a damaged ledger has more; those count
/// without an end.
const UNDER_WAY: usize = 1 << 16;
/// The most hosts, and the most addresses, that are followed; requests to further ones are only
/// counted.
const FOLLOWED: usize = 250_000;

/// Reads the ledger in the folder `dir` once, from its oldest entry to its newest, and reports
/// how the crawler behaved. `limit` hosts and `limit` addresses get a row: first those with
/// violations, then those with the most requests. A crawl may be running at the same time.
///
/// Memory does not grow with the requests: some 500 bytes for each host and address, up to
/// 2 KB for one that is asked often, and no more than 250,000 of either are followed.
///
/// # Errors
/// If there is no ledger, or it cannot be read.
pub fn politeness(dir: &Path, limit: usize) -> Result<Report, StoreError> {
    let files = all_files(dir)?;
    let mut tally = Tally {
        files: files.len() as u64,
        whole: files.first().is_some_and(|file| file.first == 0),
        ..Tally::default()
    };
    for file in &files {
        let mut from = 1;
        loop {
            // A record that is being written this moment is left out.
            let records = file.read_records(from, from + BLOCK)?;
            if records.is_empty() {
                break;
            }
            for record in &records {
                match LedgerEntry::decode(record) {
                    Some(entry) => tally.entry(&entry),
                    None => tally.damaged += 1,
                }
            }
            from += records.len() as u64;
        }
    }
    Ok(tally.report(limit))
}

#[derive(Default)]
struct Tally {
    hosts: HashMap<HostId, Box<Track>>,
    addresses: HashMap<IpAddr, Box<Track>>,
    names: HashMap<HostId, String>,
    /// The parts of a name read so far.
    name: Vec<u8>,
    under_way: HashMap<u64, Start>,
    moment: Moment,
    /// The time of the last entry.
    time_ms: u64,
    files: u64,
    whole: bool,
    not_followed: u64,
    killed: u64,
    damaged: u64,
}

impl Tally {
    fn entry(&mut self, entry: &LedgerEntry) {
        match entry {
            LedgerEntry::Opened { time_ms } => {
                self.moment.session += 1;
                if *time_ms < self.time_ms {
                    self.moment.clock += 1;
                }
                self.killed += self.under_way.len() as u64;
                self.under_way.clear();
            }
            LedgerEntry::Started(start) => self.started(start),
            LedgerEntry::Ended(end) => self.ended(end),
            LedgerEntry::Name(part) => self.name_part(part),
        }
        self.time_ms = entry.time_ms().unwrap_or(self.time_ms);
    }

    fn started(&mut self, start: &Start) {
        match track(&mut self.hosts, start.terms.host) {
            Some(host) => host.start(start, self.moment, true),
            None => self.not_followed += 1,
        }
        let address = start.terms.address;
        if let Some(track) = address.and_then(|address| track(&mut self.addresses, address)) {
            track.start(start, self.moment, false);
        }
        if self.under_way.len() < UNDER_WAY {
            self.under_way.insert(start.number, *start);
        }
    }

    fn ended(&mut self, end: &End) {
        let start = self.under_way.remove(&end.number);
        if let Some(host) = track(&mut self.hosts, end.host) {
            host.end(end, start.is_some(), true);
        }
        let address = match start {
            Some(start) => start.terms.address,
            None => end.ending.address,
        };
        if let Some(track) = address.and_then(|address| track(&mut self.addresses, address)) {
            track.end(end, start.is_some(), false);
        }
    }

    /// The parts of a name are written at once, so they follow each other.
    fn name_part(&mut self, part: &NamePart) {
        if part.place == 0 {
            self.name.clear();
        }
        self.name.extend_from_slice(part.text());
        if u16::from(part.place) + 1 < u16::from(part.parts) || self.names.len() >= FOLLOWED {
            return;
        }
        // If a part is missing, it is another's name.
        let name = std::str::from_utf8(&self.name);
        if let Ok(name) = name
            && HostId::of(name) == part.host
        {
            self.names.insert(part.host, name.to_owned());
        }
    }

    fn report(self, limit: usize) -> Report {
        let hosts = self.hosts.values();
        Report {
            files: self.files,
            whole: self.whole,
            requests: hosts.clone().map(|host| host.requests).sum::<u64>() + self.not_followed,
            not_followed: self.not_followed,
            violations: hosts.clone().map(|host| host.violations).sum(),
            overlaps: hosts.clone().map(|host| host.overlaps).sum(),
            bytes: hosts.clone().map(|host| host.bytes).sum(),
            first_ms: hosts.clone().map(|host| host.first_ms).min(),
            last_ms: hosts.map(|host| host.last_ms).max(),
            killed: self.killed,
            under_way: self.under_way.len() as u64,
            damaged: self.damaged,
            clock_set_back: self.moment.clock,
            hosts: self.hosts.len() as u64,
            addresses: self.addresses.len() as u64,
            by_host: rows(self.hosts, limit, |host| match self.names.get(host) {
                Some(name) => name.clone(),
                None => format!("#{:016x}", u64::from_be_bytes(host.0)),
            }),
            by_address: rows(self.addresses, limit, IpAddr::to_string),
        }
    }
}

/// The track of a host or address; `None` if there are too many.
fn track<K: Eq + Hash>(tracks: &mut HashMap<K, Box<Track>>, key: K) -> Option<&mut Track> {
    if tracks.len() >= FOLLOWED && !tracks.contains_key(&key) {
        return None;
    }
    Some(tracks.entry(key).or_insert_with(|| Box::new(Track::new())))
}

fn rows<K: Ord>(
    tracks: HashMap<K, Box<Track>>,
    limit: usize,
    name: impl Fn(&K) -> String,
) -> Vec<Row> {
    let mut all: Vec<_> = tracks.into_iter().collect();
    all.sort_unstable_by(|(a, x), (b, y)| {
        let most = (y.violations, y.requests).cmp(&(x.violations, x.requests));
        most.then(a.cmp(b))
    });
    all.truncate(limit);
    all.into_iter()
        .map(|(key, track)| Row::new(name(&key), *track))
        .collect()
}

#[cfg(test)]
mod tests;
