//! Sightings of stores that had none, of which another simdex has written to the records, or that were
//! stopped.

use std::path::Path;

use super::making::Made;
use crate::canonical_url::HostId;
use crate::store::conformance::fixture::{
    commit, fetch, file, found, lease, offer, options, visit,
};
use crate::store::embedded::trees::{
    APPLIED, SIGHTED_LOG, SIGHTED_RUNS, SIGHTED_TO, encode, sighting_key,
};
use crate::store::{RemovalRules, Role, Sequence, Store, StoreError};

const HOSTS: [&str; 3] = ["a.example", "b.example", "c.example"];

fn open(dir: &Path) -> Store {
    Store::open(dir, &options()).unwrap()
}

/// A store of pictures that were seen on one host, on two, and on none.
fn filled(dir: &Path) {
    let store = open(dir);
    assert!(fetch(&store, "a.example", "a.example/1.png", 1));
    assert!(fetch(&store, "b.example", "b.example/2.png", 2));
    assert!(commit(&store, file("3.png"), 3));
    offer(&store, Role::Page, &["c.example/"]);
    let shown = vec![found("a.example/1.png", Role::Picture)];
    store
        .settle_page(lease(&store, "c.example"), &visit("c.example/", shown))
        .unwrap();
    assert_eq!(seen(&store), right());
}

/// What was seen on each host.
fn seen(store: &Store) -> Vec<Option<Vec<u64>>> {
    let seen = HOSTS.map(|host| store.seen_on(HostId::of(host)).unwrap());
    let numbers = |set: crate::store::SequenceSet| set.iter().map(|it| it.0).collect();
    seen.map(|set| set.map(numbers)).into()
}

fn right() -> Vec<Option<Vec<u64>>> {
    vec![Some(vec![0]), Some(vec![1]), Some(vec![0])]
}

/// Changes the records of a store that is closed.
fn change(dir: &Path, records: impl FnOnce(&sled::Tree, &sled::Tree)) {
    let db = crate::store::embedded::records::open(&dir.join("records")).unwrap();
    let open = |name: &str| db.open_tree(name).unwrap();
    records(&open("sightings"), &open("counters"));
}

/// Says that a picture was seen where it was not, which stays so until all is made anew.
fn lie(sightings: &sled::Tree) {
    let key = sighting_key(HostId::of("b.example"), Sequence(0));
    sightings.insert(key, &[]).unwrap();
}

fn with_lie() -> Vec<Option<Vec<u64>>> {
    vec![Some(vec![0]), Some(vec![0, 1]), Some(vec![0])]
}

#[test]
fn a_store_of_before_gets_its_sightings_once() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    change(dir.path(), |sightings, counters| {
        sightings.clear().unwrap();
        counters.remove(SIGHTED_LOG).unwrap();
        counters.remove(SIGHTED_RUNS).unwrap();
    });
    // Without writing, each picture is asked.
    let store = Store::open_read_only(dir.path(), &options()).unwrap();
    assert_eq!(seen(&store), [None, None, None]);
    assert_eq!(store.measures().unwrap().unwrap().iter().count(), 3);
    drop(store);
    assert_eq!(seen(&open(dir.path())), right());
    let store = Store::open_read_only(dir.path(), &options()).unwrap();
    assert_eq!(seen(&store), right());
    drop(store);
    // From then on they are believed, and follow.
    change(dir.path(), |sightings, _| lie(sightings));
    let store = open(dir.path());
    store.begin_run(1, RemovalRules::default()).unwrap();
    assert!(fetch(&store, "c.example", "c.example/4.png", 4));
    drop(store);
    let mut expected = with_lie();
    expected[2] = Some(vec![0, 3]);
    let store = open(dir.path());
    assert_eq!(seen(&store), expected);
    // Until they are held against what they follow from.
    assert!(!store.check_selection().unwrap());
    expected[1] = right()[1].clone();
    assert_eq!(seen(&store), expected);
    assert!(store.check_selection().unwrap());
}

#[test]
fn what_another_simdex_has_written_is_taken_in() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let changes: [&dyn Fn(&sled::Tree); 3] = [
        // It has stored something, or removed it.
        &|counters| drop(counters.insert(SIGHTED_LOG, &[9]).unwrap()),
        // It has begun a run.
        &|counters| drop(counters.insert(SIGHTED_RUNS, &[9]).unwrap()),
        // A host was about to leave when the process ended.
        &|counters| drop(counters.remove(SIGHTED_LOG).unwrap()),
    ];
    for written in changes {
        change(dir.path(), |sightings, counters| {
            lie(sightings);
            written(counters);
        });
        assert_eq!(seen(&open(dir.path())), right());
    }
}

#[test]
fn what_was_made_before_an_interruption_is_not_made_again() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let interrupted = |log: Option<&[u8]>| {
        change(dir.path(), |sightings, counters| {
            lie(sightings);
            let at = |key: [u8; 1]| counters.get(key).unwrap().map(|value| value.to_vec());
            let made = Made {
                log: log.map(<[u8]>::to_vec).or(at(APPLIED)),
                runs: None,
                last: vec![0xff; 48],
            };
            counters.insert(SIGHTED_TO, encode(&made)).unwrap();
            counters.remove(SIGHTED_LOG).unwrap();
        });
    };
    interrupted(None);
    assert_eq!(seen(&open(dir.path())), with_lie());
    // But what is of other records is.
    interrupted(Some(&[9]));
    assert_eq!(seen(&open(dir.path())), right());
}

#[test]
fn records_that_are_made_anew_say_where_pictures_were_seen() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    std::fs::remove_dir_all(dir.path().join("records")).unwrap();
    Store::repair(dir.path(), &options()).unwrap();
    assert_eq!(seen(&open(dir.path())), right());
    // Where they are there and wrong, too.
    change(dir.path(), |sightings, _| lie(sightings));
    Store::repair(dir.path(), &options()).unwrap();
    assert_eq!(seen(&open(dir.path())), right());
}

#[test]
fn a_host_that_leaves_takes_its_sightings_along() -> Result<(), StoreError> {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let store = open(dir.path());
    // They are in memory, too.
    assert_eq!(seen(&store), right());
    store.remove_host("c.example")?;
    assert_eq!(seen(&store), [Some(vec![0]), Some(vec![1]), Some(vec![])]);
    store.remove_host("a.example")?;
    let left = [Some(vec![]), Some(vec![1]), Some(vec![])];
    assert_eq!(seen(&store), left);
    drop(store);
    change(dir.path(), |sightings, counters| {
        assert_eq!(sightings.len(), 1);
        assert_eq!(
            counters.get(SIGHTED_LOG).unwrap(),
            counters.get(APPLIED).unwrap()
        );
    });
    assert_eq!(seen(&open(dir.path())), left);
    Ok(())
}
