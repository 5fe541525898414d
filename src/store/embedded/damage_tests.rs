//! What comes of damage: every file of a store is flipped, cut, zeroed, deleted and swapped, and
//! sled's file is put together of pages of different moments, as a crash may leave it. The answer
//! must be the same, or a clear error; never fewer pictures in silence. After a repair everything
//! is there again that was not itself damaged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::log::Position;
use super::*;
use crate::canonical_url::CanonicalUrl;
use crate::store::conformance::fixture::{file, options, picture_id, picture_with};
use crate::store::leases::LEASE_TIME;
use crate::store::{Blocks, Body, Discovery, PictureHint, PictureOutcome, Role, Source};

const PICTURES: u8 = 12;
const WAITING: u8 = 40;
/// Bytes of a page of sled's file, as disks write it.
const PAGE: usize = 4096;

/// A few hundred, or a share of what `SIMDEX_CRASHES` says.
fn rounds(few: u64) -> u64 {
    let wanted = std::env::var("SIMDEX_CRASHES").ok();
    let wanted = wanted.and_then(|text| text.parse::<u64>().ok());
    wanted.map_or(few, |wanted| few.max(few * wanted / 3000))
}

fn open(dir: &Path) -> Result<Embedded, StoreError> {
    Embedded::open(dir, &options(), LEASE_TIME)
}

fn commit(store: &Embedded, n: u8) {
    let block = vec![n; 3000 + 100 * usize::from(n)];
    let outcome = PictureOutcome::Picture(file(&format!("{n}.png")), picture_with(block, n));
    store.metadata.commit(vec![outcome], &store.blocks).unwrap();
}

/// Makes a store with two segments, removed pictures, bodies and a frontier. `between` is called
/// after each commit.
fn fill(dir: &Path, between: &mut dyn FnMut(&Path)) {
    let store = open(dir).unwrap();
    let seed = Discovery {
        url: CanonicalUrl::parse("https://a.example/").unwrap(),
        role: Role::Page,
        depth: 0,
        embed: None,
        hint: PictureHint::default(),
    };
    store.metadata.offer(&[seed]).unwrap();
    for n in 0..PICTURES {
        commit(&store, n);
        if n == PICTURES / 2 {
            store.metadata.log.close_segment().unwrap();
        }
        if n % 4 == 3 {
            store.metadata.remove_picture(picture_id(n)).unwrap();
        }
        between(dir);
    }
    let body = Body {
        origin: file("body.png"),
        id: picture_id(WAITING),
        bytes: vec![WAITING; 500],
    };
    store.metadata.keep_bodies(vec![body]).unwrap();
    between(dir);
}

/// All that a store knows of a picture, as text.
type Told = String;

/// All that a store knows of its pictures.
fn tell(store: &Embedded) -> Result<BTreeMap<u64, Told>, StoreError> {
    let (metadata, blocks) = (&store.metadata, &store.blocks);
    let mut told = BTreeMap::new();
    for entry in metadata.pictures() {
        let (sequence, id) = entry?;
        let damaged = StoreError::Damaged { picture: id };
        let location = metadata.block_location(id)?.ok_or(damaged)?;
        let damaged = || StoreError::Damaged { picture: id };
        let picture = (
            metadata.picture(id)?.ok_or_else(damaged)?,
            metadata.descriptor(sequence)?,
            metadata.look(sequence)?,
            metadata.thumbnail(id)?.ok_or_else(damaged)?,
            blocks.read(id, location)?.to_vec(),
            blocks.verify(id, location)?.to_vec(),
            metadata.trees.provenance(id)?,
        );
        told.insert(sequence.0, format!("{picture:?}"));
    }
    // The body under a number that no picture has.
    let body = metadata.waiting_body(picture_id(WAITING))?;
    told.insert(u64::MAX, format!("{body:?}"));
    Ok(told)
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let found = walkdir::WalkDir::new(dir).sort_by_file_name();
    let found = found.into_iter().filter_map(Result::ok);
    let files = found.filter(|entry| entry.file_type().is_file());
    let relative = files.filter_map(|entry| Some(entry.path().strip_prefix(dir).ok()?.to_owned()));
    relative.filter(|path| path != Path::new("lock")).collect()
}

fn copy(from: &Path, to: &Path) {
    for path in files(from) {
        let target = to.join(&path);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(from.join(&path), target).unwrap();
    }
}

/// What came of one damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Came {
    Same,
    Error,
}

