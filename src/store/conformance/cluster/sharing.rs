//! Workers that share a store: threads with a store each, which know nothing of one another.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::time::Duration;

use super::server::new_database;
use crate::picture::PictureId;
use crate::store::ClusterOptions;
use crate::store::conformance::fixture::{
    commit, discovery, file, found, host, lease, offer, open_cluster, picture, picture_id, url,
    visit,
};
use crate::store::{
    Body, LEASE_TIME, Listing, PictureOutcome, Role, Sequence, Source, Store, UrlOutcome, UrlState,
};

fn worker(options: &ClusterOptions) -> Store {
    open_cluster(options, LEASE_TIME)
}

#[test]
fn a_host_is_one_workers_at_a_time() {
    let Some(options) = new_database() else {
        return;
    };
    let [a, b] = [(); 2].map(|()| worker(&options));
    offer(
        &a,
        Role::Picture,
        &["a.example/1", "a.example/2", "b.example/1"],
    );
    let of_a = lease(&a, "a.example");
    assert!(b.lease(host("a.example"), true).unwrap().is_none());
    let (first, second) = (host("a.example"), host("b.example"));
    // Whichever comes first, b sees only its own.
    assert_eq!(b.waiting_host_after(None).unwrap(), Some(second));
    assert_eq!(b.waiting_host_after(Some(second)).unwrap(), None);
    let of_b = lease(&b, "b.example");
    assert!(a.claim_host(first).unwrap() && !a.claim_host(second).unwrap());
    assert_eq!(a.waiting_host_after(None).unwrap(), Some(first));
    a.settle(of_a, UrlOutcome::Done).unwrap();
    drop(a);
    // It is given back when the process ends; a redirect to it claims it, too.
    assert!(b.claim_host(first).unwrap());
    b.settle(lease(&b, "a.example"), UrlOutcome::Done).unwrap();
    b.settle(of_b, UrlOutcome::Done).unwrap();
    assert_eq!(b.pending_count().unwrap(), 0);
    assert_eq!(b.counts(), b.recount().unwrap());
}

#[test]
fn a_host_rests_before_another_worker_has_it() {
    let Some(options) = new_database() else {
        return;
    };
    let rests = ClusterOptions {
        quiet: Duration::from_secs(3600),
        ..options
    };
    let [a, b] = [(); 2].map(|()| worker(&rests));
    offer(&a, Role::Picture, &["a.example/1", "a.example/2"]);
    let first = lease(&a, "a.example");
    a.settle(first, UrlOutcome::Done).unwrap();
    drop(a);
    assert!(b.lease(host("a.example"), true).unwrap().is_none());
    assert_eq!(b.waiting_host_after(None).unwrap(), None);
    assert!(b.has_queued(host("a.example")).unwrap());
}

#[test]
fn who_was_cut_off_changes_nothing_when_another_has_its_host() {
    let Some(options) = new_database() else {
        return;
    };
    let short = ClusterOptions {
        // Its heart beats every 2.5 s, and the host is another's before.
        host_lease: Duration::from_secs(10),
        ..options
    };
    let [a, b] = [(); 2].map(|()| worker(&short));
    offer(&a, Role::Page, &["a.example/"]);
    let page = lease(&a, "a.example");
    let expire =
        "UPDATE host_leases SET until = now() - interval '1 s', quiet = now() - interval '1 s'";
    super::server::execute(&short.url, expire);
    let again = lease(&b, "a.example");
    assert_eq!(again.record().url, page.record().url);
    let on_it = || vec![found("a.example/1", Role::Picture)];
    let late = a.settle_page(page, &visit("a.example/", on_it())).unwrap();
    assert_eq!(late, Default::default());
    assert_eq!(a.page_count(), 0);
    assert!(a.lease(host("a.example"), true).unwrap().is_none());
    let queued = b.settle_page(again, &visit("a.example/", on_it())).unwrap();
    assert_eq!((queued.pictures, b.page_count()), (1, 1));
    let record = b.url_record(url("a.example/").id()).unwrap().unwrap();
    assert_eq!((record.attempts, record.state), (1, UrlState::Done));
}

