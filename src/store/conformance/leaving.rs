//! What may leave a store, and what comes back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::fixture::{
    commit, fetch, file, found, host, lease, offer, picture_id, retry, says, url, visit,
};
use crate::store::{
    Again, Discovery, KeptOutFor, PictureOutcome, RemovalRules, Role, Source, Store, UrlOutcome,
    UrlState, Validators, now_ms,
};

/// So long is a URL gone that is gone for good.
const GONE_AFTER: Duration = Duration::from_secs(1);

fn rules(gone_after: Duration, most_share: f64) -> RemovalRules {
    RemovalRules {
        gone_after_s: gone_after.as_secs(),
        most_share,
        ..RemovalRules::default()
    }
}

fn gone() -> UrlOutcome {
    UrlOutcome::Gone("http_404".to_owned())
}

/// Asks again for the only URL, which gives this.
fn asked_again(store: &Store, outcome: UrlOutcome) {
    assert_eq!(store.queue_again(&Again::Visited).unwrap(), 1);
    store.settle(lease(store, "a.example"), outcome).unwrap();
}

fn is_there(store: &Store, n: u8) -> bool {
    store.contains(picture_id(n)).unwrap()
}

pub(super) fn only_an_explicit_word_removes(store: &Store) {
    assert!(fetch(store, "a.example", "a.example/1", 1));
    let id = url("a.example/1").id();
    let before = store.visit(id).unwrap();
    let reason = || "as it may be".to_owned();
    let failed = || UrlOutcome::Failed(reason());
    let refused = || UrlOutcome::Refused(reason());
    for outcome in [failed(), refused()] {
        asked_again(store, outcome.clone());
        assert_eq!(store.reasons().unwrap(), BTreeMap::from([(reason(), 1)]));
        // The same of bytes that are no picture.
        assert_eq!(store.queue_again(&Again::Visited).unwrap(), 1);
        let source = Source::Url(lease(store, "a.example"));
        let unusable = PictureOutcome::Unusable(source, outcome);
        assert_eq!(store.commit(vec![unusable]).unwrap(), [false]);
        assert_eq!(store.reasons().unwrap(), BTreeMap::from([(reason(), 1)]));
        assert!(is_there(store, 1));
        assert_eq!(store.visit(id).unwrap(), before, "it stays in the schedule");
        assert_eq!(store.provenance(picture_id(1)).unwrap().urls.len(), 1);
    }
    asked_again(store, UrlOutcome::Unchanged);
    assert_eq!(store.url_record(id).unwrap().unwrap().state, UrlState::Done);
    asked_again(store, UrlOutcome::OptedOut("noai".to_owned()));
    assert!(!is_there(store, 1));
    assert_eq!(store.visit(id).unwrap(), None);
}

pub(super) fn what_is_removed_on_its_way_stays_removed(store: &Store) {
    for n in 1..=3 {
        assert!(fetch(store, "a.example", &format!("a.example/{n}"), n));
    }
    store.queue_again(&Again::Visited).unwrap();
    let leases = [(); 3].map(|()| lease(store, "a.example"));
    for n in 1..=3 {
        assert!(store.remove_picture(picture_id(n)).unwrap());
    }
    let failed = || UrlOutcome::Failed("http_500".to_owned());
    let [first, second, third] = leases;
    store.settle(first, failed()).unwrap();
    store.settle(second, UrlOutcome::Unchanged).unwrap();
    let unusable = PictureOutcome::Unusable(Source::Url(third), failed());
    store.commit(vec![unusable]).unwrap();
    for n in 1..=3 {
        let id = url(&format!("a.example/{n}")).id();
        let record = store.url_record(id).unwrap().unwrap();
        assert_eq!(record.state, UrlState::Removed);
    }
    assert_eq!(store.queue_again(&Again::Failed(None)).unwrap(), 0);
}

pub(super) fn what_is_gone_leaves_when_it_was_gone_long_before(store: &Store) {
    assert!(fetch(store, "a.example", "a.example/1", 1));
    let id = url("a.example/1").id();
    store.begin_run(1, RemovalRules::default()).unwrap();
    asked_again(store, gone());
    asked_again(store, gone());
    assert!(is_there(store, 1), "it was not gone a day ago");
    let failed = UrlState::Failed("http_404".to_owned());
    assert_eq!(store.url_record(id).unwrap().unwrap().state, failed);
    store.begin_run(1, rules(GONE_AFTER, 0.1)).unwrap();
    std::thread::sleep(GONE_AFTER + Duration::from_millis(50));
    // A visit that finds it, by either way, takes the mark away.
    asked_again(store, UrlOutcome::Unchanged);
    asked_again(store, gone());
    assert!(is_there(store, 1));
    std::thread::sleep(GONE_AFTER + Duration::from_millis(50));
    store.queue_again(&Again::Visited).unwrap();
    assert!(!commit(store, Source::Url(lease(store, "a.example")), 1));
    asked_again(store, gone());
    assert!(is_there(store, 1));
    std::thread::sleep(GONE_AFTER + Duration::from_millis(50));
    // Another failure is no word about it.
    asked_again(store, UrlOutcome::Failed("http_500".to_owned()));
    assert!(is_there(store, 1));
    asked_again(store, gone());
    assert!(!is_there(store, 1));
    assert_eq!(store.visit(id).unwrap(), None);
}

