//! A store that kept all of its pictures becomes one that keeps sketches: whatever stops it, every
//! picture is there, in one way or the other.

use std::path::Path;

use super::disk::crash::CrashDisk;
use super::*;
use crate::activation::{Encoding, LayerShape, encode};
use crate::picture::PictureId;
use crate::store::conformance::fixture::{file, options, picture_id, picture_with};
use crate::store::keeping::Conversion;
use crate::store::leases::LEASE_TIME;
use crate::store::{Block, Blocks, Body, Converted, Flaw, PictureOutcome, Store, Wasteful};

pub(super) const PICTURES: u8 = 6;
pub(super) const REMOVED: u8 = 4;
const WAITING: u8 = 40;

pub(super) fn layouts() -> Layouts {
    let shape = |name: &str, channels, side: usize| LayerShape {
        name: name.into(),
        channels,
        positions: side * side,
        width: side,
    };
    Layouts::of_layers(Encoding::Compact, &[shape("a", 6, 24), shape("b", 20, 5)])
}

/// The block of a picture as it was stored: some of one encoding, some of another.
pub(super) fn stored(layouts: &Layouts, n: u8) -> Vec<u8> {
    let encoding = if n % 3 == 2 {
        Encoding::F32
    } else {
        Encoding::Int8
    };
    let layout = Layouts::of_layers(encoding, layouts.now().layers());
    let value = |i: usize| ((i * (usize::from(n) + 3)) as f32).sin() + f32::from(n);
    let layers = layouts.now().layers().iter();
    let layers: Vec<Vec<f32>> = layers
        .map(|it| (0..it.values()).map(value).collect())
        .collect();
    let layers: Vec<&[f32]> = layers.iter().map(Vec::as_slice).collect();
    let mut block = Vec::new();
    encode(layout.now(), &layers, &[f32::from(n); 8], &mut block);
    block
}

pub(super) fn open(disk: &CrashDisk, dir: &Path) -> Embedded {
    let opened = Embedded::open_on(Arc::new(disk.clone()), dir, &options(), LEASE_TIME);
    opened.unwrap_or_else(|error| panic!("{error}"))
}

pub(super) fn commit(store: &Embedded, n: u8, block: Vec<u8>) {
    let outcome = PictureOutcome::Picture(file(&format!("{n}.png")), picture_with(block, n));
    store.metadata.commit(vec![outcome], &store.blocks).unwrap();
}

/// A store of two closed segments and an open one, with a removed picture and one that waits.
fn fill(disk: &CrashDisk, dir: &Path) {
    let layouts = layouts();
    fill_with(disk, dir, &|n| stored(&layouts, n));
}

/// The same of pictures with these blocks.
pub(super) fn fill_with(disk: &CrashDisk, dir: &Path, block: &dyn Fn(u8) -> Vec<u8>) {
    let store = open(disk, dir);
    for n in 0..PICTURES {
        commit(&store, n, block(n));
        if n % 2 == 1 && n + 1 < PICTURES {
            store.metadata.log.close_segment().unwrap();
        }
    }
    let body = Body {
        origin: file("body.png"),
        id: picture_id(WAITING),
        // As long as a block.
        bytes: vec![WAITING; block(0).len()],
    };
    store.metadata.keep_bodies(vec![body]).unwrap();
    store.metadata.remove_picture(picture_id(REMOVED)).unwrap();
}

fn convert(
    store: &Embedded,
    layouts: &Layouts,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Converted, StoreError> {
    let to = Conversion {
        layouts,
        full_from: Sequence(0),
        among: None,
        descriptor: &store.identity.descriptor,
        look: store.identity.look.as_deref(),
    };
    store.blocks.convert(&store.metadata, &to, progress)
}

/// Every picture is there and reads as what it is to become. Returns how many blocks have become it.
fn assert_whole(store: &Embedded, layouts: &Layouts, about: &str) -> usize {
    let mut converted = 0;
    let metadata = &store.metadata;
    for n in (0..PICTURES).filter(|n| *n != REMOVED) {
        let id = picture_id(n);
        let location = metadata.block_location(id).unwrap();
        let block = store.blocks.verify(id, location.unwrap()).unwrap();
        converted += usize::from(block.len() == layouts.now().block_len());
        let read = layouts.read(block).unwrap();
        let wanted = layouts.read(Block::of_bytes(stored(layouts, n))).unwrap();
        assert!(*read == *wanted, "{about}: picture {n}");
        assert_eq!(metadata.thumbnail(id).unwrap(), Some(vec![n]), "{about}");
        let descriptor = picture_with(Vec::new(), n).descriptor;
        let sequence = Sequence(u64::from(n));
        assert_eq!(
            metadata.descriptor(sequence).unwrap(),
            descriptor,
            "{about}"
        );
        assert!(metadata.look(sequence).unwrap().is_some(), "{about}");
        assert_eq!(metadata.trees.provenance(id).unwrap().paths.len(), 1);
    }
    assert_eq!(
        metadata.picture_count(),
        usize::from(PICTURES) - 1,
        "{about}"
    );
    let body = metadata.waiting_body(picture_id(WAITING)).unwrap();
    assert!(body.iter().all(|byte| *byte == WAITING), "{about}");
    let flaws = flaws(store);
    assert!(flaws.is_empty(), "{about}: {flaws:?}");
    converted
}

pub(super) fn flaws(store: &Embedded) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    store
        .metadata
        .check_log(&mut |flaw| flaws.push(flaw))
        .unwrap();
    flaws
}

