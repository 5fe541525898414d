//! What is to be known of hosts.

use super::fixture::{
    commit, discovery, fetch, file, found, host, lease, offer, picture_id, url, visit,
};
use crate::store::{Again, RemovalRules, Role, RuleFileRecord, Source, Store, UrlState};

pub(super) fn a_removed_host_is_gone_until_it_is_taken_back(store: &Store) {
    offer(store, Role::Page, &["a.example/"]);
    let on_it = vec![found("b.example/1", Role::Picture)];
    let page = lease(store, "a.example");
    store
        .settle_page(page, &visit("a.example/", on_it))
        .unwrap();
    let elsewhere = lease(store, "b.example");
    assert!(commit(store, Source::Url(elsewhere), 1));
    assert!(fetch(store, "a.example", "a.example/2", 2));
    assert!(fetch(store, "a.example", "a.example/3", 3));
    assert!(!commit(store, file("3.png"), 3));
    offer(store, Role::Page, &["a.example/waiting"]);
    assert_eq!(store.remove_host("a.example").unwrap(), 1);
    assert!(store.is_removed(host("a.example")).unwrap());
    assert_eq!((store.page_count(), store.pending_count().unwrap()), (0, 0));
    for (n, is_there) in [(1, true), (2, false), (3, true)] {
        assert_eq!(store.contains(picture_id(n)).unwrap(), is_there);
    }
    assert_eq!(store.provenance(picture_id(1)).unwrap().pages, []);
    assert_eq!(store.provenance(picture_id(3)).unwrap().urls.len(), 0);
    assert_eq!(store.seeds().unwrap().len(), 0);
    let record = store.url_record(url("a.example/").id()).unwrap().unwrap();
    assert_eq!(record.state, UrlState::Removed);
    assert_eq!(store.queue_again(&Again::Failed(None)).unwrap(), 0);
    let seed = [discovery("a.example/", Role::Page)];
    assert_eq!(store.offer(&seed).unwrap().removed, 1);
    assert!(store.take_back_host(host("a.example")).unwrap());
    assert!(!store.take_back_host(host("a.example")).unwrap());
    assert_eq!(store.offer(&seed).unwrap().pages, 1);
}

pub(super) fn hosts_with_work_come_in_order(store: &Store) {
    let names = ["a.example", "b.example", "c.example"];
    for name in names {
        offer(store, Role::Page, &[&format!("{name}/")]);
    }
    let mut expected = names.map(host);
    expected.sort_unstable();
    let mut all = Vec::new();
    let mut last = None;
    while let Some(next) = store.waiting_host_after(last).unwrap() {
        all.push(next);
        last = Some(next);
    }
    assert_eq!(all, expected);
    let begin = || store.begin_run(1, RemovalRules::default()).unwrap();
    assert_eq!(store.last_run().unwrap(), 0);
    let run = begin();
    assert_eq!(begin(), run + 1);
    assert_eq!(store.last_run().unwrap(), run + 1);
    store.leave_host(all[0]).unwrap();
    assert_eq!(store.host(all[0]).unwrap().unwrap().left_in, run + 1);
}

pub(super) fn rules_are_kept_unless_they_are_large(store: &Store) {
    let url = "https://a.example/robots.txt";
    assert_eq!(store.rule_file(url).unwrap(), None);
    let mut record = RuleFileRecord {
        url: url.to_owned(),
        fetched_ms: 5,
        body: Some(vec![b'#'; 10]),
    };
    store.keep_rule_file(&record).unwrap();
    assert_eq!(store.rule_file(url).unwrap().as_ref(), Some(&record));
    record.body = Some(vec![b'#'; 1 << 20]);
    store.keep_rule_file(&record).unwrap();
    assert_eq!(store.rule_file(url).unwrap(), None);
}

pub(super) fn a_host_that_is_taken_back_has_no_queue_left(store: &Store) {
    assert!(fetch(store, "a.example", "a.example/1", 1));
    // Queued again, and removed while it waits.
    assert_eq!(store.queue_again(&Again::Visited).unwrap(), 1);
    assert!(store.remove_picture(picture_id(1)).unwrap());
    assert!(!store.take_back_host(host("a.example")).unwrap());
    assert!(store.lease(host("a.example"), true).unwrap().is_none());
    assert_eq!(store.pending().count(), 0);
}
