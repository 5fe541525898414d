//! What comes of files under wrong names and of headers of other stores: `repair` trusts what
//! is in a file over its name, and everything else over `store.toml`.

use std::path::Path;

use super::*;
use crate::store::conformance::fixture::{file, options, picture_id, picture_with};
use crate::store::leases::LEASE_TIME;
use crate::store::{BackupOptions, Repaired};
use crate::store::{Blocks, PictureOutcome};

pub(super) const PICTURES: u8 = 6;

pub(super) fn open(dir: &Path) -> Result<Embedded, StoreError> {
    Embedded::open(dir, &options(), LEASE_TIME)
}

pub(super) fn repair(dir: &Path) -> Result<Repaired, StoreError> {
    Embedded::repair(dir, &options())
}

/// A store of two segments, whose last picture was removed.
pub(super) fn store() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    for n in 0..=PICTURES {
        let layout = store.identity.layouts.now();
        let picture = picture_with(vec![n; layout.block_len()], n);
        let outcome = PictureOutcome::Picture(file(&format!("{n}.png")), picture);
        store.metadata.commit(vec![outcome], &store.blocks).unwrap();
        if n == 2 {
            store.metadata.log.close_segment().unwrap();
        }
    }
    store.metadata.remove_picture(picture_id(PICTURES)).unwrap();
    drop(store);
    dir
}

/// All pictures are there, byte for byte, and no other.
pub(super) fn assert_whole(dir: &Path) {
    let store = open(dir).unwrap();
    for n in 0..PICTURES {
        let at = store.metadata.block_location(picture_id(n)).unwrap();
        let block = store.blocks.verify(picture_id(n), at.unwrap()).unwrap();
        assert!(block.iter().all(|byte| *byte == n), "picture {n}");
    }
    assert_eq!(store.metadata.pictures().count(), usize::from(PICTURES));
}

pub(super) fn segment(dir: &Path, name: &str) -> PathBuf {
    dir.join("activations").join(name)
}

fn rename(dir: &Path, from: &str, to: &str) {
    std::fs::rename(segment(dir, from), segment(dir, to)).unwrap();
}

pub(super) const FIRST: &str = "00000000.activations";
pub(super) const SECOND: &str = "00000001.activations";

#[test]
fn a_header_of_another_store_never_wins_against_everything_else() {
    let (own, other) = (store(), store());
    let dir = own.path();
    let header = dir.join("store.toml");
    for has_copy in [false, true] {
        let right = std::fs::read(&header).unwrap();
        std::fs::copy(other.path().join("store.toml"), &header).unwrap();
        if !has_copy {
            std::fs::remove_file(dir.join("store.toml.bak")).unwrap();
        }
        let error = open(dir).err().unwrap().to_string();
        assert!(
            error.contains("store.toml") && error.contains("log.mark"),
            "{error}"
        );
        assert_eq!(error.contains("simdex repair"), has_copy, "{error}");
        let repaired = repair(dir);
        if has_copy {
            let repaired = repaired.unwrap();
            assert_eq!(repaired.pictures, u64::from(PICTURES));
            assert_eq!(repaired.aside, [dir.join("store.toml.unknown-1")]);
        } else {
            let error = repaired.unwrap_err().to_string();
            assert!(error.contains("put back"), "{error}");
            assert!(segment(dir, FIRST).is_file());
            std::fs::write(&header, right).unwrap();
        }
        assert_whole(dir);
    }
}

#[test]
fn a_damaged_or_lost_header_is_made_anew() {
    for damage in [
        "empty",
        "no text",
        "no id",
        "other network",
        "older",
        "lost",
    ] {
        for has_copy in [true, false] {
            let own = store();
            let header = own.path().join("store.toml");
            let text = std::fs::read_to_string(&header).unwrap();
            let network = text.find("network = \"").unwrap() + 11;
            let damaged = match damage {
                "empty" => Vec::new(),
                "no text" => vec![0xff; 4096],
                "no id" => text.replace("id = ", "ie = ").into_bytes(),
                // Only the copy can tell.
                "other network" | "older" if !has_copy => continue,
                "other network" => {
                    let mut bytes = text.into_bytes();
                    bytes[network] ^= 1;
                    bytes
                }
                "older" => text.replace("format = 6", "format = 0").into_bytes(),
                _ => Vec::new(),
            };
            match damage {
                "lost" => std::fs::remove_file(&header).unwrap(),
                _ => std::fs::write(&header, damaged).unwrap(),
            }
            if !has_copy {
                std::fs::remove_file(own.path().join("store.toml.bak")).unwrap();
            }
            assert!(Embedded::exists(own.path()), "{damage}");
            let error = open(own.path()).err().unwrap().to_string();
            assert!(error.contains("simdex repair"), "{damage}: {error}");
            let repaired = repair(own.path()).unwrap();
            assert_eq!(repaired.pictures, u64::from(PICTURES), "{damage}");
            assert!(!repaired.forgot_crawl, "{damage}");
            assert_whole(own.path());
        }
    }
}

