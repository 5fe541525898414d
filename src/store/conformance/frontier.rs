//! What a frontier must do.

use super::fixture::{commit, discovery, found, host, lease, offer, picture_id, retry, url, visit};
use crate::canonical_url::UrlId;
use crate::store::{
    Again, FrontierCounts, RemovalRules, Role, Source, Store, UrlOutcome, UrlRecord, UrlState,
};

pub(super) fn what_was_seen_is_not_queued_again(store: &Store) {
    store.begin_run(7, RemovalRules::default()).unwrap();
    let both = [
        discovery("a.example/", Role::Page),
        discovery("a.example/1", Role::Picture),
    ];
    let queued = store.offer(&both).unwrap();
    assert_eq!(
        (queued.pages, queued.pictures, queued.hosts.len()),
        (1, 1, 1)
    );
    assert_eq!(store.offer(&both).unwrap().hosts, []);
    assert_eq!(store.pending_count().unwrap(), 2);
    assert_eq!(store.seeds().unwrap(), ["https://a.example/"]);
    let record = store.host(host("a.example")).unwrap().unwrap();
    assert_eq!((record.name.as_str(), record.crawl), ("a.example", 7));
    assert!(store.has_queued(host("a.example")).unwrap());
    assert!(!store.has_queued(host("b.example")).unwrap());
}

pub(super) fn a_host_gives_pictures_before_pages_in_order(store: &Store) {
    offer(store, Role::Page, &["a.example/p", "a.example/q"]);
    offer(store, Role::Picture, &["a.example/2", "a.example/1"]);
    offer(store, Role::Picture, &["b.example/0"]);
    let first = store.lease(host("a.example"), false).unwrap().unwrap();
    let second = store.lease(host("a.example"), false).unwrap().unwrap();
    assert_eq!(first.record().url, "https://a.example/2");
    assert_eq!(second.record().url, "https://a.example/1");
    assert!(store.lease(host("a.example"), false).unwrap().is_none());
    assert_eq!(
        lease(store, "a.example").record().url,
        "https://a.example/p"
    );
    assert_eq!(store.frontier_counts().unwrap().leased, 2);
}

pub(super) fn a_lease_that_is_dropped_is_handed_out_again(store: &Store) {
    offer(store, Role::Page, &["a.example/p", "a.example/q"]);
    let (first, second) = (lease(store, "a.example"), lease(store, "a.example"));
    assert!(store.lease(host("a.example"), true).unwrap().is_none());
    let id = first.id();
    drop(first);
    let again = lease(store, "a.example");
    assert_eq!(again.id(), id);
    store.settle(again, UrlOutcome::Done).unwrap();
    store
        .settle(second, UrlOutcome::Failed("http_500".to_owned()))
        .unwrap();
    assert!(store.lease(host("a.example"), true).unwrap().is_none());
    let expected = FrontierCounts {
        done: 1,
        failed: 1,
        ..FrontierCounts::default()
    };
    assert_eq!(store.frontier_counts().unwrap(), expected);
    let record = store.url_record(id).unwrap().unwrap();
    assert_eq!((record.attempts, record.state), (1, UrlState::Done));
}

pub(super) fn the_best_of_a_queue_is_handed_out(store: &Store) {
    let all = ["a.example/1", "a.example/2", "a.example/3", "a.example/4"];
    offer(store, Role::Page, &all);
    let rank = |_: UrlId, record: &UrlRecord| match record.url.as_str() {
        "https://a.example/3" => 2.0,
        "https://a.example/4" => 3.0,
        _ => 1.0,
    };
    let best = |most: usize| {
        store
            .lease_best(host("a.example"), true, most, &rank)
            .unwrap()
    };
    let (third, first) = (best(3).unwrap(), best(3).unwrap());
    assert_eq!(third.record().url, "https://a.example/3");
    assert_eq!(
        first.record().url,
        "https://a.example/1",
        "of equals the first"
    );
    assert_eq!(best(4).unwrap().record().url, "https://a.example/4");
    assert!(
        store
            .lease_best(host("a.example"), false, 9, &rank)
            .unwrap()
            .is_none()
    );
}

