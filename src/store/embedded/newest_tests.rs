//! A store that keeps its newest pictures in full and sketches of the rest: whatever stops it, every picture is
//! there, in one way or the other; and what it says of itself is true.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::conversion_tests::{PICTURES, REMOVED, copy, fill_with, flaws, layouts, open, stored};
use super::disk::crash::CrashDisk;
use super::files::Header;
use super::{Embedded, Layouts};
use crate::activation::Encoding;
use crate::picture::PictureId;
use crate::store::conformance::fixture::{file, options, picture_id, picture_with};
use crate::store::keeping::Conversion;
use crate::store::{Blocks, PictureOutcome, Sequence, Store, StoreError, StoreOptions, StorePlace};

/// Pictures before this number become sketches.
const FULL_FROM: u8 = 3;

/// What is stored of a picture.
type BlockOf<'a> = &'a dyn Fn(u8) -> Vec<u8>;

fn conversion<'a>(store: &'a Embedded, layouts: &'a Layouts, full_from: u8) -> Conversion<'a> {
    Conversion {
        layouts,
        full_from: Sequence(full_from.into()),
        among: None,
        descriptor: &store.identity.descriptor,
        look: store.identity.look.as_deref(),
    }
}

/// Every picture is there as it was stored, or as it is to be. Returns how many are as they are to be.
fn count_done(store: &Embedded, layouts: &Layouts, block: BlockOf<'_>, about: &str) -> usize {
    let to = conversion(store, layouts, FULL_FROM);
    let mut done = 0;
    for n in (0..PICTURES).filter(|n| *n != REMOVED) {
        let (id, before) = (picture_id(n), block(n));
        let after = to.convert(&store.metadata, id, &before).unwrap();
        let after = after.unwrap_or_else(|| before.clone());
        let location = store.metadata.block_location(id).unwrap();
        let found = store.blocks.verify(id, location.unwrap()).unwrap();
        done += usize::from(*found == *after);
        assert!(
            *found == *after || *found == *before,
            "{about}: picture {n}"
        );
        assert_eq!(
            store.metadata.thumbnail(id).unwrap(),
            Some(vec![n]),
            "{about}"
        );
        let descriptor = picture_with(Vec::new(), n).descriptor;
        let sequence = Sequence(n.into());
        assert_eq!(
            store.metadata.descriptor(sequence).unwrap(),
            descriptor,
            "{about}"
        );
    }
    let flaws = flaws(store);
    assert!(flaws.is_empty(), "{about}: {flaws:?}");
    done
}

