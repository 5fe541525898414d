//! What a catalogue must do.

use std::path::Path;

use super::fixture::{
    block, commit, fetch, file, found, lease, offer, picture, picture_id, says, url, visit,
};
use crate::store::{
    Again, Body, Discovery, Embed, OptedOut, PageTerms, PageVisit, PictureOutcome, RemovalRules,
    Role, Sequence, Source, Store, UrlOutcome, UrlState,
};

/// The files that hold a picture, as they are written.
fn paths(store: &Store, n: u8) -> Vec<String> {
    let seen = store.provenance(picture_id(n)).unwrap();
    seen.paths.iter().map(ToString::to_string).collect()
}

pub(super) fn the_same_bytes_are_one_picture(store: &Store) {
    let outcomes = [("a.png", 1), ("b.png", 2), ("c.png", 1)]
        .map(|(name, n)| PictureOutcome::Picture(file(name), picture(store, n)));
    let stored = store.commit(outcomes.into()).unwrap();
    assert_eq!(stored, [true, true, false]);
    assert!(!commit(store, file("d.png"), 2));
    let known = PictureOutcome::Known(file("e.png"), picture_id(1));
    assert_eq!(store.commit(vec![known]).unwrap(), [false]);
    let all = store.pictures().collect::<Result<Vec<_>, _>>().unwrap();
    let expected = [(Sequence(0), picture_id(1)), (Sequence(1), picture_id(2))];
    assert_eq!(all, expected);
    assert_eq!((store.picture_count(), store.next_sequence()), (2, 2));
    assert_eq!(paths(store, 1).len(), 3);
    let record = store.picture(picture_id(2)).unwrap().unwrap();
    assert_eq!((record.sequence, record.height), (1, 2));
    assert_eq!(store.thumbnail(picture_id(2)).unwrap(), Some(vec![2]));
    assert_eq!(
        *store.verified_block(picture_id(2)).unwrap(),
        block(store, 2)[..]
    );
    let descriptor = &picture(store, 2).descriptor;
    assert_eq!(
        store.descriptor(Sequence(1)).unwrap().values(),
        descriptor.values()
    );
    assert_eq!(store.descriptors(Sequence(1)).count(), 1);
    let look = picture(store, 2).look;
    assert!(look.is_some() && store.look_id().is_some());
    assert_eq!(store.look(Sequence(1)).unwrap(), look);
    assert_eq!(store.look(Sequence(2)).unwrap(), None);
    let looks = store.looks(Sequence(1)).collect::<Result<Vec<_>, _>>();
    assert_eq!(looks.unwrap(), [(Sequence(1), look.unwrap())]);
    let row = store.row(Sequence(1)).unwrap().unwrap();
    assert_eq!((row.id, &row.descriptor), (picture_id(2), descriptor));
    assert_eq!(row.location, store.block_location(picture_id(2)).unwrap());
    assert_eq!(store.row(Sequence(2)).unwrap(), None);
    assert!(store.remove_picture(picture_id(2)).unwrap());
    assert_eq!(store.row(Sequence(1)).unwrap(), None);
    assert_eq!(store.looks(Sequence(1)).count(), 0);
    assert!(store.block(picture_id(3)).is_err());
}

pub(super) fn a_picture_says_where_it_was_seen(store: &Store) {
    offer(store, Role::Page, &["a.example/"]);
    let on_it = vec![found("a.example/1", Role::Picture)];
    let page = lease(store, "a.example");
    store
        .settle_page(page, &visit("a.example/", on_it))
        .unwrap();
    let lease = lease(store, "a.example");
    assert!(commit(store, Source::Url(lease), 1));
    let inline = Source::Inline {
        page: url("a.example/"),
        embed: Embed {
            caption: "drawn in".to_owned(),
            ..Embed::default()
        },
    };
    assert!(!commit(store, inline, 1));
    let seen = store.provenance(picture_id(1)).unwrap();
    assert_eq!(seen.urls.len(), 2);
    let mut words: Vec<_> = seen.pages.iter().map(|page| page.words()).collect();
    words.sort_unstable();
    assert_eq!(words, ["alt of a.example/1", "drawn in"]);
}

