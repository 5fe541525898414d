//! The report on a crawl's politeness.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::clock::rfc3339;
use super::incidents::{Pause, Violation};
use super::labels::{Purpose, RobotsDecision};
use super::track::Track;
use crate::plural;

/// How politely the crawler behaved, by what is kept of its ledger. Serialized, the fields'
/// names are the JSON's keys; [`Report::told`] is for people. Times are in milliseconds
/// since 1970, and `null` where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Files that were read.
    pub files: u64,
    /// Whether these are all files there ever were; if not, the oldest were dropped to save
    /// space.
    pub whole: bool,
    /// Requests that were sent, or about to be when the process was killed.
    pub requests: u64,
    /// Requests among them to hosts beyond the 250,000 that are followed: nothing else in the
    /// report counts them.
    pub not_followed: u64,
    /// Requests that came too early for their host.
    pub violations: u64,
    /// Requests that started while another to the same host was under way.
    pub overlaps: u64,
    /// Bytes of bodies that were read.
    pub bytes: u64,
    /// The first entry of a request.
    pub first_ms: Option<u64>,
    /// The last one.
    pub last_ms: Option<u64>,
    /// Requests under way when their process was killed.
    pub killed: u64,
    /// Requests without an end since the ledger was last opened.
    pub under_way: u64,
    /// Records that were skipped because they are damaged or of a later simdex.
    pub damaged: u64,
    /// How often the clock had been set back when the ledger was opened; gaps across that
    /// are not known.
    pub clock_set_back: u64,
    /// Hosts that were asked.
    pub hosts: u64,
    /// Addresses that were asked.
    pub addresses: u64,
    /// Hosts: those with violations first, then those with the most requests.
    pub by_host: Vec<Row>,
    /// Addresses, in the same order. Requests through a proxy have none.
    pub by_address: Vec<Row>,
}

/// What was asked of one host or address.
///
/// A gap runs from the end of a request to the start of the next; from its start if the process
/// was killed before its end. Where requests overlap there is no gap; they are counted instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The host or the address; `#` and the id of a host whose name is lost.
    pub name: String,
    /// Requests.
    pub requests: u64,
    /// Requests by purpose; purposes without requests are left out.
    pub purposes: BTreeMap<Cow<'static, str>, u64>,
    /// Requests by robots decision; decisions without requests are left out.
    pub robots: BTreeMap<Cow<'static, str>, u64>,
    /// When a robots.txt was last asked for.
    pub robots_fetched_ms: Option<u64>,
    /// The smallest gap, in milliseconds.
    pub smallest_gap_ms: Option<u64>,
    /// The median gap, in milliseconds: exact up to 63 gaps, then to 5 %.
    pub median_gap_ms: Option<u32>,
    /// The smallest time between two starts, in milliseconds.
    pub smallest_start_gap_ms: Option<u64>,
    /// Requests that started while another was under way.
    pub overlaps: u64,
    /// The smallest delay that was in force, in milliseconds.
    pub smallest_delay_ms: Option<u32>,
    /// Requests that came more than a millisecond before the delay in force was over or,
    /// for a host, before it wanted to be asked again (Retry-After).
    pub violations: u64,
    /// The 16 worst of them, in the order of time.
    pub worst: Vec<Violation>,
    /// Answers 429 (Too Many Requests) and 503 (Service Unavailable).
    pub busy: u64,
    /// The smallest pause after one of them, in milliseconds.
    pub smallest_pause_ms: Option<u64>,
    /// The 16 latest of them.
    pub pauses: Vec<Pause>,
    /// Bytes of bodies that were read.
    pub bytes: u64,
    /// The first entry.
    pub first_ms: u64,
    /// The last entry.
    pub last_ms: u64,
}

impl Row {
    pub(super) fn new(name: String, track: Track) -> Self {
        let purposes = Purpose::ALL.iter().zip(track.purposes);
        let robots = RobotsDecision::ALL.iter().zip(track.robots);
        Self {
            name,
            requests: track.requests,
            purposes: counted(purposes.map(|(purpose, count)| (purpose.as_str(), count))),
            robots: counted(robots.map(|(decision, count)| (decision.as_str(), count))),
            robots_fetched_ms: track.robots_fetched_ms,
            smallest_gap_ms: track.smallest_gap_ms,
            median_gap_ms: track.gaps.median(),
            smallest_start_gap_ms: track.smallest_start_gap_ms,
            overlaps: track.overlaps,
            smallest_delay_ms: (track.requests > 0).then_some(track.smallest_delay_ms),
            violations: track.violations,
            worst: track.worst,
            busy: track.busy,
            smallest_pause_ms: track.smallest_pause_ms,
            pauses: track.pauses,
            bytes: track.bytes,
            first_ms: track.first_ms,
            last_ms: track.last_ms,
        }
    }