#[test]
fn whatever_stops_it_every_picture_is_there_and_it_goes_on() {
    let plain = layouts();
    let mixed = Layouts::mixed_of_layers(plain.now().layers());
    let without = |n: u8| stored(&plain, n);
    let with_sketch = |n: u8| mixed.convert(&stored(&plain, n)).unwrap();
    // A store that keeps all becomes one that does not, and one that has too many in full.
    let cases: [(&str, BlockOf<'_>); 2] = [("all", &without), ("some", &with_sketch)];
    for (case, block) in cases {
        let made = tempfile::tempdir().unwrap();
        let filled = CrashDisk::new();
        fill_with(&filled, made.path(), block);
        let mut ends = BTreeSet::new();
        for operations in 0.. {
            let about = format!("{case} after {operations} operations");
            let dir = tempfile::tempdir().unwrap();
            copy(made.path(), dir.path());
            let disk = filled.after_crash(0).moved(made.path(), dir.path());
            let store = open(&disk, dir.path());
            disk.lose_power_after(operations);
            let to = conversion(&store, &mixed, FULL_FROM);
            let ended = store
                .blocks
                .convert(&store.metadata, &to, &mut |_, _| true)
                .is_ok();
            drop(store);
            // Another folder: sled may still have the files of this one open.
            let again = tempfile::tempdir().unwrap();
            copy(dir.path(), again.path());
            let disk = disk.after_crash(operations).moved(dir.path(), again.path());
            let store = open(&disk, again.path());
            let done = count_done(&store, &mixed, block, &about);
            ends.insert(done);
            // It goes on, and nothing is converted twice.
            let all = usize::from(PICTURES) - 1;
            let to = conversion(&store, &mixed, FULL_FROM);
            let rest = store
                .blocks
                .convert(&store.metadata, &to, &mut |_, _| true)
                .unwrap();
            let left = (all - done) as u64;
            assert_eq!((rest.total, rest.pictures), (left, left), "{about}");
            assert_eq!(count_done(&store, &mixed, block, &about), all);
            // And the records can be made anew from it.
            store.metadata.rebuild().unwrap();
            assert_eq!(count_done(&store, &mixed, block, &about), all);
            if ended {
                break;
            }
        }
        // Whole segments: of two pictures each, of which one was removed.
        let expected: &[usize] = match case {
            "all" => &[0, 2, 4, 5],
            _ => &[2, 4, 5],
        };
        assert_eq!(ends.into_iter().collect::<Vec<_>>(), expected, "{case}");
    }
}

fn store_in(dir: &Path, recent_bytes: Option<u64>) -> Store {
    let options = StoreOptions {
        recent_bytes,
        ..options()
    };
    Store::open(dir, &options).unwrap()
}

/// Bytes of so many pictures that are kept in full.
fn bytes_of(pictures: usize) -> u64 {
    let layout = options()
        .network
        .layout_with_sketch(Encoding::Int8, Encoding::Compact);
    (pictures * layout.block_len()) as u64 + 1000
}

fn add(store: &Store, n: u8) {
    let block = vec![n + 1; store.layout().block_len()];
    let outcome = PictureOutcome::Picture(file(&format!("{n}.png")), picture_with(block, n));
    assert_eq!(store.commit(vec![outcome]).unwrap(), [true]);
}

/// Which pictures are kept in full; all of them are there, to the last byte.
fn in_full(store: &Store, pictures: u8) -> Vec<u8> {
    let sketch = options().network.layout(Encoding::Compact).block_len();
    let is_full = |n: &u8| {
        let id = picture_id(*n);
        let block = store.block(id).unwrap();
        assert!(block.iter().all(|byte| *byte == n + 1), "picture {n}");
        assert!(*store.verified_block(id).unwrap() == *block);
        block.len() != sketch
    };
    (0..pictures).filter(is_full).collect()
}

fn make_room(store: &Store) -> usize {
    let mut steps = 1;
    while store.make_room_for_newest().unwrap() {
        steps += 1;
    }
    steps
}

#[test]
fn the_newest_pictures_are_full_and_take_no_more_than_they_may() {
    let dir = tempfile::tempdir().unwrap();
    let open = || store_in(dir.path(), Some(bytes_of(5)));
    let mut store = open();
    for n in 0..12 {
        add(&store, n);
        if n % 4 == 3 {
            // Another process knows nothing of what this one has counted.
            drop(store);
            store = open();
        }
        make_room(&store);
        let full = in_full(&store, n + 1);
        assert!(full.len() <= 5 && full.len() as u64 == store.count_in_full().unwrap());
        // One of ten at least makes room, so that it does not come to that each time.
        assert!(full.len() >= 4.min(usize::from(n) + 1), "{n}: {full:?}");
        assert_eq!(full.last(), Some(&n));
        assert!(full.windows(2).all(|two| two[0] + 1 == two[1]), "{full:?}");
    }
    // What is removed makes room, too.
    for n in [9, 10] {
        assert!(store.remove_picture(picture_id(n)).unwrap());
    }
    let before = store.count_in_full().unwrap();
    add(&store, 12);
    make_room(&store);
    assert_eq!(store.count_in_full().unwrap(), before + 1);
    let mut flaws = Vec::new();
    store.check_log(&mut |flaw| flaws.push(flaw)).unwrap();
    assert!(flaws.is_empty(), "{flaws:?}");
}

#[test]
fn what_is_read_meanwhile_is_there_and_nobody_waits_for_more_than_a_segment() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(store_in(dir.path(), Some(bytes_of(4))));
    (0..4).for_each(|n| add(&store, n));
    // Whoever reads has it in hand.
    let held = store.block(picture_id(0)).unwrap();
    let reader = {
        let store = Arc::clone(&store);
        std::thread::spawn(move || {
            for round in 0..60 {
                let block = store.block(picture_id(round % 4)).unwrap();
                assert!(block.iter().all(|byte| *byte == round % 4 + 1));
            }
        })
    };
    for n in 4..12 {
        add(&store, n);
        make_room(&store);
    }
    reader.join().unwrap();
    assert!(held.iter().all(|byte| *byte == 1));
    assert_eq!(in_full(&store, 12).len(), 4);
}

fn header(dir: &Path) -> Header {
    let header = Header::read(dir).unwrap().unwrap();
    assert_eq!(Header::read_copy(dir).as_ref(), Some(&header));
    header
}

/// Everything that is read of some pictures.
fn blocks(store: &Store, pictures: u8) -> Vec<Vec<u8>> {
    let ids = (0..pictures).map(picture_id);
    ids.map(|id: PictureId| store.verified_block(id).unwrap().to_vec())
        .collect()
}

#[test]
fn a_store_goes_from_full_by_recent_to_compact_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let open = || Store::open(dir, &options()).unwrap();
    let store = open();
    (0..6).for_each(|n| add(&store, n));
    drop(store);
    assert!(!header(dir).mixed);

    Store::keep_recent(dir, bytes_of(4), &options()).unwrap();
    assert!(header(dir).mixed && header(dir).converting);
    let store = open();
    assert_eq!(store.recent_bytes(), Some(bytes_of(4)));
    // Until they are converted, all are read as they will be; none is there without a sketch.
    let layout = store.layout().clone();
    assert!(
        blocks(&store, 6)
            .iter()
            .all(|block| block.len() == layout.block_len())
    );
    assert_eq!(store.unconverted().unwrap(), 6);
    let stopped = store.convert(&mut |_, _| false).unwrap();
    assert!(stopped.stopped && store.is_converting());
    let converted = store.convert(&mut |_, _| true).unwrap();
    assert_eq!((converted.pictures, converted.total), (6, 6));
    assert_eq!(
        (store.unconverted().unwrap(), store.is_converting()),
        (0, false)
    );
    let sketch = layout.sketch().unwrap().block_len();
    let lengths = |store: &Store| -> Vec<bool> {
        let blocks = blocks(store, 6).into_iter();
        blocks.map(|block| block.len() != sketch).collect()
    };
    // A tenth of four is one.
    let newest = [false, false, false, true, true, true];
    assert_eq!(lengths(&store), newest);
    drop(store);
    assert!(header(dir).mixed && !header(dir).converting);

    // More room brings nothing back; less takes more.
    Store::keep_recent(dir, bytes_of(100), &options()).unwrap();
    let store = open();
    assert_eq!(store.convert(&mut |_, _| true).unwrap().total, 0);
    assert_eq!(lengths(&store), newest);
    let before = blocks(&store, 6);
    drop(store);

    // Files that are lost are made anew of what there is.
    for lost in [&["store.toml"][..], &["store.toml", "store.toml.bak"]] {
        lost.iter()
            .for_each(|name| std::fs::remove_file(dir.join(name)).unwrap());
        assert_eq!(Store::repair(dir, &options()).unwrap().pictures, 6);
        assert!(header(dir).mixed, "{lost:?}");
        let store = open();
        assert!(blocks(&store, 6) == before, "{lost:?}");
        assert!(store.recent_bytes().unwrap() >= bytes_of(100));
        store.convert(&mut |_, _| true).unwrap();
        assert!(blocks(&store, 6) == before, "{lost:?}");
    }

    Store::keep_recent(dir, bytes_of(2), &options()).unwrap();
    let store = open();
    assert_eq!(store.convert(&mut |_, _| true).unwrap().pictures, 2);
    assert_eq!(lengths(&store), [false, false, false, false, false, true]);
    drop(store);

    Store::keep_compact(dir, &options()).unwrap();
    // There may be blocks yet with a sketch behind them.
    assert!(header(dir).mixed);
    let store = open();
    assert!(blocks(&store, 6).iter().all(|block| block.len() == sketch));
    assert_eq!(store.convert(&mut |_, _| true).unwrap().pictures, 1);
    assert!(blocks(&store, 6).iter().all(|block| block.len() == sketch));
    drop(store);
    assert!(!header(dir).mixed);

    // And what is stored from now on may be kept in full again.
    Store::keep_recent(dir, bytes_of(4), &options()).unwrap();
    let store = open();
    assert!(!store.is_converting());
    add(&store, 6);
    assert_eq!(
        (store.count_in_full().unwrap(), store.picture_count()),
        (1, 7)
    );
    assert!(blocks(&store, 7)[6].len() == layout.block_len());
}