/// Opens a damaged store and reads all of it, then repairs it if that failed. `whole`: the log is
/// not damaged, so the repaired store must have everything.
fn outcome(dir: &Path, expected: &BTreeMap<u64, Told>, whole: bool, about: &str) -> Came {
    let opened = records::guarded(|| open(dir).and_then(|store| tell(&store)));
    let opened = opened.unwrap_or_else(|| panic!("{about}: a panic"));
    match opened {
        Ok(told) => {
            assert!(told == *expected, "{about}: other pictures in silence");
            return Came::Same;
        }
        Err(error) => {
            let text = error.to_string();
            assert!(!text.is_empty() && text.len() < 500, "{about}: {text}");
        }
    }
    let repaired = records::guarded(|| Embedded::repair(dir, &options()));
    let repaired = repaired.unwrap_or_else(|| panic!("{about}: a panic of the repair"));
    if matches!(repaired, Err(StoreError::Newer { .. })) {
        // A flipped bit of the format; a newer simdex may have written it.
        return Came::Error;
    }
    if repaired.is_ok() {
        let store = open(dir).unwrap_or_else(|error| panic!("{about}: after repair: {error}"));
        let mut damages = 0;
        let mut count = |entry: Result<_, _>| {
            damages += u32::from(entry.is_err());
            Ok(())
        };
        let log = &store.metadata.log;
        log.for_each_entry(Position::default(), &mut count).unwrap();
        assert_eq!(damages, 0, "{about}: the log is not whole after the repair");
        match tell(&store) {
            Ok(told) => {
                let all = told
                    .iter()
                    .all(|(n, picture)| expected.get(n) == Some(picture));
                assert!(all, "{about}: other pictures after the repair");
                assert!(
                    !whole || told == *expected,
                    "{about}: fewer after the repair"
                );
            }
            Err(error) => assert!(!whole, "{about}: after the repair: {error}"),
        }
    } else {
        let error = repaired.err().map(|error| error.to_string());
        assert!(!whole, "{about}: no repair: {error:?}");
    }
    Came::Error
}

#[test]
fn damage_gives_the_same_answer_or_an_error() {
    let (original, other, work) = (
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    fill(original.path(), &mut |_| {});
    // Its pictures were seen in another second.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    fill(other.path(), &mut |_| {});
    let expected = tell(&open(original.path()).unwrap()).unwrap();
    let mut came: BTreeMap<(String, &str, Came), u64> = BTreeMap::new();
    let mut random = ChaCha8Rng::seed_from_u64(0);
    for round in 0..rounds(3) {
        for path in files(original.path()) {
            for damage in ["flip", "cut", "zero", "delete", "swap"] {
                let dir = work.path().join(format!("{round}"));
                let _ = std::fs::remove_dir_all(&dir);
                copy(original.path(), &dir);
                let target = dir.join(&path);
                let mut bytes = std::fs::read(&target).unwrap();
                let at = random.random_range(0..bytes.len().max(1));
                match damage {
                    "flip" if !bytes.is_empty() => bytes[at] ^= 1 << random.random_range(0..8),
                    "cut" => bytes.truncate(at),
                    "zero" => {
                        let from = at / PAGE * PAGE;
                        let to = bytes.len().min(from + PAGE);
                        bytes[from..to].fill(0);
                    }
                    "swap" => match std::fs::read(other.path().join(&path)) {
                        Ok(others) => bytes = others,
                        Err(_) => continue,
                    },
                    _ => {}
                }
                match damage {
                    "delete" => std::fs::remove_file(&target).unwrap(),
                    _ => std::fs::write(&target, &bytes).unwrap(),
                }
                let name = path.display().to_string();
                let about = format!("round {round}: {name}, {damage} at {at}");
                let whole = !name.starts_with("activations");
                let result = outcome(&dir, &expected, whole, &about);
                *came.entry((name, damage, result)).or_default() += 1;
            }
        }
    }
    for ((path, damage, result), count) in came {
        println!("{path}\t{damage}\t{result:?}\t{count}");
    }
}

#[test]
fn records_of_mixed_moments_lose_no_picture() {
    let (original, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut moments: Vec<Vec<u8>> = Vec::new();
    fill(original.path(), &mut |dir| {
        moments.push(std::fs::read(dir.join("records/db")).unwrap());
    });
    moments.push(std::fs::read(original.path().join("records/db")).unwrap());
    let expected = tell(&open(original.path()).unwrap()).unwrap();
    let mut came: BTreeMap<Came, u64> = BTreeMap::new();
    for seed in 0..rounds(150) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let dir = work.path().join(seed.to_string());
        copy(original.path(), &dir);
        let (old, new) = (
            moments.choose(&mut random).unwrap(),
            moments.choose(&mut random).unwrap(),
        );
        let mut mixed = new.clone();
        let share = random.random_range(0.0..=1.0);
        for (page, bytes) in mixed.chunks_mut(PAGE).enumerate() {
            if random.random_bool(share) {
                let from = old.get(page * PAGE..).unwrap_or_default();
                let count = from.len().min(bytes.len());
                bytes[..count].copy_from_slice(&from[..count]);
                bytes[count..].fill(0);
            }
        }
        if random.random_bool(0.3) {
            mixed.truncate(random.random_range(0..mixed.len()));
        }
        std::fs::write(dir.join("records/db"), mixed).unwrap();
        if random.random_bool(0.5) {
            for snapshot in files(&dir.join("records")) {
                if snapshot.to_string_lossy().starts_with("snap") {
                    std::fs::remove_file(dir.join("records").join(snapshot)).unwrap();
                }
            }
        }
        let result = outcome(&dir, &expected, true, &format!("seed {seed}"));
        *came.entry(result).or_default() += 1;
        std::fs::remove_dir_all(&dir).unwrap();
    }
    println!("{came:?}");
    assert!(came.get(&Came::Same).is_some_and(|same| *same > 0));
}

#[test]
fn a_copy_of_a_store_in_use_is_whole_or_an_error() {
    let (original, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let acknowledged = std::sync::atomic::AtomicUsize::new(0);
    let dir = original.path();
    let copies = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let store = open(dir).unwrap();
            let body = Body {
                origin: file("body.png"),
                id: picture_id(WAITING),
                bytes: vec![WAITING; 500],
            };
            store.metadata.keep_bodies(vec![body]).unwrap();
            for n in 0..WAITING {
                commit(&store, n);
                acknowledged.store(usize::from(n) + 1, Ordering::SeqCst);
                if n % 9 == 8 {
                    store.metadata.log.close_segment().unwrap();
                }
            }
        });
        let mut copies = Vec::new();
        while !writer.is_finished() {
            let before = acknowledged.load(Ordering::SeqCst);
            let to = work.path().join(copies.len().to_string());
            if before > 0 && try_copy(dir, &to).is_ok() {
                copies.push((before, to));
            }
        }
        copies
    });
    let expected = tell(&open(dir).unwrap()).unwrap();
    assert!(copies.len() > 2);
    for (before, copy) in copies {
        let opened = open(&copy).and_then(|store| tell(&store));
        let told = opened.unwrap_or_else(|_| {
            let _ = Embedded::repair(&copy, &options());
            tell(&open(&copy).unwrap()).unwrap()
        });
        // The body is told, too.
        assert!(told.len() > before, "{} of {before}", told.len());
        assert!(
            told.iter()
                .all(|(n, picture)| expected.get(n) == Some(picture))
        );
    }
}