    fn cells(&self) -> [String; COLUMNS] {
        let robots: Vec<_> = self
            .robots
            .iter()
            .map(|(decision, count)| format!("{decision} {count}"))
            .collect();
        [
            self.name.clone(),
            self.requests.to_string(),
            seconds(self.smallest_gap_ms),
            seconds(self.median_gap_ms.map(u64::from)),
            seconds(self.smallest_delay_ms.map(u64::from)),
            self.overlaps.to_string(),
            self.busy.to_string(),
            seconds(self.smallest_pause_ms),
            self.violations.to_string(),
            robots.join(", "),
        ]
    }
}

fn counted(all: impl Iterator<Item = (&'static str, u64)>) -> BTreeMap<Cow<'static, str>, u64> {
    all.filter(|(_, count)| *count > 0)
        .map(|(name, count)| (Cow::Borrowed(name), count))
        .collect()
}

/// What a report tells people, piece by piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A sentence; an empty one stands before a table.
    Line(String),
    /// A request that came too early.
    Early(String),
    /// Rows of as many cells, the first of which names what is below it.
    Table(Vec<Vec<String>>),
}

impl Report {
    /// What it tells people.
    pub fn told(&self) -> Vec<Told> {
        let mut told = Vec::new();
        let mut line = |text: String| told.push(Told::Line(text));
        line(format!(
            "{} to {} at {}, {} too early",
            plural::counted(self.requests, "request"),
            plural::counted(self.hosts, "host"),
            plural::counted_as(self.addresses, "address", "addresses"),
            self.violations
        ));
        if let (Some(first), Some(last)) = (self.first_ms, self.last_ms) {
            line(format!("from {} to {}", rfc3339(first), rfc3339(last)));
        }
        if !self.whole {
            line("older requests are no longer in the ledger".to_owned());
        }
        for (count, one, many) in [
            (
                self.killed,
                "request was under way when simdex was killed",
                "requests were under way when simdex was killed",
            ),
            (
                self.damaged,
                "damaged record was passed over",
                "damaged records were passed over",
            ),
            (
                self.clock_set_back,
                "time the clock had been set back",
                "times the clock had been set back",
            ),
            (
                self.not_followed,
                "request to further hosts was not judged",
                "requests to further hosts were not judged",
            ),
        ] {
            if count > 0 {
                line(plural::counted_as(count, one, many));
            }
        }
        for (title, rows) in [("host", &self.by_host), ("address", &self.by_address)] {
            if !rows.is_empty() {
                told.push(Told::Line(String::new()));
                told.push(Told::Table(table(title, rows)));
            }
        }
        for row in self.by_host.iter().chain(&self.by_address) {
            for early in &row.worst {
                let gap = seconds(Some(early.gap_ms));
                let promised = seconds(Some(early.promised_ms));
                let (time, name) = (rfc3339(early.time_ms), &row.name);
                told.push(Told::Early(format!(
                    "{time} {name}: after {gap} instead of {promised}"
                )));
            }
        }
        told
    }
}

const COLUMNS: usize = 10;

fn table(title: &str, rows: &[Row]) -> Vec<Vec<String>> {
    let head = [
        title,
        "requests",
        "smallest gap",
        "median gap",
        "promised",
        "overlaps",
        "429/503",
        "pause after",
        "too early",
        "robots.txt",
    ]
    .map(str::to_owned);
    let rows = std::iter::once(head).chain(rows.iter().map(Row::cells));
    rows.map(Vec::from).collect()
}

fn seconds(ms: Option<u64>) -> String {
    match ms {
        // Three digits show every millisecond; the value is far below 2^53.
        Some(ms) => format!("{:.3} s", ms as f64 / 1_000.0),
        None => "-".to_owned(),
    }
}
