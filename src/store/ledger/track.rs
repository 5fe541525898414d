//! How one host or address was treated.

use super::gaps::Gaps;
use super::incidents::{LISTED, Pause, Violation};
use super::labels::{Purpose, RobotsDecision};
use super::record::{End, Start};

/// What a report keeps of one host or address.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) requests: u64,
    pub(super) overlaps: u64,
    pub(super) smallest_gap_ms: Option<u64>,
    pub(super) smallest_start_gap_ms: Option<u64>,
    pub(super) gaps: Gaps,
    pub(super) smallest_delay_ms: u32,
    pub(super) violations: u64,
    /// The worst of them.
    pub(super) worst: Vec<Violation>,
    /// Requests by purpose, in the order of `Purpose::ALL`.
    pub(super) purposes: [u64; Purpose::ALL.len()],
    /// Requests by robots decision, in the order of `RobotsDecision::ALL`.
    pub(super) robots: [u64; RobotsDecision::ALL.len()],
    pub(super) robots_fetched_ms: Option<u64>,
    /// Answers 429 and 503.
    pub(super) busy: u64,
    pub(super) smallest_pause_ms: Option<u64>,
    /// The latest answers 429 and 503.
    pub(super) pauses: Vec<Pause>,
    pub(super) bytes: u64,
    pub(super) first_ms: u64,
    pub(super) last_ms: u64,
    last_start_ms: Option<u64>,
    last_end_ms: Option<u64>,
    /// The delay that is owed after the last request.
    owed_ms: u32,
    serial: bool,
    /// Before this time it asked not to be asked.
    next_ms: u64,
    under_way: u32,
    /// When the last request started.
    moment: Moment,
}

/// Which part of the ledger is read.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Moment {
    /// How often the ledger was opened so far.
    pub(super) session: u64,
    /// How often the clock had been set back by then: times before and after do not compare.
    pub(super) clock: u64,
}

/// Times are cut to whole milliseconds, so a gap may seem this much too small.
const ROUNDING_MS: u64 = 1;

impl Track {
    pub(super) fn new() -> Self {
        Self {
            requests: 0,
            overlaps: 0,
            smallest_gap_ms: None,
            smallest_start_gap_ms: None,
            gaps: Gaps::new(),
            smallest_delay_ms: u32::MAX,
            violations: 0,
            worst: Vec::new(),
            purposes: [0; Purpose::ALL.len()],
            robots: [0; RobotsDecision::ALL.len()],
            robots_fetched_ms: None,
            busy: 0,
            smallest_pause_ms: None,
            pauses: Vec::new(),
            bytes: 0,
            first_ms: u64::MAX,
            last_ms: 0,
            last_start_ms: None,
            last_end_ms: None,
            owed_ms: 0,
            serial: true,
            next_ms: 0,
            under_way: 0,
            moment: Moment::default(),
        }
    }

    /// `is_host`: the delay that is in force before a request is its host's; the address
    /// is owed what was in force when it was last asked, maybe for another host.
    pub(super) fn start(&mut self, start: &Start, moment: Moment, is_host: bool) {
        self.resume(moment);
        let time_ms = start.time_ms;
        let terms = &start.terms;
        let start_gap = self.last_start_ms.map(|last| time_ms.saturating_sub(last));
        smallest(&mut self.smallest_start_gap_ms, start_gap);
        let overlaps = self.under_way > 0 || self.last_end_ms.is_some_and(|end| end > time_ms);
        let end_gap = match self.last_end_ms {
            Some(end) if !overlaps => Some(time_ms - end),
            _ => None,
        };
        self.overlaps += u64::from(overlaps);
        smallest(&mut self.smallest_gap_ms, end_gap);
        if let Some(gap) = end_gap {
            self.gaps.add(u32::try_from(gap).unwrap_or(u32::MAX));
        }
        let gap = match terms.serial {
            true if overlaps => Some(0),
            true => end_gap.or(start_gap),
            false => start_gap,
        };
        let promised_ms = match terms.serial && is_host {
            true => self.owed_ms.max(terms.delay_ms),
            false => self.owed_ms,
        };
        if let Some(gap_ms) = gap {
            self.judge(start, gap_ms, promised_ms.into());
        }
        self.end_pauses(time_ms);

        self.requests += 1;
        self.owed_ms = match self.under_way {
            0 => terms.delay_ms,
            _ => self.owed_ms.max(terms.delay_ms),
        };
        self.serial = terms.serial;
        self.under_way = self.under_way.saturating_add(1);
        self.last_start_ms = self.last_start_ms.max(Some(time_ms));
        self.smallest_delay_ms = self.smallest_delay_ms.min(terms.delay_ms);
        // A value's code is its index.
        self.purposes[usize::from(terms.purpose.code())] += 1;
        self.robots[usize::from(terms.robots.code())] += 1;
        if terms.purpose == Purpose::Robots {
            self.robots_fetched_ms = Some(time_ms);
        }
        self.seen(time_ms);
    }

