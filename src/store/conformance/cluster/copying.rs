//! Copies between memory, folders and servers.

use super::server::new_database;
use crate::store::conformance::commands::{Pair, SEEDS};
use crate::store::conformance::copying::{assert_whole, copy, filled};
use crate::store::conformance::fixture::{
    commit, file, host, lease, memory, offer, open_cluster, options, picture, picture_id,
};
use crate::store::leases::LEASE_TIME;
use crate::store::{ClusterOptions, PictureOutcome, Role, Store, StoreError, StorePlace};

#[test]
fn a_copy_through_all_engines_knows_what_the_original_knows() {
    for seed in 0..SEEDS {
        let Some(cluster) = new_database() else {
            return;
        };
        let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let folder = |n: usize| StorePlace::Folder(dirs[n].path());
        let original = filled(seed);
        let first = copy(&original, folder(0));
        drop(copy(&first, StorePlace::Cluster(&cluster)));
        let second = open_cluster(&cluster, LEASE_TIME);
        assert_eq!(second.id(), original.id());
        assert_eq!(second.counts(), second.recount().unwrap());
        let [original, second] = Pair::know_the_same([original, second]);
        let third = copy(&second, folder(1));
        assert_whole(&original, &third);
        drop(Pair::know_the_same([original, third]));
    }
}

#[test]
fn a_copy_on_a_server_goes_on_as_the_original_would() {
    let Some(cluster) = new_database() else {
        return;
    };
    let original = memory(LEASE_TIME);
    offer(&original, Role::Page, &["a.example/1", "a.example/2"]);
    assert!(commit(&original, file("0.png"), 0));
    assert!(original.remove_picture(picture_id(0)).unwrap());
    let copied = copy(&original, StorePlace::Cluster(&cluster));
    offer(&copied, Role::Page, &["a.example/3"]);
    let leases = [1, 2, 3].map(|n| (n, lease(&copied, "a.example")));
    for (n, lease) in &leases {
        assert!(lease.record().url.ends_with(&n.to_string()));
    }
    assert!(copied.lease(host("a.example"), true).unwrap().is_none());
    assert!(commit(&copied, file("1.png"), 1));
    let record = copied.picture(picture_id(1)).unwrap();
    assert_eq!(record.map(|record| record.sequence), Some(1), "never twice");
}

#[test]
fn nothing_else_opens_a_copy_on_a_server_that_has_not_ended() {
    let Some(cluster) = new_database() else {
        return;
    };
    let place = StorePlace::Cluster(&cluster);
    // Any command that looks at a new database makes it a store, without anything in it.
    drop(open_cluster(&cluster, LEASE_TIME));
    let (original, other) = (filled(1), filled(2));
    drop(original.begin_copy(place, &options()).unwrap());
    let opened = Store::open_cluster(&cluster, None, &options());
    assert!(matches!(opened, Err(StoreError::UnfinishedCopy { .. })));
    let is_refused = |store: &Store| {
        let begun = store.begin_copy(place, &options());
        matches!(begun, Err(StoreError::NoPlaceForCopy { .. }))
    };
    assert!(is_refused(&other));
    drop(copy(&original, place));
    drop(Store::open_cluster(&cluster, None, &options()).unwrap());
    assert!(is_refused(&original) && is_refused(&other));
}

#[test]
fn a_copy_has_a_bucket_of_its_own() {
    let (Some(a), Some(b)) = (new_database(), new_database()) else {
        return;
    };
    let original = open_cluster(&a, LEASE_TIME);
    assert!(commit(&original, file("1.png"), 1));
    let in_the_same = ClusterOptions {
        blocks: a.blocks.clone(),
        ..b.clone()
    };
    let begun = original.begin_copy(StorePlace::Cluster(&in_the_same), &options());
    assert!(matches!(begun, Err(StoreError::NoPlaceForCopy { .. })));
    let copied = copy(&original, StorePlace::Cluster(&b));
    assert_eq!(copied.id(), original.id());
    assert_ne!(copied.mark(), original.mark());
    drop(copied);
    // Nor later, by a wrong configuration.
    let opened = Store::open_cluster(&in_the_same, None, &options());
    assert!(matches!(opened, Err(StoreError::Objects { .. })));
    original.block(picture_id(1)).unwrap();
}

#[test]
fn who_had_it_open_before_a_copy_began_writes_no_more() {
    let Some(cluster) = new_database() else {
        return;
    };
    let place = StorePlace::Cluster(&cluster);
    let is_shut_out = |store: &Store| {
        let outcome = PictureOutcome::Picture(file("9.png"), picture(store, 9));
        matches!(store.commit(vec![outcome]), Err(StoreError::ShutOut))
    };
    let worker = open_cluster(&cluster, LEASE_TIME);
    let original = filled(1);
    let first = original.begin_copy(place, &options()).unwrap();
    assert!(is_shut_out(&worker));
    // Another run of the same copy takes its place.
    let second = original.begin_copy(place, &options()).unwrap();
    let copied = original.copy_to(&first, &mut |_, _| true);
    assert!(matches!(copied, Err(StoreError::ShutOut)));
    assert!(matches!(first.end_copy(), Err(StoreError::ShutOut)));
    assert!(!original.copy_to(&second, &mut |_, _| true).unwrap().stopped);
    second.end_copy().unwrap();
    assert!(is_shut_out(&worker));
    drop((worker, first, second));
    assert_whole(&original, &open_cluster(&cluster, LEASE_TIME));
}

#[test]
fn a_store_that_others_work_on_is_not_copied() {
    let Some(cluster) = new_database() else {
        return;
    };
    let [store, worker] = [(); 2].map(|()| open_cluster(&cluster, LEASE_TIME));
    offer(&worker, Role::Page, &["a.example/"]);
    let leased = lease(&worker, "a.example");
    let dir = tempfile::tempdir().unwrap();
    let place = StorePlace::Folder(dir.path());
    let begun = store.begin_copy(place, &options()).unwrap();
    let copied = store.copy_to(&begun, &mut |_, _| true);
    assert!(matches!(copied, Err(StoreError::Changing(_))));
    drop((leased, worker, begun));
    drop(copy(&store, place));
}
