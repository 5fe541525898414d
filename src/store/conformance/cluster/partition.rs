//! A link between a worker and the server that is down for a while: nothing comes through, and
//! nobody says so.

use std::time::{Duration, Instant};

use testweb::servers::Link;

use super::server::new_database;
use crate::store::ClusterOptions;
use crate::store::conformance::fixture::{
    commit, host, lease, offer, open_cluster, picture_id, url,
};
use crate::store::{LEASE_TIME, Role, Source, Store, UrlOutcome, UrlState};

/// A link to the server of a store, and the store by way of it.
fn link(options: &ClusterOptions) -> (Link, ClusterOptions) {
    let link = Link::to_postgres(&options.url).unwrap();
    let address = url::Url::parse(&options.url).unwrap();
    let mut settings = address.query_pairs();
    let (_, schema) = settings.find(|(name, _)| name == "options").unwrap();
    let url = format!(
        "postgresql://postgres@127.0.0.1:{}/postgres?options={}",
        link.port(),
        schema.replace('=', "%3D")
    );
    let through = ClusterOptions {
        url,
        ..options.clone()
    };
    (link, through)
}

#[test]
fn a_worker_that_was_cut_off_goes_on_and_writes_over_nobody() {
    let Some(options) = new_database() else {
        return;
    };
    let options = ClusterOptions {
        host_lease: Duration::from_secs(2),
        statement_timeout: Duration::from_secs(1),
        ..options
    };
    let (link, through) = link(&options);
    let [a, b] = [&through, &options].map(|options| open_cluster(options, LEASE_TIME));
    offer(&a, Role::Picture, &["a.example/1", "a.example/2"]);
    let cut_off = lease(&a, "a.example");
    link.set_cut(true);
    // Its host is another's once it has given no sign of life.
    let until = Instant::now() + Duration::from_secs(30);
    let taken_over = loop {
        match b.lease(host("a.example"), true).unwrap() {
            Some(lease) => break lease,
            None => std::thread::sleep(Duration::from_millis(50)),
        }
        assert!(Instant::now() < until);
    };
    assert_eq!(taken_over.record().url, cut_off.record().url);
    assert!(commit(&b, Source::Url(taken_over), 1));
    std::thread::scope(|scope| {
        // It asks while nothing comes through, and waits.
        let late = scope.spawn(|| a.settle(cut_off, UrlOutcome::Failed("http_500".to_owned())));
        std::thread::sleep(Duration::from_secs(8));
        link.set_cut(false);
        late.join().unwrap().unwrap();
    });
    let state = |store: &Store, at: &str| {
        let record = store.url_record(url(at).id()).unwrap().unwrap();
        (record.state, record.attempts)
    };
    assert_eq!(state(&a, "a.example/1"), (UrlState::Done, 1));
    assert!(a.contains(picture_id(1)).unwrap());
    // When the other ends, at the latest, this one goes on.
    drop(b);
    assert!(commit(&a, Source::Url(lease(&a, "a.example")), 2));
    assert_eq!(a.counts(), a.recount().unwrap());
    assert_eq!(state(&a, "a.example/2"), (UrlState::Done, 1));
}