    /// `started`: whether its start was read. `is_host`: whether a wait that was asked for
    /// holds here, which it does not for the host's neighbours at its address.
    pub(super) fn end(&mut self, end: &End, started: bool, is_host: bool) {
        let ending = &end.ending;
        self.under_way = self.under_way.saturating_sub(started.into());
        self.last_end_ms = self.last_end_ms.max(Some(end.time_ms));
        if self.serial {
            // What was owed before the request is past.
            self.owed_ms = match self.under_way {
                0 => ending.delay_ms,
                _ => self.owed_ms.max(ending.delay_ms),
            };
        }
        if is_host && ending.wait_ms > 0 {
            let next_ms = end.time_ms.saturating_add(ending.wait_ms.into());
            self.next_ms = self.next_ms.max(next_ms);
        }
        if matches!(ending.status, 429 | 503) {
            self.busy += 1;
            if self.pauses.len() == LISTED {
                self.pauses.remove(0);
            }
            self.pauses.push(Pause {
                time_ms: end.time_ms,
                status: ending.status,
                asked_ms: ending.wait_ms,
                delay_ms: ending.delay_ms,
                pause_ms: None,
            });
        }
        self.bytes = self.bytes.saturating_add(ending.bytes);
        self.seen(end.time_ms);
    }

    fn resume(&mut self, moment: Moment) {
        if self.moment.session != moment.session && self.under_way > 0 {
            // Killed: nobody knows when they ended.
            self.under_way = 0;
            self.last_end_ms = None;
        }
        if self.moment.clock != moment.clock {
            self.last_start_ms = None;
            self.last_end_ms = None;
            self.next_ms = 0;
            self.pauses.retain(|pause| pause.pause_ms.is_some());
        }
        self.moment = moment;
    }

    fn judge(&mut self, start: &Start, gap_ms: u64, promised_ms: u64) {
        let too_soon = promised_ms.saturating_sub(gap_ms);
        let against_wish = self.next_ms.saturating_sub(start.time_ms);
        let missing = too_soon.max(against_wish);
        if missing <= ROUNDING_MS {
            return;
        }
        self.violations += 1;
        self.worst.push(Violation {
            number: start.number,
            time_ms: start.time_ms,
            gap_ms,
            promised_ms: gap_ms.saturating_add(missing),
        });
        if self.worst.len() > LISTED {
            let all = self.worst.iter().enumerate();
            let mildest = all.min_by_key(|(_, one)| one.promised_ms.saturating_sub(one.gap_ms));
            if let Some((at, _)) = mildest {
                self.worst.remove(at);
            }
        }
    }

    /// The next request ends the pause after a 429 or 503.
    fn end_pauses(&mut self, time_ms: u64) {
        for pause in &mut self.pauses {
            // A request that was sent before the answer came does not end its pause.
            if pause.pause_ms.is_none() && pause.time_ms <= time_ms {
                pause.pause_ms = Some(time_ms - pause.time_ms);
                smallest(&mut self.smallest_pause_ms, pause.pause_ms);
            }
        }
    }

    fn seen(&mut self, time_ms: u64) {
        self.first_ms = self.first_ms.min(time_ms);
        self.last_ms = self.last_ms.max(time_ms);
    }
}

fn smallest(smallest: &mut Option<u64>, value: Option<u64>) {
    *smallest = match (*smallest, value) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
}