#[test]
fn copies_of_a_mixed_store_are_mixed() {
    let [dir, backup, restored, copied] = [(); 4].map(|()| tempfile::tempdir().unwrap());
    let store = store_in(dir.path(), Some(bytes_of(3)));
    for n in 0..6 {
        add(&store, n);
        make_room(&store);
    }
    let before = blocks(&store, 6);
    assert_eq!(in_full(&store, 6), [4, 5]);
    let place = StorePlace::Folder(copied.path());
    let copy = store.begin_copy(place, &options()).unwrap();
    assert!(!store.copy_to(&copy, &mut |_, _| true).unwrap().stopped);
    let compared = store.compare_with(&copy, &mut |_, _| true).unwrap();
    assert!(compared.differing == 0, "{:?}", compared.differences);
    copy.end_copy().unwrap();
    drop((copy, store));
    Store::backup(
        dir.path(),
        backup.path(),
        Default::default(),
        &mut |_, _| {},
    )
    .unwrap();
    Store::restore(backup.path(), restored.path(), &options(), &mut |_, _| {}).unwrap();
    for dir in [copied.path(), restored.path()] {
        let store = Store::open(dir, &options()).unwrap();
        assert!(blocks(&store, 6) == before && !store.is_converting());
        assert_eq!(store.recent_bytes(), Some(bytes_of(3)));
        // They go on as they were.
        add(&store, 6);
        make_room(&store);
        assert_eq!(in_full(&store, 7), [4, 5, 6]);
    }
    // A header of before it was changed does not count against what is there.
    let mut old = Header::read(backup.path()).unwrap().unwrap();
    (old.recent_bytes, old.mixed) = (None, false);
    old.write(backup.path()).unwrap();
    let again = tempfile::tempdir().unwrap();
    Store::restore(backup.path(), again.path(), &options(), &mut |_, _| {}).unwrap();
    let store = Store::open(again.path(), &options()).unwrap();
    assert!(blocks(&store, 6) == before && store.recent_bytes().is_some());
}