#[test]
fn segments_of_the_store_are_taken_back_whatever_they_are_called() {
    for case in [
        "aside",
        "all aside",
        "exchanged",
        "no list",
        "in place, not on the list",
    ] {
        let own = store();
        let dir = own.path();
        match case {
            "aside" => rename(dir, FIRST, "00000000.activations.unknown-1"),
            "all aside" => {
                rename(dir, FIRST, "00000000.activations.unknown-3");
                rename(dir, SECOND, "second");
            }
            "no list" => {
                rename(dir, FIRST, "00000007.activations");
                std::fs::remove_file(dir.join("log.segments")).unwrap();
            }
            "exchanged" => {
                rename(dir, FIRST, "x");
                rename(dir, SECOND, FIRST);
                rename(dir, "x", SECOND);
            }
            _ => {
                // As an earlier version left it: a list, a mark and records that know of nothing.
                rename(dir, FIRST, "first");
                rename(dir, SECOND, "second");
                for file in ["log.segments", "log.mark"] {
                    std::fs::remove_file(dir.join(file)).unwrap();
                }
                std::fs::remove_dir_all(dir.join("records")).unwrap();
                let header = Header::read(dir).unwrap().unwrap();
                let id = header.store_id(dir).unwrap();
                Log::create(Arc::new(SystemDisk), dir, id, Vec::new()).unwrap();
                rename(dir, "first", FIRST);
                rename(dir, "second", "00000001.activations.unknown-1");
            }
        }
        let repaired = repair(dir).unwrap();
        assert_eq!(repaired.pictures, u64::from(PICTURES), "{case}");
        assert!(repaired.aside.is_empty(), "{case}: {repaired:?}");
        assert_whole(dir);
        // What was removed stays removed, and a second repair finds nothing to do.
        assert_eq!(repair(dir).unwrap().pictures, u64::from(PICTURES), "{case}");
        assert_whole(dir);
    }
}

#[test]
fn a_segment_of_another_store_is_named_and_its_pictures_are_counted() {
    let (own, other) = (store(), store());
    let dir = own.path();
    std::fs::copy(segment(other.path(), FIRST), segment(dir, FIRST)).unwrap();
    let repaired = repair(dir).unwrap();
    let aside = segment(dir, "00000000.activations.unknown-1");
    assert_eq!(repaired.aside, [aside]);
    assert_eq!(repaired.committed, Some(u64::from(PICTURES)));
    assert_eq!((repaired.pictures, repaired.pictures_aside), (3, 3));
    // Without a mark it is known from the records.
    let own = store();
    let dir = own.path();
    std::fs::copy(segment(other.path(), FIRST), segment(dir, FIRST)).unwrap();
    std::fs::remove_file(dir.join("log.mark")).unwrap();
    let repaired = repair(dir).unwrap();
    assert_eq!(repaired.committed, Some(u64::from(PICTURES)));
}

#[test]
fn copies_of_what_the_store_has_are_left_aside() {
    let own = store();
    let dir = own.path();
    for name in ["00000000.activations.bak", "00000009.activations"] {
        std::fs::copy(segment(dir, FIRST), segment(dir, name)).unwrap();
    }
    let repaired = repair(dir).unwrap();
    let aside = segment(dir, "00000009.activations.unknown-1");
    assert_eq!((repaired.aside, repaired.pictures_aside), (vec![aside], 0));
    assert_whole(dir);
}

