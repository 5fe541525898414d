//! Descriptors and looks lie in files that may be deleted or damaged at any time: the log gives the same answers. And of
//! what was removed nothing is left in them.

use std::path::Path;

use super::*;
use crate::activation::{Activations, Encoding};
use crate::network::{Descriptor, LookDescriptor};
use crate::store::conformance::fixture::{file, options, picture_id, picture_with};
use crate::store::leases::LEASE_TIME;
use crate::store::{PictureOutcome, PictureRow, Store, Wasteful};

const PICTURES: u8 = 11;
const REMOVED: u8 = 7;

/// All that a store tells of its pictures' descriptors and looks.
#[derive(Debug, PartialEq)]
struct Told {
    descriptors: Vec<(Sequence, Descriptor)>,
    looks: Vec<(Sequence, LookDescriptor)>,
    rows: Vec<Option<PictureRow>>,
}

fn told(store: &Store, by_one: bool) -> Told {
    let mut pictures = store.pictures().map(|picture| picture.unwrap().0);
    let (descriptors, looks) = match by_one {
        true => {
            let sequences: Vec<_> = pictures.by_ref().collect();
            let descriptor = |it: &Sequence| (*it, store.descriptor(*it).unwrap());
            let look = |it: &Sequence| Some((*it, store.look(*it).unwrap()?));
            (
                sequences.iter().map(descriptor).collect(),
                sequences.iter().filter_map(look).collect(),
            )
        }
        false => (
            store.descriptors(Sequence(0)).map(Result::unwrap).collect(),
            store.looks(Sequence(0)).map(Result::unwrap).collect(),
        ),
    };
    let rows = (0..u64::from(PICTURES) + 2).map(|n| store.row(Sequence(n)).unwrap());
    Told {
        descriptors,
        looks,
        rows: rows.collect(),
    }
}

/// A store of some pictures, one of them removed. `way`: in which the log says how they are described and look.
fn fill(dir: &Path, options: &StoreOptions<'_>, way: Option<&str>) {
    let mut store = Embedded::open(dir, options, LEASE_TIME).unwrap();
    if let (Some(way), Some((look, _))) = (way, &mut store.metadata.look) {
        store.metadata.descriptor = way.to_owned();
        *look = way.to_owned();
    }
    let length = store.identity.layouts.now().block_len();
    for n in 0..PICTURES {
        let picture = picture_with(vec![n + 1; length], n);
        let outcome = PictureOutcome::Picture(file(&format!("{n}.png")), picture);
        store.metadata.commit(vec![outcome], &store.blocks).unwrap();
    }
    store.metadata.remove_picture(picture_id(REMOVED)).unwrap();
    drop(store);
    if let Some(way) = way {
        let mut header = Header::read(dir).unwrap().unwrap();
        header.descriptor = way.to_owned();
        header.look = way.to_owned();
        header.write(dir).unwrap();
        rows::forget(dir).unwrap();
    }
}

#[test]
fn what_is_missing_or_damaged_is_told_by_the_log() {
    let compact = StoreOptions {
        activations: Encoding::Compact,
        ..options()
    };
    for (case, options, way) in [
        ("full", options(), None),
        ("compact", compact, None),
        ("described anew", options(), Some("another way")),
    ] {
        let dir = tempfile::tempdir().unwrap();
        fill(dir.path(), &options, way);
        let index = dir.path().join("index");
        let store = Store::open(dir.path(), &options).unwrap();
        let before = told(&store, false);
        assert_eq!(
            before.descriptors.len(),
            usize::from(PICTURES) - 1,
            "{case}"
        );
        assert_eq!(before.looks.len(), before.descriptors.len(), "{case}");
        for (n, (_, descriptor)) in (0..PICTURES)
            .filter(|n| *n != REMOVED)
            .zip(&before.descriptors)
        {
            let expected = match way {
                None => picture_with(Vec::new(), n).descriptor,
                Some(_) => {
                    let block = store.block(picture_id(n)).unwrap();
                    let activations = Activations::new(store.layout(), &block);
                    options.network.describe(activations)
                }
            };
            assert_eq!(*descriptor, expected, "{case}, picture {n}");
        }
        drop(store);
        let names = ["rows", "looks"];
        let whole = names.map(|name| std::fs::read(index.join(name)).unwrap());
        for damage in ["none", "deleted", "all of it", "cut", "a bit", "another's"] {
            for by_one in [false, true] {
                for (name, whole) in names.iter().zip(&whole) {
                    let path = index.join(name);
                    let mut bytes = whole.clone();
                    match damage {
                        "deleted" => {
                            std::fs::remove_file(&path).unwrap();
                            continue;
                        }
                        "all of it" => bytes.iter_mut().for_each(|byte| *byte ^= 1),
                        "cut" => bytes.truncate(bytes.len() / 3),
                        "a bit" => bytes.iter_mut().step_by(500).for_each(|byte| *byte ^= 4),
                        // Rows of other pictures.
                        "another's" => {
                            let row = bytes.len() / usize::from(PICTURES);
                            bytes.rotate_left(row);
                        }
                        _ => {}
                    }
                    std::fs::write(&path, bytes).unwrap();
                }
                let about = format!("{case}, {damage}, by one: {by_one}");
                let store = Store::open_read_only(dir.path(), &options).unwrap();
                assert!(told(&store, by_one) == before, "{about}, read only");
                drop(store);
                let store = Store::open(dir.path(), &options).unwrap();
                assert!(told(&store, by_one) == before, "{about}");
                drop(store);
                // And all of it is there again.
                for (name, whole) in names.iter().zip(&whole) {
                    let bytes = std::fs::read(index.join(name)).unwrap();
                    let row = whole.len() / usize::from(PICTURES);
                    let rows = bytes.chunks(row).zip(whole.chunks(row)).enumerate();
                    for (n, (bytes, whole)) in rows {
                        let is_right = bytes == whole || n == usize::from(REMOVED);
                        assert!(is_right, "{about}: row {n} of {name}");
                    }
                }
            }
        }
        // Records that are made anew, too.
        std::fs::remove_dir_all(dir.path().join(RECORDS)).unwrap();
        Store::repair(dir.path(), &options).unwrap();
        let store = Store::open(dir.path(), &options).unwrap();
        assert!(told(&store, false) == before, "{case}, repaired");
        // And what is moved keeps its rows.
        assert!(store.compact(Wasteful::Any).unwrap().freed > 0, "{case}");
        let moved = told(&store, false);
        assert!(moved.descriptors == before.descriptors && moved.looks == before.looks);
        for row in moved.rows.into_iter().flatten() {
            let now = store.block_location(row.id).unwrap();
            assert_eq!(row.location, now, "{case}");
        }
    }
}