fn try_copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for path in files(from) {
        let target = to.join(&path);
        std::fs::create_dir_all(target.parent().unwrap())?;
        std::fs::copy(from.join(&path), target)?;
    }
    Ok(())
}

#[test]
fn a_store_that_is_only_read_tells_the_same_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), &mut |_| {});
    let expected = tell(&open(dir.path()).unwrap()).unwrap();
    let bytes = |dir: &Path| -> Vec<Vec<u8>> {
        let files = files(dir).into_iter();
        files
            .map(|path| std::fs::read(dir.join(path)).unwrap())
            .collect()
    };
    let before = bytes(dir.path());
    let store = Embedded::open_read_only(dir.path(), &options()).unwrap();
    assert!(tell(&store).unwrap() == expected);
    let refused = |result: Result<(), StoreError>| {
        assert!(
            matches!(result, Err(StoreError::ReadOnly { .. })),
            "{result:?}"
        );
    };
    let metadata = &store.metadata;
    refused(metadata.remove_picture(picture_id(0)).map(drop));
    refused(metadata.offer(&[]).map(drop));
    let picture = PictureOutcome::Picture(file("new.png"), picture_with(vec![1], 99));
    refused(metadata.commit(vec![picture], &store.blocks).map(drop));
    drop(store);
    assert!(bytes(dir.path()) == before);
}

#[test]
fn a_url_is_not_asked_again_when_only_the_log_knows_its_picture() {
    let dir = tempfile::tempdir().unwrap();
    let aside = tempfile::tempdir().unwrap();
    let url = CanonicalUrl::parse("https://a.example/1.png").unwrap();
    let (id, host) = (url.id(), url.host_id());
    let store = open(dir.path()).unwrap();
    let found = Discovery {
        url,
        role: Role::Picture,
        depth: 1,
        embed: None,
        hint: PictureHint::default(),
    };
    store.metadata.offer(&[found]).unwrap();
    drop(store);
    copy(&dir.path().join("records"), aside.path());
    let store = open(dir.path()).unwrap();
    let lease = store.metadata.lease(host, true).unwrap().unwrap();
    let picture = picture_with(vec![1; 100], 1);
    let outcome = PictureOutcome::Picture(Source::Url(lease), picture);
    store.metadata.commit(vec![outcome], &store.blocks).unwrap();
    drop(store);
    std::fs::remove_dir_all(dir.path().join("records")).unwrap();
    copy(aside.path(), &dir.path().join("records"));
    let store = open(dir.path()).unwrap();
    assert!(store.metadata.contains(picture_id(1)).unwrap());
    assert!(store.metadata.lease(host, true).unwrap().is_none());
    let visit = store.metadata.visit(id).unwrap().unwrap();
    assert_eq!(visit.content, *picture_id(1).as_bytes());
}