pub(super) fn retries_wait_for_their_time(store: &Store) {
    offer(store, Role::Page, &["a.example/"]);
    let first = lease(store, "a.example");
    store.settle(first, retry(50)).unwrap();
    let waits: Vec<_> = store.retries().map(Result::unwrap).collect();
    assert_eq!(
        (waits[0].reason.as_str(), waits[0].at_ms),
        ("timeout", Some(50))
    );
    assert!(store.lease(host("a.example"), true).unwrap().is_none());
    assert_eq!(store.next_retry_ms().unwrap(), Some(50));
    assert_eq!(store.requeue_due(49).unwrap(), []);
    assert_eq!(store.frontier_counts().unwrap().retry, 1);
    assert_eq!(store.requeue_due(50).unwrap(), [host("a.example")]);
    assert_eq!(lease(store, "a.example").record().attempts, 1);
    assert_eq!(store.next_retry_ms().unwrap(), None);
}

pub(super) fn what_is_left_comes_in_the_next_run(store: &Store) {
    offer(store, Role::Page, &["a.example/1", "a.example/2"]);
    let (first, second) = (lease(store, "a.example"), lease(store, "a.example"));
    store
        .settle(second, UrlOutcome::Left("dns".to_owned()))
        .unwrap();
    store
        .settle(first, UrlOutcome::Left("dns".to_owned()))
        .unwrap();
    assert_eq!(store.next_retry_ms().unwrap(), None);
    assert_eq!(store.requeue_due(u64::MAX).unwrap(), []);
    let waits: Vec<_> = store.retries().map(Result::unwrap).collect();
    assert_eq!((waits[1].reason.as_str(), waits[1].at_ms), ("dns", None));
    let pending = store.pending().collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!(pending.len(), 2);
    store.requeue_left().unwrap();
    let first = lease(store, "a.example");
    assert_eq!(first.record().url, "https://a.example/1", "in their order");
    assert_eq!(first.record().attempts, 0);
}

pub(super) fn a_page_queues_what_stands_on_it(store: &Store) {
    offer(store, Role::Page, &["a.example/"]);
    let page = lease(store, "a.example");
    let on_it = vec![
        found("a.example/next", Role::Page),
        found("b.example/1", Role::Picture),
        found("a.example/", Role::Page),
    ];
    let queued = store
        .settle_page(page, &visit("a.example/", on_it))
        .unwrap();
    assert_eq!((queued.pages, queued.pictures), (1, 1));
    assert_eq!(queued.hosts, [host("a.example"), host("b.example")]);
    assert_eq!(store.page_count(), 1);
    assert_eq!(store.host(host("a.example")).unwrap().unwrap().pages, 1);
    let seen = store.visit(url("a.example/").id()).unwrap().unwrap();
    assert_eq!(seen.shown, [url("b.example/1").id()]);
    // Asked again, it comes with what it gave.
    assert_eq!(store.queue_again(&Again::Visited).unwrap(), 1);
    drop(lease(store, "a.example"));
    let next = lease(store, "a.example");
    store.settle(next, UrlOutcome::Done).unwrap();
    assert_eq!(lease(store, "a.example").last_visit(), Some(&seen));
}