pub(super) fn what_a_page_says_of_its_pictures_goes_with_it(store: &Store) {
    let (page, own) = (url("a.example/"), url("a.example/1").id());
    let terms = PageTerms {
        license: "https://a.example/terms".to_owned(),
        pictures: vec![(own, "https://a.example/own".to_owned())],
        opt_outs: vec!["noai".to_owned()],
    };
    let read = |terms: &PageTerms| {
        let on_it = vec![found("a.example/1", Role::Picture)];
        let visit = PageVisit {
            terms: terms.clone(),
            ..visit("a.example/", on_it)
        };
        store
            .settle_page(lease(store, "a.example"), &visit)
            .unwrap();
    };
    offer(store, Role::Page, &["a.example/"]);
    read(&terms);
    assert_eq!(store.terms(page.id()).unwrap(), terms);
    assert_eq!(terms.license_of(&[page.id(), own]), "https://a.example/own");
    assert_eq!(terms.license_of(&[page.id()]), terms.license);
    let shown_on = store.pages_showing(own).unwrap();
    assert_eq!(shown_on.len(), 1);
    assert_eq!(
        (&*shown_on[0].url, &*shown_on[0].alt),
        (page.as_str(), "alt of a.example/1")
    );
    assert!(store.pages_showing(page.id()).unwrap().is_empty());
    // It says nothing any more, then something again, then it is gone.
    assert!(commit(store, Source::Url(lease(store, "a.example")), 1));
    for (now, expected) in [
        (PageTerms::default(), PageTerms::default()),
        (terms.clone(), terms),
    ] {
        assert!(store.ask_again(page.id(), true).unwrap());
        read(&now);
        assert_eq!(store.terms(page.id()).unwrap(), expected);
    }
    store.remove_host("a.example").unwrap();
    assert_eq!(store.terms(page.id()).unwrap(), PageTerms::default());
}

pub(super) fn a_visit_that_gives_another_picture_leaves_the_first(store: &Store) {
    assert!(fetch(store, "a.example", "a.example/1", 1));
    assert_eq!(store.queue_again(&Again::Visited).unwrap(), 1);
    let again = lease(store, "a.example");
    let before = again.last_visit().unwrap().content;
    assert_eq!(before, *picture_id(1).as_bytes());
    assert!(commit(store, Source::Url(again), 2));
    assert!(!store.contains(picture_id(1)).unwrap());
    assert_eq!(store.picture_at(Sequence(0)).unwrap(), None);
    assert_eq!(store.picture_at(Sequence(1)).unwrap(), Some(picture_id(2)));
    assert_eq!(store.provenance(picture_id(2)).unwrap().urls.len(), 1);
}

pub(super) fn what_is_gone_leaves_the_store(store: &Store) {
    assert!(fetch(store, "a.example", "a.example/1", 1));
    assert!(fetch(store, "a.example", "a.example/2", 2));
    assert!(!commit(store, file("also.png"), 2));
    let at_once = RemovalRules {
        gone_after_s: 0,
        ..RemovalRules::default()
    };
    store.begin_run(1, at_once).unwrap();
    store.queue_again(&Again::Visited).unwrap();
    for _ in 0..2 {
        let outcome = UrlOutcome::Gone("http_404".to_owned());
        store.settle(lease(store, "a.example"), outcome).unwrap();
    }
    assert!(!store.contains(picture_id(1)).unwrap());
    assert!(
        store.contains(picture_id(2)).unwrap(),
        "it stands elsewhere, too"
    );
    assert_eq!(store.visit(url("a.example/1").id()).unwrap(), None);
    let record = store.url_record(url("a.example/2").id()).unwrap().unwrap();
    assert_eq!(record.state, UrlState::Failed("http_404".to_owned()));
}

pub(super) fn the_last_page_that_opts_out_takes_its_pictures_along(store: &Store) {
    offer(store, Role::Page, &["a.example/", "b.example/"]);
    let both = || vec![found("a.example/1", Role::Picture)];
    let a = lease(store, "a.example");
    store.settle_page(a, &visit("a.example/", both())).unwrap();
    let b = lease(store, "b.example");
    store.settle_page(b, &visit("b.example/", both())).unwrap();
    let first = lease(store, "a.example");
    assert!(commit(store, Source::Url(first), 1));
    store.queue_again(&Again::Visited).unwrap();
    let picture = lease(store, "a.example");
    store.settle(picture, UrlOutcome::Unchanged).unwrap();
    for (name, still_there) in [("a.example", true), ("b.example", false)] {
        let mut opted_out = visit(&format!("{name}/"), Vec::new());
        opted_out.opted_out = Some(says("noai", &both()));
        store.settle_page(lease(store, name), &opted_out).unwrap();
        assert_eq!(store.contains(picture_id(1)).unwrap(), still_there);
    }
    let record = store.url_record(url("a.example/1").id()).unwrap().unwrap();
    assert_eq!(record.state, UrlState::Refused("noai".to_owned()));
}

