//! Activations in a real S3 server: a Python package that brings one.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use testweb::servers::Bucket;

use super::{ObjectBlocks, Past};
use crate::picture::PictureId;
use crate::store::{AppendEntries, Blocks, Entry, EntryLocation, Section, SectionKind};

/// Names a bucket of whatever kind that this program's environment has the keys of.
const BLOCKS: &str = "SIMDEX_TEST_BLOCKS";

fn open(url: &str, settings: &[(&str, String)], cache: Option<&TempDir>) -> ObjectBlocks {
    let next = AtomicU32::new(0);
    let number = Box::new(move || Ok(next.fetch_add(1, Ordering::Relaxed)));
    let cache = cache.map(|dir| (dir.path(), 1 << 20));
    let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
    let settings: Vec<(&str, &str)> = settings.collect();
    ObjectBlocks::open_with(url, &settings, cache, Duration::ZERO, number).unwrap()
}

#[test]
fn activations_are_kept_by_a_real_s3_server() {
    let Some(bucket) = Bucket::start().unwrap() else {
        return;
    };
    let settings = Bucket::environment(bucket.port());
    assert_keeps("s3://pictures/a/store", &settings, || drop(bucket));
}

#[test]
fn activations_are_kept_by_a_bucket_that_the_environment_names() {
    match std::env::var(BLOCKS) {
        Ok(url) => {
            let folder = format!(
                "{}/{:032x}",
                url.trim_end_matches('/'),
                rand::random::<u128>()
            );
            assert_keeps(&folder, &[], || ());
        }
        Err(_) => eprintln!("skipped: no bucket of gs:// or az://; name one in {BLOCKS}"),
    }
}

/// `end` ends the server, where it can.
fn assert_keeps(url: &str, settings: &[(&str, String)], end: impl FnOnce()) {
    let open = |cache| open(url, settings, cache);
    let kept = tempfile::tempdir().unwrap();
    let blocks = open(Some(&kept));
    let pictures: Vec<PictureId> = (0..5_u8).map(|n| PictureId::of(&[n])).collect();
    let bytes: Vec<Vec<u8>> = (0..5_u8)
        .map(|n| vec![n; 100_000 * usize::from(n)])
        .collect();
    let entry = |n: usize| Entry {
        picture: pictures[n],
        sections: vec![Section::of_bytes(SectionKind::Block, &bytes[n])],
    };
    let entries: Vec<Entry<'_>> = (0..5).map(entry).collect();
    let places: Vec<EntryLocation> = blocks.append(&entries).unwrap();
    for n in 0..5 {
        assert_eq!(
            *blocks.verify(pictures[n], places[n]).unwrap(),
            bytes[n][..]
        );
        assert_eq!(*blocks.read(pictures[n], places[n]).unwrap(), bytes[n][..]);
        assert!(blocks.read(pictures[(n + 1) % 5], places[n]).is_err());
    }
    // Another that begins to count anew writes over nothing, and one of another store does not begin.
    blocks.check_owner("one", Past::Unmarked(Some(0))).unwrap();
    let again = open(None);
    assert!(again.check_owner("another", Past::Unmarked(None)).is_err());
    again.check_owner("one", Past::Marked).unwrap();
    let other = Entry {
        picture: pictures[4],
        sections: vec![Section::of_bytes(SectionKind::Block, &bytes[1])],
    };
    let at = again.append(&[other]).unwrap()[0];
    assert_eq!(*again.verify(pictures[4], at).unwrap(), bytes[1][..]);
    assert_eq!(*again.verify(pictures[2], places[2]).unwrap(), bytes[2][..]);
    // What was read is on this machine, whatever becomes of the server.
    end();
    assert_eq!(*blocks.read(pictures[3], places[3]).unwrap(), bytes[3][..]);
}

#[test]
fn what_has_changed_on_this_machine_is_read_from_the_bucket_again() {
    let [folder, kept] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let url = format!("file://{}", folder.path().display());
    let open = || {
        let cache = Some((kept.path(), 1 << 20));
        ObjectBlocks::open(&url, cache, Duration::ZERO, Box::new(|| Ok(0))).unwrap()
    };
    let (picture, bytes) = (PictureId::of(b"a"), vec![7; 1000]);
    let entry = Entry {
        picture,
        sections: vec![Section::of_bytes(SectionKind::Block, &bytes)],
    };
    let at = open().append(&[entry]).unwrap()[0];
    assert_eq!(*open().read(picture, at).unwrap(), bytes[..]);
    let of_cache = || std::fs::read_dir(kept.path()).unwrap().next().unwrap();
    let path = of_cache().unwrap().path();
    let mut changed = std::fs::read(&path).unwrap();
    *changed.last_mut().unwrap() ^= 1;
    std::fs::write(&path, changed).unwrap();
    assert_eq!(*open().read(picture, at).unwrap(), bytes[..]);
}