/// Damages the first bytes of a segment: a bit at a place, or all of the first page.
fn damage_header(dir: &Path, name: &str, at: Option<usize>) {
    let path = segment(dir, name);
    let mut bytes = std::fs::read(&path).unwrap();
    match at {
        Some(at) => bytes[at] ^= 1,
        None => bytes[..4096].fill(0),
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_segment_whose_own_header_is_damaged_keeps_its_pictures() {
    for (name, lost) in [
        (SECOND, None),
        (SECOND, Some("log.segments")),
        (SECOND, Some("log.mark")),
        (FIRST, None),
        (FIRST, Some("log.segments")),
    ] {
        for at in [Some(0), Some(3), Some(9), Some(20), Some(40), None] {
            let case = format!("{name}, byte {at:?}, without {lost:?}");
            let own = store();
            let dir = own.path();
            damage_header(dir, name, at);
            if let Some(lost) = lost {
                std::fs::remove_file(dir.join(lost)).unwrap();
            }
            assert!(open(dir).is_err(), "{case}");
            let repaired = repair(dir).unwrap();
            // The first page has the head of one picture, too.
            let of_page = u64::from(at.is_none());
            let expected = u64::from(PICTURES) - of_page;
            assert_eq!(repaired.pictures, expected, "{case}: {repaired:?}");
            assert_eq!(repaired.pictures_aside, 0, "{case}: {repaired:?}");
            assert_eq!(repaired.aside.len() as u64, of_page, "{case}: {repaired:?}");
            match at {
                Some(_) => assert_whole(dir),
                None => assert_eq!(open(dir).unwrap().metadata.pictures().count(), 5, "{case}"),
            }
            let again = repair(dir).unwrap();
            assert_eq!(again.pictures, expected, "{case}: {again:?}");
        }
    }
}

#[test]
fn pictures_of_a_segment_without_a_header_that_nothing_names_are_counted() {
    let (own, other) = (store(), store());
    let dir = own.path();
    let stranger = segment(dir, "00000005.activations");
    std::fs::copy(segment(other.path(), FIRST), &stranger).unwrap();
    damage_header(dir, "00000005.activations", Some(9));
    // What the store has, and what it has not.
    assert_eq!(repair(dir).unwrap().pictures_aside, 0);
    open(dir)
        .unwrap()
        .metadata
        .ask_again_for(picture_id(0))
        .unwrap();
    let aside = segment(dir, "00000005.activations.unknown-1");
    std::fs::rename(aside, stranger).unwrap();
    let repaired = repair(dir).unwrap();
    assert_eq!(
        (repaired.pictures, repaired.pictures_aside),
        (5, 1),
        "{repaired:?}"
    );
    assert_eq!(repaired.aside.len(), 1);
}

#[test]
fn a_backup_with_a_damaged_segment_header_is_restored() {
    let (own, backup) = (store(), tempfile::tempdir().unwrap());
    let to = backup.path();
    Embedded::backup(own.path(), to, BackupOptions::default(), &mut |_, _| {}).unwrap();
    damage_header(to, SECOND, None);
    let restored = tempfile::tempdir().unwrap();
    let repaired = Embedded::restore(to, restored.path(), &options(), &mut |_, _| {}).unwrap();
    assert_eq!(repaired.pictures, u64::from(PICTURES) - 1, "{repaired:?}");
    assert_eq!(repaired.damaged.len(), 1, "{repaired:?}");
}

#[test]
fn a_backup_whose_own_small_files_are_damaged_is_restored_and_they_are_named() {
    let own = store();
    for files in [
        &["log.segments"][..],
        &["log.mark"],
        &["log.segments", "log.mark"],
        &["store.toml", "store.toml.bak"],
        &["log.segments", "store.toml", "store.toml.bak"],
    ] {
        for damage in ["lost", "cut", "zeroed"] {
            let case = format!("{files:?} {damage}");
            let backup = tempfile::tempdir().unwrap();
            let to = backup.path();
            Embedded::backup(own.path(), to, BackupOptions::default(), &mut |_, _| {}).unwrap();
            for file in files {
                let path = to.join(file);
                let length = std::fs::metadata(&path).unwrap().len();
                match damage {
                    "lost" => std::fs::remove_file(path).unwrap(),
                    "cut" => std::fs::write(path, b"x").unwrap(),
                    _ => std::fs::write(path, vec![0; length as usize]).unwrap(),
                }
            }
            let restored = tempfile::tempdir().unwrap();
            let dir = restored.path();
            let repaired = Embedded::restore(to, dir, &options(), &mut |_, _| {}).unwrap();
            assert_eq!(
                repaired.pictures,
                u64::from(PICTURES),
                "{case}: {repaired:?}"
            );
            // store.toml and its copy are one.
            let named = files.iter().filter(|file| **file != "store.toml.bak");
            assert_eq!(
                repaired.damaged.len(),
                named.count(),
                "{case}: {repaired:?}"
            );
            assert_whole(dir);
            // And the next backup mends them.
            Embedded::backup(own.path(), to, BackupOptions::default(), &mut |_, _| {}).unwrap();
            let restored = tempfile::tempdir().unwrap();
            let again = Embedded::restore(to, restored.path(), &options(), &mut |_, _| {});
            assert!(again.unwrap().damaged.is_empty(), "{case}");
        }
    }
    // What was never finished is none.
    let (backup, restored) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::create_dir(backup.path().join("activations")).unwrap();
    std::fs::copy(segment(own.path(), FIRST), segment(backup.path(), FIRST)).unwrap();
    let restored = Embedded::restore(backup.path(), restored.path(), &options(), &mut |_, _| {});
    assert!(matches!(restored, Err(StoreError::NoBackup { .. })));
}