pub(super) fn a_page_that_is_gone_leaves_like_a_picture(store: &Store) {
    offer(store, Role::Page, &["a.example/"]);
    let page = |store: &Store| {
        let lease = lease(store, "a.example");
        store.settle_page(lease, &visit("a.example/", Vec::new()))
    };
    page(store).unwrap();
    store.begin_run(1, rules(GONE_AFTER, 0.1)).unwrap();
    asked_again(store, gone());
    std::thread::sleep(GONE_AFTER + Duration::from_millis(50));
    store.queue_again(&Again::Visited).unwrap();
    page(store).unwrap();
    asked_again(store, gone());
    assert_eq!(store.page_count(), 1, "it was there in between");
    std::thread::sleep(GONE_AFTER + Duration::from_millis(50));
    asked_again(store, gone());
    assert_eq!(store.page_count(), 0);
}

pub(super) fn a_run_removes_a_tenth_of_a_host_at_most(store: &Store) {
    for n in 0..20 {
        assert!(fetch(store, "a.example", &format!("a.example/{n}"), n));
    }
    assert!(fetch(store, "b.example", "b.example/20", 20));
    // A picture that is seen elsewhere is not lost with one of its URLs.
    assert!(!fetch(store, "b.example", "b.example/19", 19));
    store.begin_run(1, rules(Duration::ZERO, 0.1)).unwrap();
    store.queue_again(&Again::Visited).unwrap();
    for (name, count) in [("a.example", 20), ("b.example", 2)] {
        for _ in 0..count {
            store.settle(lease(store, name), gone()).unwrap();
        }
    }
    // Two of a's twenty, and b's only one: of the two at b, one is lost no more than at a.
    assert_eq!(store.picture_count(), 18);
    let kept = store.removals_stopped();
    assert_eq!(kept.get(&host("a.example")), Some(&17), "{kept:?}");
    assert_eq!(store.queue_again(&Again::Visited).unwrap(), 18);
    store.begin_run(1, rules(Duration::ZERO, 0.1)).unwrap();
    assert_eq!(store.removals_stopped(), BTreeMap::new());
    // What another picture would replace counts, too.
    let first = lease(store, "a.example");
    let (old, other) = (first.last_visit().unwrap().content, picture_id(77));
    assert!(store.may_replace(&first, picture_id(77)).unwrap());
    let second = lease(store, "a.example");
    let same = crate::picture::PictureId::from_bytes(second.last_visit().unwrap().content);
    assert!(!store.may_replace(&second, other).unwrap());
    assert!(store.may_replace(&second, same).unwrap());
    assert!(commit(store, Source::Url(first), 77));
    assert!(
        !store
            .contains(crate::picture::PictureId::from_bytes(old))
            .unwrap()
    );
    store.begin_run(1, rules(Duration::ZERO, 1.0)).unwrap();
    assert!(store.may_replace(&second, other).unwrap());
    store.begin_run(1, rules(Duration::ZERO, 0.0)).unwrap();
    assert!(!store.may_replace(&second, other).unwrap());
}

pub(super) fn opt_outs_are_not_held_to_the_tenth(store: &Store) {
    for n in 0..20 {
        assert!(fetch(store, "a.example", &format!("a.example/{n}"), n));
    }
    store.begin_run(1, RemovalRules::default()).unwrap();
    store.queue_again(&Again::Visited).unwrap();
    for _ in 0..20 {
        let outcome = UrlOutcome::OptedOut("noai".to_owned());
        store.settle(lease(store, "a.example"), outcome).unwrap();
    }
    assert_eq!(store.picture_count(), 0);
    assert_eq!(store.removals_stopped(), BTreeMap::new());
}