pub(super) fn a_page_opts_out_only_for_what_it_shows(store: &Store) {
    offer(store, Role::Page, &["a.example/"]);
    let [one, two] = ["a.example/1", "a.example/2"].map(|at| found(at, Role::Picture));
    let page = |shown: Vec<Discovery>, opted_out: Option<OptedOut>| {
        let mut page = visit("a.example/", shown);
        page.opted_out = opted_out;
        let lease = loop {
            let lease = lease(store, "a.example");
            match lease.record().role {
                Role::Page => break lease,
                _ => store.settle(lease, UrlOutcome::Unchanged).unwrap(),
            }
        };
        store.settle_page(lease, &page).unwrap();
        store.queue_again(&Again::Visited).unwrap();
    };
    let stored = || [1, 2].map(|n| store.contains(picture_id(n)).unwrap());
    let both = vec![one.clone(), two.clone()];
    let lease_of_page = lease(store, "a.example");
    let visited = visit("a.example/", both.clone());
    store.settle_page(lease_of_page, &visited).unwrap();
    for n in [1, 2] {
        assert!(commit(store, Source::Url(lease(store, "a.example")), n));
    }
    store.queue_again(&Again::Visited).unwrap();
    // The page of an outage, which no search engine is to keep; then one that is empty.
    page(Vec::new(), Some(says("noindex", &[])));
    page(Vec::new(), None);
    assert_eq!(stored(), [true, true]);
    page(Vec::new(), Some(says("noai", &[one])));
    assert_eq!(stored(), [false, true]);
    page(Vec::new(), Some(says("noai", &[two])));
    assert_eq!(stored(), [false, false]);
}

pub(super) fn bodies_wait_for_their_features(store: &Store) {
    offer(store, Role::Picture, &["a.example/1", "a.example/2"]);
    let bodies = [lease(store, "a.example"), lease(store, "a.example")].map(|lease| Body {
        origin: Source::Url(lease),
        id: picture_id(1),
        bytes: vec![1],
    });
    assert_eq!(store.keep_bodies(bodies.into()).unwrap(), [true, false]);
    assert_eq!(store.frontier_counts().unwrap().done, 2);
    assert_eq!(store.waiting_count(), 1);
    assert_eq!(store.waiting_body(picture_id(1)).unwrap(), [1]);
    let usable = Body {
        origin: file("2.png"),
        id: picture_id(2),
        bytes: vec![2],
    };
    store.keep_bodies(vec![usable]).unwrap();
    let outcomes = vec![
        PictureOutcome::Unusable(Source::Waiting(picture_id(1)), UrlOutcome::Done),
        PictureOutcome::Picture(Source::Waiting(picture_id(2)), picture(store, 2)),
    ];
    assert_eq!(store.commit(outcomes).unwrap(), [false, true]);
    assert_eq!((store.waiting_count(), store.waiting().count()), (0, 0));
    assert!(store.waiting_body(picture_id(2)).is_err());
    assert_eq!(store.provenance(picture_id(1)).unwrap().urls.len(), 0);
    assert_eq!(paths(store, 2), ["/2.png"]);
}

pub(super) fn what_is_postponed_loses_nothing(store: &Store) {
    let waiting = Body {
        origin: file("1.png"),
        id: picture_id(1),
        bytes: vec![1],
    };
    store.keep_bodies(vec![waiting]).unwrap();
    assert!(fetch(store, "a.example", "a.example/2", 2));
    assert!(fetch(store, "a.example", "a.example/3", 3));
    store.queue_again(&Again::Visited).unwrap();
    let [again, removed] = [(); 2].map(|()| lease(store, "a.example"));
    assert!(store.remove_picture(picture_id(3)).unwrap());
    let outcomes = [
        Source::Waiting(picture_id(1)),
        file("4.png"),
        Source::Url(again),
        Source::Url(removed),
    ];
    let outcomes = outcomes.map(PictureOutcome::Postponed).into();
    assert_eq!(store.commit(outcomes).unwrap(), [false; 4]);
    assert_eq!(store.waiting_body(picture_id(1)).unwrap(), [1]);
    assert_eq!(paths(store, 1), ["/1.png"]);
    assert_eq!(store.known_file(Path::new("/4.png"), 1, 1).unwrap(), None);
    // What the URL gave before is still there, and it is asked again in the next run.
    assert_eq!(store.provenance(picture_id(2)).unwrap().urls.len(), 1);
    assert!(
        store
            .lease(url("a.example/2").host_id(), true)
            .unwrap()
            .is_none()
    );
    store.requeue_left().unwrap();
    let again = lease(store, "a.example");
    assert_eq!(again.record().url, url("a.example/2").to_string());
    assert_eq!(again.record().attempts, 0);
    assert!(
        store
            .lease(url("a.example/2").host_id(), true)
            .unwrap()
            .is_none()
    );
    let record = store.url_record(url("a.example/3").id()).unwrap().unwrap();
    assert_eq!(record.state, UrlState::Removed);
}