#[test]
fn a_damaged_picture_is_in_nobodys_way() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_in(dir.path(), Some(bytes_of(2)));
    (0..2).for_each(|n| add(&store, n));
    let location = store.block_location(picture_id(0)).unwrap().unwrap();
    drop(store);
    let span = location.payload.unwrap();
    let path = dir.path().join("activations/00000000.activations");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[usize::try_from(span.offset).unwrap() + 7] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let store = store_in(dir.path(), None);
    for n in 2..6 {
        add(&store, n);
        make_room(&store);
    }
    assert!(matches!(
        store.verified_block(picture_id(0)),
        Err(StoreError::Damaged { .. })
    ));
    let sketch = store.layout().sketch().unwrap().block_len();
    let full = (1..6).filter(|n| store.block(picture_id(*n)).unwrap().len() != sketch);
    assert_eq!(full.collect::<Vec<_>>(), [4, 5]);
}

#[test]
fn a_store_of_before_keeps_the_sketches_that_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let [before, now] = [Encoding::CompactBefore, Encoding::Compact].map(|activations| {
        let options = StoreOptions {
            activations,
            ..options()
        };
        let length = options.network.layout(activations).block_len();
        (options, length)
    });
    let store = Store::open(dir, &before.0).unwrap();
    (0..2).for_each(|n| add(&store, n));
    drop(store);
    let text = std::fs::read_to_string(dir.join("store.toml")).unwrap();
    assert!(text.contains("activations = \"compact\"\n"), "{text}");
    let cases = [&[][..], &["store.toml", "store.toml.bak"]];
    let repair = |lost: &[&str]| {
        lost.iter()
            .for_each(|name| std::fs::remove_file(dir.join(name)).unwrap());
        Store::repair(dir, &now.0).unwrap();
    };
    for lost in cases {
        repair(lost);
        let store = Store::open(dir, &now.0).unwrap();
        assert_eq!(store.layout().block_len(), before.1);
        assert!(
            blocks(&store, 2)
                .iter()
                .all(|block| block.len() == before.1)
        );
    }
    Store::keep_recent(dir, bytes_of(2), &now.0).unwrap();
    for lost in cases {
        repair(lost);
        assert_eq!(header(dir).sketch, Some(Encoding::CompactBefore));
        let store = Store::open(dir, &now.0).unwrap();
        assert_eq!(store.layout().sketch().unwrap().block_len(), before.1);
        add(&store, 2 + lost.len() as u8);
    }
    Store::keep_compact(dir, &now.0).unwrap();
    let store = Store::open(dir, &now.0).unwrap();
    assert_eq!(header(dir).activations, Encoding::CompactBefore);
    assert!(store.convert(&mut |_, _| true).unwrap().complete);
    assert!(
        blocks(&store, 3)
            .iter()
            .all(|block| block.len() == before.1)
    );
}
