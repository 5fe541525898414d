//! Tests of the ledger, and what they share with others.

use std::net::IpAddr;
use std::thread;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);
/// When the entries of constructed ledgers begin.
pub(super) const T: u64 = 1_600_000_000_000;

pub(super) fn terms(name: &str) -> RequestTerms {
    RequestTerms {
        host: HostId::of(name),
        address: Some([192, 0, 2, 1].into()),
        purpose: Purpose::Page,
        robots: RobotsDecision::AllowedByFile,
        delay_ms: 1_000,
        serial: true,
    }
}

pub(super) fn ok() -> Ending {
    Ending {
        address: None,
        status: 200,
        outcome: Outcome::Ok,
        bytes: 10,
        delay_ms: 1_000,
        wait_ms: 0,
    }
}

fn open(dir: &Path) -> Arc<Ledger> {
    Arc::new(Ledger::open(dir, Retention::default()).unwrap())
}

/// What a process leaves that is killed: nothing that is open is ended.
fn kill(ledger: Arc<Ledger>, requests: impl IntoIterator<Item = Request>) {
    requests.into_iter().for_each(std::mem::forget);
    drop(ledger);
}

/// A ledger with these entries, at times of their own.
pub(super) fn written(entries: &[LedgerEntry]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = record::header(0).to_vec();
    let name = "a.example";
    for part in NamePart::split(HostId::of(name), name) {
        bytes.extend(LedgerEntry::Name(part).encode());
    }
    bytes.extend(entries.iter().flat_map(LedgerEntry::encode));
    std::fs::write(dir.path().join(files::NEWEST), bytes).unwrap();
    dir
}

pub(super) fn start(number: u64, at: u64, change: impl FnOnce(&mut RequestTerms)) -> LedgerEntry {
    let mut terms = terms("a.example");
    change(&mut terms);
    let time_ms = T + at;
    LedgerEntry::Started(Start {
        number,
        time_ms,
        terms,
    })
}

pub(super) fn end(number: u64, at: u64, change: impl FnOnce(&mut Ending)) -> LedgerEntry {
    let mut ending = Ending {
        address: Some([192, 0, 2, 1].into()),
        ..ok()
    };
    change(&mut ending);
    LedgerEntry::Ended(End {
        number,
        time_ms: T + at,
        host: HostId::of("a.example"),
        ending,
    })
}

pub(super) fn opened(at: u64) -> LedgerEntry {
    LedgerEntry::Opened { time_ms: T + at }
}

#[test]
fn a_killed_process_is_paced_on_from_where_it_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let done = ledger
        .started("done.example", terms("done.example"))
        .unwrap();
    let busy = Ending {
        status: 503,
        delay_ms: 8_000,
        wait_ms: 60_000,
        ..ok()
    };
    done.ended(busy).unwrap();
    let mut cut_off = terms("cut.example");
    cut_off.address = None;
    let cut_off = ledger.started("cut.example", cut_off).unwrap();
    let before = now_ms();
    kill(ledger, [cut_off]);

    let ledger = open(dir.path());
    let last = ledger.last_requests(HOUR).unwrap();
    let done = last.hosts[&HostId::of("done.example")];
    assert_eq!(done.delay_ms, 8_000);
    assert!(done.started_ms <= done.ended_ms && done.ended_ms <= before);
    assert_eq!(done.next_ms, done.ended_ms + 60_000);
    // Nobody knows when it ended; it was before the ledger was opened again.
    let cut_off = last.hosts[&HostId::of("cut.example")];
    assert!(cut_off.ended_ms >= before);
    assert_eq!(cut_off.delay_ms, 1_000);
    let address = last.addresses[&IpAddr::from([192, 0, 2, 1])];
    assert_eq!((address.delay_ms, address.next_ms), (8_000, 0));
    assert_eq!(last.addresses.len(), 1);

    // Dropped without an end, as when a crawl is interrupted, is ended all the same.
    drop(ledger.started("x.example", terms("x.example")).unwrap());
    drop(ledger);
    let report = politeness(dir.path(), 10).unwrap();
    assert_eq!(
        (report.requests, report.killed, report.under_way),
        (3, 1, 0)
    );
}

