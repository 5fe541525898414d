//! A store of format 4 gets rows of its records, whatever stops that.

use std::path::Path;

use super::*;
use crate::network::{Descriptor, LookDescriptor};
use crate::store::conformance::fixture::{file, options, picture_id, picture_with};
use crate::store::{PictureOutcome, Sequence, Store};

const PICTURES: u8 = 6;
const REMOVED: u8 = 2;
const TREES: [&str; 2] = ["descriptors", "looks"];

type Told = (Vec<(Sequence, Descriptor)>, Vec<(Sequence, LookDescriptor)>);

fn told(store: &Store) -> Told {
    (
        store.descriptors(Sequence(0)).map(Result::unwrap).collect(),
        store.looks(Sequence(0)).map(Result::unwrap).collect(),
    )
}

/// Has the records of the store in `dir` say what format 4 had them say, some of the trees at least.
fn put_records(dir: &Path, (descriptors, looks): &Told, trees: &[&str]) {
    let db = crate::store::embedded::records::open(&dir.join("records")).unwrap();
    for tree in trees {
        let records = db.open_tree(tree).unwrap();
        match *tree {
            "descriptors" => descriptors.iter().for_each(|(sequence, it)| {
                records.insert(sequence.key(), it.to_bytes()).unwrap();
            }),
            _ => looks.iter().for_each(|(sequence, it)| {
                records.insert(sequence.key(), it.bytes()).unwrap();
            }),
        }
    }
    let id = options().network.look().unwrap().id();
    let counters = db.open_tree("counters").unwrap();
    counters.insert([4], id.as_bytes()).unwrap();
    db.flush().unwrap();
    let mut header = Header::read(dir).unwrap().unwrap();
    header.format = 4;
    header.write(dir).unwrap();
}

/// Makes a store of format 4 of one of today's.
pub(super) fn downgrade_to_4(dir: &Path) {
    let store = Store::open(dir, &options()).unwrap();
    let told = told(&store);
    drop(store);
    put_records(dir, &told, &TREES);
    crate::store::embedded::rows::forget(dir).unwrap();
}

/// A store of format 4, and what it tells: of some pictures the records know what the log does not.
fn old_store() -> (tempfile::TempDir, Told) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &options()).unwrap();
    for n in 0..PICTURES {
        let picture = picture_with(vec![n + 1; store.layout().block_len()], n);
        let outcome = PictureOutcome::Picture(file(&format!("{n}.png")), picture);
        store.commit(vec![outcome]).unwrap();
    }
    assert!(store.remove_picture(picture_id(REMOVED)).unwrap());
    drop(store);
    downgrade_to_4(dir.path());
    let mut told = {
        let pictures = (0..PICTURES).filter(|n| *n != REMOVED);
        let pictures = pictures.map(|n| (Sequence(n.into()), picture_with(Vec::new(), n)));
        let pictures: Vec<_> = pictures.collect();
        let descriptors = pictures.iter().map(|(it, p)| (*it, p.descriptor.clone()));
        let looks = pictures.iter();
        let looks = looks.map(|(it, p)| (*it, p.look.clone().unwrap()));
        (descriptors.collect::<Vec<_>>(), looks.collect::<Vec<_>>())
    };
    let other = picture_with(Vec::new(), 99);
    told.0[1].1 = other.descriptor.clone();
    told.1[1].1 = other.look.clone().unwrap();
    put_records(dir.path(), &told, &TREES);
    (dir, told)
}

fn trees(dir: &Path) -> usize {
    let db = crate::store::embedded::records::open(&dir.join("records")).unwrap();
    let names = db.tree_names();
    let is_old = |name: &&str| names.iter().any(|known| known == name.as_bytes());
    TREES.iter().filter(|name| is_old(name)).count()
}

#[test]
fn a_store_of_format_4_gets_rows_of_its_records() {
    let (dir, expected) = old_store();
    assert_eq!(trees(dir.path()), 2);
    assert!(matches!(
        Store::open_read_only(dir.path(), &options()),
        Err(StoreError::ReadOnly { .. })
    ));
    for _ in 0..2 {
        let store = Store::open(dir.path(), &options()).unwrap();
        assert!(told(&store) == expected);
        drop(store);
        assert_eq!(Header::read(dir.path()).unwrap().unwrap().format, LATEST);
        assert_eq!(trees(dir.path()), 0);
    }
    let store = Store::open_read_only(dir.path(), &options()).unwrap();
    assert!(told(&store) == expected);
    assert!(store.look_id().is_some());
}