pub(super) fn what_is_kept_out_can_be_asked_for_again(store: &Store) {
    store.begin_run(7, RemovalRules::default()).unwrap();
    offer(store, Role::Page, &["a.example/", "a.example/2"]);
    let mut page = visit("a.example/", Vec::new());
    page.declined.insert("excluded".to_owned());
    page.validators = Validators {
        etag: Some("1".to_owned()),
        last_modified: Some("then".to_owned()),
        unavailable_after_s: Some(5),
    };
    store.settle_page(lease(store, "a.example"), &page).unwrap();
    let refused = UrlOutcome::Refused("private_address".to_owned());
    store.settle(lease(store, "a.example"), refused).unwrap();
    let kept = || store.kept_out().collect::<Result<Vec<_>, _>>().unwrap();
    let [first, second] = ["a.example/2", "a.example/"].map(|text| url(text).id());
    let expected = [
        (first, KeptOutFor::Url("private_address".to_owned())),
        (second, KeptOutFor::OnPage(page.declined.clone())),
    ];
    let found = kept().into_iter().map(|kept| (kept.id, kept.what));
    assert_eq!(found.collect::<Vec<_>>(), expected);
    store.begin_run(8, RemovalRules::default()).unwrap();
    let crawl = |store: &Store| store.host(host("a.example")).unwrap().unwrap().crawl;
    assert!(store.ask_again(first, false).unwrap());
    assert!(!store.ask_again(first, true).unwrap(), "it is queued");
    assert_eq!(crawl(store), 7);
    assert!(store.ask_again(second, true).unwrap());
    assert_eq!(crawl(store), 8);
    for _ in 0..2 {
        let lease = lease(store, "a.example");
        if let Some(visit) = lease.last_visit() {
            let validators = &visit.validators;
            assert_eq!(
                (&validators.etag, &validators.last_modified),
                (&None, &None)
            );
            assert_eq!(validators.unavailable_after_s, Some(5));
        }
        let page = visit(&lease.record().url.replace("https://", ""), Vec::new());
        store.settle_page(lease, &page).unwrap();
    }
    assert_eq!(kept(), []);
    assert_eq!(store.settings().unwrap(), None);
    store.keep_settings(b"these").unwrap();
    assert_eq!(store.settings().unwrap(), Some(b"these".to_vec()));
}

pub(super) fn an_opt_out_that_is_taken_back_brings_pictures_back(store: &Store) {
    offer(store, Role::Page, &["a.example/"]);
    let on_it = || vec![found("a.example/1", Role::Picture)];
    let page = |shown: Vec<Discovery>, opted_out: Option<&'static str>| {
        let said = opted_out.map(|reason| says(reason, &shown));
        let found = if said.is_some() { Vec::new() } else { shown };
        let mut page = visit("a.example/", found);
        page.opted_out = said;
        page.declined = opted_out
            .into_iter()
            .map(str::to_owned)
            .collect::<BTreeSet<_>>();
        store.settle_page(lease(store, "a.example"), &page).unwrap()
    };
    page(on_it(), None);
    assert!(commit(store, Source::Url(lease(store, "a.example")), 1));
    assert!(!commit(store, file("other.png"), 1));
    store.queue_again(&Again::Visited).unwrap();
    let picture = lease(store, "a.example");
    store.settle(picture, UrlOutcome::Unchanged).unwrap();
    page(on_it(), Some("noai"));
    assert_eq!(store.provenance(picture_id(1)).unwrap().urls.len(), 0);
    // It says so still, and for another reason.
    for reason in ["noai", "tdm"] {
        assert_eq!(store.queue_again(&Again::Visited).unwrap(), 1);
        assert_eq!(page(on_it(), Some(reason)).pictures, 0);
    }
    assert_eq!(store.queue_again(&Again::Visited).unwrap(), 1);
    assert_eq!(page(on_it(), Some("noai")).pictures, 0);
    assert_eq!(store.queue_again(&Again::Visited).unwrap(), 1);
    let queued = page(on_it(), None);
    assert_eq!(queued.pictures, 1);
    assert_eq!(queued.hosts, [host("a.example")]);
    assert!(!commit(store, Source::Url(lease(store, "a.example")), 1));
    assert_eq!(store.provenance(picture_id(1)).unwrap().urls.len(), 1);
}

pub(super) fn a_clock_that_was_ahead_postpones_no_retry(store: &Store) {
    offer(store, Role::Page, &["a.example/1", "a.example/2"]);
    let now_ms = now_ms();
    let (hour, years) = (3_600_000, 10 * 365 * 24 * 3_600_000);
    for at_ms in [now_ms + hour, now_ms + years] {
        let lease = lease(store, "a.example");
        store.settle(lease, retry(at_ms)).unwrap();
    }
    assert_eq!(store.requeue_due(now_ms).unwrap(), [host("a.example")]);
    assert_eq!(
        lease(store, "a.example").record().url,
        "https://a.example/2"
    );
    assert_eq!(store.next_retry_ms().unwrap(), Some(now_ms + hour));
}
