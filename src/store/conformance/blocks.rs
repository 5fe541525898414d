//! What blocks must do.

use super::fixture::{block, commit, file, picture_id};
use crate::store::{Entry, Section, SectionKind, Sequence, Store, Wasteful};

pub(super) fn blocks_of_any_length_are_read_back(store: &Store) {
    let bytes: Vec<Vec<u8>> = (0..5_u8).map(|n| vec![n; 100 * usize::from(n)]).collect();
    let new = |n: usize| Entry {
        picture: picture_id(n as u8),
        sections: vec![Section::of_bytes(SectionKind::Block, &bytes[n])],
    };
    let mut locations = store.blocks.append(&[new(0), new(1), new(2)]).unwrap();
    locations.extend(store.blocks.append(&[new(3), new(4)]).unwrap());
    assert_eq!(store.blocks.append(&[]).unwrap(), []);
    for (n, location) in locations.into_iter().enumerate() {
        let id = picture_id(n as u8);
        assert_eq!(*store.blocks.read(id, location).unwrap(), bytes[n][..]);
        assert_eq!(*store.blocks.verify(id, location).unwrap(), bytes[n][..]);
    }
}

pub(super) fn a_block_of_another_picture_is_damaged(store: &Store) {
    let new = Entry {
        picture: picture_id(1),
        sections: vec![Section::of_bytes(SectionKind::Block, &[1; 10])],
    };
    let location = store.blocks.append(&[new]).unwrap()[0];
    assert!(store.blocks.read(picture_id(2), location).is_err());
    assert!(store.blocks.verify(picture_id(2), location).is_err());
}

pub(super) fn what_is_live_outlasts_compaction(store: &Store) {
    for n in 0..6 {
        assert!(commit(store, file(&format!("{n}.png")), n));
    }
    // A block is read in place; who has it keeps it.
    let held = store.block(picture_id(1)).unwrap();
    let before = store.row(Sequence(5)).unwrap().unwrap();
    for n in 1..5 {
        assert!(store.remove_picture(picture_id(n)).unwrap());
    }
    store.compact(Wasteful::Any).unwrap();
    for n in [0, 5] {
        let found = store.verified_block(picture_id(n)).unwrap();
        assert_eq!(*found, block(store, n)[..]);
    }
    assert_eq!(*held, block(store, 1)[..]);
    // Whoever knew where it lay finds it where it lies.
    let row = store.row(Sequence(5)).unwrap().unwrap();
    assert_eq!(row.location, store.block_location(row.id).unwrap());
    for location in [before.location, row.location] {
        let found = store.block_at(row.id, location.unwrap()).unwrap();
        assert_eq!(*found, block(store, 5)[..]);
    }
    assert!(store.block(picture_id(2)).is_err());
    assert!(commit(store, file("2.png"), 2));
    assert_eq!(
        *store.verified_block(picture_id(2)).unwrap(),
        block(store, 2)[..]
    );
}