pub(super) fn a_redirect_to_what_was_read_settles_only_itself(store: &Store) {
    offer(store, Role::Page, &["a.example/", "a.example/old"]);
    let first = lease(store, "a.example");
    store
        .settle_page(first, &visit("a.example/", Vec::new()))
        .unwrap();
    let old = lease(store, "a.example");
    let more = vec![found("a.example/more", Role::Page)];
    let queued = store.settle_page(old, &visit("a.example/", more)).unwrap();
    assert_eq!(queued.pages, 0);
    assert_eq!((store.page_count(), store.pending_count().unwrap()), (1, 0));
    // A redirect to what was never seen marks both.
    offer(store, Role::Page, &["a.example/2"]);
    let second = lease(store, "a.example");
    store
        .settle_page(second, &visit("b.example/", Vec::new()))
        .unwrap();
    for text in ["a.example/2", "b.example/"] {
        let record = store.url_record(url(text).id()).unwrap().unwrap();
        assert_eq!(record.state, UrlState::Done);
    }
}

pub(super) fn a_renewed_lease_lasts_longer(store: &Store) {
    offer(store, Role::Page, &["a.example/"]);
    let mut page = lease(store, "a.example");
    let deadline = page.deadline();
    assert!(deadline > std::time::Instant::now());
    assert!(store.renew(&mut page).unwrap());
    assert!(page.deadline() >= deadline);
}

pub(super) fn failures_are_queued_again_by_their_reason(store: &Store) {
    offer(
        store,
        Role::Page,
        &["a.example/1", "a.example/2", "a.example/3"],
    );
    for outcome in [
        UrlOutcome::Failed("http_500".to_owned()),
        UrlOutcome::Failed("timeout".to_owned()),
        UrlOutcome::Refused("robots".to_owned()),
    ] {
        store.settle(lease(store, "a.example"), outcome).unwrap();
    }
    assert_eq!(store.reasons().unwrap().len(), 3);
    let again = |reason: Option<&str>| {
        let reason = reason.map(str::to_owned);
        store.queue_again(&Again::Failed(reason)).unwrap()
    };
    assert_eq!(again(Some("timeout")), 1);
    assert_eq!(again(None), 1, "a refusal only by its name");
    assert_eq!(again(Some("robots")), 1);
    assert_eq!(store.pending_count().unwrap(), 3);
}

pub(super) fn a_lease_that_ran_out_settles_nothing_if_another_has_it(store: &Store) {
    offer(store, Role::Page, &["a.example/"]);
    let mut late = lease(store, "a.example");
    let mut other = lease(store, "a.example");
    assert_eq!(late.id(), other.id());
    assert!(!store.renew(&mut late).unwrap());
    store
        .settle(late, UrlOutcome::Failed("timeout".to_owned()))
        .unwrap();
    assert_eq!(store.reasons().unwrap().len(), 0);
    assert!(store.renew(&mut other).unwrap());
    store.settle(other, UrlOutcome::Done).unwrap();
    let record = store.url_record(url("a.example/").id()).unwrap().unwrap();
    assert_eq!((record.attempts, record.state), (1, UrlState::Done));
    // Late, but given to nobody else, it counts.
    offer(store, Role::Page, &["a.example/2"]);
    let late = lease(store, "a.example");
    store
        .settle(late, UrlOutcome::Failed("timeout".to_owned()))
        .unwrap();
    assert_eq!(store.reasons().unwrap().len(), 1);
}

pub(super) fn a_late_page_and_a_late_picture_change_nothing(store: &Store) {
    offer(store, Role::Picture, &["a.example/1"]);
    let (late, other) = (lease(store, "a.example"), lease(store, "a.example"));
    assert!(!commit(store, Source::Url(late), 1));
    assert!(!store.contains(picture_id(1)).unwrap());
    assert!(commit(store, Source::Url(other), 2));
    assert_eq!(store.picture_count(), 1);
    offer(store, Role::Page, &["a.example/"]);
    let (late, other) = (lease(store, "a.example"), lease(store, "a.example"));
    let links = vec![found("b.example/", Role::Page)];
    let queued = store
        .settle_page(late, &visit("a.example/", links))
        .unwrap();
    assert_eq!((queued.pages, store.page_count()), (0, 0));
    store
        .settle_page(other, &visit("a.example/", Vec::new()))
        .unwrap();
    assert_eq!(store.page_count(), 1);
}
