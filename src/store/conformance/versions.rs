//! What a frontier must do with pictures in several versions, and with guesses.

use super::fixture::{
    commit, fetch, found, host, lease, offer, picture, picture_id, retry, url, visit, with_others,
};
use crate::store::{
    Again, Body, Lease, PictureOutcome, Promise, Role, Source, Store, UrlOutcome, UrlState,
};

const PAGE: &str = "a.example/";

fn read(store: &Store, on_page: Vec<crate::store::Discovery>) -> crate::store::Queued {
    offer(store, Role::Page, &[PAGE]);
    let page = lease(store, "a.example");
    store.settle_page(page, &visit(PAGE, on_page)).unwrap()
}

fn state(store: &Store, text: &str) -> Option<UrlState> {
    let record = store.url_record(url(text).id()).unwrap();
    record.map(|record| record.state)
}

fn next(store: &Store, text: &str) -> Lease {
    let name = text.split('/').next().unwrap();
    let lease = lease(store, name);
    assert_eq!(lease.record().url, url(text).to_string());
    lease
}

fn failed() -> UrlOutcome {
    UrlOutcome::Failed("http_403".to_owned())
}

pub(super) fn the_next_version_is_queued_when_one_gives_no_picture(store: &Store) {
    let set = with_others(
        "a.example/l",
        Promise::Shown,
        &["b.example/m", "a.example/s"],
    );
    let queued = read(store, vec![set]);
    assert_eq!((queued.pictures, store.pending_count().unwrap()), (1, 1));
    store.settle(next(store, "a.example/l"), failed()).unwrap();
    assert_eq!(store.take_new_work(), [host("b.example")]);
    assert_eq!(store.take_new_work(), []);
    // The decoder's verdict counts as well.
    let origin = Source::Url(next(store, "b.example/m"));
    let broken = UrlOutcome::Refused("too_small".to_owned());
    store
        .commit(vec![PictureOutcome::Unusable(origin, broken)])
        .unwrap();
    assert_eq!(store.take_new_work(), [host("a.example")]);
    assert!(commit(store, Source::Url(next(store, "a.example/s")), 1));
    // It is known from where the page shows it.
    let provenance = store.provenance(picture_id(1)).unwrap();
    assert_eq!(provenance.pages[0].alt, "alt of a.example/l");
    let shown = store.visit(url(PAGE).id()).unwrap().unwrap().shown;
    assert!(shown.contains(&url("a.example/s").id()));
    assert_eq!(store.pending_count().unwrap(), 0);
    // Read again, the page needs nothing more, and still shows it.
    store.queue_again(&Again::Visited).unwrap();
    drop(store.lease(host("a.example"), false).unwrap());
    let set = with_others(
        "a.example/l",
        Promise::Shown,
        &["b.example/m", "a.example/s"],
    );
    let picture = next(store, "a.example/s");
    store.settle(picture, UrlOutcome::Unchanged).unwrap();
    let queued = store
        .settle_page(next(store, PAGE), &visit(PAGE, vec![set]))
        .unwrap();
    assert_eq!(queued.pictures, 0);
    assert_eq!(store.provenance(picture_id(1)).unwrap().pages.len(), 1);
}

pub(super) fn no_version_is_queued_that_is_not_needed(store: &Store) {
    // One is stored already.
    assert!(fetch(store, "b.example", "b.example/s", 1));
    let queued = read(
        store,
        vec![
            with_others("b.example/s", Promise::Shown, &["a.example/l"]),
            with_others("a.example/x", Promise::Shown, &["a.example/y"]),
            with_others("a.example/u", Promise::Shown, &["a.example/v"]),
            with_others("a.example/o", Promise::Shown, &["a.example/p"]),
        ],
    );
    assert_eq!(queued.pictures, 3);
    assert_eq!(state(store, "a.example/l"), None);
    assert_eq!(store.provenance(picture_id(1)).unwrap().pages.len(), 1);
    // One is a picture.
    assert!(commit(store, Source::Url(next(store, "a.example/x")), 2));
    // One is a picture that nobody wants, one must not be used.
    let unwanted = UrlOutcome::Unwanted("no_match".to_owned());
    store.settle(next(store, "a.example/u"), unwanted).unwrap();
    let opted_out = UrlOutcome::OptedOut("noai".to_owned());
    store.settle(next(store, "a.example/o"), opted_out).unwrap();
    assert_eq!(store.pending_count().unwrap(), 0);
    let refused = |reason: &str| Some(UrlState::Refused(reason.to_owned()));
    assert_eq!(state(store, "a.example/u"), refused("no_match"));
    for text in ["a.example/y", "a.example/v", "a.example/p"] {
        assert_eq!(state(store, text), None);
    }
}

