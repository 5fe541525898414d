//! Tests of what is rewritten, and what outlasts it.

use super::*;
use crate::store::conformance::fixture::{file, options, picture_id, picture_with};
use crate::store::embedded::Embedded;
use crate::store::leases::LEASE_TIME;
use crate::store::{Body, PictureOutcome, Source};

fn commit(store: &Embedded, origin: Source, n: u8) {
    let picture = picture_with(vec![n; 2000], n);
    let outcome = PictureOutcome::Picture(origin, picture);
    store.metadata.commit(vec![outcome], &store.blocks).unwrap();
}

fn is_whole(store: &Embedded, n: u8) -> bool {
    let location = store.metadata.block_location(picture_id(n)).unwrap();
    let block = store.blocks.verify(picture_id(n), location.unwrap());
    block.unwrap().iter().all(|byte| *byte == n)
}

fn segments(dir: &tempfile::TempDir) -> usize {
    let files = std::fs::read_dir(dir.path().join("activations")).unwrap();
    files.count()
}

#[test]
fn a_closed_segment_is_rewritten_when_most_of_it_is_dead() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Embedded::open(dir.path(), &options(), LEASE_TIME).unwrap();
    let store = open();
    let compact = |store: &Embedded| store.blocks.compact(&store.metadata, Wasteful::Half);
    (0..4).for_each(|n| commit(&store, file(&format!("{n}.png")), n));
    store.metadata.log.close_segment().unwrap();
    commit(&store, file("4.png"), 4);
    for n in 0..2 {
        store.metadata.remove_picture(picture_id(n)).unwrap();
    }
    assert_eq!(compact(&store).unwrap().freed, 0);
    store.metadata.remove_picture(picture_id(2)).unwrap();
    assert!(compact(&store).unwrap().freed > 0);
    assert!(is_whole(&store, 3) && is_whole(&store, 4));
    drop(store);
    let store = open();
    assert!(is_whole(&store, 3) && is_whole(&store, 4));
    // One that is dead as a whole is deleted, and nothing is rewritten twice.
    store.metadata.remove_picture(picture_id(3)).unwrap();
    let before = segments(&dir);
    assert!(compact(&store).unwrap().freed > 0);
    assert_eq!(compact(&store).unwrap().freed, 0);
    assert_eq!(segments(&dir), before - 1);
}

#[test]
fn kept_bytes_go_when_their_features_are_there() {
    let dir = tempfile::tempdir().unwrap();
    let store = Embedded::open(dir.path(), &options(), LEASE_TIME).unwrap();
    let bodies = (0..3).map(|n| Body {
        origin: file(&format!("{n}.png")),
        id: picture_id(n),
        bytes: vec![n; 5000],
    });
    store.metadata.keep_bodies(bodies.collect()).unwrap();
    store.metadata.log.close_segment().unwrap();
    for n in 0..3 {
        assert_eq!(
            store.metadata.waiting_body(picture_id(n)).unwrap(),
            [n; 5000]
        );
        commit(&store, Source::Waiting(picture_id(n)), n);
    }
    assert_eq!(store.metadata.waiting_count(), 0);
    let freed = store
        .blocks
        .compact(&store.metadata, Wasteful::Half)
        .unwrap()
        .freed;
    assert!(freed > 15_000, "{freed}");
    assert!((0..3).all(|n| is_whole(&store, n)));
    let provenance = store.metadata.trees.provenance(picture_id(1)).unwrap();
    assert_eq!(provenance.paths.len(), 1);
}

/// Where an entry lies in its file.
fn flip(dir: &tempfile::TempDir, segment: u32, offset: u64) {
    let path = dir
        .path()
        .join(format!("activations/{segment:08}.activations"));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[usize::try_from(offset).unwrap()] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn what_is_removed_goes_whatever_is_damaged_beside_it() {
    for of_head in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let open = || Embedded::open(dir.path(), &options(), LEASE_TIME).unwrap();
        let store = open();
        (0..3).for_each(|n| commit(&store, file(&format!("{n}.png")), 100 + n));
        let at = |n| {
            store
                .metadata
                .block_location(picture_id(n))
                .unwrap()
                .unwrap()
        };
        let (damaged, removed) = (at(101), at(102));
        drop(store);
        let offset = match of_head {
            true => damaged.offset + 20,
            false => damaged.payload.unwrap().offset + 7,
        };
        flip(&dir, damaged.segment, offset);
        let store = open();
        assert!(store.metadata.remove_picture(picture_id(102)).unwrap());
        let compacted = store
            .blocks
            .compact(&store.metadata, Wasteful::Any)
            .unwrap();
        assert!(compacted.freed > removed.payload.unwrap().length);
        // Nobody knows what bytes without a head are of.
        assert_eq!(
            compacted.unread.len(),
            usize::from(of_head),
            "{compacted:?}"
        );
        // They are named as long as they are there, also where nothing is left to rewrite.
        assert_eq!(store.blocks.nameless().unwrap(), compacted.unread);
        let files = std::fs::read_dir(dir.path().join("activations")).unwrap();
        for file in files {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!bytes.windows(2000).any(|bytes| bytes == [102; 2000]));
        }
        drop(store);
        let store = open();
        assert!(is_whole(&store, 100));
        let left = store
            .metadata
            .block_location(picture_id(101))
            .unwrap()
            .unwrap();
        // It is still named as damaged.
        assert!(store.blocks.verify(picture_id(101), left).is_err());
        let repaired = {
            drop(store);
            Embedded::repair(dir.path(), &options()).unwrap()
        };
        assert_eq!(repaired.pictures, if of_head { 1 } else { 2 });
    }
}