#[test]
fn workers_at_once_do_everything_once() {
    const WORKERS: usize = 3;
    const HOSTS: usize = 6;
    const PICTURES: u8 = 40;
    let Some(options) = new_database() else {
        return;
    };
    let names: Vec<String> = (0..HOSTS).map(|n| format!("h{n}.example")).collect();
    let all: Vec<String> = (0..PICTURES)
        .map(|n| format!("{}/{n}", names[usize::from(n) % HOSTS]))
        .collect();
    let begin = Barrier::new(WORKERS);
    let stored: Vec<u64> = std::thread::scope(|scope| {
        let threads = (0..WORKERS).map(|_| {
            scope.spawn(|| {
                let store = worker(&options);
                begin.wait();
                // All find the same, at once, and a few at a time.
                for some in all.chunks(4) {
                    let found: Vec<_> =
                        some.iter().map(|at| discovery(at, Role::Picture)).collect();
                    store.offer(&found).unwrap();
                }
                let mut stored = 0;
                while store.pending_count().unwrap() > 0 {
                    for name in &names {
                        let Some(lease) = store.lease(host(name), true).unwrap() else {
                            continue;
                        };
                        let n = lease
                            .record()
                            .url
                            .rsplit('/')
                            .next()
                            .unwrap()
                            .parse()
                            .unwrap();
                        // Half of them are found under another name by all, too.
                        let outcomes = vec![
                            PictureOutcome::Picture(Source::Url(lease), picture(&store, n)),
                            PictureOutcome::Picture(
                                file(&format!("{}", n / 2)),
                                picture(&store, n / 2),
                            ),
                        ];
                        let new = store.commit(outcomes).unwrap();
                        stored += new.into_iter().filter(|is_new| *is_new).count() as u64;
                    }
                }
                stored
            })
        });
        let threads: Vec<_> = threads.collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(stored.iter().sum::<u64>(), u64::from(PICTURES));
    let store = worker(&options);
    let pictures = store.pictures().collect::<Result<Vec<_>, _>>().unwrap();
    let numbers: Vec<Sequence> = pictures.iter().map(|(sequence, _)| *sequence).collect();
    let expected: Vec<Sequence> = (0..u64::from(PICTURES)).map(Sequence).collect();
    assert_eq!(numbers, expected, "none is missing, none twice");
    let ids: BTreeSet<_> = pictures.into_iter().map(|(_, id)| id).collect();
    assert_eq!(ids, (0..PICTURES).map(picture_id).collect());
    for at in &all {
        let record = store.url_record(url(at).id()).unwrap().unwrap();
        assert_eq!((record.attempts, record.state), (1, UrlState::Done));
    }
    assert_eq!(store.counts(), store.recount().unwrap());
    assert_eq!(store.picture_count(), usize::from(PICTURES));
}

#[test]
fn an_index_elsewhere_learns_of_removals() {
    let Some(options) = new_database() else {
        return;
    };
    let [a, b] = [(); 2].map(|()| worker(&options));
    for n in 0..3 {
        assert!(commit(&a, file(&format!("{n}.png")), n));
    }
    assert_eq!(b.next_sequence(), 3);
    assert!(a.remove_picture(picture_id(1)).unwrap());
    assert_eq!(b.removed_since(0), [Sequence(1)]);
    assert!(b.remove_picture(picture_id(0)).unwrap());
    assert_eq!(b.removed_since(1), [Sequence(0)]);
    // One that is opened now has nothing to take out.
    assert_eq!(worker(&options).removed_since(0), []);
}

#[test]
fn workers_make_features_of_different_pictures() {
    const PICTURES: u8 = 40;
    let Some(options) = new_database() else {
        return;
    };
    let [a, b] = [(); 2].map(|()| worker(&options));
    let bodies = (0..PICTURES).map(|n| Body {
        origin: file(&format!("{n}.png")),
        id: picture_id(n),
        bytes: vec![n],
    });
    a.keep_bodies(bodies.collect()).unwrap();
    let ids = |list: Listing<'_, PictureId>, most: usize| -> BTreeSet<PictureId> {
        list.take(most).map(Result::unwrap).collect()
    };
    // It has claimed more than it has taken.
    let of_a = ids(a.waiting_here(), 5);
    let of_b = ids(b.waiting_here(), usize::MAX);
    assert!(of_a.is_disjoint(&of_b) && !of_b.is_empty());
    assert!(of_b.len() < usize::from(PICTURES) - of_a.len());
    assert_eq!(ids(a.waiting(), usize::MAX).len(), usize::from(PICTURES));
    // What a process has not done is another's when it ends.
    drop(a);
    assert_eq!(
        ids(b.waiting_here(), usize::MAX).len(),
        usize::from(PICTURES)
    );
}