pub(super) fn a_retry_keeps_the_versions_and_a_removed_host_has_none(store: &Store) {
    let set = with_others(
        "a.example/l",
        Promise::Shown,
        &["c.example/m", "b.example/s"],
    );
    read(store, vec![set]);
    let retry = retry(5);
    store.settle(next(store, "a.example/l"), retry).unwrap();
    assert_eq!(store.take_new_work(), []);
    store.requeue_due(5).unwrap();
    store
        .settle(
            next(store, "a.example/l"),
            UrlOutcome::Left("dns".to_owned()),
        )
        .unwrap();
    // What is left to the next run is not waited for.
    assert_eq!(store.take_new_work(), [host("c.example")]);
    store.requeue_left().unwrap();
    store.remove_host("c.example").unwrap();
    let gone = UrlOutcome::Gone("http_404".to_owned());
    store.settle(next(store, "a.example/l"), gone).unwrap();
    assert_eq!(state(store, "c.example/m"), Some(UrlState::Removed));
    assert_eq!(store.take_new_work(), [host("b.example")]);
    drop(next(store, "b.example/s"));
}

pub(super) fn each_picture_that_names_a_dead_url_gets_its_next(store: &Store) {
    let set = |own| with_others("c.example/spacer", Promise::Shown, &[own]);
    read(store, vec![set("a.example/1"), set("a.example/2")]);
    // Another page shows a third one.
    store.queue_again(&Again::Visited).unwrap();
    let page = lease(store, "a.example");
    store
        .settle_page(page, &visit(PAGE, vec![set("a.example/3")]))
        .unwrap();
    store
        .settle(next(store, "c.example/spacer"), failed())
        .unwrap();
    for text in ["a.example/1", "a.example/2", "a.example/3"] {
        store.settle(next(store, text), UrlOutcome::Done).unwrap();
    }
    assert_eq!(store.pending_count().unwrap(), 0);
}

pub(super) fn a_kept_body_that_is_no_picture_asks_for_the_next(store: &Store) {
    let set = with_others("a.example/l", Promise::Shown, &["b.example/s"]);
    read(store, vec![set]);
    let body = Body {
        origin: Source::Url(next(store, "a.example/l")),
        id: picture_id(1),
        bytes: vec![1; 9],
    };
    store.keep_bodies(vec![body]).unwrap();
    assert_eq!(state(store, "a.example/l"), Some(UrlState::Done));
    assert_eq!(store.take_new_work(), []);
    let broken = UrlOutcome::Failed("broken_picture".to_owned());
    let outcome = PictureOutcome::Unusable(Source::Waiting(picture_id(1)), broken);
    store.commit(vec![outcome]).unwrap();
    let failed = UrlState::Failed("broken_picture".to_owned());
    assert_eq!(state(store, "a.example/l"), Some(failed));
    assert_eq!(store.waiting_count(), 0);
    assert_eq!(store.take_new_work(), [host("b.example")]);
    drop(next(store, "b.example/s"));
}

pub(super) fn guesses_come_last_even_without_pages(store: &Store) {
    let guess = |text| with_others(text, Promise::Guessed, &[]);
    let queued = read(
        store,
        vec![
            guess("a.example/g"),
            guess("a.example/h"),
            found("a.example/next", Role::Page),
            found("a.example/1", Role::Picture),
        ],
    );
    assert_eq!((queued.pictures, queued.guesses), (3, 2));
    let first = next(store, "a.example/1");
    assert_eq!(first.promise(), Promise::Shown);
    // Without pages the guesses follow, and the page keeps its place.
    let guessed = store.lease(host("a.example"), false).unwrap().unwrap();
    assert_eq!(guessed.record().url, url("a.example/g").to_string());
    assert_eq!(guessed.promise(), Promise::Guessed);
    let page = next(store, "a.example/next");
    let rank = |_, _: &_| 1.0;
    let best = store.lease_best(host("a.example"), true, 9, &rank).unwrap();
    assert_eq!(best.unwrap().record().url, url("a.example/h").to_string());
    drop(guessed);
    // A page shows one of them: that is known, and it comes once, where it waits.
    let shown = vec![
        found("a.example/h", Role::Picture),
        found("a.example/more", Role::Page),
    ];
    store
        .settle_page(page, &visit("a.example/next", shown))
        .unwrap();
    drop(first);
    let order: Vec<String> = std::iter::from_fn(|| {
        let lease = store.lease(host("a.example"), true).unwrap()?;
        let url = lease.record().url.replace("https://a.example/", "");
        store.settle(lease, UrlOutcome::Done).unwrap();
        Some(url)
    })
    .collect();
    assert_eq!(order, ["1", "more", "g", "h"]);
    assert_eq!(store.pending_count().unwrap(), 0);
}

pub(super) fn a_link_that_leads_to_a_page_is_one_from_then_on(store: &Store) {
    let set = with_others("a.example/l", Promise::Linked, &["a.example/s"]);
    read(store, vec![set]);
    let linked = next(store, "a.example/l");
    assert_eq!(linked.promise(), Promise::Linked);
    let on_it = vec![found("a.example/full", Role::Picture)];
    store
        .settle_page(linked, &visit("a.example/l", on_it))
        .unwrap();
    let record = store.url_record(url("a.example/l").id()).unwrap().unwrap();
    assert_eq!((record.role, record.state), (Role::Page, UrlState::Done));
    // The picture that the link shows is asked for, and so is what the page shows.
    for text in ["a.example/s", "a.example/full"] {
        let lease = next(store, text);
        let outcome = PictureOutcome::Picture(Source::Url(lease), picture(store, 7));
        store.commit(vec![outcome]).unwrap();
    }
}