#[test]
fn only_the_window_is_restored_and_nothing_waits_longer() {
    let now = now_ms();
    // A clock that was a day ahead, and one that was far back.
    for (ahead, is_there) in [(0, true), (86_400_000, true), (-7_200_000_i64, false)] {
        let shift = now.wrapping_add_signed(ahead).wrapping_sub(T);
        let long = |ending: &mut Ending| {
            ending.wait_ms = u32::MAX;
            ending.delay_ms = u32::MAX;
        };
        let dir = written(&[opened(shift), start(1, shift, |_| ()), end(1, shift, long)]);
        let last = open(dir.path()).last_requests(HOUR).unwrap();
        let host = last.hosts.get(&HostId::of("a.example"));
        assert_eq!(host.is_some(), is_there, "{ahead}");
        if let Some(host) = host {
            let now = now_ms();
            assert!(host.ended_ms <= now);
            assert!(host.next_ms <= now + 3_600_000);
            assert_eq!(host.delay_ms, 3_600_000);
        }
    }
}

#[test]
fn a_clock_that_was_ahead_makes_nobody_wait_in_every_run() {
    let now = now_ms();
    let years = 10 * 365 * 86_400_000;
    let wait = |ending: &mut Ending| ending.wait_ms = 1_800_000;
    let ahead = now + years - T;
    // After that process the clock was set right, and an hour ago another one ran.
    let since = now - 3_600_001 - T;
    let entries = [
        opened(ahead),
        start(1, ahead, |_| ()),
        end(1, ahead + 5, wait),
    ];
    let dir = written(&entries);
    let last = open(dir.path()).last_requests(HOUR).unwrap();
    let host = &last.hosts[&HostId::of("a.example")];
    assert!(host.next_ms >= now + 1_800_000, "it may have been just now");
    let dir = written(&[&entries[..], &[opened(since)]].concat());
    let last = open(dir.path()).last_requests(HOUR).unwrap();
    assert_eq!(last.hosts.len(), 0, "it was before that");
}

#[test]
fn a_last_record_torn_anywhere_is_cut_off_and_the_rest_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(files::NEWEST);
    let ledger = open(dir.path());
    let request = ledger.started("a.example", terms("a.example")).unwrap();
    request.ended(ok()).unwrap();
    drop(ledger);
    let whole = std::fs::read(&path).unwrap();
    // Header, opened, name, started, ended.
    assert_eq!(whole.len(), 5 * LEN);
    for length in 4 * LEN..5 * LEN {
        for garbage in [false, true] {
            let mut torn = whole[..length].to_vec();
            if garbage {
                torn.resize(7 * LEN, 0);
            }
            std::fs::write(&path, &torn).unwrap();
            let ledger = open(dir.path());
            let request = ledger.started("b.example", terms("b.example")).unwrap();
            request.ended(ok()).unwrap();
            drop(ledger);
            let report = politeness(dir.path(), 10).unwrap();
            assert_eq!((report.requests, report.killed), (2, 1), "{length}");
            assert_eq!(report.damaged, 0, "{length}");
            assert_eq!(report.by_host.len(), 2);
        }
    }
    // The very first write, torn: the file is begun again. A stranger's file is not.
    for length in 0..LEN {
        std::fs::write(&path, &whole[..length]).unwrap();
        drop(open(dir.path()));
        assert_eq!(std::fs::read(&path).unwrap().len(), 2 * LEN);
    }
    for strange in [&b"a diary"[..], &[b'x'; 200]] {
        std::fs::write(&path, strange).unwrap();
        let refused = Ledger::open(dir.path(), Retention::default());
        assert!(matches!(refused, Err(StoreError::Ledger { .. })));
        assert!(politeness(dir.path(), 10).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), strange);
    }
}

