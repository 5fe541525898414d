//! A copy of a store says what the store says, whichever engines keep the two, and whatever it was
//! interrupted by.

use std::path::Path;

use super::commands::{Pair, SEEDS};
use super::fixture::{commit, file, host, lease, memory, offer, open, options, picture_id, url};
use crate::store::leases::LEASE_TIME;
use crate::store::{Role, Store, StoreError, StorePlace, Wasteful};

/// A store in memory that has seen commands of a seed.
pub(super) fn filled(seed: u64) -> Store {
    let dir = tempfile::tempdir().unwrap();
    let [_, store] = Pair::answer_alike(seed, Box::new(move || open(&dir, LEASE_TIME)));
    store
}

/// Copies a store to a place, stopping again and again, and compares the two.
pub(super) fn copy(from: &Store, to: StorePlace<'_>) -> Store {
    let mut most = 0;
    let mut before = 0;
    loop {
        let copy = from.begin_copy(to, &options()).unwrap();
        let mut steps = 0;
        most += 5;
        let mut progress = |_, _| {
            steps += 1;
            steps < most
        };
        let copied = from.copy_in_steps(&copy, 7, &mut progress).unwrap();
        assert_eq!(copied.taken, 0, "nothing that is there has to go");
        before += copied.written;
        if copied.stopped {
            continue;
        }
        // What a new store has already is the same.
        let all = copied.records.values().sum::<u64>();
        assert!(
            before <= all,
            "{before} of {all}: something is written twice"
        );
        assert_whole(from, &copy);
        copy.end_copy().unwrap();
        return copy;
    }
}

pub(super) fn assert_whole(from: &Store, copy: &Store) {
    let compared = from.compare_with(copy, &mut |_, _| true).unwrap();
    assert!(compared.differing == 0, "{:#?}", compared.differences);
    assert_eq!(compared.records["notes"], 1);
}

fn folder(dir: &Path) -> StorePlace<'_> {
    StorePlace::Folder(dir)
}

#[test]
fn a_copy_in_a_folder_knows_what_the_original_knows() {
    for seed in 0..SEEDS {
        let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let original = filled(seed);
        let first = copy(&original, folder(dirs[0].path()));
        let [original, first] = Pair::know_the_same([original, first]);
        let second = copy(&first, folder(dirs[1].path()));
        drop(first);
        drop(second);
        // The log knows it, too: what is made anew of it is the same but for the crawl.
        let second = open(&dirs[1], LEASE_TIME);
        let mut flaws = Vec::new();
        second.check_log(&mut |flaw| flaws.push(flaw)).unwrap();
        assert!(flaws.is_empty(), "{flaws:?}");
        second.compact(Wasteful::Any).unwrap();
        assert_eq!(second.counts(), second.recount().unwrap());
        drop(Pair::know_the_same([original, second]));
    }
}

#[test]
fn the_log_of_a_copy_makes_it_anew() {
    let dir = tempfile::tempdir().unwrap();
    let original = memory(LEASE_TIME);
    offer(&original, Role::Page, &["a.example/"]);
    for n in 0..4 {
        assert!(commit(&original, file(&format!("{n}.png")), n));
    }
    original.remove_picture(picture_id(3)).unwrap();
    drop(copy(&original, folder(dir.path())));
    std::fs::remove_dir_all(dir.path().join("records")).unwrap();
    let repaired = Store::repair(dir.path(), &options()).unwrap();
    assert_eq!((repaired.pictures, repaired.committed), (3, Some(3)));
    let store = open(&dir, LEASE_TIME);
    assert_eq!(store.seeds().unwrap(), ["https://a.example/"]);
    let places = |store: &Store| store.file_places().collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!(places(&store), places(&original));
    assert_eq!(store.next_sequence(), 4);
    let path = Path::new("/9.png");
    assert!(store.removed_file(picture_id(3), path).unwrap().is_some());
}

#[test]
fn a_copy_goes_on_as_the_original_would() {
    let dir = tempfile::tempdir().unwrap();
    let original = memory(LEASE_TIME);
    let waiting: Vec<String> = (0..20).map(|n| format!("a.example/{n}")).collect();
    let waiting: Vec<&str> = waiting.iter().map(String::as_str).collect();
    offer(&original, Role::Page, &waiting);
    assert!(commit(&original, file("0.png"), 0));
    assert!(original.remove_picture(picture_id(0)).unwrap());
    let copied = copy(&original, folder(dir.path()));
    offer(&copied, Role::Page, &["a.example/new"]);
    for text in waiting.into_iter().chain(["a.example/new"]) {
        let lease = lease(&copied, "a.example");
        assert_eq!(lease.record().url, url(text).to_string());
        // Its place in the queue is taken until it is settled.
        std::mem::forget(lease);
    }
    assert!(copied.lease(host("a.example"), true).unwrap().is_none());
    assert!(commit(&copied, file("1.png"), 1));
    let record = copied.picture(picture_id(1)).unwrap();
    assert_eq!(record.map(|record| record.sequence), Some(1), "never twice");
}

#[test]
fn nothing_else_opens_a_copy_that_has_not_ended() {
    let dir = tempfile::tempdir().unwrap();
    let original = filled(1);
    drop(original.begin_copy(folder(dir.path()), &options()).unwrap());
    let is_unfinished = |opened: Result<Store, StoreError>| {
        matches!(opened, Err(StoreError::UnfinishedCopy { .. }))
    };
    assert!(is_unfinished(Store::open(dir.path(), &options())));
    assert!(is_unfinished(Store::open_read_only(dir.path(), &options())));
    // Not even another copy.
    let refused = filled(2).begin_copy(folder(dir.path()), &options());
    assert!(matches!(refused, Err(StoreError::NoPlaceForCopy { .. })));
    drop(copy(&original, folder(dir.path())));
    drop(open(&dir, LEASE_TIME));
    // Once it has ended it is a store like others, which nobody writes over.
    for store in [&original, &filled(2)] {
        let refused = store.begin_copy(folder(dir.path()), &options());
        assert!(matches!(refused, Err(StoreError::NoPlaceForCopy { .. })));
    }
}

#[test]
fn a_copy_that_was_begun_becomes_what_the_original_is_by_then() {
    let dir = tempfile::tempdir().unwrap();
    let original = filled(3);
    let begun = original.begin_copy(folder(dir.path()), &options()).unwrap();
    original.copy_to(&begun, &mut |_, _| true).unwrap();
    assert_whole(&original, &begun);
    // It was stopped before it ended, and the original went on.
    for n in 0..6 {
        original.remove_picture(picture_id(n)).unwrap();
    }
    original.remove_host("a.example").unwrap();
    offer(&original, Role::Page, &["d.example/"]);
    assert!(commit(&original, file("new.png"), 9));
    let compared = original.compare_with(&begun, &mut |_, _| true).unwrap();
    assert!(compared.differing > 0 && !compared.differences.is_empty());
    let copied = original.copy_to(&begun, &mut |_, _| true).unwrap();
    assert!(copied.written > 0 && copied.taken > 0, "{copied:?}");
    assert_whole(&original, &begun);
    begun.end_copy().unwrap();
    drop(Pair::know_the_same([original, begun]));
}
