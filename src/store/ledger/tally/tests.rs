//! Tests of what is counted.

use super::super::files::NEWEST;
use super::super::incidents::Violation;
use super::super::labels::{Purpose, RobotsDecision};
use super::super::record::{Ending, LEN, RequestTerms};
use super::super::tests::{T, end, opened, start, written};
use super::*;

/// Requests 1.. that start and end at these times.
fn requests(times: &[(u64, u64)]) -> Vec<LedgerEntry> {
    let numbered = (1..).zip(times);
    let both = |(number, &(from, to))| [start(number, from, |_| ()), end(number, to, |_| ())];
    [opened(0)]
        .into_iter()
        .chain(numbered.flat_map(both))
        .collect()
}

#[test]
fn a_damaged_record_in_the_middle_is_passed_over_and_counted() {
    let dir = written(&requests(&[(0, 100), (2_000, 2_100), (4_000, 4_100)]));
    let path = dir.path().join(NEWEST);
    let mut bytes = std::fs::read(&path).unwrap();
    // The start of the second: header, name, opened, two of the first.
    bytes[5 * LEN + 20] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let report = politeness(dir.path(), 10).unwrap();
    assert_eq!((report.requests, report.damaged), (2, 1));
    // Its end is still known, and the next gap with it.
    assert_eq!(report.by_host[0].smallest_gap_ms, Some(1_900));
    assert_eq!(report.violations, 0);
}