/// What is left of a picture's rows.
fn left_of(dir: &Path, n: u8) -> Vec<u8> {
    let mut left = Vec::new();
    for name in ["rows", "looks"] {
        let bytes = std::fs::read(dir.join("index").join(name)).unwrap();
        let row = bytes.len() / usize::from(PICTURES);
        assert_eq!(bytes.len() % usize::from(PICTURES), 0);
        left.extend(&bytes[usize::from(n) * row..][..row]);
    }
    left
}

fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir_all(to).unwrap();
    for entry in walkdir::WalkDir::new(from).min_depth(1) {
        let entry = entry.unwrap();
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        match entry.file_type().is_dir() {
            true => std::fs::create_dir_all(target).unwrap(),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

#[test]
fn nothing_is_left_of_what_was_removed_wherever_that_is_cut_short() {
    let (dir, aside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(dir.path(), &options(), None);
    assert!(left_of(dir.path(), REMOVED).iter().all(|byte| *byte == 0));
    assert!(left_of(dir.path(), 3).iter().any(|byte| *byte != 0));
    let names = [RECORDS, "index"];
    for name in names {
        copy(&dir.path().join(name), &aside.path().join(name));
    }
    let store = Store::open(dir.path(), &options()).unwrap();
    assert!(store.remove_picture(picture_id(3)).unwrap());
    drop(store);
    assert!(left_of(dir.path(), 3).iter().all(|byte| *byte == 0));
    // The log knows it; the rows do or do not, the records do not.
    for lost in [&names[..1], &names[..]] {
        for name in lost {
            copy(&aside.path().join(name), &dir.path().join(name));
        }
        let store = Store::open(dir.path(), &options()).unwrap();
        assert!(!store.contains(picture_id(3)).unwrap());
        assert_eq!(store.row(Sequence(3)).unwrap(), None);
        assert!(store.descriptor(Sequence(3)).is_err());
        assert_eq!(store.look(Sequence(3)).unwrap(), None);
        let numbers = store.descriptors(Sequence(0)).map(|it| it.unwrap().0.0);
        assert!(!numbers.collect::<Vec<_>>().contains(&3));
        drop(store);
        assert!(left_of(dir.path(), 3).iter().all(|byte| *byte == 0));
    }
}

#[test]
fn a_row_of_a_picture_that_had_the_number_before_is_none() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), &options(), None);
    let store = Embedded::open(dir.path(), &options(), LEASE_TIME).unwrap();
    let metadata = &store.metadata;
    let before = (
        metadata.descriptor(Sequence(5)).unwrap(),
        metadata.look(Sequence(5)).unwrap(),
    );
    let other = picture_with(Vec::new(), 6);
    let at = metadata.block_location(other.id).unwrap().unwrap();
    let look = other.look.as_ref().unwrap().bytes();
    metadata
        .rows
        .put(Sequence(5), other.id, at, &other.descriptor.to_bytes());
    metadata.looks.put(Sequence(5), other.id, Some(look));
    let listed = metadata.descriptors(Sequence(5)).next().unwrap().unwrap();
    assert_eq!(listed.1, before.0);
    assert_eq!(metadata.descriptor(Sequence(5)).unwrap(), before.0);
    assert_eq!(metadata.look(Sequence(5)).unwrap(), before.1);
}

#[test]
fn an_entry_that_is_damaged_takes_no_other_with_it() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), &options(), None);
    let store = Store::open(dir.path(), &options()).unwrap();
    let before = told(&store, false);
    let at = store.block_location(picture_id(4)).unwrap().unwrap();
    // Its rows are enough.
    let path = dir
        .path()
        .join(log::FOLDER)
        .join(log::file_name(at.segment));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[at.offset as usize + 9] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(told(&store, false) == before);
    drop(store);
    // Without them nothing is near it, and it has no look.
    rows::forget(dir.path()).unwrap();
    let store = Store::open(dir.path(), &options()).unwrap();
    let now = told(&store, false);
    assert_eq!(now.descriptors.len(), before.descriptors.len());
    for ((sequence, now), (_, before)) in now.descriptors.iter().zip(&before.descriptors) {
        let is_damaged = *sequence == Sequence(4);
        assert_eq!(now == before, !is_damaged);
        assert!(!is_damaged || now.values().iter().all(|value| *value == 0.0));
    }
    assert_eq!(now.looks.len(), before.looks.len() - 1);
}
