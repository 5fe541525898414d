//! How long a host is left alone that goes from one worker to another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

use super::server::{execute, new_database};
use crate::canonical_url::HostId;
use crate::store::conformance::fixture::{host, lease, offer, open_cluster};
use crate::store::{ClusterOptions, HostPace, HostRest, LEASE_TIME, Role, Store, UrlOutcome};

const HOUR: Duration = Duration::from_secs(3600);
const NONE: HostRest = HostRest {
    is_asked: false,
    left: Duration::ZERO,
    delay: Duration::ZERO,
};

/// What paces a worker, as a test has it.
#[derive(Default)]
struct Paced(Mutex<HashMap<HostId, HostRest>>);

impl Paced {
    fn of(store: &Store) -> Arc<Self> {
        let paced = Arc::new(Self::default());
        store.pace_by(Arc::clone(&paced) as Arc<dyn HostPace>);
        paced
    }

    fn set(&self, name: &str, rest: HostRest) {
        self.0.lock().unwrap().insert(host(name), rest);
    }
}

impl HostPace for Paced {
    fn rest(&self, host: HostId) -> Option<HostRest> {
        self.0.lock().unwrap().get(&host).copied()
    }
}

fn two_workers(options: &ClusterOptions) -> [Store; 2] {
    [(); 2].map(|()| open_cluster(options, LEASE_TIME))
}

fn settle_one(store: &Store, name: &str) {
    store.settle(lease(store, name), UrlOutcome::Done).unwrap();
}

#[test]
fn a_host_that_is_given_back_rests_as_long_as_it_is_owed() {
    let Some(options) = new_database() else {
        return;
    };
    let [a, b] = two_workers(&ClusterOptions {
        quiet: HOUR,
        ..options
    });
    let of_a = Paced::of(&a);
    offer(
        &a,
        Role::Picture,
        &["a.example/1", "a.example/2", "b.example/1", "b.example/2"],
    );
    for name in ["a.example", "b.example"] {
        settle_one(&a, name);
    }
    of_a.set("a.example", HostRest { left: HOUR, ..NONE });
    drop(a);
    assert!(b.lease(host("a.example"), true).unwrap().is_none());
    assert_eq!(b.waiting_host_after(None).unwrap(), Some(host("b.example")));
    settle_one(&b, "b.example");
}

#[test]
fn what_an_answer_asks_for_is_known_though_its_worker_is_killed() {
    let Some(options) = new_database() else {
        return;
    };
    let [a, b] = two_workers(&options);
    let of_a = Paced::of(&a);
    offer(
        &a,
        Role::Picture,
        &["a.example/1", "a.example/2", "b.example/1", "b.example/2"],
    );
    for name in ["a.example", "b.example"] {
        let first = lease(&a, name);
        if name == "a.example" {
            of_a.set(name, HostRest { left: HOUR, ..NONE });
        }
        a.settle(first, UrlOutcome::Done).unwrap();
    }
    // Nobody hears of it any more, and two minutes pass.
    let pass = "UPDATE host_leases SET until = until - interval '120 s', \
                quiet = quiet - interval '120 s'";
    execute(&options.url, pass);
    assert!(b.lease(host("a.example"), true).unwrap().is_none());
    settle_one(&b, "b.example");
}

#[test]
fn a_host_that_is_being_asked_is_kept() {
    let Some(options) = new_database() else {
        return;
    };
    let [a, b] = two_workers(&ClusterOptions {
        host_lease: Duration::from_secs(4),
        ..options
    });
    let of_a = Paced::of(&a);
    // As for a redirect: no URL of it is out.
    assert!(a.claim_host(host("a.example")).unwrap());
    of_a.set(
        "a.example",
        HostRest {
            is_asked: true,
            ..NONE
        },
    );
    sleep(Duration::from_secs(6));
    assert!(!b.claim_host(host("a.example")).unwrap());
    of_a.set("a.example", NONE);
    sleep(Duration::from_secs(2));
    assert!(b.claim_host(host("a.example")).unwrap());
}

#[test]
fn who_has_given_a_host_back_may_have_it_again_at_once() {
    let Some(options) = new_database() else {
        return;
    };
    let [a, b] = two_workers(&ClusterOptions {
        host_lease: Duration::from_secs(2),
        quiet: HOUR,
        ..options
    });
    offer(&a, Role::Picture, &["a.example/1", "a.example/2"]);
    settle_one(&a, "a.example");
    // Its next turn comes later than an idle host is kept.
    sleep(Duration::from_secs(3));
    assert!(b.lease(host("a.example"), true).unwrap().is_none());
    settle_one(&a, "a.example");
}

#[test]
fn what_was_handed_out_before_a_host_changed_hands_does_not_count() {
    let Some(options) = new_database() else {
        return;
    };
    let [a, b] = two_workers(&options);
    offer(&a, Role::Picture, &["a.example/1", "a.example/2"]);
    let (late, other) = (lease(&a, "a.example"), lease(&a, "a.example"));
    let expire =
        "UPDATE host_leases SET until = now() - interval '1 s', quiet = now() - interval '1 s'";
    execute(&options.url, expire);
    assert!(b.claim_host(host("a.example")).unwrap());
    execute(&options.url, expire);
    // What this process thinks is over, too.
    a.settle(other, UrlOutcome::Done).unwrap();
    assert!(a.claim_host(host("a.example")).unwrap());
    a.settle(late, UrlOutcome::Failed("late".to_owned()))
        .unwrap();
    assert_eq!(a.counts().frontier.failed, 0);
    for _ in 0..2 {
        settle_one(&a, "a.example");
    }
    assert_eq!(a.counts().frontier.done, 2);
}