#[test]
fn a_polite_crawl_has_no_violations_and_exact_gaps() {
    let robots = |terms: &mut RequestTerms| {
        terms.purpose = Purpose::Robots;
        terms.robots = RobotsDecision::NotNeeded;
    };
    let mut entries = vec![opened(0), start(1, 0, robots), end(1, 50, |_| ())];
    for i in 1..10 {
        let from = i * 1_500;
        entries.push(start(i + 1, from, |_| ()));
        entries.push(end(i + 1, from + 50 * i, |_| ()));
    }
    let report = politeness(written(&entries).path(), 10).unwrap();
    assert!(report.whole);
    assert_eq!(
        (report.requests, report.violations, report.overlaps),
        (10, 0, 0)
    );
    assert_eq!(
        (report.first_ms, report.last_ms),
        (Some(T), Some(T + 13_950))
    );
    let row = &report.by_host[0];
    assert_eq!(row.name, "a.example");
    assert_eq!(
        (row.smallest_gap_ms, row.median_gap_ms),
        (Some(1_100), Some(1_300))
    );
    assert_eq!(row.smallest_delay_ms, Some(1_000));
    let named =
        |counts: [(&'static str, u64); 2]| counts.map(|(name, count)| (name.into(), count)).into();
    assert_eq!(row.purposes, named([("page", 9), ("robots", 1)]));
    assert_eq!(
        row.robots,
        named([("allowed_by_file", 9), ("not_needed", 1)])
    );
    assert_eq!(row.robots_fetched_ms, Some(T));
    assert_eq!(row.bytes, 100);
    assert_eq!(report.by_address[0].name, "192.0.2.1");
    assert_eq!(report.by_address[0].requests, 10);
    // What people and programs read.
    let text = format!("{:?}", report.told());
    assert!(
        text.contains("a.example") && text.contains("1.100 s"),
        "{text}"
    );
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["by_host"][0]["smallest_gap_ms"], 1_100);
}

#[test]
fn requests_that_came_too_early_are_found() {
    let planted = requests(&[(0, 100), (1_100, 1_200), (2_000, 2_100), (3_100, 3_200)]);
    let report = politeness(written(&planted).path(), 10).unwrap();
    assert_eq!(report.violations, 1);
    let early = Violation {
        number: 3,
        time_ms: T + 2_000,
        gap_ms: 800,
        promised_ms: 1_000,
    };
    assert_eq!(report.by_host[0].worst, [early]);
    assert_eq!(report.by_address[0].worst, [early]);
    assert!(format!("{:?}", report.told()).contains("after 0.800 s instead of 1.000 s"));

    // Two at once where one is promised.
    let overlap = [
        opened(0),
        start(1, 0, |_| ()),
        start(2, 5_000, |_| ()),
        end(1, 6_000, |_| ()),
        end(2, 7_000, |_| ()),
    ];
    let report = politeness(written(&overlap).path(), 10).unwrap();
    assert_eq!((report.violations, report.overlaps), (1, 1));

    // A delay that grew with an answer holds for the next request, whatever that says.
    let grown = [
        opened(0),
        start(1, 0, |_| ()),
        end(1, 100, |ending| ending.delay_ms = 9_000),
        start(2, 5_000, |_| ()),
    ];
    let report = politeness(written(&grown).path(), 10).unwrap();
    assert_eq!(report.by_host[0].worst[0].promised_ms, 9_000);
}

#[test]
fn several_at_once_are_judged_by_their_starts() {
    let side_by_side = |at| {
        let start = start(at, at, |terms| terms.serial = false);
        [start, end(at, at + 1_500, |_| ())]
    };
    let [s1, e1] = side_by_side(0);
    let [s2, e2] = side_by_side(1_000);
    let [s3, e3] = side_by_side(2_600);
    let [s4, e4] = side_by_side(3_400);
    let entries = [opened(0), s1, s2, e1, e2, s3, s4, e3, e4];
    let report = politeness(written(&entries).path(), 10).unwrap();
    assert_eq!((report.violations, report.overlaps), (1, 2));
    assert_eq!(report.by_host[0].worst[0].gap_ms, 800);
    assert_eq!(report.by_host[0].smallest_start_gap_ms, Some(800));
}

#[test]
fn pauses_after_429_and_503_are_told_and_retry_after_holds() {
    let busy = |ending: &mut Ending| {
        ending.status = 429;
        ending.wait_ms = 10_000;
    };
    let entries = [
        opened(0),
        start(1, 0, |_| ()),
        end(1, 100, busy),
        start(2, 12_000, |_| ()),
        end(2, 12_100, busy),
        start(3, 18_000, |_| ()),
        end(3, 18_100, |ending| ending.status = 503),
    ];
    let report = politeness(written(&entries).path(), 10).unwrap();
    let row = &report.by_host[0];
    assert_eq!((row.busy, row.smallest_pause_ms), (3, Some(5_900)));
    let pauses: Vec<_> = row.pauses.iter().map(|pause| pause.pause_ms).collect();
    assert_eq!(pauses, [Some(11_900), Some(5_900), None]);
    assert_eq!(row.pauses[0].asked_ms, 10_000);
    // The second came before the 10 s were over.
    assert_eq!((row.violations, row.worst[0].number), (1, 3));
    assert_eq!(row.worst[0].promised_ms, 10_000);
    // The address is not bound by what one of its hosts asks.
    assert_eq!(report.by_address[0].violations, 0);
}

#[test]
fn a_request_that_was_killed_counts_from_its_start() {
    let entries = [
        opened(0),
        start(1, 0, |_| ()),
        opened(500),
        start(2, 700, |_| ()),
        end(2, 800, |_| ()),
        opened(900),
        start(3, 1_900, |_| ()),
    ];
    let report = politeness(written(&entries).path(), 10).unwrap();
    assert_eq!(
        (report.killed, report.under_way, report.overlaps),
        (1, 1, 0)
    );
    let row = &report.by_host[0];
    assert_eq!((row.violations, row.worst[0].gap_ms), (1, 700));
}

#[test]
fn a_clock_set_back_between_sessions_is_no_violation() {
    let mut entries = requests(&[(50_000, 50_100)]);
    entries.extend([opened(20_000), start(9, 20_100, |_| ())]);
    entries.push(end(9, 20_200, |_| ()));
    let report = politeness(written(&entries).path(), 10).unwrap();
    assert_eq!((report.violations, report.overlaps), (0, 0));
    assert_eq!(report.clock_set_back, 1);
}

#[test]
fn what_a_run_with_a_shorter_delay_promises_is_what_counts() {
    let short = |ending: &mut Ending| ending.delay_ms = 100;
    let dir = written(&[
        opened(0),
        start(2, 10, |_| ()),
        end(2, 20, |_| ()),
        opened(500),
        // The first request still waits for what the last run promised.
        start(5, 1_020, |_| ()),
        end(5, 1_030, short),
        start(7, 1_130, |terms| terms.delay_ms = 100),
        end(7, 1_140, short),
        start(9, 1_200, |terms| terms.delay_ms = 100),
    ]);
    let report = politeness(dir.path(), 10).unwrap();
    assert_eq!(report.violations, 1, "only the last came too early");
    assert_eq!(report.by_host[0].worst[0].promised_ms, 100);
}