pub(super) fn a_removed_picture_is_not_taken_again(store: &Store) {
    assert!(fetch(store, "a.example", "a.example/1", 1));
    store.queue_again(&Again::Visited).unwrap();
    let on_its_way = lease(store, "a.example");
    assert!(store.remove_picture(picture_id(1)).unwrap());
    assert!(!store.remove_picture(picture_id(1)).unwrap());
    assert!(!commit(store, Source::Url(on_its_way), 1));
    assert_eq!(store.picture_count(), 0);
    let record = store.url_record(url("a.example/1").id()).unwrap().unwrap();
    assert_eq!(record.state, UrlState::Removed);
    assert_eq!(store.reasons().unwrap().len(), 0);
    assert_eq!(store.frontier_counts().unwrap().refused, 1);
    // Its number is not used again.
    assert!(commit(store, file("1.png"), 1));
    assert_eq!(store.picture(picture_id(1)).unwrap().unwrap().sequence, 1);
}

pub(super) fn files_are_known_until_they_change(store: &Store) {
    assert!(commit(store, file("1.png"), 1));
    let known = |name: &str, bytes: u64, modified_ns: u64| {
        store
            .known_file(Path::new(name), bytes, modified_ns)
            .unwrap()
    };
    assert_eq!(known("/1.png", 1, 1), Some(picture_id(1)));
    assert_eq!(known("/1.png", 2, 1), None);
    assert_eq!(known("/1.png", 1, 2), None);
    assert_eq!(known("/2.png", 1, 1), None);
    store.remove_picture(picture_id(1)).unwrap();
    assert_eq!(known("/1.png", 1, 1), None);
}

pub(super) fn a_changed_file_is_no_place_of_the_picture_it_held(store: &Store) {
    assert!(commit(store, file("a.png"), 1));
    assert!(!commit(store, file("b.png"), 1));
    assert!(commit(store, file("b.png"), 2));
    assert_eq!(paths(store, 1), ["/a.png"]);
    assert_eq!(paths(store, 2), ["/b.png"]);
    // Nothing is removed without a word, and nothing that is there is without a place.
    assert!(commit(store, file("a.png"), 3));
    assert_eq!(paths(store, 1).len(), 2);
    assert_eq!(paths(store, 3), ["/a.png"]);
    assert_eq!(store.picture_count(), 3);
    // Another place is better than those.
    assert!(!commit(store, file("c.png"), 1));
    assert_eq!(paths(store, 1), ["/c.png"]);
    // The file is read no more often for a picture that it does not hold any more.
    assert!(store.remove_picture(picture_id(1)).unwrap());
    let known = store.known_file(Path::new("/a.png"), 1, 1).unwrap();
    assert_eq!(known, Some(picture_id(3)));
    assert_eq!(paths(store, 2), ["/b.png"]);
    // And back again.
    assert!(commit(store, file("a.png"), 1));
    assert_eq!(paths(store, 1), ["/a.png"]);
}

#[cfg(unix)]
pub(super) fn paths_are_bytes(store: &Store) {
    use std::os::unix::ffi::OsStrExt;
    let path = Path::new(std::ffi::OsStr::from_bytes(b"/\xff.png"));
    let origin = Source::File {
        path: path.into(),
        bytes: 1,
        modified_ns: 1,
    };
    assert!(commit(store, origin, 1));
    let seen = store.provenance(picture_id(1)).unwrap();
    assert_eq!(seen.paths[0].as_path(), path);
    assert_eq!(paths(store, 1), ["file:///%FF.png"]);
    let known = store.known_file(path, 1, 1).unwrap();
    assert_eq!(known, Some(picture_id(1)));
}
