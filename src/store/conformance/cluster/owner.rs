//! One bucket to one store.

use std::fs;
use std::path::PathBuf;

use super::server::{execute, new_database};
use crate::store::conformance::fixture::{commit, file, open_cluster, options, picture_id};
use crate::store::{ClusterOptions, LEASE_TIME, Store, StoreError};

/// Why a store is not opened.
fn refusal(cluster: &ClusterOptions) -> String {
    let opened = Store::in_cluster((cluster, None), &options(), LEASE_TIME, Box::new(()));
    match opened {
        Err(error @ StoreError::Objects { .. }) => error.to_string(),
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("it was opened"),
    }
}

fn folder(cluster: &ClusterOptions) -> PathBuf {
    cluster.blocks.strip_prefix("file://").unwrap().into()
}

fn reads_its_picture(cluster: &ClusterOptions) {
    let store = open_cluster(cluster, LEASE_TIME);
    store.block(picture_id(1)).unwrap();
}

#[test]
fn a_bucket_is_of_one_store() {
    let (Some(a), Some(b)) = (new_database(), new_database()) else {
        return;
    };
    assert!(commit(&open_cluster(&a, LEASE_TIME), file("1.png"), 1));
    let b = ClusterOptions {
        blocks: a.blocks.clone(),
        ..b
    };
    assert!(refusal(&b).contains("that of another store"));
    // Nor without the id, by the segments that the other has left there.
    fs::remove_file(folder(&a).join("store.id")).unwrap();
    assert!(refusal(&b).contains("knows nothing of"));
    assert!(!folder(&a).join("store.id").exists());
    // A store that is older than such ids leaves its own there.
    assert!(refusal(&a).contains("not there"));
    execute(&a.url, "UPDATE store SET has_bucket = false");
    reads_its_picture(&a);
    assert!(refusal(&b).contains("that of another store"));
}

#[test]
fn a_folder_that_is_not_mounted_is_not_made_anew() {
    let Some(cluster) = new_database() else {
        return;
    };
    assert!(commit(
        &open_cluster(&cluster, LEASE_TIME),
        file("1.png"),
        1
    ));
    let (here, away) = (folder(&cluster), folder(&cluster).with_extension("away"));
    fs::rename(&here, &away).unwrap();
    for _ in 0..2 {
        assert!(refusal(&cluster).contains("mount the folder"));
    }
    drop(fs::remove_dir_all(&here));
    fs::rename(&away, &here).unwrap();
    reads_its_picture(&cluster);
    // The same where it has never left its id there.
    execute(&cluster.url, "UPDATE store SET has_bucket = false");
    fs::rename(&here, &away).unwrap();
    assert!(refusal(&cluster).contains("mount the folder"));
}

#[test]
fn numbers_of_segments_that_are_taken_are_passed_over() {
    let Some(cluster) = new_database() else {
        return;
    };
    let store = open_cluster(&cluster, LEASE_TIME);
    assert!(commit(&store, file("1.png"), 1));
    // As after an older backup of the database.
    execute(&cluster.url, "ALTER SEQUENCE segment_number RESTART");
    for n in 2..4 {
        assert!(commit(&store, file(&format!("{n}.png")), n));
    }
    for n in 1..4 {
        store.block(picture_id(n)).unwrap();
    }
}