#[test]
fn a_change_to_rows_that_was_cut_short_goes_on() {
    let (dir, expected) = old_store();
    drop(Store::open(dir.path(), &options()).unwrap());
    // From before the first row to after the last tree.
    for (there, rows) in [
        (&TREES[..], "none"),
        (&TREES[..], "half"),
        (&TREES[..], "all"),
        (&TREES[1..], "all"),
        (&[], "all"),
    ] {
        put_records(dir.path(), &expected, there);
        for name in ["rows", "looks"] {
            let path = dir.path().join("index").join(name);
            let bytes = std::fs::read(&path).unwrap();
            match rows {
                "none" => std::fs::remove_file(&path).unwrap(),
                "half" => std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap(),
                _ => {}
            }
        }
        let store = Store::open(dir.path(), &options()).unwrap();
        assert!(told(&store) == expected, "{there:?}, {rows}");
        drop(store);
        assert_eq!(trees(dir.path()), 0);
    }
}

#[test]
fn rows_of_removed_pictures_are_cleared() {
    let (dir, _) = old_store();
    // A simdex of before was killed between the records and the rows.
    let index = dir.path().join("index");
    std::fs::create_dir_all(&index).unwrap();
    std::fs::write(index.join("rows"), vec![7; 100_000]).unwrap();
    drop(Store::open(dir.path(), &options()).unwrap());
    let bytes = std::fs::read(index.join("rows")).unwrap();
    let row = bytes.len() / usize::from(PICTURES);
    assert_eq!(bytes.len(), row * usize::from(PICTURES));
    let left = &bytes[usize::from(REMOVED) * row..][..row];
    assert!(left.iter().all(|byte| *byte == 0));
}

#[test]
fn what_is_described_in_another_way_is_no_row() {
    let (dir, _) = old_store();
    let mut header = Header::read(dir.path()).unwrap().unwrap();
    header.descriptor = "another way".to_owned();
    header.write(dir.path()).unwrap();
    let store = Store::open(dir.path(), &options()).unwrap();
    // The log says it in the present one.
    let picture = picture_with(Vec::new(), 1);
    assert_eq!(store.descriptor(Sequence(1)).unwrap(), picture.descriptor);
}

#[test]
fn a_store_of_format_4_is_backed_up_and_repaired() {
    let (dir, _) = old_store();
    let (to, again) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    Store::backup(dir.path(), to.path(), Default::default(), &mut |_, _| {}).unwrap();
    let restored = Store::restore(to.path(), again.path(), &options(), &mut |_, _| {});
    assert_eq!(restored.unwrap().pictures, u64::from(PICTURES) - 1);
    assert_eq!(
        Store::repair(dir.path(), &options()).unwrap().pictures,
        u64::from(PICTURES) - 1
    );
    for dir in [dir.path(), again.path()] {
        assert_eq!(Header::read(dir).unwrap().unwrap().format, LATEST);
        assert_eq!(trees(dir), 0);
        let store = Store::open(dir, &options()).unwrap();
        // As the log says it.
        let picture = picture_with(Vec::new(), 1);
        assert_eq!(store.descriptor(Sequence(1)).unwrap(), picture.descriptor);
        assert_eq!(store.look(Sequence(1)).unwrap(), picture.look);
    }
}

#[test]
fn the_newest_in_full_stay_so() {
    let (dir, _) = old_store();
    let mut header = Header::read(dir.path()).unwrap().unwrap();
    header.recent_bytes = Some(1 << 40);
    header.mixed = true;
    header.converting = true;
    header.write(dir.path()).unwrap();
    // As simdexes of before wrote it.
    let text = std::fs::read_to_string(dir.path().join("store.toml")).unwrap();
    assert!(text.contains("format = 5"), "{text}");
    let old = Header::read(dir.path()).unwrap().unwrap();
    assert_eq!((old.format, old.mixed), (4, true));
    drop(Store::open(dir.path(), &options()).unwrap());
    let header = Header::read(dir.path()).unwrap().unwrap();
    assert_eq!((header.format, header.mixed), (LATEST, true));
    assert_eq!(header.recent_bytes, Some(1 << 40));
    assert!(header.converting);
}