#[test]
fn threads_write_whole_records_with_numbers_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    thread::scope(|scope| {
        for thread in 0..8 {
            let ledger = &ledger;
            scope.spawn(move || {
                for i in 0..200 {
                    let name = format!("{}-{thread}.example", i % 20);
                    let request = ledger.started(&name, terms(&name)).unwrap();
                    request.ended(ok()).unwrap();
                }
            });
        }
    });
    drop(ledger);
    let mut starts = HashSet::new();
    let mut ends = HashSet::new();
    for file in files::all_files(dir.path()).unwrap() {
        for record in file.read_records(1, u64::MAX / 64).unwrap() {
            match LedgerEntry::decode(&record).unwrap() {
                LedgerEntry::Started(start) => assert!(starts.insert(start.number)),
                LedgerEntry::Ended(end) => assert!(ends.insert(end.number)),
                LedgerEntry::Opened { .. } | LedgerEntry::Name(_) => {}
            }
        }
    }
    assert_eq!(starts.len(), 1_600);
    assert_eq!(starts, ends);
    let report = politeness(dir.path(), 1_000).unwrap();
    assert_eq!((report.hosts, report.damaged), (160, 0));
    assert!(
        report
            .by_host
            .iter()
            .all(|row| row.name.ends_with(".example"))
    );
}

#[test]
fn full_files_are_set_aside_and_the_oldest_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let retention = Retention {
        file_bytes: 10 * LEN as u64,
        full_files: 2,
    };
    let ledger = Arc::new(Ledger::open(dir.path(), retention).unwrap());
    // Under way while its file becomes an old one, but not for long enough to be dropped.
    let mut slow = None;
    for i in 0..20 {
        if i == 14 {
            slow = Some(
                ledger
                    .started("slow.example", terms("slow.example"))
                    .unwrap(),
            );
        }
        let request = ledger.started("a.example", terms("a.example")).unwrap();
        request.ended(ok()).unwrap();
    }
    drop(slow);
    let report = politeness(dir.path(), 10).unwrap();
    assert_eq!(
        (report.files, report.whole, report.under_way),
        (3, false, 0)
    );
    assert!((8..20).contains(&report.requests), "{}", report.requests);
    assert!(
        report
            .by_host
            .iter()
            .all(|row| row.name.ends_with(".example"))
    );
    assert!(format!("{:?}", report.told()).contains("no longer in the ledger"));
    let last = ledger.last_requests(HOUR).unwrap();
    assert_eq!(last.hosts.len(), 2);

    // Killed between setting a file aside and beginning the next: numbers go on rising.
    let newest = dir.path().join(files::NEWEST);
    let numbers_end = {
        let files = files::all_files(dir.path()).unwrap();
        let file = files.last().unwrap();
        file.first + file.records
    };
    drop(ledger);
    std::fs::rename(&newest, dir.path().join("requests.0.log")).unwrap();
    std::fs::rename(
        dir.path().join("requests.2.log"),
        dir.path().join("requests.3.log"),
    )
    .unwrap();
    std::fs::rename(
        dir.path().join("requests.1.log"),
        dir.path().join("requests.2.log"),
    )
    .unwrap();
    std::fs::rename(
        dir.path().join("requests.0.log"),
        dir.path().join("requests.1.log"),
    )
    .unwrap();
    drop(Ledger::open(dir.path(), retention).unwrap());
    let files = files::all_files(dir.path()).unwrap();
    assert_eq!(files.last().unwrap().first, numbers_end);
}

#[test]
fn a_file_of_a_later_simdex_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(files::NEWEST);
    let mut header = record::header(0);
    header[16] = 9;
    let crc = crc32fast::hash(&header[..60]);
    header[60..].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(&path, header).unwrap();
    let refused = Ledger::open(dir.path(), Retention::default()).unwrap_err();
    assert!(refused.to_string().contains("format is 9"), "{refused}");
    assert_eq!(std::fs::read(&path).unwrap(), header);
}

#[test]
fn a_long_ledger_is_only_read_as_far_as_needed_and_in_full() {
    let now = now_ms() - T;
    // Two hours ago, more than a block of records; then now.
    let mut entries = vec![opened(0)];
    for i in 0..3_000 {
        entries.push(start(i, now - 7_200_000 + i, |_| ()));
    }
    for i in 3_000..6_000 {
        entries.push(start(i, now - 6_000 + i, |terms| terms.delay_ms = 7));
    }
    let dir = written(&entries);
    let last = open(dir.path()).last_requests(HOUR).unwrap();
    let host = last.hosts[&HostId::of("a.example")];
    assert_eq!(host.delay_ms, 7);
    assert_eq!(politeness(dir.path(), 1).unwrap().requests, 6_000);
}

fn now_ms() -> u64 {
    Clock::new().now_ms()
}
