//! What a cluster does a bit at a time, or once in a while: removals, counts, segments.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::server::{execute, new_database};
use crate::canonical_url::UrlId;
use crate::store::conformance::fixture::{
    commit, discovery, file, host, lease, offer, open_cluster, picture_id, url,
};
use crate::store::{Again, LEASE_TIME, Role, Source, UrlOutcome, Wasteful};

/// More than is done in one transaction.
const MANY: usize = 2_500;

#[test]
fn what_is_more_than_a_transaction_takes_is_done_to_its_end() {
    let Some(options) = new_database() else {
        return;
    };
    let store = open_cluster(&options, LEASE_TIME);
    let urls = (0..MANY).map(|n| discovery(&format!("a.example/{n}"), Role::Picture));
    let urls: Vec<_> = urls.collect();
    store.offer(&urls).unwrap();
    // All wait for their time, some of which has come.
    let wait = |at: u64| {
        let wait = format!(
            "WITH moved AS (DELETE FROM queue RETURNING host, id) \
             INSERT INTO retries (host, at, id, reason) \
             SELECT host, {at} - 9223372036854775808, id, 'timeout' FROM moved"
        );
        execute(&options.url, &wait);
        store.recount().unwrap()
    };
    assert_eq!(wait(1).frontier.retry, MANY as u64);
    assert_eq!(store.requeue_due(2).unwrap().len(), MANY);
    assert_eq!(store.counts(), store.recount().unwrap());
    let fail = "UPDATE urls SET state = 2, reason = 'timeout'";
    execute(&options.url, fail);
    execute(&options.url, "DELETE FROM queue");
    assert_eq!(store.recount().unwrap().frontier.failed, MANY as u64);
    assert_eq!(
        store.queue_again(&Again::Failed(None)).unwrap(),
        MANY as u64
    );
    assert_eq!(store.counts(), store.recount().unwrap());
    for n in 1..3 {
        let of_host = Source::Url(lease(&store, "a.example"));
        assert!(commit(&store, of_host, n));
    }
    assert!(!commit(&store, file("2.png"), 2));
    assert_eq!(store.remove_host("a.example").unwrap(), 1);
    assert!(store.contains(picture_id(2)).unwrap(), "it is a file, too");
    let counts = store.recount().unwrap();
    assert_eq!(store.counts(), counts);
    assert_eq!(counts.frontier.refused, MANY as u64);
    assert_eq!(counts.waiting(), 0);
    assert!(store.take_back_host(host("a.example")).unwrap());
    let record = |text: &str| store.url_record(url(text).id()).unwrap();
    let last: UrlId = urls.iter().map(|it| it.url.id()).max().unwrap();
    assert_eq!(store.url_record(last).unwrap(), None);
    assert_eq!(record("a.example/0"), None);
    assert_eq!(store.recount().unwrap().frontier.refused, 0);
}

#[test]
fn hosts_of_others_are_passed_over() {
    let Some(options) = new_database() else {
        return;
    };
    let [a, b] = [(); 2].map(|()| open_cluster(&options, LEASE_TIME));
    let names: Vec<String> = (0..20).map(|n| format!("{n}.example")).collect();
    let mut hosts: Vec<_> = names.iter().map(|name| (host(name), name)).collect();
    hosts.sort_unstable();
    for (_, name) in &hosts {
        let urls: Vec<String> = (0..3).map(|n| format!("{name}/{n}")).collect();
        let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        offer(&a, Role::Picture, &urls);
    }
    let free = [3, 4, 17];
    let mut leases = Vec::new();
    for (n, (_, name)) in hosts.iter().enumerate() {
        if !free.contains(&n) {
            leases.push(lease(&a, name));
        }
    }
    let mut seen = Vec::new();
    let mut last = None;
    while let Some(host) = b.waiting_host_after(last).unwrap() {
        seen.push(host);
        last = Some(host);
    }
    assert_eq!(seen, free.map(|n| hosts[n].0));
}

#[test]
fn counts_are_right_while_others_write() {
    let Some(options) = new_database() else {
        return;
    };
    let [a, b] = [(); 2].map(|()| open_cluster(&options, LEASE_TIME));
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0.. {
                offer(&a, Role::Picture, &[&format!("a.example/{n}")]);
                a.settle(lease(&a, "a.example"), UrlOutcome::Done).unwrap();
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        for _ in 0..50 {
            assert!(b.check_counts().unwrap());
        }
        is_over.store(true, Ordering::Relaxed);
    });
    execute(&options.url, "UPDATE counts SET value = value + 7");
    assert!(!b.check_counts().unwrap());
    assert!(b.check_counts().unwrap());
    assert_eq!(b.counts().frontier.pending, 0);
}

#[test]
fn pictures_are_numbered_one_after_the_other() {
    const HELD: Duration = Duration::from_secs(1);
    let Some(options) = new_database() else {
        return;
    };
    let store = open_cluster(&options, LEASE_TIME);
    std::thread::scope(|scope| {
        let held = scope.spawn(|| {
            let lock = "DO $$ BEGIN PERFORM value FROM numbers WHERE name = 'numbering' \
                        FOR UPDATE; PERFORM pg_sleep(1.5); END $$";
            execute(&options.url, lock);
        });
        std::thread::sleep(Duration::from_millis(400));
        let begun = Instant::now();
        // Only who is about to number waits.
        offer(&store, Role::Picture, &["a.example/1"]);
        assert!(begun.elapsed() < HELD / 2);
        assert!(commit(&store, file("1.png"), 1));
        assert!(begun.elapsed() > HELD / 2);
        held.join().unwrap();
    });
}

#[test]
fn segments_are_looked_through_when_something_has_left() {
    let Some(options) = new_database() else {
        return;
    };
    let store = open_cluster(&options, LEASE_TIME);
    for n in 1..4 {
        assert!(commit(&store, file(&format!("{n}.png")), n));
    }
    let folder: PathBuf = options.blocks.strip_prefix("file://").unwrap().into();
    let nobodys = folder.join("segments/0000000999.segment");
    let compact = || {
        std::fs::write(&nobodys, [0; 100]).unwrap();
        store.compact(Wasteful::Half).unwrap();
        nobodys.exists()
    };
    assert!(compact(), "nothing has left");
    assert!(store.remove_picture(picture_id(1)).unwrap());
    assert!(!compact());
    assert!(compact(), "nothing has left since");
    assert!(store.remove_picture(picture_id(2)).unwrap());
    assert!(!compact());
    store.block(picture_id(3)).unwrap();
}