pub(super) fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).min_depth(1) {
        let entry = entry.unwrap();
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        match entry.file_type().is_dir() {
            true => std::fs::create_dir_all(target).unwrap(),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

fn bytes_of(disk: &CrashDisk, dir: &Path) -> usize {
    let folder = dir.join(log::FOLDER);
    let names = disk.list(&folder).unwrap().into_iter();
    let lengths = names.filter_map(|name| Some(disk.bytes(&folder.join(name))?.len()));
    lengths.sum()
}

#[test]
fn whatever_stops_it_every_picture_is_there_and_it_goes_on() {
    let made = tempfile::tempdir().unwrap();
    let (layouts, filled) = (layouts(), CrashDisk::new());
    fill(&filled, made.path());
    let before = bytes_of(&filled, made.path());
    let mut ends = std::collections::BTreeSet::new();
    for operations in 0.. {
        let about = format!("after {operations} operations");
        let dir = tempfile::tempdir().unwrap();
        copy(made.path(), dir.path());
        let disk = filled.after_crash(0).moved(made.path(), dir.path());
        let store = open(&disk, dir.path());
        disk.lose_power_after(operations);
        let ended = convert(&store, &layouts, &mut |_, _| true).is_ok();
        drop(store);
        // Another folder: sled may still have the files of this one open.
        let again = tempfile::tempdir().unwrap();
        copy(dir.path(), again.path());
        let disk = disk.after_crash(operations).moved(dir.path(), again.path());
        let dir = again;
        let store = open(&disk, dir.path());
        ends.insert(assert_whole(&store, &layouts, &about));
        // It goes on, and nothing is converted twice.
        let left = usize::from(PICTURES) - 1 - assert_whole(&store, &layouts, &about);
        let again = convert(&store, &layouts, &mut |_, _| true).unwrap();
        assert_eq!(
            (again.total, again.pictures),
            (left as u64, left as u64),
            "{about}"
        );
        assert_eq!(
            assert_whole(&store, &layouts, &about),
            usize::from(PICTURES) - 1
        );
        // And the records can be made anew from it.
        store.metadata.rebuild().unwrap();
        assert_whole(&store, &layouts, &about);
        assert!(bytes_of(&disk, dir.path()) * 2 < before, "{about}");
        if ended {
            break;
        }
    }
    assert_eq!(ends.into_iter().collect::<Vec<_>>(), [0, 2, 4, 5]);
}

#[test]
fn a_full_disk_is_an_error_and_leaves_the_store_whole() {
    let (dir, layouts) = (tempfile::tempdir().unwrap(), layouts());
    let disk = CrashDisk::new();
    fill(&disk, dir.path());
    for space in [0, 100, 3_000, 6_000] {
        let store = open(&disk, dir.path());
        disk.leave_space(Some(space));
        let refused = convert(&store, &layouts, &mut |_, _| true);
        disk.leave_space(None);
        assert!(refused.is_err(), "{space}");
        drop(store);
        assert_whole(&open(&disk, dir.path()), &layouts, "full");
    }
    let store = open(&disk, dir.path());
    convert(&store, &layouts, &mut |_, _| true).unwrap();
    assert_eq!(
        assert_whole(&store, &layouts, "with room"),
        usize::from(PICTURES) - 1
    );
}

#[test]
fn it_stops_when_it_is_asked_to_and_goes_on() {
    let (dir, layouts) = (tempfile::tempdir().unwrap(), layouts());
    let disk = CrashDisk::new();
    fill(&disk, dir.path());
    let store = open(&disk, dir.path());
    let mut told = Vec::new();
    let first = convert(&store, &layouts, &mut |done, total| {
        told.push((done, total));
        done < 4
    });
    let first = first.unwrap();
    assert_eq!((first.pictures, first.total, first.stopped), (2, 5, true));
    assert_eq!(told, [(2, 5), (4, 5)]);
    assert_eq!(assert_whole(&store, &layouts, "stopped"), 2);
    commit(&store, 100, stored(&layouts, 7));
    store.metadata.remove_picture(picture_id(100)).unwrap();
    let rest = convert(&store, &layouts, &mut |_, _| true).unwrap();
    assert_eq!((rest.pictures, rest.total, rest.stopped), (3, 3, false));
    assert!(rest.freed > 0);
    assert_eq!(assert_whole(&store, &layouts, "at its end"), 5);
    let nothing = convert(&store, &layouts, &mut |_, _| true).unwrap();
    assert_eq!((nothing.total, nothing.freed), (0, 0));
}

#[test]
fn what_is_damaged_stays_and_stays_named() {
    let (dir, layouts) = (tempfile::tempdir().unwrap(), layouts());
    let disk = CrashDisk::new();
    fill(&disk, dir.path());
    let at = |store: &Embedded, n| {
        let location = store.metadata.block_location(picture_id(n)).unwrap();
        location.unwrap()
    };
    let store = open(&disk, dir.path());
    let (block, preview) = (
        at(&store, 0).payload.unwrap(),
        at(&store, 3).thumbnail.unwrap(),
    );
    drop(store);
    for span in [block, preview] {
        let path = dir
            .path()
            .join(log::FOLDER)
            .join(log::file_name(span.segment));
        let file = disk.create(&path).unwrap();
        let mut byte = [0];
        file.read_at(&mut byte, span.offset).unwrap();
        file.write_at(&[byte[0] ^ 1], span.offset).unwrap();
        file.sync().unwrap();
    }
    let store = open(&disk, dir.path());
    let converted = convert(&store, &layouts, &mut |_, _| true).unwrap();
    assert_eq!((converted.pictures, converted.total), (4, 5));
    let read = |n| store.blocks.verify(picture_id(n), at(&store, n));
    assert!(matches!(read(0), Err(StoreError::Damaged { picture }) if picture == picture_id(0)));
    assert_eq!(at(&store, 0).payload.unwrap().length, block.length);
    let preview = store.metadata.thumbnail(picture_id(3));
    assert!(matches!(preview, Err(StoreError::Damaged { picture }) if picture == picture_id(3)));
    for n in [1, 2, 3, 5] {
        assert_eq!(read(n).unwrap().len(), layouts.now().block_len());
    }
}

#[test]
fn how_pictures_are_described_goes_along() {
    let (dir, layouts) = (tempfile::tempdir().unwrap(), layouts());
    let disk = CrashDisk::new();
    let mut store = open(&disk, dir.path());
    // As before the store was described in another way: only the records know of that.
    let now = std::mem::replace(&mut store.metadata.descriptor, "another way".to_owned());
    let look = std::mem::take(&mut store.metadata.look);
    (0..2).for_each(|n| commit(&store, n, stored(&layouts, n)));
    (store.metadata.descriptor, store.metadata.look) = (now, look);
    let told = picture_with(Vec::new(), 9);
    let bytes = told.look.as_ref().unwrap().bytes();
    let metadata = &store.metadata;
    for n in 0..2 {
        let (sequence, id) = (Sequence(n.into()), picture_id(n));
        let at = metadata.block_location(id).unwrap().unwrap();
        metadata
            .rows
            .put(sequence, id, at, &told.descriptor.to_bytes());
        metadata.looks.put(sequence, id, Some(bytes));
    }
    convert(&store, &layouts, &mut |_, _| true).unwrap();
    let metadata = &store.metadata;
    for sequence in [0, 1].map(Sequence) {
        metadata.rows.file.clear(sequence).unwrap();
        metadata.looks.file.clear(sequence).unwrap();
    }
    metadata.rebuild().unwrap();
    for sequence in [0, 1].map(Sequence) {
        assert_eq!(metadata.descriptor(sequence).unwrap(), told.descriptor);
        assert_eq!(metadata.look(sequence).unwrap(), told.look);
    }
}

/// A store of pictures in the layout of the network itself.
fn of_the_network(dir: &Path, pictures: u8) {
    let store = Store::open(dir, &options()).unwrap();
    for n in 0..pictures {
        let block = vec![n + 1; store.layout().block_len()];
        let outcome = PictureOutcome::Picture(file(&format!("{n}.png")), picture_with(block, n));
        store.commit(vec![outcome]).unwrap();
    }
}

fn blocks(store: &Store, pictures: u8) -> Vec<Vec<u8>> {
    let ids = (0..pictures).map(picture_id);
    let blocks = ids.map(|id: PictureId| {
        let block = store.block(id).unwrap();
        assert!(*store.verified_block(id).unwrap() == *block);
        block.to_vec()
    });
    blocks.collect()
}

#[test]
fn a_store_says_what_it_keeps_and_its_files_agree_on_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    of_the_network(dir, 2);
    let header = |dir: &Path| {
        let header = Header::read(dir).unwrap().unwrap();
        assert_eq!(Header::read_copy(dir).as_ref(), Some(&header));
        (header.activations, header.converting)
    };
    let full = tempfile::tempdir().unwrap();
    Store::backup(dir, full.path(), Default::default(), &mut |_, _| {}).unwrap();
    assert_eq!(header(dir), (Encoding::Int8, false));
    let open = || Store::open(dir, &options()).unwrap();
    let store = open();
    assert!(matches!(
        Store::keep_compact(dir, &options()),
        Err(StoreError::Locked { .. })
    ));
    let int8 = blocks(&store, 2);
    drop(store);
    Store::keep_compact(dir, &options()).unwrap();
    assert_eq!(header(dir), (Encoding::Compact, true));
    let store = open();
    let compact = blocks(&store, 2);
    assert!(compact[0].len() * 50 < int8[0].len() && compact[0] != compact[1]);
    assert_eq!(
        (store.unconverted().unwrap(), store.is_converting()),
        (2, true)
    );
    drop(store);
    // Killed between the header and its copy.
    let old_copy = std::fs::read(full.path().join("store.toml.bak")).unwrap();
    std::fs::write(dir.join("store.toml.bak"), old_copy).unwrap();
    assert!(blocks(&open(), 2) == compact);
    assert_eq!(header(dir), (Encoding::Compact, true));
    // A picture is stored meanwhile, and one segment is converted.
    let store = open();
    let outcome = PictureOutcome::Picture(file("n.png"), picture_with(compact[0].clone(), 2));
    store.commit(vec![outcome]).unwrap();
    drop(store);
    for lost in [&["store.toml"][..], &["store.toml", "store.toml.bak"]] {
        lost.iter()
            .for_each(|name| std::fs::remove_file(dir.join(name)).unwrap());
        assert_eq!(Store::repair(dir, &options()).unwrap().pictures, 3);
        assert_eq!(header(dir), (Encoding::Compact, true), "{lost:?}");
        assert!(blocks(&open(), 2) == compact, "{lost:?}");
    }
    // The header of before, put back with its copy: the pictures say otherwise.
    let half = tempfile::tempdir().unwrap();
    Store::backup(dir, half.path(), Default::default(), &mut |_, _| {}).unwrap();
    for name in ["store.toml", "store.toml.bak"] {
        std::fs::copy(full.path().join(name), half.path().join(name)).unwrap();
    }
    let restored = tempfile::tempdir().unwrap();
    Store::restore(half.path(), restored.path(), &options(), &mut |_, _| {}).unwrap();
    assert_eq!(header(restored.path()), (Encoding::Compact, true));
    assert!(blocks(&Store::open(restored.path(), &options()).unwrap(), 2) == compact);

    let store = open();
    let converted = store.convert(&mut |_, _| true).unwrap();
    assert_eq!((converted.pictures, converted.total), (2, 2));
    assert_eq!(
        (store.unconverted().unwrap(), store.is_converting()),
        (0, false)
    );
    assert!(blocks(&store, 2) == compact);
    assert_eq!(header(dir), (Encoding::Compact, false));
    drop(store);
    assert!(blocks(&open(), 2) == compact);
    assert_eq!(Store::repair(dir, &options()).unwrap().pictures, 3);
    assert_eq!(header(dir), (Encoding::Compact, false));
    // Backups of before are what they were, and are brought up.
    let restored = tempfile::tempdir().unwrap();
    Store::restore(full.path(), restored.path(), &options(), &mut |_, _| {}).unwrap();
    assert_eq!(header(restored.path()), (Encoding::Int8, false));
    assert!(blocks(&Store::open(restored.path(), &options()).unwrap(), 2) == int8);
    Store::backup(dir, full.path(), Default::default(), &mut |_, _| {}).unwrap();
    assert_eq!(header(full.path()), (Encoding::Compact, false));
    let restored = tempfile::tempdir().unwrap();
    Store::restore(full.path(), restored.path(), &options(), &mut |_, _| {}).unwrap();
    let store = Store::open(restored.path(), &options()).unwrap();
    assert!(blocks(&store, 2) == compact);
    assert_eq!(store.compact(Wasteful::Any).unwrap().unread, [""; 0]);
}

#[test]
fn a_store_in_memory_is_converted_too() {
    let int8 = Store::in_memory(&options());
    let compact = Store::in_memory(&StoreOptions {
        activations: Encoding::Compact,
        ..options()
    });
    let block = vec![3; int8.layout().block_len()];
    let outcome = PictureOutcome::Picture(file("a.png"), picture_with(block, 0));
    compact.commit(vec![outcome]).unwrap();
    let before = blocks(&compact, 1);
    assert_eq!(before[0].len(), compact.layout().block_len());
    assert_eq!(compact.unconverted().unwrap(), 1);
    let converted = compact.convert(&mut |_, _| true).unwrap();
    assert_eq!((converted.pictures, converted.stopped), (1, false));
    assert!(blocks(&compact, 1) == before && !compact.is_converting());
}
